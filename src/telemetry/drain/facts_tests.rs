//! What is gathered from a snapshot.

use super::facts::{DrainState, Facts, drains, facts};
use super::survey::Survey;
use crate::snapshot::Snapshot;
use crate::stats::Made;
use crate::telemetry::sample::{learn, owning};

const NOW: u32 = 1_000_000;

/// Jobs from `old` to `new` by a rule, a chat from `old` to `plain` without one, and `spare`, which is nowhere.
fn house(rules: &str) -> Snapshot {
    let backend = |name: &str, port: u16| {
        format!("[backends.{name}]\nendpoints = [\"http://127.0.0.1:{port}\"]\n")
    };
    let route = |name: &str, path: &str, candidate: &str, lines: &str| {
        format!(
            "[[routes]]\nname = \"{name}\"\nmatch = {{ path = \"{path}\" }}\nprimary = \"old\"\ncandidate = \
             \"{candidate}\"\n{lines}\n"
        )
    };
    let backends = [("old", 1), ("new", 2), ("plain", 3), ("spare", 4)];
    let mut text: String = backends.map(|(name, port)| backend(name, port)).concat();
    text += &route("jobs", "/api/*", "new", "percent = 12.5");
    text += &route("chat", "/chat/*", "plain", "side_header = true");
    owning(&(text + rules))
}

const JOBS: &str = "[[ownership]]\nname = \"jobs\"\ncreate = [\"POST /api/jobs\"]\nuse = [\"/api/jobs/{id}\"]\nttl = \"1h\"\n";

fn of(snapshot: &Snapshot, name: &str) -> Facts {
    facts(snapshot, &Survey::at(&snapshot.owners, NOW), name)
}

fn rules(snapshot: &Snapshot, name: &str) -> Vec<String> {
    let rules = of(snapshot, name).rules;
    rules.iter().map(|rule| rule.name.to_string()).collect()
}

#[test]
fn shares_are_those_in_force() {
    let snapshot = house(JOBS);
    let roles = |name: &str| -> Vec<_> {
        let roles = of(&snapshot, name).roles;
        let role = |role: super::facts::Role| {
            let other = role.other.map(String::from);
            (
                String::from(role.route),
                role.is_primary,
                other,
                role.share,
                role.by_name,
            )
        };
        roles.into_iter().map(role).collect()
    };
    let role = |route: &str, is_primary, other: &str, share, by_name| {
        let other = Some(other.to_owned());
        (route.to_owned(), is_primary, other, share, by_name)
    };
    assert_eq!(
        roles("old"),
        [
            role("jobs", true, "new", 8_750, false),
            role("chat", true, "plain", 10_000, true)
        ]
    );
    assert_eq!(roles("new"), [role("jobs", false, "old", 1_250, false)]);
    assert_eq!(roles("plain"), [role("chat", false, "old", 0, true)]);
    assert_eq!(roles("spare"), []);
}

#[test]
fn a_rule_tells_of_who_may_have_something_by_it() {
    let snapshot = house(JOBS);
    assert_eq!(rules(&snapshot, "old"), ["jobs"]);
    assert_eq!(rules(&snapshot, "new"), ["jobs"]);
    assert_eq!(rules(&snapshot, "plain"), [""; 0]);
    // It may have been a side of any route.
    assert_eq!(rules(&snapshot, "spare"), ["jobs"]);
    // What once had something was one.
    learn(&snapshot, "jobs", "7", "plain", NOW);
    assert!(snapshot.owners.forget("jobs", b"7", NOW));
    assert_eq!(rules(&snapshot, "plain"), ["jobs"]);

    let snapshot = house(
        "[[ownership]]\nname = \"jobs\"\ncreate = [\"POST /api/jobs\"]\nuse = [\"/api/jobs/{id}\"]\n\
         id_mode = \"prefix\"\nprefixes = { plain = \"p~\" }\n",
    );
    assert_eq!(rules(&snapshot, "plain"), ["jobs"]);
    assert!(of(&snapshot, "plain").rules[0].keeps_nothing);
    assert_eq!(rules(&house(""), "spare"), [""; 0]);
}

