//! The connections of the admin port: how many there may be, and how long one may keep it waiting.
//! A client that sends half a request, or takes no answer, must not keep a place for ever. Each has
//! one request: askers are few, and so there is no idle connection to tell from a slow one.

use std::pin::pin;

use axum::Router;
use axum::serve::Listener;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::task::JoinSet;

use super::patience::{Patience, Patient};

/// Connections at once, of each listener. Scrapers, probes and operators are a handful.
pub const MOST_CONNECTIONS: usize = 256;

/// Serves a listener until the end of `until`, then what is still open; all is cut when it is dropped.
pub async fn serve<L: Listener>(
    mut listener: L,
    router: Router,
    patience: Patience,
    until: impl Future<Output = ()>,
) {
    let mut until = pin!(until);
    let mut open = JoinSet::new();
    let mut full = false;
    loop {
        let (stream, _) = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = open.join_next() => continue,
            () = &mut until => break,
        };
        // The room of those who have just left.
        while open.try_join_next().is_some() {}
        if open.len() >= MOST_CONNECTIONS {
            if !full {
                tracing::warn!(
                    MOST_CONNECTIONS,
                    "The admin port is full: more are turned away"
                );
            }
            full = true;
            continue;
        }
        full = false;
        open.spawn(drive(stream, router.clone(), patience));
    }
    drop(listener);
    while open.join_next().await.is_some() {}
}

async fn drive<S>(stream: S, router: Router, patience: Patience)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let stream = TokioIo::new(Patient::new(stream, patience.writing));
    let connection = http1::Builder::new()
        .keep_alive(false)
        .timer(TokioTimer::new())
        .header_read_timeout(patience.reading)
        .serve_connection(stream, TowerToHyperService::new(router));
    // How a connection ends is the client's affair.
    if let Err(error) = connection.await {
        tracing::debug!(%error, "A connection to the admin port has broken");
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::net::{Ipv4Addr, SocketAddr};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::{Duration, Instant};

    use axum::routing::get;
    use bytes::Bytes;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::{TcpListener, TcpStream};
    use tokio::time::timeout;

    use super::*;

    const SHORT: Duration = Duration::from_millis(300);
    const LONG: Duration = Duration::from_secs(60);
    /// No wait of a test may be longer.
    const DEADLINE: Duration = Duration::from_secs(20);
    const HEAD: &[u8] = b"GET /small HTTP/1.1\r\nhost: localhost\r\n\r\n";

    async fn open(reading: Duration, writing: Duration) -> SocketAddr {
        let slowly = || async {
            tokio::time::sleep(SHORT * 3).await;
            "at last"
        };
        let router = Router::new()
            .route("/small", get(|| async { "small" }))
            .route("/slowly", get(slowly));
        serving(router, reading, writing).await
    }

    async fn serving(router: Router, reading: Duration, writing: Duration) -> SocketAddr {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(serve(
            listener,
            router,
            Patience {
                reading,
                writing,
                ..Patience::default()
            },
            std::future::pending(),
        ));
        address
    }

    async fn send(address: SocketAddr, bytes: &[u8]) -> TcpStream {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        stream
    }

    /// Everything until the other side ends or breaks it.
    async fn rest(stream: &mut TcpStream) -> String {
        let mut all = Vec::new();
        let read = timeout(DEADLINE, stream.read_to_end(&mut all)).await;
        if let Err(error) = read.expect("it ends") {
            assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
        }
        String::from_utf8(all).unwrap()
    }

    async fn get_small(address: SocketAddr) -> String {
        let mut stream = send(address, HEAD).await;
        rest(&mut stream).await
    }

    #[tokio::test]
    async fn half_a_head_is_not_waited_for() {
        let address = open(SHORT, LONG).await;
        for half in [&b""[..], b"GET /small HT", &HEAD[..HEAD.len() - 2]] {
            let begun = Instant::now();
            let mut stream = send(address, half).await;
            assert!(!rest(&mut stream).await.contains("small"));
            assert!(begun.elapsed() >= SHORT, "{half:?}");
        }
    }

    #[tokio::test]
    async fn a_byte_now_and_then_is_no_progress() {
        let address = open(SHORT, LONG).await;
        let mut stream = send(address, b"GET /small HTTP/1.1\r\nx: ").await;
        let (mut reading, mut writing) = stream.split();
        let drip = async {
            while writing.write_all(b"x").await.is_ok() {
                tokio::time::sleep(SHORT / 10).await;
            }
        };
        let mut first = [0];
        let ended = async { while reading.read(&mut first).await.is_ok_and(|len| len > 0) {} };
        let cut = async {
            tokio::select! { () = drip => {}, () = ended => {} }
        };
        timeout(DEADLINE, cut).await.expect("it is cut");
    }

    #[tokio::test]
    async fn an_answer_may_take_its_time() {
        let address = open(SHORT, SHORT).await;
        let mut stream = send(address, b"GET /slowly HTTP/1.1\r\nhost: x\r\n\r\n").await;
        let answer = rest(&mut stream).await;
        assert!(answer.contains("connection: close"), "{answer}");
        assert!(answer.ends_with("at last"), "{answer}");
    }

    /// Tells when the server has let go of it.
    struct Held(Vec<u8>, Arc<AtomicBool>);

    impl Drop for Held {
        fn drop(&mut self) {
            self.1.store(true, Ordering::Relaxed);
        }
    }

    impl AsRef<[u8]> for Held {
        fn as_ref(&self) -> &[u8] {
            &self.0
        }
    }

    #[tokio::test]
    async fn who_takes_nothing_is_left() {
        let let_go = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&let_go);
        let large = move || {
            let held = Held(vec![b'x'; 64 * 1024 * 1024], Arc::clone(&seen));
            async move { Bytes::from_owner(held) }
        };
        let router = Router::new().route("/large", get(large));
        let address = serving(router, LONG, SHORT).await;
        let head = b"GET /large HTTP/1.1\r\nhost: x\r\n\r\n";
        let mut stream = send(address, head).await;
        let mut first = [0; 9];
        stream.read_exact(&mut first).await.unwrap();
        assert_eq!(&first, b"HTTP/1.1 ");
        let begun = Instant::now();
        while !let_go.load(Ordering::Relaxed) {
            assert!(begun.elapsed() < DEADLINE, "still held");
            tokio::time::sleep(SHORT / 10).await;
        }
        assert!(begun.elapsed() >= SHORT / 2);
    }

    #[tokio::test]
    async fn those_who_hang_leave_room_until_all_places_are_taken() {
        let address = open(LONG, LONG).await;
        let mut hanging = Vec::new();
        while hanging.len() < MOST_CONNECTIONS / 2 {
            hanging.push(send(address, &HEAD[..7]).await);
        }
        assert!(get_small(address).await.ends_with("small"));
        while hanging.len() < MOST_CONNECTIONS {
            hanging.push(send(address, &HEAD[..7]).await);
        }
        assert_eq!(get_small(address).await, "");
        let mut one = hanging.pop().unwrap();
        one.write_all(&HEAD[7..]).await.unwrap();
        assert!(rest(&mut one).await.ends_with("small"));
        let begun = Instant::now();
        while !get_small(address).await.ends_with("small") {
            assert!(begun.elapsed() < DEADLINE, "no room again");
        }
    }
}
