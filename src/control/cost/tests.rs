//! The books by hand: all figures are worked out beside them.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::sights::{Costs, SideCost};
use super::{Price, PriceSource, Purse, Unknown};
use crate::config::{Config, EmptyEnv, parse};
use crate::control::discovered::{Discovered, Discovery, Found, FoundState};
use crate::policy::cost::DAY;
use crate::snapshot::{Snapshot, compile};
use crate::stats::{Class, Purpose, Side, SideCell};

/// A whole minute.
const BEGUN: u64 = 1_779_999_960;

fn config(state: &std::path::Path, legacy: &str, vastai: &str) -> Config {
    let text = format!(
        r#"
        state_dir = {state:?}
        [listen]
        http = "127.0.0.1:0"
        [backends.legacy]
        endpoints = ["http://127.0.0.1:1"]
        {legacy}
        [backends.vastai]
        endpoints = ["http://127.0.0.1:2"]
        {vastai}
        [[routes]]
        name = "chat"
        match = {{ path = "/chat" }}
        primary = "legacy"
        candidate = "vastai"
        percent = 50
        [[routes]]
        name = "rest"
        primary = "legacy"
    "#
    );
    parse(&text, "test.toml", &EmptyEnv).unwrap()
}

/// A house of which only the books are kept.
struct Stand {
    folder: tempfile::TempDir,
    config: Config,
    snapshot: Snapshot,
    purse: Purse,
    discovered: Discovered,
    now: u64,
}

impl Stand {
    fn new(legacy: &str, vastai: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = config(folder.path(), legacy, vastai);
        let snapshot = compile(
            &config,
            &Arc::default(),
            &BTreeMap::new(),
            &Snapshot::empty(),
            1,
        );
        let purse = Purse::open(&config, UNIX_EPOCH + Duration::from_secs(BEGUN));
        let mut stand = Self {
            folder,
            config,
            snapshot: snapshot.unwrap(),
            purse,
            discovered: Discovered::new(),
            now: 0,
        };
        stand.pass(0);
        stand
    }

    /// Another file.
    fn reload(&mut self, legacy: &str, vastai: &str) {
        self.config = config(self.folder.path(), legacy, vastai);
        let next = compile(
            &self.config,
            &Arc::default(),
            &BTreeMap::new(),
            &self.snapshot,
            1,
        );
        self.snapshot = next.unwrap();
    }

    /// So many seconds, a look in each.
    fn pass(&mut self, seconds: u64) {
        for _ in 0..seconds.max(1) {
            self.now += u64::from(seconds > 0);
            self.purse.look(
                Duration::from_secs(self.now),
                &self.config,
                &self.snapshot,
                &self.discovered,
                &BTreeMap::new(),
            );
        }
    }

    fn cell(&self, route: usize, side: Side) -> &SideCell {
        let arm = self.snapshot.routes[route].arm(side);
        arm.unwrap().cells.of(0)
    }

    /// Tries that ended, of so many seconds in all, and good requests.
    fn works(&self, route: usize, side: Side, seconds: f64, good: u64) {
        let cell = self.cell(route, side);
        cell.busy[Purpose::Requests as usize].add((seconds * 1e9) as u64);
        cell.requests[0][Class::Ok as usize].add(good);
    }

    fn costs(&self) -> Arc<Costs> {
        self.purse.costs().load_full()
    }

    fn side(&self, route: &str, side: Side) -> SideCost {
        *self.costs().side(route, side).unwrap()
    }
}

#[track_caller]
fn near(is: impl Into<Option<f64>>, meant: f64) {
    let is = is.into().unwrap();
    assert!((is - meant).abs() < 1e-6, "{is} is not {meant}");
}

#[test]
fn routes_that_share_a_backend_share_its_cost_by_their_busy_time() {
    // A tenth of a cent in a second.
    let mut stand = Stand::new("dollars_per_hour = 3.6", "dollars_per_hour = 7.2");
    stand.works(0, Side::Primary, 30.0, 60);
    stand.works(1, Side::Primary, 10.0, 40);
    stand.works(0, Side::Candidate, 5.0, 100);
    stand.pass(100);
    // $0.10: three quarters for 60 requests, a quarter for 40.
    near(stand.side("chat", Side::Primary).per_1000, 0.075 / 0.06);
    near(stand.side("rest", Side::Primary).per_1000, 0.025 / 0.04);
    // $0.20 for 100, however short it was busy.
    near(stand.side("chat", Side::Candidate).per_1000, 2.0);
    near(stand.side("chat", Side::Candidate).per_1000_hour, 2.0);
    let costs = stand.costs();
    near(costs.backends["legacy"].total, 0.1);
    near(costs.backends["vastai"].spent.hour, 0.2);
    near(costs.backends["vastai"].spent.rate, 7.2);
    // All is told to be of somebody: the second in which something ran, and 99 idle ones by the same parts.
    let both = || ["chat", "rest"].map(|route| stand.side(route, Side::Primary));
    let [chat, rest] = both();
    near(chat.dollars[0], 0.000_75);
    near(chat.idle, 0.099 * 0.75);
    near(rest.dollars[0] + rest.idle, 0.025);
}

