//! The router against what the file promises, and against a matcher that goes through the routes
//! one by one.

use http::Method;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use proptest::prelude::*;

use super::config;
use crate::config::model::{Config, Match};
use crate::snapshot::{Addresses, Ask, Snapshot, compile};

/// Routes with these conditions, in order. Unlike a file, they may be unreachable.
fn house(matches: &[Match]) -> Snapshot {
    let mut config: Config = config(
        "[backends.old]\nendpoints = []",
        "[[routes]]\nname = \"r\"\nprimary = \"old\"",
    );
    let template = config.routes.remove(0);
    for (index, wanted) in matches.iter().enumerate() {
        let mut route = template.clone();
        route.name = format!("r{index}");
        route.matches = wanted.clone();
        config.routes.push(route);
    }
    compile(
        &config,
        &std::sync::Arc::default(),
        &Addresses::new(),
        &Snapshot::empty(),
        1,
    )
    .unwrap()
}

fn path(pattern: &str) -> Match {
    Match {
        path: Some(pattern.to_owned()),
        ..Match::default()
    }
}

fn host(pattern: &str) -> Match {
    Match {
        host: Some(pattern.to_owned()),
        ..Match::default()
    }
}

fn find_with(
    house: &Snapshot,
    method: &str,
    host: &str,
    path: &str,
    lines: &[(&str, &str)],
) -> Option<usize> {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        headers.append(name, HeaderValue::from_str(value).unwrap());
    }
    let ask = Ask {
        host,
        path,
        method: &Method::from_bytes(method.as_bytes()).unwrap(),
        headers: &headers,
    };
    house.router.find(&house.routes, ask)
}

fn find(house: &Snapshot, host: &str, path: &str) -> Option<usize> {
    find_with(house, "GET", host, path, &[])
}

/// Which of these paths a pattern takes.
fn taken<'a>(pattern: &str, paths: &[&'a str]) -> Vec<&'a str> {
    let house = house(&[path(pattern)]);
    let taken = paths
        .iter()
        .filter(|path| find(&house, "a.test", path) == Some(0));
    taken.copied().collect()
}

#[test]
fn paths_are_taken_as_the_file_says() {
    let paths = [
        "/", "*", "/v1", "/v1/", "/v1/x", "/v1/x/", "/v1/x/y", "/v1x", "/v2", "/V1", "/v1/*",
    ];
    for (pattern, expected) in [
        ("/*", &paths[..]),
        ("/", &["/", "*"]),
        ("/v1", &["/v1"]),
        ("/v1/", &["/v1/"]),
        (
            "/v1/*",
            &["/v1", "/v1/", "/v1/x", "/v1/x/", "/v1/x/y", "/v1/*"],
        ),
        ("/v1/x", &["/v1/x"]),
        ("/*/x", &["/v1/x"]),
        ("/*/x/*", &["/v1/x", "/v1/x/", "/v1/x/y"]),
        ("/v1/*/y", &["/v1/x/y"]),
        ("/*/", &["/v1/"]),
        (
            "/*/*",
            &[
                "/v1", "/v1/", "/v1/x", "/v1/x/", "/v1/x/y", "/v1x", "/v2", "/V1", "/v1/*",
            ],
        ),
    ] {
        assert_eq!(taken(pattern, &paths), expected, "{pattern}");
    }
}

#[test]
fn a_star_in_the_middle_is_one_segment_and_never_none() {
    let paths = [
        "/users/7/files",
        "/users//files",
        "/users/files",
        "/users/7/8/files",
    ];
    assert_eq!(taken("/users/*/files", &paths), ["/users/7/files"]);
}

#[test]
fn the_first_match_wins_wherever_it_stands() {
    for (first, second) in [
        (path("/*"), path("/v1/x")),
        (path("/v1/*"), path("/v1/x")),
        (path("/*/x"), path("/v1/*")),
        (host("*.test"), host("a.test")),
        (Match::default(), host("a.test")),
        (host("a.test"), Match::default()),
        (path("/v1/x"), host("a.test")),
    ] {
        let both = [first, second];
        assert_eq!(find(&house(&both), "a.test", "/v1/x"), Some(0), "{both:?}");
        let turned = [both[1].clone(), both[0].clone()];
        assert_eq!(
            find(&house(&turned), "a.test", "/v1/x"),
            Some(0),
            "{turned:?}"
        );
    }
}

#[test]
fn a_route_that_does_not_hold_lets_the_next_one_have_it() {
    let post = Match {
        methods: vec!["POST".to_owned()],
        ..path("/v1/x")
    };
    let marked = Match {
        headers: [("x-a".to_owned(), "1".to_owned())].into(),
        ..path("/v1/*")
    };
    let house = house(&[post, marked, path("/*/x")]);
    assert_eq!(find_with(&house, "POST", "a", "/v1/x", &[]), Some(0));
    assert_eq!(
        find_with(&house, "GET", "a", "/v1/x", &[("x-a", "1")]),
        Some(1)
    );
    assert_eq!(
        find_with(&house, "GET", "a", "/v1/x", &[("x-a", "2")]),
        Some(2)
    );
    assert_eq!(find_with(&house, "GET", "a", "/v1/y", &[]), None);
}

