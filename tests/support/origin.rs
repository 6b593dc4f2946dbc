//! A mock origin: raw TCP, so that it can be as wrong as it is told to be. A script looks at each
//! request and says what happens next, step by step. Everything that arrives is recorded.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard};

use socket2::{Domain, Socket, Type};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::message::Bytes;
pub(crate) use super::script::{Do, Gate, Seen, ok, raw, status};

type Script = dyn Fn(&Seen) -> Vec<Do> + Send + Sync;

struct State {
    script: Mutex<Arc<Script>>,
    /// The script is asked after the head, and the body is read only when it says so.
    early: bool,
    seen: Mutex<Vec<Seen>>,
    accepted: AtomicUsize,
    open: AtomicI64,
    /// Peers that left while an answer was under way.
    left: AtomicUsize,
    /// Counts kills.
    killed: watch::Sender<u32>,
}

/// See the module. Ends with its value.
pub(crate) struct Origin {
    pub(crate) address: SocketAddr,
    state: Arc<State>,
    /// Keeps the port ours while nobody listens on it.
    _reserved: Socket,
    accepting: Mutex<Option<tokio::task::JoinHandle<()>>>,
}

impl Origin {
    /// Asks the script after each whole request.
    pub(crate) fn new(script: impl Fn(&Seen) -> Vec<Do> + Send + Sync + 'static) -> Self {
        let origin = Self::unborn(Arc::new(script), false);
        origin.revive();
        origin
    }

    /// Asks the script after each head.
    pub(crate) fn early(script: impl Fn(&Seen) -> Vec<Do> + Send + Sync + 'static) -> Self {
        let origin = Self::unborn(Arc::new(script), true);
        origin.revive();
        origin
    }

    /// Answers 200 with this text, always.
    pub(crate) fn saying(text: &'static str) -> Self {
        Self::new(move |_| vec![ok(text.as_bytes())])
    }

    /// A port that refuses connections until [`Origin::revive`].
    pub(crate) fn dead() -> Self {
        Self::unborn(Arc::new(|_: &Seen| vec![ok(b"alive")]), false)
    }