#[test]
fn an_idle_weekend_is_not_paid_by_the_next_request() {
    let mut stand = Stand::new("dollars_per_hour = 3.6", "");
    stand.works(0, Side::Primary, 1.0, 1);
    stand.pass(1_000);
    let before = ["chat", "rest"].map(|route| stand.side(route, Side::Primary));
    // For the window by what was busy in it, then equally.
    let [chat, rest] = [before[0].idle, before[1].idle];
    near(chat + rest, 0.999);
    // Five minutes to within ten seconds.
    assert!((0.299..=0.31).contains(&(chat - rest)), "{chat} {rest}");
    stand.works(1, Side::Primary, 1.0, 1);
    stand.pass(1);
    let after = ["chat", "rest"].map(|route| stand.side(route, Side::Primary));
    near(after[1].dollars[0], 0.001);
    assert_eq!(after[0].idle, before[0].idle);
    assert_eq!(after[0].dollars, before[0].dollars);
    let all = after.iter().map(|side| side.idle + side.dollars[0]);
    near(all.sum::<f64>(), stand.costs().backends["legacy"].total);
}

#[test]
fn tries_that_served_nobody_are_told_apart() {
    let mut stand = Stand::new("", "dollars_per_hour = 3.6");
    stand.works(0, Side::Candidate, 30.0, 50);
    let cell = stand.cell(0, Side::Candidate);
    cell.busy[Purpose::Retries as usize].add(10_000_000_000);
    stand.pass(100);
    let side = stand.side("chat", Side::Candidate);
    near(side.per_1000, 0.075 / 0.05);
    near(side.wasted, 0.25);
    stand.works(0, Side::Candidate, 1.0, 0);
    stand.pass(1);
    let side = stand.side("chat", Side::Candidate);
    near(side.dollars.iter().sum::<f64>(), 0.002);
    near(side.idle, 0.099);
    near(side.dollars[Purpose::Retries as usize], 0.001 * 0.25);
    // The legacy side has no price, and so no figure.
    assert_eq!(stand.costs().side("chat", Side::Primary), None);
    assert!(!stand.costs().backends.contains_key("legacy"));
}

#[test]
fn what_falls_back_counts_where_it_was_served() {
    let mut stand = Stand::new("dollars_per_hour = 3.6", "dollars_per_hour = 3.6");
    stand.works(0, Side::Primary, 10.0, 20);
    // Drawn for the candidate, tried there in vain, served by the primary.
    let cell = stand.cell(0, Side::Candidate);
    cell.requests[1][Class::Ok as usize].add(30);
    cell.busy[Purpose::Retries as usize].add(5_000_000_000);
    // What is not good is no request in this sense.
    cell.requests[0][Class::ServerError as usize].add(7);
    stand.pass(100);
    near(stand.side("chat", Side::Primary).per_1000, 0.1 / 0.05);
    let candidate = stand.side("chat", Side::Candidate);
    assert_eq!(candidate.per_1000, None);
    near(candidate.wasted, 1.0);
}

#[test]
fn a_long_stream_is_busy_while_it_runs() {
    let mut stand = Stand::new("dollars_per_hour = 3.6", "");
    stand.cell(1, Side::Primary).in_flight.up();
    stand.works(0, Side::Primary, 0.0, 10);
    stand.pass(51);
    // 50 seconds of it were seen from look to look, and 50 of short ones beside.
    stand.works(0, Side::Primary, 50.0, 0);
    stand.pass(1);
    // $0.052; of 50 + 51 busy seconds 50 were for ten requests.
    near(
        stand.side("chat", Side::Primary).per_1000,
        0.052 * 50.0 / 101.0 / 0.01,
    );
    assert_eq!(stand.side("rest", Side::Primary).per_1000, None);
    // It ends in vain after what was told of it: no time is told twice.
    let cell = stand.cell(1, Side::Primary);
    cell.in_flight.down();
    cell.busy[Purpose::Retries as usize].add(51_000_000_000);
    stand.pass(1);
    let told: f64 = [
        stand.side("chat", Side::Primary),
        stand.side("rest", Side::Primary),
    ]
    .iter()
    .map(|side| side.dollars.iter().sum::<f64>() + side.idle)
    .sum();
    near(told, 0.053);
    stand.works(1, Side::Primary, 52.0, 1);
    stand.pass(1);
    // Of its 52 seconds 51 are owed.
    let share = stand.side("rest", Side::Primary).wasted.unwrap();
    assert!((share - 51.0 / 103.0).abs() < 0.01, "{share}");
}

