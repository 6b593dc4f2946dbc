//! The table of owners: opened when there is something to learn, and looked after.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::MissedTickBehavior;

use crate::config::Config;
use crate::config::model::IdMode;
use crate::owners::{CAPACITY, Opened, Owners, Settings};
use crate::snapshot::Publisher;

/// A predecessor that has just let go may still be closing its file.
const WAIT: Duration = Duration::from_secs(2);
/// Between two looks at what has expired.
const EVERY: Duration = Duration::from_secs(1);

/// The table of the house, as soon as there is a rule, or a table that was left.
#[derive(Debug, Default)]
pub(super) struct OwnersTable(Option<Arc<Owners>>);

impl OwnersTable {
    /// The table for a file that comes in force; `None` as long as none has a rule. It is told which rules
    /// the file has.
    pub(super) fn for_file(&mut self, config: &Config) -> Option<Arc<Owners>> {
        let folder = &config.state_dir;
        // One that was left has to hear of it, too, if there are no rules any more.
        let is_wanted = || !config.ownership.is_empty() || Owners::are_left_in(folder);
        if self.0.is_none() && is_wanted() {
            self.0 = Some(open(folder));
        }
        let owners = self.0.as_ref()?;
        // A rule that goes by prefixes learns nothing.
        let rules = config.ownership.iter();
        let rules = rules.filter(|rule| rule.id_mode == IdMode::Learned);
        let rules: Vec<&str> = rules.map(|rule| &*rule.name).collect();
        // The file is in force a moment after this, and a second of the clock may be almost over.
        owners.follows(&rules, unix_now().saturating_add(1));
        Some(Arc::clone(owners))
    }

    /// The file on disk is a successor's from now on.
    pub(super) fn release(&self) {
        if let Some(owners) = &self.0 {
            owners.release();
        }
    }
}

fn open(state_dir: &Path) -> Arc<Owners> {
    let settings = Settings {
        folder: Some(state_dir.to_owned()),
        capacity: CAPACITY,
        wait: WAIT,
    };
    let (owners, opened) = Owners::open(settings, unix_now());
    tell(&opened);
    owners
}

fn tell(opened: &Opened) {
    let (entries, expired, late) = (opened.entries, opened.expired, opened.late);
    tracing::info!(entries, expired, late, "The table of owners is open");
    if let Some(broken) = &opened.broken {
        let moved = opened.set_aside.as_deref().unwrap_or(Path::new(""));
        let moved = moved.display();
        tracing::error!(%broken, %moved, "The table of owners could not be read, and begins anew: owners are looked for");
    }
    if let Some(error) = &opened.memory_only {
        tracing::error!(%error, "The table of owners cannot be written: a restart would forget it");
    }
}

/// Looks after the table in force, for good.
pub async fn sweep_owners(publisher: Publisher) {
    let mut interval = tokio::time::interval(EVERY);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        interval.tick().await;
        publisher.current().owners.sweep(unix_now());
    }
}

fn unix_now() -> u32 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        u32::try_from(since.as_secs()).unwrap_or(u32::MAX)
    })
}
