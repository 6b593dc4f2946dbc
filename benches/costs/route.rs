//! Finding the last of many routes. Paths and exact hosts are looked up; routes that differ only
//! in a method, a header or a host below a star are gone through one by one.

use divan::{Bencher, black_box};
use figshift::config::model::Match;
use figshift::snapshot::{Ask, Snapshot};
use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::{HeaderMap as Headers, Method};

const ROUTES: [usize; 3] = [1, 10, 1000];

fn house(routes: usize, matches: impl Fn(usize) -> Match) -> Snapshot {
    super::snapshot(routes, |index, route| route.matches = matches(index))
}

/// The headers of an ordinary request, and one more.
fn headers(extra: &str) -> Headers {
    let lines = [
        ("host", "api.test"),
        ("user-agent", "bench/1"),
        ("accept", "*/*"),
        ("content-type", "application/json"),
        ("authorization", "Bearer 0123456789abcdef"),
        ("x-tenant", extra),
    ];
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        let value = HeaderValue::from_str(value).unwrap();
        headers.insert(HeaderName::from_static(name), value);
    }
    headers
}

/// Asks for the last route, which must be found.
fn find_last(
    bencher: Bencher<'_, '_>,
    house: &Snapshot,
    host: &str,
    path: &str,
    method: &Method,
    headers: &Headers,
) {
    let ask = Ask {
        host,
        path,
        method,
        headers,
    };
    assert_eq!(
        house.router.find(&house.routes, ask),
        Some(house.routes.len() - 1)
    );
    bencher.bench_local(|| house.router.find(&house.routes, black_box(ask)));
}

#[divan::bench(args = ROUTES)]
fn by_path(bencher: Bencher<'_, '_>, routes: usize) {
    let house = house(routes, |index| Match {
        path: Some(format!("/models/m{index}/*")),
        ..Match::default()
    });
    let path = format!("/models/m{}/v1/chat/completions", routes - 1);
    find_last(
        bencher,
        &house,
        "api.test",
        &path,
        &Method::POST,
        &headers("t"),
    );
}

#[divan::bench(args = ROUTES)]
fn by_host(bencher: Bencher<'_, '_>, routes: usize) {
    let house = house(routes, |index| Match {
        host: Some(format!("h{index}.test")),
        path: Some("/v1/*".to_owned()),
        ..Match::default()
    });
    let host = format!("h{}.test", routes - 1);
    find_last(
        bencher,
        &house,
        &host,
        "/v1/chat/completions",
        &Method::POST,
        &headers("t"),
    );
}

#[divan::bench(args = ROUTES)]
fn by_host_below(bencher: Bencher<'_, '_>, routes: usize) {
    let house = house(routes, |index| Match {
        host: Some(format!("*.h{index}.test")),
        path: Some("/v1/*".to_owned()),
        ..Match::default()
    });
    let host = format!("a.h{}.test", routes - 1);
    find_last(
        bencher,
        &house,
        &host,
        "/v1/chat/completions",
        &Method::POST,
        &headers("t"),
    );
}

#[divan::bench(args = ROUTES)]
fn by_method(bencher: Bencher<'_, '_>, routes: usize) {
    let house = house(routes, |index| Match {
        path: Some("/v1/*".to_owned()),
        methods: vec![if index + 1 == routes { "POST" } else { "GET" }.to_owned()],
        ..Match::default()
    });
    find_last(
        bencher,
        &house,
        "api.test",
        "/v1/chat/completions",
        &Method::POST,
        &headers("t"),
    );
}

#[divan::bench(args = ROUTES)]
fn by_header(bencher: Bencher<'_, '_>, routes: usize) {
    let house = house(routes, |index| Match {
        path: Some("/v1/*".to_owned()),
        headers: [("x-tenant".to_owned(), format!("t{index}"))].into(),
        ..Match::default()
    });
    let headers = headers(&format!("t{}", routes - 1));
    find_last(
        bencher,
        &house,
        "api.test",
        "/v1/chat/completions",
        &Method::POST,
        &headers,
    );
}
