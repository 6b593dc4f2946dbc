//! Recompiling: what is taken over from the snapshot before, and what begins anew.

use std::sync::Arc;
use std::time::Duration;

use super::config;
use crate::config::model::Config;
use crate::config::scalar::Percent;
use crate::policy::Phase;
use crate::snapshot::{
    Addresses, Endpoint, Fitness, HostRule, Publisher, Snapshot, Sticky, Target, Tried, compile,
};
use crate::stats::{Class, Side};

const WORKERS: usize = 2;
const NOW: Duration = Duration::from_secs(9);
const ROUTE: &str = "[[routes]]\nname = \"all\"\nprimary = \"old\"\n";
const SPLIT: &str =
    "[[routes]]\nname = \"all\"\nprimary = \"old\"\ncandidate = \"new\"\npercent = 10\n";

/// Backends `old` and `new` with these endpoints.
fn backends(old: &str, new: &str) -> String {
    format!("[backends.old]\nendpoints = [{old}]\n[backends.new]\nendpoints = [{new}]\n")
}

fn next(config: &Config, previous: &Snapshot) -> Snapshot {
    compile(
        config,
        &Arc::default(),
        &Addresses::new(),
        previous,
        WORKERS,
    )
    .unwrap()
}

fn first(config: &Config) -> Snapshot {
    next(config, &Snapshot::empty())
}

/// The endpoint at a place of a backend.
fn endpoint<'a>(house: &'a Snapshot, backend: &str, place: usize) -> &'a Arc<Endpoint> {
    let backend = house.backends.iter().find(|b| &*b.name == backend).unwrap();
    &backend.members[place].endpoint
}

fn trip(fitness: &Fitness, now: Duration) {
    let ticket = fitness.admit(now, 0).unwrap();
    while !fitness.fail(now, ticket, 0) {}
}

/// Three good probes after the wait; the phase after them.
fn recover(fitness: &Fitness, now: Duration) -> Phase {
    for _ in 0..3 {
        let probe = fitness.admit(now, 0).unwrap();
        fitness.succeed(now, probe);
    }
    fitness.sight().phase
}

#[test]
fn what_was_cut_stays_so_and_epochs_go_on() {
    let config = config(&backends("\"http://a:1\"", "\"http://b:1\""), SPLIT);
    let before = first(&config);
    let mut cut = next(&config, &before);
    cut.cut(Some("all"));
    let after = next(&config, &cut);
    assert!(!before.cuts.reach("all", before.epoch));
    for house in [&cut, &after] {
        assert!(house.cuts.reach("all", before.epoch));
        assert!(!house.cuts.reach("all", cut.epoch));
    }
}

#[test]
fn what_is_unchanged_is_the_same_thing() {
    let config = config(
        &backends("\"http://a:1\", \"http://b:1\"", "\"http://a:1\""),
        SPLIT,
    );
    let before = first(&config);
    before.routes[0].primary.cells.of(1).attempts[Class::Ok as usize].add(7);
    trip(&endpoint(&before, "old", 1).fitness, NOW);
    let after = next(&config, &before);
    assert_eq!((before.epoch, after.epoch), (1, 2));
    for side in Side::ALL {
        let cells = |house: &Snapshot| Arc::clone(&house.routes[0].arm(side).unwrap().cells);
        assert!(Arc::ptr_eq(&cells(&before), &cells(&after)), "{side:?}");
    }
    for (backend, place) in [("old", 0), ("old", 1), ("new", 0)] {
        let (before, after) = (
            endpoint(&before, backend, place),
            endpoint(&after, backend, place),
        );
        assert!(Arc::ptr_eq(before, after), "{backend} {place}");
    }
    assert_eq!(
        after.routes[0].primary.cells.of(1).attempts[Class::Ok as usize].get(),
        7
    );
    assert_eq!(
        endpoint(&after, "old", 1).fitness.sight().phase,
        Phase::Open
    );
    // The same address in another backend is another endpoint.
    assert_ne!(endpoint(&after, "old", 0).id, endpoint(&after, "new", 0).id);
}

#[test]
fn endpoints_are_known_by_their_address_wherever_they_stand() {
    let before = first(&config(
        &backends("\"http://a:1\", \"http://b:1\"", ""),
        ROUTE,
    ));
    let after = next(
        &config(
            &backends("\"http://c:1\", \"http://b:1/\", \"http://a:1\"", ""),
            ROUTE,
        ),
        &before,
    );
    assert!(Arc::ptr_eq(
        endpoint(&before, "old", 0),
        endpoint(&after, "old", 2)
    ));
    assert!(Arc::ptr_eq(
        endpoint(&before, "old", 1),
        endpoint(&after, "old", 1)
    ));
    assert_eq!(&*endpoint(&after, "old", 1).url, "http://b:1");
}

