//! Budgets before the door, without traffic: which percents they leave, whatever else is wanted.

use std::fs;
use std::time::SystemTime;

use rand::rngs::SmallRng;
use rand::{RngExt as _, SeedableRng as _};

use super::super::change::Order;
use super::super::journal::Journal;
use super::super::{Door, read_journal as journal_of};
use super::*;

/// A used up budget: its price alone is too much.
const DEAR: &str = "dollars_per_hour = 3600\nbudget = { per_hour = 10 }";
/// A budget with room.
const CHEAP: &str = "dollars_per_hour = 1\nbudget = { per_hour = 10 }";
const RAMP: &str = "ramp = { steps = [10, 30, 50, 70], min_step = \"1s\", hold_back = 20 }";

struct Stand {
    folder: tempfile::TempDir,
    controller: Controller,
    _door: Door,
    second: u64,
}

fn text(folder: &std::path::Path, new: &str, routes: &str) -> String {
    format!(
        "state_dir = {:?}\n[listen]\nhttp = \"127.0.0.1:0\"\n[backends.old]\nendpoints = [\"http://127.0.0.1:1\"]\n\
         [backends.other]\nendpoints = []\n[backends.new]\nendpoints = [\"http://127.0.0.1:2\"]\n{new}\n{routes}",
        folder.join("state")
    )
}

fn route(name: &str, candidate: &str, percent: u16, lines: &str) -> String {
    format!(
        "[[routes]]\nname = {name:?}\nmatch = {{ path = \"/{name}\" }}\nprimary = \"old\"\n\
         candidate = {candidate:?}\npercent = {percent}\n{lines}\n"
    )
}

impl Stand {
    fn new(new: &str, routes: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("figshift.toml");
        fs::write(&path, text(folder.path(), new, routes)).unwrap();
        let (controller, door) = Controller::open(&path, 1).unwrap();
        let mut stand = Self {
            folder,
            controller,
            _door: door,
            second: 0,
        };
        stand.look();
        stand
    }

    fn look(&mut self) {
        let now = Duration::from_secs(self.second);
        self.second += 1;
        let wall = SystemTime::now() + now;
        self.controller.look(now, wall);
    }

    fn save(&mut self, new: &str, routes: &str) {
        let path = self.folder.path().join("figshift.toml");
        fs::write(path, text(self.folder.path(), new, routes)).unwrap();
        self.wants(What::File).unwrap();
    }

    fn wants(&mut self, what: What) -> Answer {
        self.controller.apply(Change::new(what, Actor::Operator))
    }

    fn shift(&mut self, route: &str, hundredths: u16, force: bool) -> Answer {
        self.wants(What::Shift {
            route: route.to_owned(),
            hundredths,
            force,
        })
    }

    fn share(&self, route: &str) -> u16 {
        self.controller.standing.load().forces[route].hundredths
    }

    fn cap(&self, route: &str) -> Option<u16> {
        let laid = self.controller.overrides.of(route);
        laid.budget.map(|capped| capped.hundredths)
    }
}

#[test]
fn all_routes_of_a_candidate_are_capped_by_one_change() {
    let routes = |b| {
        let other = route("c", "other", 50, "");
        route("a", "new", 25, "") + &route("b", "new", b, "") + &other
    };
    let mut stand = Stand::new(DEAR, &routes(50));
    let caps = ["a", "b", "c"].map(|route| stand.cap(route));
    assert_eq!(caps, [Some(2_500), Some(5_000), None]);
    let epoch = stand.controller.publisher.current().epoch;
    stand.look();
    assert_eq!(stand.controller.publisher.current().epoch, epoch);
    stand.save(DEAR, &routes(80));
    assert_eq!(stand.share("b"), 5_000);
    stand.save(CHEAP, &routes(80));
    assert_eq!(stand.share("b"), 5_000);
    stand.look();
    assert_eq!((stand.cap("a"), stand.share("b")), (None, 8_000));
    let journal = journal_path(&stand.controller.config.state_dir);
    let entries = journal_of(&journal, 10).unwrap();
    let words: Vec<_> = entries
        .iter()
        .map(|entry| (&*entry.what, &*entry.stamp.actor, &*entry.stamp.reason))
        .collect();
    let over = "$3600.00 of $10.00 in an hour at the present price";
    let [first, .., last] = words.as_slice() else {
        panic!("{words:?}");
    };
    assert_eq!(*first, ("budget_cap", "budget", over));
    assert_eq!((last.0, last.1), ("budget_free", "budget"));
}

