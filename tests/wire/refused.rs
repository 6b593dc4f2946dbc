//! What an HTTP/2 backend has certainly not begun may be sent again, whatever it is.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use figshift::stats::{Reason, Side};
use h2::Reason as Code;
use http::Response;
use tokio::net::TcpListener;

use super::far::{Far, Origin as Plain};
use super::near::{Client, Fed, Near, Whole};
use crate::support::house::{House, Plan};

/// What the raw backend does with its streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Does {
    /// Resets each with this.
    Resets(Code),
    /// Says that it ends, with the first stream of each connection not processed.
    GoesAway,
}

/// Speaks HTTP/2 by hand.
async fn raw(does: Does) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let seen = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&seen);
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let count = Arc::clone(&count);
            tokio::spawn(async move { serve(does, socket, &count).await });
        }
    });
    (address, seen)
}

async fn serve(does: Does, mut socket: tokio::net::TcpStream, count: &AtomicUsize) {
    match does {
        Does::Resets(code) => {
            let mut connection = h2::server::handshake(socket).await.unwrap();
            while let Some(Ok((_, mut respond))) = connection.accept().await {
                count.fetch_add(1, SeqCst);
                respond.send_reset(code);
            }
        }
        Does::GoesAway => {
            use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
            // SETTINGS; then, when a HEADERS frame has come, GOAWAY with last stream 0.
            socket
                .write_all(&[0, 0, 0, 4, 0, 0, 0, 0, 0])
                .await
                .unwrap();
            let mut bytes = Vec::new();
            let has_headers = |bytes: &[u8]| {
                let mut at = 24;
                while let Some(head) = bytes.get(at..at + 9) {
                    let len = usize::from(head[1]) << 8 | usize::from(head[2]);
                    if head[3] == 1 {
                        return true;
                    }
                    at += 9 + len;
                }
                false
            };
            while !has_headers(&bytes) {
                if socket.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
                    return;
                }
            }
            count.fetch_add(1, SeqCst);
            let goaway = [0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
            let _ = socket.write_all(&goaway).await;
            while socket.read_buf(&mut bytes).await.unwrap_or(0) > 0 {}
        }
    }
}

/// The candidate gets all, is raw, and may not get anything twice by method.
async fn house(does: Does) -> (House, Plain, Arc<AtomicUsize>) {
    let (address, seen) = raw(does).await;
    let old = Plain::start(Far::H1).await;
    let text = format!(
        "{}[backends.new]\nendpoints = [\"http://{address}\"]\nprotocol = \"h2\"\n[[routes]]\n\
         name = \"all\"\nprimary = \"old\"\ncandidate = \"new\"\npercent = 100\n",
        old.table("old", "")
    );
    (Plan::new(text).start().await, old, seen)
}

async fn post(house: &House) -> Whole {
    let mut client = Client::new(Near::H1, house.app.http).await;
    let body = Fed::whole(b"not twice".to_vec());
    let response: Response<_> = client.send("POST", "/echo", body).await.unwrap();
    Whole::read(response).await.unwrap()
}

#[tokio::test]
async fn a_refused_stream_goes_to_the_other_side() {
    let (house, old, seen) = house(Does::Resets(Code::REFUSED_STREAM)).await;
    let whole = post(&house).await;
    assert_eq!((whole.status, &whole.body[..]), (200, &b"not twice"[..]));
    assert_eq!((seen.load(SeqCst), old.count()), (1, 1));
    let counts = house.counts(Side::Candidate);
    assert_eq!(counts.fallbacks(Reason::Reset), 1);
    house.stop().await;
}

#[tokio::test]
async fn a_stream_that_was_reset_otherwise_is_not_sent_twice() {
    let (house, old, seen) = house(Does::Resets(Code::INTERNAL_ERROR)).await;
    let whole = post(&house).await;
    assert_eq!(whole.status, 502);
    assert_eq!(whole.get("x-figshift-reason"), Some("upstream_reset"));
    assert_eq!((seen.load(SeqCst), old.count()), (1, 0));
    house.stop().await;
}

#[tokio::test]
async fn a_stream_above_the_last_of_a_goaway_goes_elsewhere() {
    let (house, old, _) = house(Does::GoesAway).await;
    for _ in 0..3 {
        let whole = post(&house).await;
        assert_eq!((whole.status, &whole.body[..]), (200, &b"not twice"[..]));
    }
    assert_eq!(old.count(), 3);
    house.stop().await;
}