#[test]
fn figures_are_of_their_window() {
    let mut stand = Stand::new("dollars_per_hour = 3.6", "");
    stand.works(0, Side::Primary, 1.0, 1);
    stand.pass(400);
    // That one is more than five minutes ago.
    let side = stand.side("chat", Side::Primary);
    assert_eq!((side.per_1000, side.wasted), (None, None));
    near(side.per_1000_hour, 0.4 / 0.001);
    stand.works(0, Side::Primary, 1.0, 100);
    stand.pass(1);
    let is = stand.side("chat", Side::Primary).per_1000.unwrap();
    // Five minutes to within ten seconds.
    assert!((3.0..=3.11).contains(&is), "{is}");
}

#[test]
fn a_price_that_comes_and_goes() {
    let mut stand = Stand::new("", "budget = { per_hour = 5 }\ndollars_per_hour = 3.6");
    stand.works(0, Side::Candidate, 1.0, 10);
    stand.pass(100);
    near(stand.side("chat", Side::Candidate).per_1000, 10.0);
    stand.reload("", "");
    stand.pass(100);
    let costs = stand.costs();
    assert_eq!(costs.side("chat", Side::Candidate), None);
    let vastai = &costs.backends["vastai"];
    assert_eq!((vastai.price, vastai.budget), (None, None));
    near(vastai.spent.hour, 0.1);
    // What was done without a price is in no figure.
    stand.works(0, Side::Candidate, 1.0, 1_000);
    stand.pass(1);
    stand.reload("dollars_per_hour = 1", "dollars_per_hour = 7.2");
    stand.pass(1);
    assert_eq!(stand.side("chat", Side::Candidate).per_1000, None);
    stand.works(0, Side::Candidate, 1.0, 10);
    stand.pass(99);
    near(stand.side("chat", Side::Candidate).per_1000, 0.2 / 0.01);
    // A primary whose books are opened late begins then.
    assert_eq!(stand.side("chat", Side::Primary).per_1000, None);
}

fn found(price: Option<f64>, state: FoundState) -> Found {
    Found {
        key: "vastai:1".to_owned(),
        url: None,
        weight: 1,
        state,
        note: String::new(),
        dollars_per_hour: price,
    }
}

#[test]
fn instances_make_a_price() {
    let folder = tempfile::tempdir().unwrap();
    let mut backends = config(folder.path(), "", "dollars_per_hour = 9").backends;
    let vastai = serde_json::json!({ "vastai": { "label": "a", "port": 80 } });
    let vastai = serde_json::from_value(vastai).unwrap();
    backends.get_mut("legacy").unwrap().discover = Some(vastai);
    let now = Instant::now();
    let mut discovery = Discovery {
        source: "vastai",
        place: String::new(),
        found: Vec::new(),
        good_at: None,
        since: now,
        error: None,
        stale_after: Duration::from_secs(60),
        looks: 0,
        failed: 0,
    };
    let legacy = backends.clone();
    let written = &legacy["legacy"];
    // Nobody has looked yet.
    assert_eq!(Price::of(written, None, now), Err(Unknown::Unlisted));
    let unlisted = Price::of(written, Some(&discovery), now);
    assert_eq!(unlisted, Err(Unknown::Unlisted));
    discovery.good_at = Some(SystemTime::now());
    near(
        Price::of(written, Some(&discovery), now).unwrap().per_hour,
        0.0,
    );
    use FoundState::{Out, Preempted, Running, Starting, Unsure};
    discovery.found = vec![
        found(Some(0.3526), Running),
        found(Some(0.4), Starting),
        found(Some(0.0026), Out),
        found(None, Preempted),
    ];
    let price = Price::of(written, Some(&discovery), now).unwrap();
    near(price.per_hour, 0.7552);
    assert_eq!(
        (price.source, price.age, price.unpriced),
        (PriceSource::Instances, None, 1)
    );
    // The last good figure holds, and its age is told.
    discovery.error = Some("no answer".to_owned());
    let price = Price::of(written, Some(&discovery), now + Duration::from_secs(70)).unwrap();
    near(price.per_hour, 0.7552);
    assert_eq!(price.age, Some(Duration::from_secs(70)));
    // One that runs without a price: the sum is not known. Neither is one that cannot be.
    for price in [None, Some(-1.0), Some(f64::NAN), Some(1e300)] {
        for state in [Running, Starting, Unsure] {
            let mut unknown = discovery.clone();
            unknown.found.push(found(price, state));
            let unknown = Price::of(written, Some(&unknown), now);
            let this = Unknown::Instance("vastai:1".to_owned());
            assert_eq!(unknown, Err(this), "{price:?}");
        }
    }
    // The file's word takes its place.
    let price = Price::of(&backends["vastai"], Some(&discovery), now).unwrap();
    assert_eq!((price.per_hour, price.source), (9.0, PriceSource::File));
    backends.get_mut("legacy").unwrap().discover = None;
    let unsaid = Price::of(&backends["legacy"], Some(&discovery), now);
    assert_eq!(unsaid, Err(Unknown::Unsaid));
}

