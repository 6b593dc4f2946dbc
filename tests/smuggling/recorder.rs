//! The byte-recording origin: each connection is read by the strict rules, each whole request is
//! noted and answered with what was read, and a byte that fits no rule ends the connection.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::strict::{Whole, read};

#[derive(Debug, Default)]
struct State {
    whole: Mutex<Vec<Whole>>,
    /// What fits no rule, in words, with the bytes of its connection.
    wrong: Mutex<Vec<String>>,
    open: AtomicUsize,
}

/// See the module. Ends with its value.
#[derive(Debug)]
pub(crate) struct Recorder {
    pub(crate) address: SocketAddr,
    state: Arc<State>,
    accepting: tokio::task::JoinHandle<()>,
}

impl Recorder {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State::default());
        let shared = Arc::clone(&state);
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                shared.open.fetch_add(1, SeqCst);
                let state = Arc::clone(&shared);
                tokio::spawn(async move {
                    talk(stream, &state).await;
                    state.open.fetch_sub(1, SeqCst);
                });
            }
        });
        Self {
            address,
            state,
            accepting,
        }
    }

    /// Waits until everybody has left, and takes what has come: whole requests, in order, and what
    /// fits no rule.
    pub(crate) async fn take(&self) -> (Vec<Whole>, Vec<String>) {
        super::support::eventually("the recorder is left", || self.state.open.load(SeqCst) == 0)
            .await;
        let whole = std::mem::take(&mut *self.state.whole.lock().unwrap());
        let wrong = std::mem::take(&mut *self.state.wrong.lock().unwrap());
        (whole, wrong)
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// What the origin answers to a request: how it has read it.
pub(crate) fn echo(method: &str, target: &str, body: &[u8]) -> String {
    format!("{method} {target} {}", body.len())
}

async fn talk(mut stream: TcpStream, state: &State) {
    stream.set_nodelay(true).unwrap();
    let mut bytes = Vec::new();
    let mut from = 0;
    while stream.read_buf(&mut bytes).await.is_ok_and(|came| came > 0) {
        loop {
            match read(&bytes[from..]) {
                Ok(None) => break,
                Ok(Some((whole, length))) => {
                    from += length;
                    let said = echo(&whole.method, &whole.target, &whole.body);
                    state.whole.lock().unwrap().push(whole);
                    let answer = format!(
                        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{said}",
                        said.len()
                    );
                    if stream.write_all(answer.as_bytes()).await.is_err() {
                        return;
                    }
                }
                Err(wrong) => {
                    let all = bytes.escape_ascii();
                    let wrong = format!("{wrong}\nin: {all}");
                    state.wrong.lock().unwrap().push(wrong);
                    return;
                }
            }
        }
    }
}
