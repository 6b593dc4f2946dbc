//! The books of all backends, and where they are kept.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use arc_swap::ArcSwap;

use super::account::Account;
use super::kept::{Kept, Share};
use super::ledger::{Ledger, Look};
use super::price::Price;
use super::sights::Costs;
use crate::config::Config;
use crate::config::model;
use crate::config::scalar::Dollars;
use crate::control::discovered::Discovered;
use crate::control::force::Force;
use crate::policy::cost::{Budget, DAY, Over};
use crate::snapshot::Snapshot;

/// Between two times that it is kept.
const KEEP: Duration = Duration::from_secs(60);
/// A gap that is worth a word.
const GAP: Duration = Duration::from_secs(1);

/// What all backends have cost. It is kept in the state folder each minute and when it is dropped.
#[derive(Debug)]
pub(in crate::control) struct Purse {
    state_dir: PathBuf,
    /// What was kept of backends that have no books yet.
    accounts: BTreeMap<String, Account>,
    ledgers: BTreeMap<String, Ledger>,
    /// The percents of the candidates, as of the last look and as they were kept.
    shares: BTreeMap<String, Share>,
    kept_shares: BTreeMap<String, Share>,
    /// Since 1970, on a clock that never goes back: when it was opened, and at the last look.
    opened: Duration,
    pub(super) time: Duration,
    /// On the workers' clock.
    looked: Option<Duration>,
    kept: Option<Duration>,
    /// When something was kept last before the start.
    kept_before: Option<Duration>,
    /// There are books in the state folder, which must not become old.
    has_books: bool,
    is_failing: bool,
    /// On a thread of its own: whoever looks also takes rollbacks, and a disk may be slow.
    writing: Option<JoinHandle<io::Result<()>>>,
    /// Another process keeps the books.
    is_closed: bool,
    costs: Arc<ArcSwap<Costs>>,
}

impl Purse {
    /// With what was kept in a state folder.
    pub(in crate::control) fn open(config: &Config, wall: SystemTime) -> Self {
        let state_dir = config.state_dir.clone();
        let backends = || config.backends.values();
        let kept = match Kept::read(&state_dir) {
            Ok(kept) => kept,
            Err(error) => {
                let folder = state_dir.display();
                tracing::warn!(%error, %folder, "What was spent before cannot be read: budgets begin anew");
                None
            }
        };
        if kept.is_none() && backends().any(|backend| backend.budget.is_some()) {
            tracing::info!("Nothing is known of what was spent before: budgets begin anew");
        }
        let now = wall.duration_since(UNIX_EPOCH).unwrap_or_default();
        // A clock that was set back must not hide what was spent, and one that was far ahead must not stay.
        let kept = kept.map(|kept| kept.not_after(now.saturating_add(DAY)));
        let kept_before = kept.as_ref().map(Kept::at);
        let now = now.max(kept_before.unwrap_or_default());
        let has_books = kept.is_some();
        let kept = kept.unwrap_or_default();
        Self {
            state_dir,
            accounts: kept.accounts(),
            ledgers: BTreeMap::new(),
            shares: kept.shares.clone(),
            kept_shares: kept.shares,
            opened: now,
            time: now,
            looked: None,
            kept: None,
            kept_before,
            has_books,
            is_failing: false,
            writing: None,
            is_closed: false,
            costs: Arc::default(),
        }
    }

    /// For everybody to read.
    pub(in crate::control) fn costs(&self) -> Arc<ArcSwap<Costs>> {
        Arc::clone(&self.costs)
    }

    /// What the budget of a backend is used up by, as far as it is known as of the last look.
    pub(in crate::control) fn over(&self, name: &str, written: &model::Backend) -> Option<Over> {
        let budget = budget_of(written)?;
        let ledger = self.ledgers.get(name);
        let account = ledger.map(|ledger| &ledger.account);
        let account = account.or_else(|| self.accounts.get(name));
        let mut spent = account.map_or_else(Default::default, |account| account.spent(self.time));
        spent.rate = written.dollars_per_hour.map(Dollars::get).or(spent.rate);
        budget.over(&spent)
    }