#[test]
fn what_comes_back_after_it_was_gone_is_new() {
    let both = config(&backends("\"http://a:1\", \"http://b:1\"", ""), ROUTE);
    let before = first(&both);
    trip(&endpoint(&before, "old", 1).fitness, NOW);
    let without = next(&config(&backends("\"http://a:1\"", ""), ROUTE), &before);
    let after = next(&both, &without);
    let (old, new) = (endpoint(&before, "old", 1), endpoint(&after, "old", 1));
    assert!(!Arc::ptr_eq(old, new));
    assert_eq!(new.fitness.sight().phase, Phase::Closed);
    let ids = [&before, &after].map(|house| [0, 1].map(|place| endpoint(house, "old", place).id));
    assert_eq!(ids[0][0], ids[1][0]);
    assert!(ids[1][1] > ids[0][1], "an id is never used again");
}

#[test]
fn the_books_of_a_side_go_with_route_and_backend() {
    let backends = backends("\"http://a:1\"", "\"http://b:1\"");
    let before = first(&config(&backends, SPLIT));
    for (route, primary, candidate) in [
        (
            "[[routes]]\nname = \"other\"\nprimary = \"old\"\ncandidate = \"new\"",
            false,
            Some(false),
        ),
        ("[[routes]]\nname = \"all\"\nprimary = \"old\"", true, None),
        (
            "[[routes]]\nname = \"all\"\nprimary = \"new\"\ncandidate = \"old\"",
            false,
            Some(false),
        ),
        (
            "[[routes]]\nname = \"all\"\nmatch = { path = \"/x\" }\nprimary = \"old\"\ncandidate = \"new\"\nsalt = \"s\"",
            true,
            Some(true),
        ),
    ] {
        let after = next(&config(&backends, route), &before);
        let same = |side: Side| {
            let (before, after) = (before.routes[0].arm(side)?, after.routes[0].arm(side)?);
            Some(Arc::ptr_eq(&before.cells, &after.cells))
        };
        assert_eq!(same(Side::Primary), Some(primary), "{route}");
        assert_eq!(same(Side::Candidate), candidate, "{route}");
    }
}

#[test]
fn a_percent_without_a_candidate_is_nothing() {
    let mut config = config(&backends("\"http://a:1\"", "\"http://b:1\""), SPLIT);
    assert_eq!(first(&config).routes[0].split.hundredths(), 1000);
    config.routes[0].candidate = None;
    config.routes[0].percent = Percent::from_hundredths(10_000);
    let house = first(&config);
    assert!(house.routes[0].candidate.is_none());
    assert_eq!(house.routes[0].split.hundredths(), 0);
    assert!(!house.routes[0].split.is_open());
}

#[test]
fn another_weight_is_the_same_endpoint() {
    let weighted = |weight: u32| {
        let old = format!("{{ url = \"http://a:1\", weight = {weight} }}, \"http://b:1\"");
        config(&backends(&old, ""), ROUTE)
    };
    let before = first(&weighted(1));
    trip(&endpoint(&before, "old", 0).fitness, NOW);
    let after = next(&weighted(9), &before);
    assert!(Arc::ptr_eq(
        endpoint(&before, "old", 0),
        endpoint(&after, "old", 0)
    ));
    assert_eq!(
        endpoint(&after, "old", 0).fitness.sight().phase,
        Phase::Open
    );
    let share = |house: &Snapshot| {
        let old = &house.routes[0].primary.backend;
        assert_eq!(old.members[1].weight, 1);
        let draws = (0..1000u32).map(|n| n * (u32::MAX / 1000));
        (
            old.members[0].weight,
            draws
                .filter(|draw| old.weights.pick(*draw) == Some(0))
                .count(),
        )
    };
    assert_eq!(share(&before), (1, 501));
    assert_eq!(share(&after), (9, 901));
}