#[test]
fn a_rule_tells_what_it_has_missed() {
    let snapshot = house(JOBS);
    assert_eq!(of(&snapshot, "new").rules[0].since, None);
    snapshot.owners.follows(&["jobs"], NOW - 60);
    let rule = &snapshot.ownership[0];
    for (worker, made) in [(0, Made::NoId), (1, Made::Unread), (1, Made::Learned)] {
        rule.cells.of(worker).made[made as usize].add(2);
    }
    let known = &of(&snapshot, "new").rules[0];
    assert_eq!(
        (known.missed, known.ttl, known.keeps_nothing),
        (4, 3_600, false)
    );
    assert_eq!(known.since, Some(NOW - 60));
}

#[test]
fn a_rule_that_is_added_to_an_old_table_makes_nothing_drained() {
    let clips = "[[ownership]]\nname = \"clips\"\ncreate = [\"POST /api/clips\"]\nuse = [\"/api/clips/{id}\"]\nttl = \"1h\"\n";
    let snapshot = house(&(JOBS.to_owned() + clips));
    let state = |now: u32| {
        let all = drains(&snapshot, &Survey::at(&snapshot.owners, now));
        let spare = all.iter().find(|one| &*one.backend == "spare").unwrap();
        (spare.state, spare.safe_to_stop)
    };
    snapshot.owners.follows(&["jobs"], NOW - 86_400);
    assert_eq!(state(NOW), (DrainState::Unknown, false));
    snapshot.owners.follows(&["jobs", "clips"], NOW);
    assert_eq!(state(NOW + 3_599), (DrainState::Unknown, false));
    assert_eq!(state(NOW + 3_600), (DrainState::Drained, true));
    // Out for a moment: what was made meanwhile is not known.
    snapshot.owners.follows(&["jobs"], NOW + 3_700);
    assert_eq!(state(NOW + 3_700), (DrainState::Unknown, false));
    snapshot.owners.follows(&["jobs", "clips"], NOW + 3_701);
    assert_eq!(state(NOW + 7_300), (DrainState::Unknown, false));
    assert_eq!(state(NOW + 7_301), (DrainState::Drained, true));
}

#[test]
fn what_is_on_its_way_is_summed_over_routes_and_workers() {
    let snapshot = house(JOBS);
    for route in &snapshot.routes {
        let cell = route.primary.cells.of(1);
        cell.in_flight.up();
        cell.tunnels_open.up();
    }
    let old = of(&snapshot, "old");
    assert_eq!((old.in_flight, old.tunnels, old.is_out), (2, 2, false));
    // A side that was taken away is still known to its endpoint.
    let spare = snapshot
        .backends
        .iter()
        .find(|b| &*b.name == "spare")
        .unwrap();
    let endpoint = &spare.members[0].endpoint;
    endpoint.cells.of(0).in_flight.up();
    endpoint.fitness.set_healthy(false);
    let spare = of(&snapshot, "spare");
    assert_eq!((spare.in_flight, spare.tunnels, spare.is_out), (1, 0, true));
}

#[test]
fn who_is_not_in_the_file_and_owns_something_is_told_too() {
    let snapshot = house(JOBS);
    for (id, backend) in [("1", "gone"), ("2", "gone"), ("3", "over"), ("4", "new")] {
        learn(&snapshot, "jobs", id, backend, NOW - 60);
    }
    assert!(snapshot.owners.finish("jobs", b"3", NOW));
    let all = drains(&snapshot, &Survey::at(&snapshot.owners, NOW));
    let all: Vec<_> = all.iter().map(|one| (&*one.backend, one.live())).collect();
    assert_eq!(
        all,
        [
            ("new", 1),
            ("old", 0),
            ("plain", 0),
            ("spare", 0),
            ("gone", 2)
        ]
    );
    let gone = of(&snapshot, "gone");
    assert!(!gone.in_file && !gone.is_out && gone.roles.is_empty());
}