    /// Whether there were books at the start.
    pub(in crate::control) fn had_books(&self) -> bool {
        self.kept_before.is_some()
    }

    /// The books of a backend go on under another name.
    pub(in crate::control) fn rename(&mut self, from: &str, to: &str) {
        if let Some(ledger) = self.ledgers.remove(from) {
            self.ledgers.insert(to.to_owned(), ledger);
        } else if let Some(account) = self.accounts.remove(from) {
            self.accounts.insert(to.to_owned(), account);
        }
    }

    /// Whether anything is known of what a backend has cost, or costs.
    pub(in crate::control) fn knows(&self, name: &str) -> bool {
        self.ledgers.contains_key(name) || self.accounts.contains_key(name)
    }

    /// The share that this candidate had on a route when the books were kept, and when that was.
    pub(in crate::control) fn share_before(
        &self,
        route: &str,
        candidate: &str,
    ) -> Option<(u16, Duration)> {
        let share = self.kept_shares.get(route);
        let share = share.filter(|share| share.candidate == candidate)?;
        Some((share.hundredths, self.kept_before?))
    }

    /// One look. `now` is on the workers' clock.
    pub(in crate::control) fn look(
        &mut self,
        now: Duration,
        config: &Config,
        snapshot: &Snapshot,
        discovered: &Discovered,
        forces: &BTreeMap<String, Force>,
    ) {
        let span = now.saturating_sub(self.looked.unwrap_or(now));
        if self.looked.replace(now).is_none() {
            self.tell_gap();
        }
        self.time = self.time.saturating_add(span);
        let look = Look {
            now,
            time: self.time,
            span,
        };
        let instant = Instant::now();
        let uncounted = self.uncounted();
        let mut costs = Costs::default();
        for (name, written) in &config.backends {
            let (price, unknown) = match Price::of(written, discovered.get(name), instant) {
                Ok(price) => (Some(price), None),
                Err(unknown) => (None, Some(unknown)),
            };
            let budget = budget_of(written);
            self.open_books(name, price.is_some() || budget.is_some(), now);
            let Some(ledger) = self.ledgers.get_mut(name) else {
                continue;
            };
            ledger.follow(snapshot, name, now);
            ledger.look(price, look);
            let mut sight = ledger.sight(budget, look);
            sight.uncounted = uncounted;
            sight.unknown = unknown;
            costs.backends.insert(name.clone(), sight);
            // Without a price there are no figures.
            let Some(windows) = ledger.windows() else {
                continue;
            };
            for book in ledger.sides() {
                let sides = costs.routes.entry(book.route.to_string()).or_default();
                if let Some(side) = sides.get_mut(book.side as usize) {
                    *side = Some(book.sight(windows));
                }
            }
        }
        self.forget_old(config, look);
        self.costs.store(Arc::new(costs));
        self.note_shares(config, forces);
        let is_due = self.kept.is_none_or(|kept| now >= kept + KEEP);
        if self.writing.as_ref().is_some_and(JoinHandle::is_finished) {
            self.wait();
        }
        // One that is not through yet has older shares.
        if self.writing.is_none() && (is_due || self.shares != self.kept_shares) {
            self.kept = Some(now);
            self.keep_beside();
        }
    }

    fn note_shares(&mut self, config: &Config, forces: &BTreeMap<String, Force>) {
        let shares = || {
            let routes = config.routes.iter();
            routes.filter_map(|route| {
                let force = forces.get(&route.name)?;
                Some((
                    &route.name,
                    route.candidate.as_ref()?,
                    force.without_stops(),
                ))
            })
        };
        let is_known = |(route, candidate, hundredths): (&String, &String, u16)| {
            let known = self.shares.get(route);
            known.is_some_and(|known| {
                known.candidate == *candidate && known.hundredths == hundredths
            })
        };
        if self.shares.len() == shares().count() && shares().all(is_known) {
            return;
        }
        let shares = shares().map(|(route, candidate, hundredths)| {
            let candidate = candidate.clone();
            (
                route.clone(),
                Share {
                    candidate,
                    hundredths,
                },
            )
        });
        self.shares = shares.collect();
    }

