//! A house with one route `all` from `old` to `new`, steady traffic, and origins whose health can be set.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::{Duration, Instant};

use figshift::control::Overrides;
use figshift::policy::ramp;
use rand::RngExt as _;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::house::{House, Plan};
use crate::support::load::Load;
use crate::support::origin::{Do, Origin, ok, status};

/// Some times what the simulation gives as the 95th percentile of the delay for what is tried here: the machine
/// may be busy, and the evidence comes with the requests.
pub(crate) const PATIENCE: Duration = Duration::from_secs(180);

/// How an origin does at the moment.
#[derive(Debug, Clone, Default)]
pub(crate) struct Health(Arc<Figures>);

#[derive(Debug, Default)]
struct Figures {
    /// Failures in a thousand.
    fails: AtomicU64,
    /// Mean time of an answer in milliseconds.
    takes: AtomicU64,
}

impl Health {
    pub(crate) fn fails(&self, per_mille: u64) {
        self.0.fails.store(per_mille, SeqCst);
    }

    pub(crate) fn takes(&self, ms: u64) {
        self.0.takes.store(ms, SeqCst);
    }

    fn answer(&self, who: &str) -> Vec<Do> {
        let mut dice = rand::rng();
        let takes = self.0.takes.load(SeqCst) as f64 * dice.random_range(0.5..1.5);
        let pause = Do::Pause(Duration::from_micros((takes * 1e3) as u64));
        if dice.random_range(0..1000) < self.0.fails.load(SeqCst) {
            return vec![pause, status("500 Internal Server Error", &[], b"broken")];
        }
        vec![pause, ok(who.as_bytes())]
    }
}

pub(crate) struct Stage {
    pub(crate) old: Health,
    pub(crate) new: Health,
    origins: [Origin; 2],
    pub(crate) house: House,
    load: Option<Load>,
}

impl Stage {
    /// At this percent, with further lines of the route.
    pub(crate) async fn open(percent: f64, route: &str) -> Self {
        let (old, new) = (Health::default(), Health::default());
        let origin = |health: &Health, who: &'static str| {
            health.takes(10);
            let health = health.clone();
            Origin::new(move |_| health.answer(who))
        };
        let origins = [origin(&old, "old"), origin(&new, "new")];
        let folder = tempfile::tempdir().unwrap();
        let house = plan(&origins, percent, route).start_in(folder).await;
        Self {
            old,
            new,
            origins,
            house: house.unwrap(),
            load: None,
        }
    }

    /// Steady traffic: so many clients that ask again and again.
    pub(crate) fn traffic(&mut self, clients: usize) {
        self.load = Some(Load::start(self.house.app.http, clients, 0));
    }

    pub(crate) async fn quiet(&mut self) {
        if let Some(load) = self.load.take() {
            load.stop().await;
        }
    }

    /// Ends the house and starts another one on the same folder, with this file.
    pub(crate) async fn restart(mut self, percent: f64, route: &str) -> Self {
        self.quiet().await;
        let folder: TempDir = self.house.stop().await;
        let house = plan(&self.origins, percent, route).start_in(folder).await;
        Self {
            house: house.unwrap(),
            ..self
        }
    }

    pub(crate) async fn primary_dies(&self) {
        self.origins[0].kill().await;
    }

    pub(crate) fn primary_comes_back(&self) {
        self.origins[0].revive();
    }

    /// Hundredths of a percent that workers act on.
    pub(crate) fn in_force(&self) -> u16 {
        self.house.app.publisher.current().routes[0]
            .split
            .hundredths()
    }

    pub(crate) fn why(&self) -> String {
        self.house.standing().forces["all"].to_string()
    }

    pub(crate) fn requests(&self) -> u64 {
        self.house.primary().all_attempts() + self.house.candidate().all_attempts()
    }

    /// Waits for a condition; gives the time that it took.
    pub(crate) async fn until(&self, what: &str, holds: impl Fn(&Self) -> bool) -> Duration {
        let begun = Instant::now();
        while !holds(self) {
            let story = || format!("{what}: {}\n{}", self.why(), self.journal_text());
            assert!(begun.elapsed() < PATIENCE, "still not so: {}", story());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        begun.elapsed()
    }

    /// Lets this time go by; the traffic goes on.
    pub(crate) async fn while_nothing_moves(&self, time: Duration) {
        let (begun, share) = (Instant::now(), self.in_force());
        while begun.elapsed() < time {
            assert_eq!(
                self.in_force(),
                share,
                "{}\n{}",
                self.why(),
                self.journal_text()
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Until so many requests more have been served.
    pub(crate) async fn served(&self, more: u64) {
        let enough = self.requests() + more;
        self.until("requests are served", |stage| stage.requests() >= enough)
            .await;
    }

    pub(crate) async fn post(&self, what: &str, body: Value) -> u16 {
        let client = figshift::outbound::near().build().unwrap();
        let url = format!("http://{}/api/v1/{what}", self.house.app.admin);
        let answer = client.post(url).json(&body).send().await.unwrap();
        answer.status().as_u16()
    }

    pub(crate) async fn resume(&self) {
        assert_eq!(self.post("resume", json!({ "route": "all" })).await, 200);
    }

    /// What the journal says holds.
    pub(crate) fn overrides(&self) -> Overrides {
        let path = self.house.folder.path().join("state/journal.ndjson");
        let last = figshift::control::read_journal(&path, 1).unwrap().pop();
        last.map(|entry| entry.overrides).unwrap_or_default()
    }

    pub(crate) fn ramp(&self) -> Option<ramp::State> {
        let climb = self.overrides().of("all").climb;
        climb.map(|climb| climb.ramp.state())
    }

    /// The words of the journal, in order.
    pub(crate) fn words(&self) -> Vec<String> {
        let path = self.house.folder.path().join("state/journal.ndjson");
        let entries = figshift::control::read_journal(&path, 1_000).unwrap();
        entries.into_iter().map(|entry| entry.what).collect()
    }

    pub(crate) fn journal_text(&self) -> String {
        let path = self.house.folder.path().join("state/journal.ndjson");
        std::fs::read_to_string(path).unwrap_or_default()
    }
}

fn plan(origins: &[Origin; 2], percent: f64, route: &str) -> Plan {
    Plan::sides(&origins[0], &origins[1], percent, route).workers(2)
}
