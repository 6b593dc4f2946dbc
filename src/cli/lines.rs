//! The guard, the ramp and the feature flag of a route, a line each.

use super::columns::{percent, plain};
use crate::api::{
    FlagState, GuardState, GuardWord, MetricWord, PausedBy, RampState, RampWord, RouteState,
    Yardstick,
};

/// What there is to tell beside the chain, each line without its end.
pub(super) fn lines(route: &RouteState) -> Vec<String> {
    let guard = route.guard.as_ref();
    let guard = guard.map(|guard| format!("guard: {}", of_guard(guard)));
    let ramp = route.ramp.as_ref();
    let ramp = ramp.map(|ramp| format!("ramp: {}", of_ramp(ramp)));
    let flag = route.flag.as_ref();
    let flag = flag.map(|flag| format!("flag: {}", of_flag(flag)));
    guard.into_iter().chain(ramp).chain(flag).collect()
}

/// `40 % by vastai-percent`, and whether that is old.
fn of_flag(flag: &FlagState) -> String {
    let key = plain(&flag.key);
    let mut text = match flag.percent {
        Some(asks) => format!("{} by {key}", percent(asks)),
        None => format!("{key} has said nothing yet"),
    };
    if flag.stale {
        text += &format!("; STALE: no good answer for {:.0} s", flag.age_seconds);
    }
    if let Some(error) = &flag.error {
        text += &format!("; {}", plain(error));
    }
    text
}

fn of_guard(guard: &GuardState) -> String {
    let why = guard.why.as_deref().map(plain).unwrap_or_default();
    let mut text = match guard.state {
        GuardWord::Off => "off".to_owned(),
        GuardWord::Idle => "idle: the candidate has no share".to_owned(),
        GuardWord::Learning => format!(
            "watching errors and learning what is slow, {}",
            evidence(guard)
        ),
        GuardWord::Watching if guard.compares_with == Yardstick::Limit => {
            "watching the limit of errors".to_owned()
        }
        GuardWord::Watching => format!("watching, {}", evidence(guard)),
        GuardWord::Passed => format!("passed this step, {}", evidence(guard)),
        GuardWord::Warning => format!("WARNING: {why}"),
        GuardWord::Stalled => format!("no result at this step; most against it: {why}"),
        GuardWord::Breach => format!("WORSE: {why}"),
        GuardWord::DryRunBreach => format!("would take the traffic back: {why}"),
        GuardWord::Held => format!("HELD: {why}"),
    };
    if guard.dry_run {
        text = format!("dry run, {text}");
    }
    if guard.ratio_alarm {
        text += "; RATIO ALARM: the candidate does not get its share";
    }
    text
}

/// `evidence 1.3 of 100 (p95), 2410 requests at this step`.
fn evidence(guard: &GuardState) -> String {
    let against = guard.most_against.map(metric);
    let against = against.map(|metric| format!(" ({metric})"));
    format!(
        "evidence {} of {}{}, {} requests at this step",
        short(guard.evidence),
        short(guard.needed),
        against.unwrap_or_default(),
        guard.units_at_step
    )
}

fn metric(metric: MetricWord) -> &'static str {
    match metric {
        MetricWord::Errors => "errors",
        MetricWord::P50 => "p50",
        MetricWord::P95 => "p95",
        MetricWord::P99 => "p99",
    }
}

/// As few digits as tell something.
fn short(x: f64) -> String {
    match x {
        x if x >= 1e6 => format!("{x:.1e}"),
        x if x >= 10.0 => format!("{x:.0}"),
        x => format!("{x:.1}"),
    }
}