#[test]
fn another_slow_start_reaches_a_known_endpoint_when_published() {
    let slow = |time: &str| {
        let old = format!(
            "[backends.old]\nendpoints = [\"http://a:1\"]\nbreaker = {{ slow_start = \"{time}\" }}"
        );
        config(&old, ROUTE)
    };
    let before = first(&slow("10s"));
    let fitness = &endpoint(&before, "old", 0).fitness;
    trip(fitness, NOW);
    assert_eq!(
        recover(fitness, NOW + Duration::from_secs(2)),
        Phase::Warming
    );
    let after = next(&slow("0s"), &before);
    let admits = || {
        let now = NOW + Duration::from_secs(2);
        fitness.admit(now, u32::MAX).is_some()
    };
    assert!(!admits(), "compiled is not published");
    let after = Publisher::new(after).current();
    assert!(admits());
    let fitness = &endpoint(&after, "old", 0).fitness;
    assert_eq!(fitness.sight().phase, Phase::Closed);
    trip(fitness, NOW + Duration::from_secs(3));
    assert_eq!(
        recover(fitness, NOW + Duration::from_secs(60)),
        Phase::Closed
    );
}

#[test]
fn addresses_say_where_to_connect() {
    let old = "\"http://[2001:db8::1]:8000\", \"http://10.0.0.5\", \"http://Gpu.test:81/\", \"http://[::1]\"";
    let house = first(&config(&backends(old, ""), ROUTE));
    for (place, target, authority, url) in [
        (
            0,
            Target::Address("[2001:db8::1]:8000".parse().unwrap()),
            "[2001:db8::1]:8000",
            "http://[2001:db8::1]:8000",
        ),
        (
            1,
            Target::Address("10.0.0.5:80".parse().unwrap()),
            "10.0.0.5",
            "http://10.0.0.5",
        ),
        (
            2,
            Target::Name("Gpu.test".into(), 81),
            "Gpu.test:81",
            "http://Gpu.test:81",
        ),
        (
            3,
            Target::Address("[::1]:80".parse().unwrap()),
            "[::1]",
            "http://[::1]",
        ),
    ] {
        let endpoint = endpoint(&house, "old", place);
        assert_eq!(endpoint.target, target);
        assert_eq!(endpoint.authority, authority);
        assert_eq!(&*endpoint.url, url);
    }
}

#[test]
fn the_host_header_follows_its_rule() {
    for (line, rule) in [
        ("", HostRule::Preserve),
        ("host = \"preserve\"", HostRule::Preserve),
        ("host = \"endpoint\"", HostRule::Endpoint),
        (
            "host = \"api.test:8443\"",
            HostRule::Fixed("api.test:8443".parse().unwrap()),
        ),
    ] {
        let old = format!("[backends.old]\nendpoints = []\n{line}");
        assert_eq!(first(&config(&old, ROUTE)).backends[0].host, rule, "{line}");
    }
}

#[test]
fn sticky_keys_and_salts_come_over() {
    let sticky = "sticky = [\"header:X-User\", \"cookie:sid\", \"query:u\", \"client_ip\"]\n";
    let house = first(&config(&backends("", ""), &format!("{SPLIT}{sticky}")));
    let route = &house.routes[0];
    assert_eq!(
        &*route.sticky,
        [
            Sticky::Header("x-user".parse().unwrap()),
            Sticky::Cookie("sid".into()),
            Sticky::Query("u".into()),
            Sticky::ClientIp
        ]
    );
    assert_eq!(route.salt, crate::policy::Salt::new("all"));
    let salted = first(&config(
        &backends("", ""),
        &format!("{SPLIT}salt = \"users\"\n"),
    ));
    assert_eq!(salted.routes[0].salt, crate::policy::Salt::new("users"));
}

/// Validation refuses these files; the compiler says what is wrong all the same.
#[test]
fn what_cannot_be_used_is_named() {
    let good = config(&backends("\"http://a:1\"", ""), ROUTE);
    let refused = |change: fn(&mut Config)| {
        let mut config = good.clone();
        change(&mut config);
        compile(
            &config,
            &Arc::default(),
            &Addresses::new(),
            &Snapshot::empty(),
            1,
        )
        .unwrap_err()
        .to_string()
    };
    for (message, change) in [
        (
            "routes.all.primary: `gone`",
            (|c| c.routes[0].primary = "gone".into()) as fn(&mut Config),
        ),
        ("routes.all.candidate: `gone`", |c| {
            c.routes[0].candidate = Some("gone".into())
        }),
        ("routes.all.match.methods: `A B`", |c| {
            c.routes[0].matches.methods = vec!["A B".into()]
        }),
        ("routes.all.match.headers: `a b`", |c| {
            c.routes[0].matches.headers = [("a b".into(), "1".into())].into();
        }),
        ("backends.old.host: `a\nb`", |c| {
            let old = c.backends.get_mut("old").unwrap();
            old.host = String::from("a\nb").into();
        }),
    ] {
        assert_eq!(refused(change), format!("{message} cannot be used"));
    }
}