    fn unborn(script: Arc<Script>, early: bool) -> Self {
        let reserved = socket(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        let address = reserved.local_addr().unwrap().as_socket().unwrap();
        let state = State {
            script: Mutex::new(script),
            early,
            seen: Mutex::default(),
            accepted: AtomicUsize::new(0),
            open: AtomicI64::new(0),
            left: AtomicUsize::new(0),
            killed: watch::Sender::new(0),
        };
        Self {
            address,
            state: Arc::new(state),
            _reserved: reserved,
            accepting: Mutex::new(None),
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Another script from now on.
    pub(crate) fn set(&self, script: impl Fn(&Seen) -> Vec<Do> + Send + Sync + 'static) {
        *lock(&self.state.script) = Arc::new(script);
    }

    /// Resets all connections and refuses new ones.
    pub(crate) async fn kill(&self) {
        if let Some(accepting) = self.end() {
            let _ = accepting.await;
        }
        super::eventually("all connections are reset", || self.open() == 0).await;
    }

    fn end(&self) -> Option<tokio::task::JoinHandle<()>> {
        let accepting = lock(&self.accepting).take();
        if let Some(accepting) = &accepting {
            accepting.abort();
        }
        self.state.killed.send_modify(|kills| *kills += 1);
        accepting
    }

    /// Listens (again) on the same port.
    pub(crate) fn revive(&self) {
        let listening = socket(self.address).unwrap();
        listening.listen(1024).unwrap();
        let listener = TcpListener::from_std(listening.into()).unwrap();
        let accepting = tokio::spawn(accept(listener, Arc::clone(&self.state)));
        *lock(&self.accepting) = Some(accepting);
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        lock(&self.state.seen).clone()
    }
    pub(crate) fn count(&self) -> usize {
        lock(&self.state.seen).len()
    }
    pub(crate) fn accepted(&self) -> usize {
        self.state.accepted.load(SeqCst)
    }
    pub(crate) fn open(&self) -> i64 {
        self.state.open.load(SeqCst)
    }
    pub(crate) fn left(&self) -> usize {
        self.state.left.load(SeqCst)
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        self.end();
    }
}

fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap()
}

fn socket(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

async fn accept(listener: TcpListener, state: Arc<State>) {
    while let Ok((stream, _)) = listener.accept().await {
        let connection = state.accepted.fetch_add(1, SeqCst);
        state.open.fetch_add(1, SeqCst);
        let state = Arc::clone(&state);
        let mut killed = state.killed.subscribe();
        killed.mark_unchanged();
        tokio::spawn(async move {
            stream.set_nodelay(true).unwrap();
            let mut talk = Talk {
                stream,
                bytes: Bytes::default(),
                state: Arc::clone(&state),
                connection,
            };
            let reset = tokio::select! {
                reset = talk.run() => matches!(reset, Ok(true)),
                _ = killed.changed() => true,
            };
            if reset {
                let _ = talk.stream.set_zero_linger();
            }
            drop(talk);
            state.open.fetch_sub(1, SeqCst);
        });
    }
}

/// One connection.
struct Talk {
    stream: TcpStream,
    bytes: Bytes,
    state: Arc<State>,
    connection: usize,
}

/// Whether the connection goes on after a step.
enum Then {
    On,
    Close,
    Reset,
}

impl Talk {
    /// Serves until something ends it; whether it ends in a reset.
    async fn run(&mut self) -> io::Result<bool> {
        for nth in 0.. {
            let Some(head) = self.bytes.head(&mut self.stream).await? else {
                return Ok(false);
            };
            let mut seen = Seen {
                head,
                connection: self.connection,
                nth,
                ..Seen::default()
            };
            if !self.state.early {
                self.read_body(&mut seen).await?;
            }
            let at = {
                let mut all = lock(&self.state.seen);
                all.push(seen.clone());
                all.len() - 1
            };
            let script = Arc::clone(&lock(&self.state.script));
            for step in script(&seen) {
                match self.step(step, &mut seen, at).await? {
                    Then::On => {}
                    Then::Close => return Ok(false),
                    Then::Reset => return Ok(true),
                }
            }
        }
        Ok(false)
    }

    async fn read_body(&mut self, seen: &mut Seen) -> io::Result<()> {
        if seen.head.is_chunked() {
            let trailers = self.bytes.chunked(&mut seen.body, &mut self.stream).await?;
            seen.whole = trailers.is_some();
            seen.trailers = trailers.unwrap_or_default();
        } else {
            let len = seen.head.content_length().unwrap_or(0);
            let stream = &mut self.stream;
            seen.whole = self.bytes.exactly(len, &mut seen.body, stream).await?;
        }
        Ok(())
    }

    async fn step(&mut self, step: Do, seen: &mut Seen, at: usize) -> io::Result<Then> {
        match step {
            Do::Send(bytes) => {
                if let Err(error) = self.stream.write_all(&bytes).await {
                    self.state.left.fetch_add(1, SeqCst);
                    return Err(error);
                }
            }
            Do::Dribble(bytes) => {
                for byte in bytes {
                    self.stream.write_all(&[byte]).await?;
                    tokio::task::yield_now().await;
                }
            }
            Do::Pause(time) => tokio::time::sleep(time).await,
            Do::Await(gate) => {
                tokio::select! {
                    () = gate.passed() => {}
                    () = gone(&mut self.bytes, &mut self.stream) => {
                        self.state.left.fetch_add(1, SeqCst);
                        return Ok(Then::Close);
                    }
                }
            }
            Do::Hold(gate) => gate.passed().await,
            Do::Stall => {
                gone(&mut self.bytes, &mut self.stream).await;
                self.state.left.fetch_add(1, SeqCst);
                return Ok(Then::Close);
            }
            Do::ReadBody => {
                self.read_body(seen).await?;
                lock(&self.state.seen)[at] = seen.clone();
            }
            Do::Echo => {
                loop {
                    let held = self.bytes.take_rest();
                    self.stream.write_all(&held).await?;
                    if !self.bytes.more(&mut self.stream).await? {
                        break;
                    }
                }
                self.stream.shutdown().await?;
                return Ok(Then::Close);
            }
            Do::Take(len) => {
                let stream = &mut self.stream;
                seen.whole = self.bytes.exactly(len, &mut seen.body, stream).await?;
                lock(&self.state.seen)[at] = seen.clone();
            }
            Do::TakeAll => {
                let stream = &mut self.stream;
                self.bytes.rest_until_end(&mut seen.body, stream).await?;
                seen.whole = true;
                lock(&self.state.seen)[at] = seen.clone();
            }
            Do::HalfClose => self.stream.shutdown().await?,
            Do::Close => return Ok(Then::Close),
            Do::Reset => return Ok(Then::Reset),
            Do::CloseAtNext => {
                if self.bytes.rest().is_empty() {
                    self.bytes.more(&mut self.stream).await?;
                }
                return Ok(Then::Close);
            }
        }
        Ok(Then::On)
    }
}

/// Waits until the peer has left.
async fn gone(bytes: &mut Bytes, stream: &mut TcpStream) {
    while matches!(bytes.more(stream).await, Ok(true)) {}
}
