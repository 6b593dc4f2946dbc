//! The feature flags that keep a route's percent. They are read on the control runtime, now and then and
//! never for a request; a value is handed to the controller as a change. What the flag said last holds
//! while its service is silent, after a restart too.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use arc_swap::ArcSwap;
use tokio::task::JoinHandle;

use super::change::{Actor, Change, Refused, What};
use super::door::Door;
use super::jitter::jittered;
use super::ofrep;
use super::sight::{FlagSight, FlagSights};
use crate::config::Config;
use crate::config::model::Flag;
use crate::outbound::Outside;

/// How soon another file is noticed.
const LOOK: Duration = Duration::from_millis(250);

/// After a value that could not be put in force, the next try.
const PAUSE: Duration = Duration::from_secs(30);

/// Where flags are read from, and where what they say goes.
#[derive(Debug, Clone)]
pub struct Flags {
    /// Which routes have one.
    pub config: Arc<ArcSwap<Config>>,
    /// What is known of them; written here and nowhere else.
    pub sights: Arc<ArcSwap<FlagSights>>,
    /// The client.
    pub outside: Outside,
    /// Where the values go.
    pub door: Door,
}

/// Reads the flags of the file in force, until it is dropped.
pub async fn keep_flags(flags: Flags) {
    let mut running: HashMap<String, Running> = HashMap::new();
    let mut stale = BTreeSet::new();
    loop {
        let mut before = std::mem::take(&mut running);
        let config = flags.config.load_full();
        for route in &config.routes {
            let Some(flag) = &route.flag else { continue };
            let kept = match before.remove(&route.name) {
                Some(kept) if kept.flag == *flag => kept,
                _ => Running::start(&flags, &route.name, flag),
            };
            running.insert(route.name.clone(), kept);
        }
        drop(before);
        flags.forget_others(&running);
        tell_stale(&flags.sights.load(), &mut stale);
        tokio::time::sleep(LOOK).await;
    }
}

/// The reader of one route's flag. Ends with its value.
struct Running {
    flag: Flag,
    task: JoinHandle<()>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Running {
    fn start(flags: &Flags, route: &str, flag: &Flag) -> Self {
        let sight = FlagSight::new(&flag.key, flag.stale_after.get());
        flags.see(route, |seen| *seen = sight.clone());
        let reader = Reader {
            flags: flags.clone(),
            route: route.to_owned(),
            flag: flag.clone(),
            told: None,
            refused: None,
        };
        Self {
            flag: flag.clone(),
            task: tokio::spawn(reader.run()),
        }
    }
}

impl Flags {
    /// Alters what is known of a flag.
    fn see(&self, route: &str, alter: impl Fn(&mut FlagSight)) {
        self.sights.rcu(|sights| {
            let mut sights = FlagSights::clone(sights);
            let new = || FlagSight::new("", Duration::ZERO);
            alter(sights.entry(route.to_owned()).or_insert_with(new));
            sights
        });
    }

    /// A reader that has ended may have written after its end.
    fn forget_others(&self, running: &HashMap<String, Running>) {
        let known = |route: &String| running.contains_key(route);
        if !self.sights.load().keys().all(known) {
            self.sights.rcu(|sights| {
                let mut sights = FlagSights::clone(sights);
                sights.retain(|route, _| known(route));
                sights
            });
        }
    }
}

struct Reader {
    flags: Flags,
    route: String,
    flag: Flag,
    /// The trouble that was told, so that it is told once.
    told: Option<String>,
    /// The value that the controller has refused, and when.
    refused: Option<(u16, Instant)>,
}

impl Reader {
    async fn run(mut self) {
        let url = ofrep::url(&self.flag);
        loop {
            let token = self.flag.token.as_ref().filter(|token| !token.is_empty());
            let token = token.map(|token| token.expose());
            let request = ofrep::Request::of(&self.route);
            let timeout = self.flag.timeout.get();
            let answer = self
                .flags
                .outside
                .post(&url, token, &request, timeout)
                .await;
            let wait = answer.as_ref().ok().and_then(|answer| answer.retry_after);
            match ofrep::read(answer) {
                Ok(percent) => {
                    self.heard(percent);
                    if let Err(Refused::Gone) = self.hand_in(percent).await {
                        return;
                    }
                }
                Err(trouble) => self.not_heard(&trouble),
            }
            let pause = self.pause().max(wait.unwrap_or_default());
            tokio::time::sleep(pause).await;
        }
    }

    fn heard(&mut self, percent: f64) {
        let (since, good_at) = (Instant::now(), SystemTime::now());
        self.flags.see(&self.route, |sight| {
            sight.says = Some(percent);
            sight.good_at = Some(good_at);
            sight.since = since;
            sight.error = None;
        });
        if self.told.take().is_some() {
            let (route, flag) = (&*self.route, &*self.flag.key);
            tracing::info!(route, flag, percent, "The flag can be read again");
        }
    }

    fn not_heard(&mut self, trouble: &ofrep::Trouble) {
        self.flags.see(&self.route, |sight| {
            sight.error = Some(trouble.to_string());
        });
        if self.told.as_ref() != Some(&trouble.what) {
            let (route, flag) = (&*self.route, &*self.flag.key);
            tracing::warn!(route, flag, %trouble, "The flag cannot be read: its last value holds");
            self.told = Some(trouble.what.clone());
        }
    }

    /// Each time: the controller knows what is new. Only what it has refused has to wait.
    async fn hand_in(&mut self, percent: f64) -> Result<(), Refused> {
        // Not over 10 000, so the cast is exact.
        let hundredths = (percent * 100.0).round() as u16;
        if let Some((refused, at)) = self.refused
            && refused == hundredths
            && at.elapsed() < PAUSE
        {
            return Ok(());
        }
        let what = What::Flag {
            route: self.route.clone(),
            hundredths,
        };
        let mut change = Change::new(what, Actor::Flag);
        if hundredths > self.flag.max.hundredths() {
            change.reason = "it says more, and this is `max`".to_owned();
        }
        let answer = self.flags.door.ask(change).await;
        self.refused = answer.is_err().then(|| (hundredths, Instant::now()));
        if let Err(refused) = &answer {
            let route = &*self.route;
            tracing::error!(route, percent, %refused, "What the flag says is not in force");
        }
        answer.map(|_| ())
    }

    /// Until the next one.
    fn pause(&self) -> Duration {
        jittered(self.flag.every.get())
    }
}

/// A line when a flag becomes stale, and one when that is over.
fn tell_stale(sights: &FlagSights, told: &mut BTreeSet<String>) {
    let now = Instant::now();
    for (route, sight) in sights {
        let (flag, seconds) = (&*sight.key, sight.age(now).as_secs());
        let error = sight.error.as_deref().unwrap_or_default();
        if sight.is_stale(now) {
            if told.insert(route.clone()) {
                tracing::warn!(
                    route,
                    flag,
                    seconds,
                    error,
                    "The flag is stale: its last value holds"
                );
            }
        } else if told.remove(route) {
            tracing::info!(route, flag, "The flag is not stale any more");
        }
    }
    told.retain(|route| sights.contains_key(route));
}