#[test]
fn a_file_gives_nothing_to_who_has_nothing_left() {
    let mut stand = Stand::new(
        DEAR,
        &(route("a", "new", 25, "") + &route("c", "other", 50, "")),
    );
    // A new route, and another candidate for an old one.
    let more = route("a", "new", 25, "") + &route("b", "new", 10, "") + &route("c", "new", 50, "");
    stand.save(DEAR, &more);
    let shares = ["a", "b", "c"].map(|route| stand.share(route));
    assert_eq!(shares, [2_500, 0, 0]);
    // Who gets another candidate is free of it, and a route that has gone leaves nothing behind.
    stand.save(DEAR, &route("a", "other", 60, ""));
    stand.look();
    assert_eq!((stand.share("a"), stand.cap("a")), (6_000, None));
    assert!(stand.controller.overrides.routes.is_empty());
    // The same save that takes the money away raises nothing either.
    let mut stand = Stand::new(CHEAP, &route("a", "new", 25, ""));
    assert_eq!(stand.cap("a"), None);
    stand.save(DEAR, &route("a", "new", 75, ""));
    assert_eq!(stand.share("a"), 2_500);
}

#[test]
fn without_a_journal_a_cap_stays() {
    let mut stand = Stand::new(DEAR, &route("a", "new", 25, ""));
    stand.save(CHEAP, &route("a", "new", 75, ""));
    // A raise that a restart would undo without a word.
    stand.controller.journal.close();
    stand.look();
    stand.look();
    assert_eq!((stand.share("a"), stand.cap("a")), (2_500, Some(2_500)));
    let waits: Vec<_> = stand.controller.budgets_after.clone().into_iter().collect();
    let after = Duration::from_secs(stand.second - 2) + PAUSE;
    assert_eq!(waits, [(("new".to_owned(), false), after)]);
    // A cap that is due meanwhile does not wait for it.
    let more = route("a", "new", 75, "") + &route("b", "new", 10, "");
    stand.save(CHEAP, &more);
    stand.controller.journal = Journal::open(&stand.controller.config.state_dir).0;
    stand.save(DEAR, &more);
    stand
        .controller
        .overrides
        .alter("b", |laid| laid.budget = None);
    stand.look();
    assert_eq!(stand.cap("b"), Some(1_000));
}

