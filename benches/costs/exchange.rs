//! A whole exchange over loopback, and its twin without figshift. The difference of the two is what
//! figshift adds: a second connection's reads and writes, a thread more to wake, and its own work.

use std::fmt;
use std::net::SocketAddr;

use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};

use super::client::Client;
use super::stand::stand;

/// The bytes of a body.
#[derive(Debug, Clone, Copy)]
struct Size(usize);

const EMPTY: Size = Size(0);
const SIZES: [Size; 3] = [EMPTY, Size(10 * 1024), Size(1024 * 1024)];
/// Requests on their way at once in a burst.
const BURST: usize = 16;

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => write!(f, "empty"),
            n if n < 1024 * 1024 => write!(f, "{} KB", n / 1024),
            n => write!(f, "{} MB", n / 1024 / 1024),
        }
    }
}

/// A request for a body of `down` bytes that carries one of `up` bytes.
fn request(up: Size, down: Size) -> Vec<u8> {
    let common =
        "host: api.test\r\nuser-agent: bench/1\r\naccept: */*\r\nauthorization: Bearer 0123456789";
    let mut head = format!("GET /v1/{} HTTP/1.1\r\n{common}\r\n\r\n", down.0);
    if up.0 > 0 {
        let length = up.0;
        head = format!(
            "POST /v1/{} HTTP/1.1\r\n{common}\r\ncontent-length: {length}\r\n\r\n",
            down.0
        );
    }
    let mut bytes = head.into_bytes();
    bytes.resize(bytes.len() + up.0, b'x');
    bytes
}

fn one(bencher: Bencher<'_, '_>, address: SocketAddr, up: Size, down: Size) {
    let mut client = Client::new(address);
    let request = request(up, down);
    bencher
        .counter(BytesCount::new(up.0 + down.0))
        .bench_local(|| {
            client.send(&request);
            client.read(down.0);
        });
}

/// Sends on all connections and then reads from all, so that waking threads weighs less.
fn burst(bencher: Bencher<'_, '_>, address: SocketAddr) {
    let mut clients: Vec<_> = (0..BURST).map(|_| Client::new(address)).collect();
    let request = request(EMPTY, EMPTY);
    bencher.counter(ItemsCount::new(BURST)).bench_local(|| {
        clients.iter_mut().for_each(|client| client.send(&request));
        clients.iter_mut().for_each(|client| client.read(0));
    });
}

#[divan::bench(args = SIZES, min_time = 1, max_time = 3)]
fn answer_direct(bencher: Bencher<'_, '_>, size: Size) {
    one(bencher, stand().origin, EMPTY, size);
}

#[divan::bench(args = SIZES, min_time = 1, max_time = 3)]
fn answer_through(bencher: Bencher<'_, '_>, size: Size) {
    one(bencher, stand().house, EMPTY, size);
}

#[divan::bench(args = &SIZES[1..], min_time = 1, max_time = 3)]
fn upload_direct(bencher: Bencher<'_, '_>, size: Size) {
    one(bencher, stand().origin, size, EMPTY);
}

#[divan::bench(args = &SIZES[1..], min_time = 1, max_time = 3)]
fn upload_through(bencher: Bencher<'_, '_>, size: Size) {
    one(bencher, stand().house, size, EMPTY);
}

#[divan::bench(min_time = 1, max_time = 3)]
fn burst_direct(bencher: Bencher<'_, '_>) {
    burst(bencher, stand().origin);
}

#[divan::bench(min_time = 1, max_time = 3)]
fn burst_through(bencher: Bencher<'_, '_>) {
    burst(bencher, stand().house);
}