/// `climbing at 5 %, next 25 %, waits for about 1900 more requests of the candidate`.
pub(super) fn of_ramp(ramp: &RampState) -> String {
    let mut text = match (ramp.state, ramp.paused_by) {
        (RampWord::Idle, _) => "not started".to_owned(),
        (RampWord::Climbing, _) => "climbing".to_owned(),
        (RampWord::AtGate, _) => "at its gate".to_owned(),
        (RampWord::Paused, Some(PausedBy::Gate)) => "paused by its gate".to_owned(),
        (RampWord::Paused, _) => "paused".to_owned(),
        (RampWord::Finished, _) => "finished".to_owned(),
        (RampWord::RolledBack, _) => "ROLLED BACK".to_owned(),
        (RampWord::Aborted, _) => "aborted".to_owned(),
    };
    if !matches!(ramp.state, RampWord::RolledBack | RampWord::Aborted) {
        text += &format!(" at {}", percent(ramp.percent));
    }
    if let Some(next) = ramp.next_percent {
        text += &format!(", next {}", percent(next));
    }
    if ramp.attempt > 0 {
        text += &format!(", retry {}", ramp.attempt);
    }
    if let Some(waits_for) = &ramp.waits_for {
        text += &format!(", waits for {}", plain(waits_for));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{BadOf, SideUnits};

    fn guard(state: GuardWord) -> GuardState {
        let none = BadOf { bad: 0, n: 0 };
        let units = SideUnits {
            units: 0,
            errors: 0,
            p50: none,
            p95: none,
            p99: none,
        };
        GuardState {
            state,
            dry_run: false,
            compares_with: Yardstick::Primary,
            evidence: 1.27,
            needed: 100.0,
            most_against: Some(MetricWord::P95),
            why: Some("p95 worse: 34 of 210 slow\u{1b}".to_owned()),
            metrics: Vec::new(),
            progress: Vec::new(),
            units_at_step: 2_410,
            more_requests_to_promote: None,
            batches: 0,
            ratio_alarm: false,
            limits: None,
            primary: units,
            candidate: units,
        }
    }

    #[test]
    fn guards_are_told_in_plain_words() {
        let evidence = "evidence 1.3 of 100 (p95), 2410 requests at this step";
        for (state, line) in [
            (GuardWord::Off, "off".to_owned()),
            (
                GuardWord::Idle,
                "idle: the candidate has no share".to_owned(),
            ),
            (GuardWord::Watching, format!("watching, {evidence}")),
            (GuardWord::Passed, format!("passed this step, {evidence}")),
            (
                GuardWord::Learning,
                format!("watching errors and learning what is slow, {evidence}"),
            ),
            (
                GuardWord::Held,
                "HELD: p95 worse: 34 of 210 slow".to_owned(),
            ),
            (
                GuardWord::DryRunBreach,
                "would take the traffic back: p95 worse: 34 of 210 slow".to_owned(),
            ),
        ] {
            assert_eq!(of_guard(&guard(state)), line);
        }
        let mut alone = guard(GuardWord::Watching);
        alone.compares_with = Yardstick::Limit;
        alone.dry_run = true;
        alone.ratio_alarm = true;
        assert_eq!(
            of_guard(&alone),
            "dry run, watching the limit of errors; RATIO ALARM: the candidate does not get its share"
        );
        assert_eq!(
            [0.512, 9.96, 10.4, 143.2, 2e6].map(short),
            ["0.5", "10.0", "10", "143", "2.0e6"]
        );
    }

    #[test]
    fn flags_are_told_and_their_age() {
        let mut flag = FlagState {
            key: "vastai-percent".to_owned(),
            percent: Some(40.0),
            says: Some(40.0),
            last_success: None,
            age_seconds: 3.2,
            stale: false,
            error: None,
        };
        assert_eq!(of_flag(&flag), "40 % by vastai-percent");
        (flag.stale, flag.age_seconds) = (true, 400.0);
        flag.error = Some("no answer".to_owned());
        assert_eq!(
            of_flag(&flag),
            "40 % by vastai-percent; STALE: no good answer for 400 s; no answer"
        );
        (flag.percent, flag.stale) = (None, false);
        assert_eq!(
            of_flag(&flag),
            "vastai-percent has said nothing yet; no answer"
        );
    }

    #[test]
    fn ramps_are_told_in_plain_words() {
        let mut ramp = RampState {
            state: RampWord::Climbing,
            paused_by: None,
            percent: 5.0,
            next_percent: Some(25.0),
            attempt: 0,
            age_seconds: 0,
            min_step_seconds: 0,
            max_step_seconds: 0,
            waits_for: Some("about 1900 more requests of the candidate".to_owned()),
            retry_at: None,
            actor: None,
            at: None,
            reason: None,
        };
        assert_eq!(
            of_ramp(&ramp),
            "climbing at 5 %, next 25 %, waits for about 1900 more requests of the candidate"
        );
        ramp.state = RampWord::RolledBack;
        ramp.percent = 0.0;
        ramp.attempt = 1;
        ramp.waits_for = Some("its next try at 2025-03-04T09:12:44Z".to_owned());
        assert_eq!(
            of_ramp(&ramp),
            "ROLLED BACK, next 25 %, retry 1, waits for its next try at 2025-03-04T09:12:44Z"
        );
        ramp.state = RampWord::Finished;
        (
            ramp.percent,
            ramp.next_percent,
            ramp.attempt,
            ramp.waits_for,
        ) = (100.0, None, 0, None);
        assert_eq!(of_ramp(&ramp), "finished at 100 %");
        ramp.state = RampWord::Paused;
        ramp.paused_by = Some(PausedBy::Gate);
        assert_eq!(of_ramp(&ramp), "paused by its gate at 100 %");
    }
}
