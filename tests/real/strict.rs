//! Clients that forgive nothing: whatever is not a whole 200 is a failure, and nothing is asked twice.
//! And an origin that takes its time, so that there is always something on its way.

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::wait::until;

const THINKING: Duration = Duration::from_millis(5);
const PATIENCE: Duration = Duration::from_secs(30);

/// What the clients saw.
#[derive(Debug, Clone, Default)]
pub(crate) struct Saw {
    pub(crate) good: u64,
    /// Of them, with the word that the connection ends.
    pub(crate) told: u64,
    pub(crate) failed: BTreeMap<String, u64>,
    pub(crate) longest: Duration,
}

/// A running load.
#[derive(Debug)]
pub(crate) struct Strict {
    saw: Arc<Mutex<Saw>>,
    stop: Arc<AtomicBool>,
    clients: JoinSet<()>,
}

impl Strict {
    /// So many who keep their connection as long as they may, and so many who make one for each request.
    pub(crate) fn start(port: u16, keeping: usize, fresh: usize) -> Self {
        let (saw, stop) = (Arc::<Mutex<Saw>>::default(), Arc::<AtomicBool>::default());
        let mut clients = JoinSet::new();
        for index in 0..keeping + fresh {
            let (saw, stop) = (Arc::clone(&saw), Arc::clone(&stop));
            clients.spawn(ask(port, index < keeping, saw, stop));
        }
        Self { saw, stop, clients }
    }

    pub(crate) fn so_far(&self) -> Saw {
        self.saw.lock().unwrap().clone()
    }

    /// Waits until there was so much more of it.
    pub(crate) async fn goes_on(&self, requests: u64) {
        let before = self.so_far().good;
        until("there is traffic", PATIENCE, async || {
            (self.so_far().good > before + requests).then_some(())
        })
        .await;
    }

    /// Ends it; nobody may have lost a request, and somebody must have been told to go.
    pub(crate) async fn has_lost_nothing(self, over: &str) {
        let saw = self.stop().await;
        assert!(saw.failed.is_empty(), "{saw:?}");
        assert!(
            saw.told > 0,
            "nobody was told that a connection ends: {saw:?}"
        );
        println!(
            "{over} under {} requests: 0 failed; the longest took {:?}",
            saw.good, saw.longest
        );
    }

    /// Lets each finish its request.
    pub(crate) async fn stop(self) -> Saw {
        self.stop.store(true, Ordering::SeqCst);
        self.clients.join_all().await;
        self.saw.lock().unwrap().clone()
    }
}

async fn ask(port: u16, keeps: bool, saw: Arc<Mutex<Saw>>, stop: Arc<AtomicBool>) {
    let mut kept = None;
    while !stop.load(Ordering::SeqCst) {
        let begun = std::time::Instant::now();
        let asked = timeout(PATIENCE, once(port, kept.take(), keeps)).await;
        let mut saw = saw.lock().unwrap();
        saw.longest = saw.longest.max(begun.elapsed());
        match asked.unwrap_or_else(|late| Err(late.into())) {
            Ok(still_open) => {
                saw.good += 1;
                saw.told += u64::from(keeps && still_open.is_none());
                kept = still_open;
            }
            Err(error) => *saw.failed.entry(error.to_string()).or_default() += 1,
        }
    }
}

/// One request; gives the connection back if it may be used again.
async fn once(port: u16, kept: Option<TcpStream>, keeps: bool) -> io::Result<Option<TcpStream>> {
    let mut stream = match kept {
        Some(stream) => stream,
        None => TcpStream::connect(("127.0.0.1", port)).await?,
    };
    stream
        .write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        .await?;
    let head = head(&mut stream).await?;
    if !head.starts_with("http/1.1 200") {
        return Err(io::Error::other(
            head.lines().next().unwrap_or_default().to_owned(),
        ));
    }
    let mut body = [0; 2];
    stream.read_exact(&mut body).await?;
    let told = head.contains("connection: close");
    Ok((keeps && !told).then_some(stream))
}

/// Up to and with the empty line, in small letters.
async fn head(stream: &mut TcpStream) -> io::Result<String> {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") {
        bytes.push(stream.read_u8().await?);
    }
    Ok(String::from_utf8_lossy(&bytes).to_ascii_lowercase())
}

/// Answers each request with `ok`, `/stream` with an event each tenth of a second for as long as the
/// number after it says. Gives its URL.
pub(crate) async fn origin() -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer(stream));
        }
    });
    url
}

async fn answer(mut stream: TcpStream) -> io::Result<()> {
    loop {
        let head = head(&mut stream).await?;
        if let Some(count) = head.strip_prefix("get /stream") {
            let count = count.split(' ').next().and_then(|count| count.parse().ok());
            tell(&mut stream, count.unwrap_or(0)).await?;
            continue;
        }
        sleep(THINKING).await;
        stream
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
            .await?;
    }
}

async fn tell(stream: &mut TcpStream, count: u32) -> io::Result<()> {
    let head =
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes()).await?;
    for _ in 0..count {
        stream.write_all(b"9\r\ndata: x\n\n\r\n").await?;
        sleep(Duration::from_millis(100)).await;
    }
    stream.write_all(b"0\r\n\r\n").await
}
