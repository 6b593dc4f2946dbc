//! Streams of events over real sockets: how long they live, and how many there may be.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::tests::Port;
use super::{MOST_STREAMS, Patience};
use crate::config::model::Admin;
use crate::control::{Entry, Overrides, Stamp};

const SHORT: Duration = Duration::from_millis(100);
const DEADLINE: Duration = Duration::from_secs(20);

/// A stream, and what has come of it.
struct Stream(TcpStream, String);

impl Stream {
    async fn open(port: &Port) -> Self {
        let mut stream = TcpStream::connect(port.address).await.unwrap();
        let head = b"GET /api/v1/events HTTP/1.1\r\nhost: localhost\r\n\r\n";
        stream.write_all(head).await.unwrap();
        let mut stream = Self(stream, String::new());
        assert!(stream.until("\r\n\r\n").await, "no head: {}", stream.1);
        stream
    }

    /// Reads until this has come, or the end; whether it has.
    async fn until(&mut self, text: &str) -> bool {
        while !self.1.contains(text) {
            let mut some = [0; 4096];
            let read = timeout(DEADLINE, self.0.read(&mut some)).await;
            match read.unwrap_or_else(|_| panic!("no {text:?} in {}", self.1)) {
                Ok(0) | Err(_) => return false,
                Ok(len) => self.1 += std::str::from_utf8(&some[..len]).unwrap(),
            }
        }
        true
    }

    /// Waits for the end.
    async fn end(mut self) {
        assert!(!self.until("nothing that ever comes").await);
    }
}

fn quick() -> Patience {
    Patience {
        reading: SHORT,
        writing: SHORT,
        silence: SHORT,
    }
}

fn entry(seq: u64) -> Entry {
    Entry {
        seq,
        hard: false,
        epoch: 1,
        what: "rollback".to_owned(),
        route: None,
        stamp: Stamp::now("test", "why"),
        moves: Vec::new(),
        overrides: Overrides::default(),
    }
}

#[tokio::test]
async fn a_stream_outlives_all_patience_and_shows_that_it_lives() {
    let port = Port::with(quick()).await;
    let begun = Instant::now();
    let mut stream = Stream::open(&port).await;
    assert!(stream.1.contains("content-type: text/event-stream\r\n"));
    assert!(stream.1.contains("cache-control: no-store\r\n"));
    for _ in 0..5 {
        stream.1.clear();
        assert!(stream.until(":\n\n").await);
    }
    assert!(begun.elapsed() >= 5 * SHORT);
    port.view.events.tell(entry(7));
    assert!(
        stream
            .until("id: 7\nevent: rollback\ndata: {\"seq\":7,")
            .await
    );
}

#[tokio::test]
async fn there_are_so_many_and_no_more() {
    let port = Port::with(Patience::default()).await;
    let mut streams = Vec::new();
    while streams.len() < MOST_STREAMS {
        streams.push(Stream::open(&port).await);
        assert!(streams.last().unwrap().1.starts_with("HTTP/1.1 200 "));
    }
    let mut refused = Stream::open(&port).await;
    assert!(refused.1.starts_with("HTTP/1.1 503 "), "{}", refused.1);
    assert!(refused.until("\"reason\":\"too_many_streams\"").await);
    port.view.events.tell(entry(1));
    for stream in &mut streams {
        assert!(stream.until("id: 1\n").await);
    }
    // The place of one that has left is free.
    streams.pop();
    let begun = Instant::now();
    while !Stream::open(&port).await.1.starts_with("HTTP/1.1 200 ") {
        assert!(begun.elapsed() < DEADLINE, "no place");
    }
}

#[tokio::test]
async fn streams_end_with_the_token_and_with_the_house() {
    let port = Port::with(quick()).await;
    let stream = Stream::open(&port).await;
    let token = Some("a-new-token-for-everybody".parse().unwrap());
    let admin = Admin {
        token,
        ..Admin::default()
    };
    port.view.access.store(Arc::new(admin));
    stream.end().await;
    port.view.access.store(Arc::default());
    let stream = Stream::open(&port).await;
    port.serving.abort();
    stream.end().await;
    let begun = Instant::now();
    while port.view.streams.available_permits() < MOST_STREAMS {
        assert!(begun.elapsed() < DEADLINE, "somebody writes to nobody");
        tokio::time::sleep(SHORT / 10).await;
    }
}