#[test]
fn what_other_workers_have_on_their_way_counts_from_the_next_look() {
    use rand::SeedableRng;
    let house = first(&config(
        &backends("\"http://a:1\", \"http://b:1\"", ""),
        ROUTE,
    ));
    let old = &house.routes[0].primary.backend;
    let busy = &old.members[0].endpoint;
    let mut rng = rand::rngs::SmallRng::seed_from_u64(1);
    let mut hits = |worker: usize| {
        let mut pick = || old.pick(NOW, &Tried::default(), worker, &mut rng).unwrap();
        (0..1000).filter(|_| pick().member == 0).count()
    };
    for _ in 0..5 {
        busy.cells.of(1).in_flight.up();
    }
    // Drawn twice of four times, and then there is no choice.
    assert!((200..300).contains(&hits(1)));
    assert!((400..600).contains(&hits(0)), "worker 0 has not looked");
    busy.look_elsewhere(0);
    assert!((200..300).contains(&hits(0)));
    for _ in 0..5 {
        busy.cells.of(1).in_flight.down();
    }
    busy.look_elsewhere(0);
    assert!((400..600).contains(&hits(0)));
}

/// A backend `new` that learns its endpoints, with these addresses.
fn learned(addresses: &[(&str, &str)], previous: &Snapshot) -> Snapshot {
    let text = r#"
        [listen]
        http = "127.0.0.1:8080"
        [backends.old]
        endpoints = ["http://127.0.0.1:1"]
        [backends.new]
        discover = { vastai = { label = "a", port = 1 } }
        [backends.plain]
        discover = { file = { path = "a" } }
        [[routes]]
        name = "all"
        primary = "old"
        candidate = "new"
        "#;
    let config = crate::config::parse(text, "test.toml", &crate::config::EmptyEnv).unwrap();
    let addresses = addresses.iter().map(|(key, url)| crate::snapshot::Address {
        key: (*key).to_owned(),
        url: (*url).to_owned(),
        weight: 1,
    });
    let addresses: Vec<_> = addresses.collect();
    let found = ["new", "plain"].map(|name| (name.to_owned(), addresses.clone()));
    compile(
        &config,
        &Arc::default(),
        &Addresses::from(found),
        previous,
        WORKERS,
    )
    .unwrap()
}

#[test]
fn a_learned_endpoint_that_moves_keeps_its_counters_and_has_to_prove_itself() {
    let first = learned(
        &[("a", "http://h:1"), ("b", "http://h:2")],
        &Snapshot::empty(),
    );
    let old = Arc::clone(endpoint(&first, "new", 0));
    old.cells.of(0).good.add(7);
    old.fitness.enter(NOW);
    let moved = learned(&[("a", "http://h:3"), ("b", "http://h:2")], &first);
    let new = endpoint(&moved, "new", 0);
    assert!(!Arc::ptr_eq(&old, new) && !new.fitness.sight().proven);
    assert_eq!(new.cells.of(0).good.get(), 7);
    assert!(Arc::ptr_eq(
        endpoint(&first, "new", 1),
        endpoint(&moved, "new", 1)
    ));
    // Whoever has pinned the older state must not go where it was.
    assert!(old.fitness.admit(NOW, 0).is_some());
    moved.doubt_the_gone(&first);
    assert!(old.fitness.admit(NOW, 0).is_none() && old.fitness.admit_in_panic().is_none());

    // Gone, and back at the same address: another machine may have it.
    let gone = learned(&[("b", "http://h:2")], &moved);
    assert_eq!(gone.backends.iter().map(|b| b.away.len()).sum::<usize>(), 2);
    let back = learned(&[("a", "http://h:3"), ("b", "http://h:2")], &gone);
    assert!(!endpoint(&back, "new", 0).fitness.sight().proven);
    assert_eq!(endpoint(&back, "new", 0).cells.of(0).good.get(), 7);
    // Where nothing has to be proven it is the same one, with its breaker and its connections.
    assert!(Arc::ptr_eq(
        endpoint(&back, "plain", 0),
        endpoint(&moved, "plain", 0)
    ));
}