/// Whatever is wanted, in whatever order: while the budget is used up, no share is more than the cap, no cap
/// moves but by force, and none falls by the budget.
#[test]
fn whatever_is_wanted_nothing_rises_over_a_cap() {
    let mut dice = SmallRng::seed_from_u64(0x00b0_d6e7);
    let lines = "guard.enabled = false\n[routes.flag]\nurl = \"http://127.0.0.1:1\"\nkey = \"k\"";
    let with_flag = |percent| route("b", "new", percent, lines);
    let with_ramp = |percent| route("a", "new", percent, RAMP);
    let (mut a, mut b) = (25, 25);
    let mut stand = Stand::new(DEAR, &(with_ramp(a) + &with_flag(b)));
    let mut caps = ["a", "b"].map(|route| stand.cap(route).unwrap());
    for step in 0..600 {
        let name = if dice.random() { "a" } else { "b" };
        let hundredths = dice.random_range(0..=10_000u16);
        let before = ["a", "b"].map(|route| stand.share(route));
        let mut allowed = None;
        match dice.random_range(0..12) {
            0..=1 => {
                let percent = dice.random_range(0..=100);
                match name {
                    "a" => a = percent,
                    _ => b = percent,
                }
                stand.save(DEAR, &(with_ramp(a) + &with_flag(b)));
            }
            2..=3 => drop(stand.shift(name, hundredths, false)),
            4 if step % 5 == 0 => {
                if stand.shift(name, hundredths, true).is_ok() {
                    allowed = Some((usize::from(name == "b"), hundredths));
                }
            }
            5 => {
                let what = What::Flag {
                    route: "b".to_owned(),
                    hundredths,
                };
                stand.wants(what).unwrap();
            }
            6 => {
                let what = What::Rollback {
                    route: dice.random::<bool>().then(|| name.to_owned()),
                    hard: false,
                };
                stand.wants(what).unwrap();
            }
            7..=8 => drop(stand.wants(What::Resume { route: None })),
            9..=10 => {
                let orders = Order::ALL;
                let what = What::Ramp {
                    route: "a".to_owned(),
                    order: orders[dice.random_range(0..orders.len())],
                };
                drop(stand.wants(what));
            }
            _ => {
                stand.look();
                // The budget takes nothing.
                let after = ["a", "b"].map(|route| stand.share(route));
                assert!(after[1] >= before[1], "{step}: {before:?} {after:?}");
            }
        }
        if let Some((route, forced)) = allowed {
            caps[route] = caps[route].max(forced);
        }
        for (route, cap) in ["a", "b"].into_iter().zip(caps) {
            assert_eq!(stand.cap(route), Some(cap), "{step}: {route}");
            assert!(stand.share(route) <= cap, "{step}: {route}");
        }
    }
    // Then there is money again, and what is wanted is in force.
    let room = "dollars_per_hour = 1\nbudget = { per_hour = 1000 }";
    stand.save(room, &(with_ramp(a) + &with_flag(b)));
    stand.wants(What::Resume { route: None }).unwrap();
    stand.look();
    let forces = &stand.controller.standing.load().forces;
    assert!(forces.values().all(|force| force.budget().is_none()));
    assert_eq!(forces["b"].hundredths, forces["b"].desired());
}

#[test]
fn a_backend_with_another_name_has_spent_what_it_has() {
    let named = |stand: &Stand, name: &str, port: u16, percent| {
        let text = text(stand.folder.path(), CHEAP, &route("a", name, percent, ""));
        let text = text.replace("[backends.new]", &format!("[backends.{name}]"));
        let text = text.replace(":2\"", &format!(":{port}\""));
        let text = text.replace("per_hour = 10", "per_hour = 0.0001");
        fs::write(stand.folder.path().join("figshift.toml"), text).unwrap();
    };
    let mut stand = Stand::new(CHEAP, &route("a", "new", 25, ""));
    named(&stand, "new", 2, 25);
    stand.wants(What::File).unwrap();
    stand.look();
    stand.look();
    assert_eq!(stand.cap("a"), Some(2_500));
    let spent = |stand: &Stand, name: &str| {
        let costs = stand.controller.costs().load_full();
        costs.backends[name].spent.hour
    };
    let before = spent(&stand, "new");
    named(&stand, "newer", 2, 75);
    stand.wants(What::File).unwrap();
    assert_eq!((stand.share("a"), stand.cap("a")), (2_500, Some(2_500)));
    stand.look();
    assert_eq!((stand.share("a"), stand.cap("a")), (2_500, Some(2_500)));
    assert!(spent(&stand, "newer") > before);
    // At another place it is another one.
    named(&stand, "newest", 3, 75);
    stand.wants(What::File).unwrap();
    stand.look();
    assert!(spent(&stand, "newest") < before);
}

#[test]
fn a_budget_that_is_never_enough_is_odd() {
    for (lines, odd) in [(DEAR, 1), (CHEAP, 0), ("dollars_per_hour = 10", 0)] {
        let folder = std::path::Path::new("/");
        let text = text(folder, lines, &route("a", "new", 25, ""));
        let config = crate::config::parse(&text, "test.toml", &crate::config::EmptyEnv).unwrap();
        let remarks = remarks(&config);
        assert_eq!(remarks.len(), odd, "{remarks:?}");
        assert!(
            remarks
                .iter()
                .all(|remark| remark.contains("backend `new`"))
        );
    }
}
