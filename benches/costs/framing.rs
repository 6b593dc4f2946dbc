//! Following the framing of what clients send, beside the engine.

use divan::{Bencher, black_box};
use figshift::wire::Framing;

const GET: &str = "GET /v1/models?limit=20 HTTP/1.1\r\nHost: llm.example.com\r\nUser-Agent: bench/1\r\n\
    Accept: application/json\r\nAccept-Encoding: gzip, deflate, br\r\nConnection: keep-alive\r\n\
    Authorization: Bearer sk-0123456789abcdef0123456789abcdef\r\nX-Request-Id: 0123456789abcdef\r\n\r\n";

#[divan::bench]
fn get(bencher: Bencher<'_, '_>) {
    follow(bencher, GET);
}

#[divan::bench]
fn upload_1k(bencher: Bencher<'_, '_>) {
    let head = GET
        .replace("GET", "POST")
        .replace("X-Request-Id: 0123456789abcdef", "Content-Length: 1000");
    follow(bencher, &(head + &"x".repeat(1000)));
}

fn follow(bencher: Bencher<'_, '_>, request: &str) {
    let mut framing = Framing::default();
    bencher.bench_local(|| framing.follow(black_box(request.as_bytes())));
    assert_eq!(framing.flaw(), None);
}