#[test]
fn hosts_match_in_any_case_and_below_a_star() {
    let all = house(&[
        host("a.test"),
        host("*.a.test"),
        host("*.test"),
        host("[::1]"),
    ]);
    for (asked, expected) in [
        ("a.test", Some(0)),
        ("A.Test", Some(0)),
        ("b.a.test", Some(1)),
        ("c.b.A.TEST", Some(1)),
        ("xa.test", Some(2)),
        ("test", None),
        (".test", None),
        ("", None),
        ("[::1]", Some(3)),
    ] {
        assert_eq!(find(&all, asked, "/"), expected, "{asked}");
    }
    let none: [Match; 0] = [];
    assert_eq!(find(&house(&none), "a.test", "/"), None);
}

#[test]
fn headers_and_methods_must_all_hold() {
    let wanted = Match {
        methods: vec!["GET".to_owned(), "PURGE".to_owned()],
        headers: [("X-A", "1"), ("x-b", "*")]
            .map(|(n, v)| (n.to_owned(), v.to_owned()))
            .into(),
        ..Match::default()
    };
    let house = house(&[wanted]);
    for (method, lines, expected) in [
        ("GET", &[("x-a", "1"), ("x-b", "")][..], true),
        ("PURGE", &[("x-a", "1"), ("X-B", "any")], true),
        ("GET", &[("x-a", "2"), ("x-a", "1"), ("x-b", "")], true),
        ("POST", &[("x-a", "1"), ("x-b", "")], false),
        ("GET", &[("x-a", "1")], false),
        ("GET", &[("x-b", "1")], false),
        ("GET", &[("x-a", "1, 2"), ("x-b", "")], false),
        ("GET", &[], false),
    ] {
        let found = find_with(&house, method, "a", "/", lines).is_some();
        assert_eq!(found, expected, "{method} {lines:?}");
    }
}

/// What the file promises, said without a tree.
fn fits(wanted: &Match, method: &str, host: &str, path: &str) -> bool {
    let host = host.to_ascii_lowercase();
    let host_fits = match wanted.host.as_deref() {
        None => true,
        Some(pattern) => match pattern.strip_prefix('*') {
            Some(suffix) => host.ends_with(suffix) && host != suffix,
            None => host == pattern,
        },
    };
    let method_fits = wanted.methods.is_empty() || wanted.methods.iter().any(|m| m == method);
    let pattern = wanted.path.as_deref().unwrap_or("/*");
    host_fits && method_fits && path_fits(pattern, path)
}

fn path_fits(pattern: &str, path: &str) -> bool {
    if let Some(prefix) = pattern.strip_suffix("/*") {
        // Itself, or anything after one of its slashes.
        let slashes = path.match_indices('/').map(|(at, _)| at);
        return slashes
            .chain([path.len()])
            .any(|end| exact_fits(prefix, path.get(..end).unwrap()));
    }
    exact_fits(pattern, path)
}

fn exact_fits(pattern: &str, path: &str) -> bool {
    let (patterns, parts): (Vec<_>, Vec<_>) =
        (pattern.split('/').collect(), path.split('/').collect());
    patterns.len() == parts.len()
        && patterns
            .iter()
            .zip(&parts)
            .all(|(pattern, part)| match *pattern {
                "*" => !part.is_empty(),
                text => text == *part,
            })
}

fn any_match() -> impl Strategy<Value = Match> {
    let host = prop::option::of(prop::sample::select(vec![
        "t", "a.t", "b.a.t", "*.t", "*.a.t",
    ]));
    let path = prop::option::of("(/[ab*]){1,4}/?|/");
    let methods = prop::sample::subsequence(vec!["GET", "POST"], 0..=2);
    (host, path, methods).prop_map(|(host, path, methods)| Match {
        host: host.map(str::to_owned),
        path,
        methods: methods.into_iter().map(str::to_owned).collect(),
        ..Match::default()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn the_tree_finds_what_a_list_would(
        matches in prop::collection::vec(any_match(), 0..12),
        asks in prop::collection::vec(
            (
                prop::sample::select(vec!["t", "a.t", "b.a.t", "B.A.T", "xa.t", "c.t", ".t", "u", ""]),
                "(/[ab*]?){1,5}",
                prop::sample::select(vec!["GET", "POST", "PUT"]),
            ),
            1..40,
        ),
    ) {
        let house = house(&matches);
        for (host, path, method) in asks {
            let expected = matches.iter().position(|wanted| fits(wanted, method, host, &path));
            let found = find_with(&house, method, host, &path, &[]);
            prop_assert_eq!(found, expected, "{} {} {}", method, host, path);
        }
    }
}
