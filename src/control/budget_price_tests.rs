//! Budgets whose prices are found out and swing: what restarts, gaps and edited files leave of a cap.

use std::fs;
use std::time::{Instant, SystemTime};

use super::super::discovered::{Discovery, Found, FoundState};
use super::super::{Door, read_journal as journal_of};
use super::*;

const BOUND: &str = "budget = { per_hour = 5 }";

fn text(folder: &std::path::Path, new: &str, routes: &str) -> String {
    format!(
        "state_dir = {:?}\n[listen]\nhttp = \"127.0.0.1:0\"\n[backends.old]\nendpoints = [\"http://127.0.0.1:1\"]\n\
         [backends.other]\nendpoints = []\n\
         [backends.new]\ndiscover = {{ vastai = {{ label = \"a\", port = 80, api_key = \"0123456789abcdef0123456789abcdef\" }} }}\n\
         {new}\n{routes}",
        folder.join("state")
    )
}

fn route(name: &str, candidate: &str, percent: u16) -> String {
    format!(
        "[[routes]]\nname = {name:?}\nmatch = {{ path = \"/{name}\" }}\nprimary = \"old\"\n\
         candidate = {candidate:?}\npercent = {percent}\n"
    )
}

/// A house that is opened and dropped, on a clock of its own.
struct Stand {
    folder: tempfile::TempDir,
    house: Option<(Controller, Door)>,
    second: u64,
}

impl Stand {
    fn new(new: &str, routes: &str) -> Self {
        let mut stand = Self {
            folder: tempfile::tempdir().unwrap(),
            house: None,
            second: 0,
        };
        stand.restart(new, routes);
        stand
    }

    fn write(&self, new: &str, routes: &str) -> std::path::PathBuf {
        let path = self.folder.path().join("figshift.toml");
        fs::write(&path, text(self.folder.path(), new, routes)).unwrap();
        path
    }

    /// With another file.
    fn restart(&mut self, new: &str, routes: &str) {
        self.house = None;
        let path = self.write(new, routes);
        self.house = Some(Controller::open(&path, 1).unwrap());
        self.second = 0;
    }

    fn save(&mut self, new: &str, routes: &str) {
        self.write(new, routes);
        self.wants(What::File).unwrap();
    }

    fn controller(&mut self) -> &mut Controller {
        &mut self.house.as_mut().unwrap().0
    }

    /// So many seconds at this price of the one instance, in each a look.
    fn pass(&mut self, seconds: u64, price: Option<f64>) {
        self.list(&[price]);
        for _ in 0..seconds {
            self.look();
        }
    }

    fn look(&mut self) {
        let now = Duration::from_secs(self.second);
        self.second += 1;
        self.controller().look(now, SystemTime::now() + now);
    }

    fn list(&mut self, prices: &[Option<f64>]) {
        let found = prices.iter().zip(1..).map(|(price, n)| Found {
            key: format!("vastai:{n}"),
            url: None,
            weight: 1,
            state: FoundState::Running,
            note: String::new(),
            dollars_per_hour: *price,
        });
        let discovery = Discovery {
            found: found.collect(),
            good_at: Some(SystemTime::now()),
            since: Instant::now(),
            ..Discovery::new("vastai", "", Duration::from_secs(60))
        };
        let discovered = [("new".to_owned(), discovery)].into();
        self.controller().discovered.store(Arc::new(discovered));
    }

    fn wants(&mut self, what: What) -> Answer {
        let change = Change::new(what, Actor::Operator);
        self.controller().apply(change)
    }

    fn share(&self, route: &str) -> u16 {
        let (controller, _) = self.house.as_ref().unwrap();
        controller.standing.load().forces[route].hundredths
    }

    fn cap(&self, route: &str) -> Option<u16> {
        let (controller, _) = self.house.as_ref().unwrap();
        let laid = controller.overrides.of(route);
        laid.budget.map(|capped| capped.hundredths)
    }

    /// How often the journal says this.
    fn told(&self, what: &str) -> usize {
        let journal = journal_path(&self.folder.path().join("state"));
        let entries = journal_of(&journal, 1_000).unwrap();
        entries.iter().filter(|entry| entry.what == what).count()
    }
}

#[test]
fn a_restart_frees_nothing_while_no_list_is_read() {
    let mut stand = Stand::new(BOUND, &route("a", "new", 25));
    stand.pass(3, Some(6.0));
    assert_eq!(stand.cap("a"), Some(2_500));
    for _ in 0..3 {
        stand.restart(BOUND, &route("a", "new", 75));
        assert_eq!(stand.share("a"), 2_500);
        // Longer than the old word holds.
        for _ in 0..3_700 {
            stand.look();
        }
        assert_eq!((stand.share("a"), stand.cap("a")), (2_500, Some(2_500)));
        stand.pass(3, Some(6.0));
        assert_eq!((stand.share("a"), stand.cap("a")), (2_500, Some(2_500)));
    }
    // Without its journal the house knows by its books what it has cost.
    stand.house = None;
    fs::remove_file(stand.folder.path().join("state/journal.ndjson")).unwrap();
    stand.restart(BOUND, &route("a", "new", 75));
    assert_eq!(stand.share("a"), 2_500);
    stand.look();
    assert_eq!(stand.share("a"), 2_500);
}

