//! What a client breaks is not the backend's fault, whoever tells of it.

use figshift::stats::Class;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::far::{Far, Origin};
use super::matrix::before;
use crate::support::frames::{DATA, END_HEADERS, END_STREAM, HEADERS, Wire, block, frame};
use crate::support::house::bad_attempts;
use crate::support::{eventually, soon};

/// A chunk, and then what is none.
async fn chunked(address: std::net::SocketAddr, path: &str, waits: bool) {
    let mut socket = TcpStream::connect(address).await.unwrap();
    let head = format!("POST {path} HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n");
    socket.write_all(head.as_bytes()).await.unwrap();
    socket.write_all(b"4\r\ngood\r\n").await.unwrap();
    if waits {
        let mut answer = Vec::new();
        while !answer.ends_with(b"good\r\n") {
            let read = soon("an answer", socket.read_buf(&mut answer)).await;
            assert!(read.unwrap() > 0, "it ends");
        }
    } else {
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
    let _ = socket.write_all(b"none\r\n").await;
    let mut rest = Vec::new();
    let _ = soon("the end", socket.read_to_end(&mut rest)).await;
}

#[tokio::test]
async fn a_body_that_breaks_blames_no_backend() {
    for far in [Far::H1, Far::H2] {
        let origin = Origin::start(far).await;
        let house = before(&origin, far).await;
        for (path, waits) in [("/hang", false), ("/echo", true)] {
            let ended = house.primary().all_requests();
            chunked(house.app.http, path, waits).await;
            eventually("it has ended", || house.primary().all_requests() > ended).await;
            let counts = house.primary();
            assert_eq!(bad_attempts(&counts), 0, "{far:?} {path}: {counts:?}");
            assert!(counts.attempts(Class::Cancelled) > 0);
        }
        house.at_rest().await;
        house.stop().await;
    }
}

#[tokio::test]
async fn a_length_that_is_a_lie_blames_no_backend() {
    for far in [Far::H1, Far::H2] {
        let origin = Origin::start(far).await;
        let house = before(&origin, far).await;
        for path in ["/hang", "/echo"] {
            for (data, flags) in [(&b"too long"[..], 0), (b"", END_STREAM)] {
                let ended = house.primary().all_requests();
                let mut wire = Wire::open(house.app.http).await;
                let head = block(&[
                    (":method", "POST"),
                    (":scheme", "http"),
                    (":authority", "test"),
                    (":path", path),
                    ("content-length", "6"),
                ]);
                wire.send(&frame(HEADERS, END_HEADERS, 1, &head)).await;
                wire.send(&frame(DATA, 0, 1, b"good")).await;
                tokio::time::sleep(std::time::Duration::from_millis(200)).await;
                wire.send(&frame(DATA, flags, 1, data)).await;
                eventually("it has ended", || house.primary().all_requests() > ended).await;
                let counts = house.primary();
                assert_eq!(bad_attempts(&counts), 0, "{far:?} {path}: {counts:?}");
            }
        }
        house.at_rest().await;
        house.stop().await;
    }
}
