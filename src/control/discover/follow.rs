//! Which sources are looked at: those of the file in force.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::super::discovered::{Discovered, Finds};
use super::super::door::Door;
use super::dns::Names;
use super::file::TargetFile;
use super::http::TargetUrl;
use super::source::{Report, keep_looking};
use super::vastai::{Account, Looker, Paces, Reasons};
use crate::config::Config;
use crate::config::model::{Discover, VastDiscovery};
use crate::outbound::Outside;

/// How soon another file is noticed.
const FOLLOW: Duration = Duration::from_millis(250);
/// A reason to look at once, from wherever it comes. Copies share it.
#[derive(Debug, Clone)]
pub struct Look(Reasons);

impl Default for Look {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(0)))
    }
}

impl Look {
    /// Instances of Vast.ai are looked at as soon as its limits let that.
    pub fn at_once(&self) {
        self.0
            .send_modify(|reasons| *reasons = reasons.wrapping_add(1));
    }
}

/// Where endpoints are looked for, and where the finds go.
#[derive(Debug, Clone)]
pub struct Lookers {
    /// Which backends learn theirs.
    pub config: Arc<ArcSwap<Config>>,
    /// What is known; written here and nowhere else.
    pub finds: Finds,
    /// The client.
    pub outside: Outside,
    /// Where the finds go.
    pub door: Door,
}

/// What a running look is for; another one of these is another look.
#[derive(Debug, Clone, PartialEq)]
enum Task {
    One(String, Box<Discover>),
    /// All backends of one account.
    Many(Account, Vec<(String, VastDiscovery)>),
}

/// Ends with its value.
struct Running(Task, JoinHandle<()>);

impl Drop for Running {
    fn drop(&mut self) {
        self.1.abort();
    }
}

/// Looks for the endpoints of the backends of the file in force, until it is dropped.
pub async fn discover(lookers: Lookers) {
    let mut running: Vec<Running> = Vec::new();
    let paces = Paces::default();
    loop {
        let config = lookers.config.load_full();
        let mut before = std::mem::take(&mut running);
        for task in tasks(&config) {
            let kept = before.iter().position(|running| running.0 == task);
            let kept = kept.map(|at| before.swap_remove(at));
            running.push(kept.unwrap_or_else(|| lookers.start(task, &paces)));
        }
        drop(before);
        lookers.forget_others(&config);
        tokio::time::sleep(FOLLOW).await;
    }
}

fn tasks(config: &Config) -> Vec<Task> {
    let mut ones = Vec::new();
    let mut many: Vec<(Account, Vec<(String, VastDiscovery)>)> = Vec::new();
    for (name, backend) in &config.backends {
        let Some(discover) = &backend.discover else {
            continue;
        };
        let Some(vastai) = &discover.vastai else {
            ones.push(Task::One(name.clone(), Box::new(discover.clone())));
            continue;
        };
        let account = Account::of(vastai);
        let wanted = (name.clone(), vastai.clone());
        match many.iter_mut().find(|(known, _)| *known == account) {
            Some((_, backends)) => backends.push(wanted),
            None => many.push((account, vec![wanted])),
        }
    }
    let many = many.into_iter();
    ones.extend(many.map(|(account, backends)| Task::Many(account, backends)));
    ones
}

impl Lookers {
    fn start(&self, task: Task, paces: &Paces) -> Running {
        let handle = match &task {
            Task::One(name, discover) => self.start_one(name, discover),
            Task::Many(account, backends) => {
                let backends = backends.iter().map(|(name, wanted)| {
                    let discover = Discover {
                        vastai: Some(wanted.clone()),
                        ..Discover::default()
                    };
                    let report = self.report(name, &discover, wanted.interval.get());
                    (wanted.clone(), report)
                });
                let mut now = self.finds.look.0.subscribe();
                now.mark_unchanged();
                let looker = Looker {
                    account: account.clone(),
                    backends: backends.collect(),
                    outside: self.outside.clone(),
                    paces: paces.clone(),
                    now,
                };
                tokio::spawn(looker.run())
            }
        };
        Running(task, handle)
    }

    fn start_one(&self, name: &str, written: &Discover) -> JoinHandle<()> {
        match written {
            Discover { dns: Some(dns), .. } => {
                let report = self.report(name, written, dns.interval.get());
                tokio::spawn(keep_looking(Names::new(dns.clone()), report))
            }
            Discover {
                file: Some(file), ..
            } => {
                let report = self.report(name, written, Duration::from_secs(1));
                tokio::spawn(keep_looking(TargetFile(file.clone()), report))
            }
            Discover {
                http: Some(http), ..
            } => {
                let report = self.report(name, written, http.interval.get());
                let source = TargetUrl {
                    written: http.clone(),
                    outside: self.outside.clone(),
                };
                tokio::spawn(keep_looking(source, report))
            }
            // A checked file has one of them.
            _ => tokio::spawn(std::future::ready(())),
        }
    }

    fn report(&self, backend: &str, discover: &Discover, interval: Duration) -> Report {
        Report::begin(backend, discover, interval, &self.finds.known, &self.door)
    }

    /// A look that has ended may have written after its end.
    fn forget_others(&self, config: &Config) {
        let known = |name: &String| {
            let backend = config.backends.get(name);
            backend.is_some_and(|backend| backend.discover.is_some())
        };
        let sights = &self.finds.known;
        if !sights.load().keys().all(known) {
            sights.rcu(|sights| {
                let mut sights = Discovered::clone(sights);
                sights.retain(|name, _| known(name));
                sights
            });
        }
    }
}