#[test]
fn a_price_that_is_missed_once_frees_nothing() {
    let mut stand = Stand::new(BOUND, &route("a", "new", 25));
    stand.pass(2, Some(6.0));
    stand.save(BOUND, &route("a", "new", 75));
    for _ in 0..6 {
        // A row without its price, an empty list, an instance that is outbid and comes back.
        stand.pass(1, None);
        stand.list(&[]);
        stand.look();
        stand.pass(100, Some(0.1));
        stand.pass(1, Some(6.0));
        assert_eq!((stand.share("a"), stand.cap("a")), (2_500, Some(2_500)));
    }
    assert_eq!(
        (stand.told("budget_cap"), stand.told("budget_free")),
        (1, 0)
    );
    // Nor does a gap within the time.
    stand.pass(200, Some(1.0));
    stand.pass(1, None);
    stand.pass(300, Some(1.0));
    assert_eq!(stand.cap("a"), Some(2_500));
    stand.pass(2, Some(1.0));
    assert_eq!((stand.share("a"), stand.cap("a")), (7_500, None));
}

#[test]
fn a_price_that_swings_over_its_bound_is_told_once_in_a_while() {
    let mut stand = Stand::new(BOUND, &route("a", "new", 25));
    for _ in 0..900 {
        stand.pass(1, Some(4.0));
        stand.pass(1, Some(6.0));
    }
    assert_eq!(
        (stand.told("budget_cap"), stand.told("budget_free")),
        (1, 0)
    );
    // Slower: one pair for each time that it was low for long enough.
    for _ in 0..3 {
        stand.pass(302, Some(4.0));
        stand.pass(60, Some(6.0));
    }
    assert_eq!(
        (stand.told("budget_cap"), stand.told("budget_free")),
        (4, 3)
    );
}

#[test]
fn a_budget_that_is_raised_over_all_that_was_found_frees_at_once() {
    let mut stand = Stand::new(BOUND, &route("a", "new", 25));
    stand.pass(310, Some(6.0));
    stand.save("budget = { per_hour = 6.2 }", &route("a", "new", 75));
    stand.look();
    assert_eq!(stand.share("a"), 2_500);
    stand.save("budget = { per_hour = 7 }", &route("a", "new", 75));
    stand.look();
    assert_eq!(stand.share("a"), 7_500);
}

/// What a start gives, and a reload with the same file.
fn by_both(before: &str, after: &str) -> [u16; 2] {
    const DEAR: &str = "dollars_per_hour = 9\nbudget = { per_hour = 5 }";
    let open = || {
        let mut stand = Stand::new(DEAR, before);
        stand.pass(2, None);
        stand
    };
    let mut reloads = open();
    reloads.save(DEAR, after);
    let mut starts = open();
    starts.restart(DEAR, after);
    starts.look();
    [reloads.share("a"), starts.share("a")]
}

#[test]
fn a_start_gives_no_more_than_a_reload() {
    let other = route("b", "new", 1);
    let a = |candidate, percent| route("a", candidate, percent) + &other;
    // Another candidate for a route at 100 %, a new route, and one that stays.
    assert_eq!(by_both(&a("other", 100), &a("new", 100)), [0, 0]);
    assert_eq!(by_both(&other, &a("new", 80)), [0, 0]);
    assert_eq!(by_both(&a("new", 30), &a("new", 80)), [3_000, 3_000]);
    // One that came while nothing had a price.
    let mut stand = Stand::new("dollars_per_hour = 1", &other);
    stand.pass(2, None);
    let none = "# Its price is unknown.";
    stand.restart(none, &other);
    stand.second = 90_000;
    stand.look();
    stand.second = 180_001;
    stand.look();
    stand.save(none, &a("new", 40));
    stand.look();
    stand.restart(
        "dollars_per_hour = 9\nbudget = { per_hour = 5 }",
        &a("new", 60),
    );
    assert_eq!(stand.share("a"), 4_000);
}

#[test]
fn a_budget_that_runs_out_under_a_kill_switch_leaves_what_comes_back() {
    let all = || What::Rollback {
        route: None,
        hard: false,
    };
    let mut stand = Stand::new(BOUND, &route("a", "new", 25));
    stand.pass(2, Some(1.0));
    stand.wants(all()).unwrap();
    stand.pass(2, Some(6.0));
    assert_eq!((stand.share("a"), stand.cap("a")), (0, Some(2_500)));
    // More than there was is not earned meanwhile.
    stand.save(BOUND, &route("a", "new", 75));
    stand.wants(What::Resume { route: None }).unwrap();
    assert_eq!(stand.share("a"), 2_500);

    // A hold of the guard likewise, and a budget that runs out by a file.
    let mut stand = Stand::new(BOUND, &route("a", "new", 25));
    stand.pass(2, Some(1.0));
    let hold = stand.controller().hold("a", "worse".to_owned());
    assert_eq!(hold.unwrap().moves[0].to, 0);
    const DEAR: &str = "dollars_per_hour = 9\nbudget = { per_hour = 5 }";
    stand.save(DEAR, &route("a", "new", 75));
    assert_eq!((stand.share("a"), stand.cap("a")), (0, Some(2_500)));

    // And a start with books that are older than the rollback, without what the journal has laid over.
    let mut stand = Stand::new(BOUND, &route("a", "new", 25));
    stand.pass(2, Some(6.0));
    stand.save("budget = { per_hour = 50 }", &route("a", "new", 25));
    stand.wants(What::Resume { route: None }).unwrap();
    stand.pass(310, Some(6.0));
    assert_eq!(stand.cap("a"), None);
    stand.wants(all()).unwrap();
    stand.pass(2, Some(6.0));
    stand.restart(BOUND, &route("a", "new", 75));
    assert_eq!((stand.share("a"), stand.cap("a")), (0, Some(2_500)));
    stand.wants(What::Resume { route: None }).unwrap();
    assert_eq!(stand.share("a"), 2_500);
}