const BUDGET: &str = "dollars_per_hour = 3.6\nbudget = { per_day = 0.1 }";

#[test]
fn what_was_spent_survives_the_process() {
    let mut stand = Stand::new("", BUDGET);
    stand.pass(99);
    let costs = stand.costs();
    assert_eq!(costs.backends["vastai"].over, None);
    stand.pass(1);
    assert!(stand.costs().backends["vastai"].over.is_some());
    let Stand {
        folder,
        config,
        purse,
        ..
    } = stand;
    drop(purse);
    let open =
        |seconds: u64| Purse::open(&config, UNIX_EPOCH + Duration::from_secs(BEGUN + seconds));
    let written = &config.backends["vastai"];
    assert!(open(86_000).over("vastai", written).is_some());
    assert!(open(86_600).over("vastai", written).is_none());
    // A clock that was set back hides nothing.
    let mut again = Purse::open(&config, UNIX_EPOCH);
    assert!(again.over("vastai", written).is_some());
    again.close();
    // It is a day ahead at most, so that what was spent leaves the window some time.
    assert!(again.time <= DAY, "{:?}", again.time);
    // What was not counted is told.
    let mut again = open(400);
    let snapshot = compile(
        &config,
        &Arc::default(),
        &BTreeMap::new(),
        &Snapshot::empty(),
        1,
    );
    let (snapshot, forces) = (snapshot.unwrap(), BTreeMap::new());
    let none = Discovered::new();
    again.look(Duration::from_secs(7), &config, &snapshot, &none, &forces);
    let costs = again.costs().load_full();
    let vastai = &costs.backends["vastai"];
    assert_eq!(vastai.uncounted, Some(Duration::from_secs(300)));
    near(vastai.spent.hour, 0.1);
    near(vastai.total, 0.0);
    drop(again);
    // A torn one begins anew.
    let file = folder.path().join("spend.json");
    let mut torn = fs::read(&file).unwrap();
    torn.truncate(torn.len() / 2);
    fs::write(&file, torn).unwrap();
    assert!(open(400).over("vastai", written).is_none());
}

#[test]
fn without_prices_nothing_is_written() {
    let mut stand = Stand::new("", "");
    stand.works(0, Side::Candidate, 1.0, 10);
    stand.pass(130);
    assert_eq!(*stand.costs(), Costs::default());
    drop(stand.purse);
    assert_eq!(fs::read_dir(stand.folder.path()).unwrap().count(), 0);
}

#[test]
fn a_backend_that_leaves_the_file_for_a_while_has_spent_what_it_has() {
    let mut stand = Stand::new("", BUDGET);
    stand.pass(100);
    let vastai = stand.config.backends.remove("vastai").unwrap();
    stand.pass(10);
    assert!(stand.costs().backends.is_empty());
    stand.config.backends.insert("vastai".to_owned(), vastai);
    stand.pass(1);
    assert!(stand.costs().backends["vastai"].over.is_some());
}

#[test]
fn a_disk_that_is_slow_stops_no_look() {
    let mut stand = Stand::new("", "");
    // Whoever opens this for writing waits for a reader.
    let pipe = stand.folder.path().join("spend.json.new");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    stand.reload("", BUDGET);
    stand.pass(130);
    let spent = stand.costs().backends["vastai"].spent.hour;
    drop(fs::read(&pipe).unwrap());
    fs::remove_file(&pipe).unwrap();
    near(spent, 0.13);
    stand.purse.keep();
    assert!(stand.folder.path().join("spend.json").exists());
}
