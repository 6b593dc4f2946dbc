//! What the states of an instance mean for its traffic.

use super::Instance;

/// How an instance stands by what the API says. It is not the last word: whether a service answers is found by
/// asking it, and that an instance is gone is seen first by a connection that fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// The container runs and shall run. Neither says that the port is mapped or that a service answers.
    Runs,
    /// It is on its way: no traffic yet, and the text says what is awaited.
    Waits(&'static str),
    /// An interruptible one that was stopped: most likely outbid. It comes back by itself.
    Preempted,
    /// It does not come back by itself; the text says why.
    Out(&'static str),
    /// Its host is silent. What it did before may be trusted for a short time, if it still answers.
    Unsure(&'static str),
}

impl Standing {
    /// One word, as in `status`: `running`, `starting`, `preempted`, `out` or `unsure`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Runs => "running",
            Self::Waits(_) => "starting",
            Self::Preempted => "preempted",
            Self::Out(_) => "out",
            Self::Unsure(_) => "unsure",
        }
    }

    /// The rest of the sentence that begins with the instance, such as `is stopped`.
    pub fn why(self) -> &'static str {
        match self {
            Self::Runs => "runs",
            Self::Preempted => "was stopped by the platform, most likely outbid",
            Self::Waits(why) | Self::Out(why) | Self::Unsure(why) => why,
        }
    }
}

impl Instance {
    /// How it stands. The three fields of intent are asked first: a start that has failed still shows
    /// `loading`, and one that is being stopped still shows `running`.
    pub fn standing(&self) -> Standing {
        let word = |word: &'_ Option<String>| word.clone().unwrap_or_default();
        let actual = word(&self.actual_status);
        let intents = [&self.intended_status, &self.next_state, &self.cur_state].map(word);
        let says = |words: &[&str]| {
            let mut all = intents.iter().chain([&actual]);
            all.any(|said| words.contains(&said.as_str()))
        };
        if says(&["unloaded", "destroyed", "terminated", "destroying"]) {
            return Standing::Out("is destroyed");
        }
        if says(&["frozen"]) {
            return Standing::Out("is frozen");
        }
        let [intended, next, current] = intents.each_ref().map(String::as_str);
        let heads_for_a_run = [intended, next].contains(&"running")
            && [intended, next]
                .iter()
                .all(|word| matches!(*word, "running" | ""));
        if current == "stopped" && heads_for_a_run {
            return Standing::Waits("waits for its GPU to be free");
        }
        if intents.iter().any(|word| word == "stopped") {
            return self.stopped(&actual);
        }
        if intents
            .iter()
            .any(|word| !matches!(word.as_str(), "running" | ""))
        {
            return Standing::Waits("is in a state that figshift does not know");
        }
        match actual.as_str() {
            "running" => Standing::Runs,
            "" => Standing::Waits("is being provisioned"),
            "created" => Standing::Waits("is made and not started yet"),
            "loading" | "starting" | "pending" | "creating" => {
                Standing::Waits("loads its image or starts")
            }
            "rebooting" => Standing::Waits("reboots"),
            "stopped" | "exited" if intents.iter().all(String::is_empty) => self.stopped(&actual),
            "stopped" | "exited" => Standing::Out("has ended, although it shall run"),
            "error" => Standing::Out("has failed"),
            "unknown" => Standing::Unsure("has sent no heartbeat"),
            "offline" => Standing::Unsure("is on a host that is out of contact"),
            _ => Standing::Waits("is in a state that figshift does not know"),
        }
    }

    /// That it was outbid cannot be told from a stop by its owner; being interruptible makes it likely.
    fn stopped(&self, actual: &str) -> Standing {
        match (self.is_interruptible, actual) {
            (true, _) => Standing::Preempted,
            (false, "created" | "loading") => Standing::Out("was stopped before it had started"),
            (false, _) => Standing::Out("is stopped"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Actual, intended, current, next; `-` for null.
    fn standing(states: &str, is_bid: bool) -> (&'static str, &'static str) {
        let mut row = json!({"id": 1, "is_bid": is_bid});
        let names = [
            "actual_status",
            "intended_status",
            "cur_state",
            "next_state",
        ];
        for (name, word) in names.iter().zip(states.split(' ')) {
            if word != "-" {
                row[*name] = json!(word);
            }
        }
        let standing = Instance::read(&row).unwrap().standing();
        (standing.word(), standing.why())
    }

    #[test]
    fn every_picture_has_its_meaning() {
        for (states, on_demand, interruptible) in [
            ("running running running running", "running", "running"),
            ("Running running running running", "running", "running"),
            ("running - - -", "running", "running"),
            ("running running - -", "running", "running"),
            // On its way.
            ("- running running running", "starting", "starting"),
            ("- - - -", "starting", "starting"),
            ("created running running running", "starting", "starting"),
            ("loading running running running", "starting", "starting"),
            ("rebooting running running running", "starting", "starting"),
            ("exited running stopped running", "starting", "starting"),
            ("exited running stopped -", "starting", "starting"),
            // Outbid, or stopped by its owner.
            ("exited stopped stopped stopped", "out", "preempted"),
            ("loading stopped stopped stopped", "out", "preempted"),
            ("created stopped stopped stopped", "out", "preempted"),
            ("running stopped stopped stopped", "out", "preempted"),
            ("running running running stopped", "out", "preempted"),
            ("exited - stopped -", "out", "preempted"),
            ("exited - - -", "out", "preempted"),
            ("stopped - - -", "out", "preempted"),
            // Over.
            ("exited running running running", "out", "out"),
            ("stopped running running running", "out", "out"),
            ("frozen frozen running running", "out", "out"),
            ("running frozen running running", "out", "out"),
            ("running running unloaded unloaded", "out", "out"),
            ("destroyed - - -", "out", "out"),
            ("error running running running", "out", "out"),
            // Silent.
            ("unknown running running running", "unsure", "unsure"),
            ("offline running running running", "unsure", "unsure"),
            ("offline stopped stopped stopped", "out", "preempted"),
            // Words of tomorrow.
            (
                "hibernating running running running",
                "starting",
                "starting",
            ),
            (
                "running hibernating running running",
                "starting",
                "starting",
            ),
        ] {
            assert_eq!(standing(states, false).0, on_demand, "{states}");
            assert_eq!(
                standing(states, true).0,
                interruptible,
                "{states}, interruptible"
            );
        }
        let failed = standing("loading stopped stopped stopped", false);
        assert_eq!(failed.1, "was stopped before it had started");
    }
}