    fn open_books(&mut self, name: &str, has_reason: bool, now: Duration) {
        if self.ledgers.contains_key(name) || !(has_reason || self.accounts.contains_key(name)) {
            return;
        }
        let account = self.accounts.remove(name).unwrap_or_default();
        self.ledgers
            .insert(name.to_owned(), Ledger::new(account, now));
    }

    /// A backend that is no longer in the file and comes back within a day has spent what it has.
    fn forget_old(&mut self, config: &Config, look: Look) {
        let gone = |name: &String| !config.backends.contains_key(name);
        let names: Vec<String> = self
            .ledgers
            .keys()
            .filter(|name| gone(name))
            .cloned()
            .collect();
        for name in names {
            if let Some(ledger) = self.ledgers.remove(&name) {
                self.accounts.insert(name, ledger.account);
            }
        }
        self.accounts
            .retain(|_, account| account.is_of_use(look.time));
    }

    fn gap(&self) -> Option<Duration> {
        let gap = self.opened.checked_sub(self.kept_before?)?;
        (gap >= GAP && gap < DAY).then_some(gap)
    }

    fn tell_gap(&self) {
        if let Some(gap) = self.gap() {
            // As it is told elsewhere.
            let seconds = gap.as_secs_f64().round();
            tracing::info!(
                seconds,
                "What backends have cost while nobody counted is not in their budgets"
            );
        }
    }

    fn uncounted(&self) -> Option<Duration> {
        let since = self.time.saturating_sub(self.opened);
        self.gap().filter(|_| since < DAY)
    }

    /// What there is to write down, if there is something.
    fn to_keep(&self) -> Option<Kept> {
        // Without a look there is nothing new.
        let has_looked = self.looked.is_some() && !self.is_closed;
        let has_some = self.has_books || !self.ledgers.is_empty() || !self.accounts.is_empty();
        if !has_looked || !has_some {
            return None;
        }
        let open = self.ledgers.iter();
        let open = open.map(|(name, ledger)| (name, &ledger.account));
        let accounts = open.chain(&self.accounts);
        Some(Kept::new(self.time, accounts, self.shares.clone()))
    }

    /// Writes everything down, and waits until it is there.
    pub(in crate::control) fn keep(&mut self) {
        self.wait();
        if let Some(kept) = self.to_keep() {
            self.kept_shares.clone_from(&self.shares);
            let written = kept.write(&self.state_dir);
            self.has_written(written);
        }
    }

    /// Begins to write everything down.
    fn keep_beside(&mut self) {
        let Some(kept) = self.to_keep() else { return };
        // If it fails, not again for the same shares.
        self.kept_shares.clone_from(&self.shares);
        let state_dir = self.state_dir.clone();
        let thread = thread::Builder::new().name("books".to_owned());
        match thread.spawn(move || kept.write(&state_dir)) {
            Ok(writing) => self.writing = Some(writing),
            Err(error) => self.has_written(Err(error)),
        }
    }

    /// Until what is being written is there.
    fn wait(&mut self) {
        if let Some(writing) = self.writing.take() {
            let written = writing.join();
            self.has_written(written.unwrap_or_else(|_| Err(io::Error::other("a fault"))));
        }
    }

    /// A failure is told once, until it has gone well again.
    fn has_written(&mut self, written: io::Result<()>) {
        match written {
            Ok(()) => {
                self.is_failing = false;
                self.has_books = true;
            }
            Err(error) => {
                if !std::mem::replace(&mut self.is_failing, true) {
                    let folder = Path::display(&self.state_dir);
                    tracing::error!(%error, %folder, "What was spent cannot be kept: a restart would begin budgets anew");
                }
            }
        }
    }

    /// Another process keeps the books from now on.
    pub(in crate::control) fn close(&mut self) {
        self.is_closed = true;
    }
}

impl Drop for Purse {
    fn drop(&mut self) {
        self.keep();
    }
}

fn budget_of(written: &model::Backend) -> Option<Budget> {
    let written = written.budget?;
    Some(Budget {
        per_hour: written.per_hour.map(Dollars::get),
        per_day: written.per_day.map(Dollars::get),
    })
}
