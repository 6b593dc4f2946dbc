//! A sample backend: an inference server that behaves as it is told.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::TcpListener;
use tokio::sync::{Mutex, watch};
use tokio::task::JoinHandle;

use super::answers;
use super::behaviour::Behaviour;
use super::line::Door;

const BACKLOG: i32 = 1024;

/// A running sample backend; clones are handles to the same one, and the last one to go ends it.
#[derive(Debug, Clone)]
pub struct SampleBackend {
    pub(super) inner: Arc<Inner>,
}

/// What all handles share.
#[derive(Debug)]
pub(super) struct Inner {
    desk: Arc<Desk>,
    addr: SocketAddr,
    original: Behaviour,
    /// Bound but never listening: keeps the port ours while the backend is "dead", so that it can come back on it and
    /// no outgoing connection takes it meanwhile.
    _reservation: Socket,
    life: Mutex<Option<Life>>,
}

/// What answering a request needs.
#[derive(Debug)]
pub(super) struct Desk {
    pub(super) name: String,
    pub(super) behaviour: watch::Sender<Behaviour>,
    pub(super) requests: AtomicU64,
}

/// From start to crash.
#[derive(Debug)]
struct Life {
    server: JoinHandle<()>,
    /// Dropped with the life: then every open connection is reset.
    _power: watch::Sender<()>,
}

impl Drop for Life {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl SampleBackend {
    /// Starts a backend on a free local port.
    pub async fn start(name: &str, behaviour: Behaviour) -> io::Result<Self> {
        Self::start_on(0, name, behaviour).await
    }

    /// Starts a backend on this local port; 0 takes a free one.
    pub async fn start_on(port: u16, name: &str, behaviour: Behaviour) -> io::Result<Self> {
        let reservation = bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
        let addr = reservation
            .local_addr()?
            .as_socket()
            .ok_or(io::ErrorKind::AddrNotAvailable)?;
        let original = Behaviour {
            crash: false,
            ..behaviour.clone()
        };
        let desk = Desk {
            name: name.to_owned(),
            behaviour: watch::Sender::new(original.clone()),
            requests: AtomicU64::new(0),
        };
        let inner = Inner {
            desk: Arc::new(desk),
            addr,
            original,
            _reservation: reservation,
            life: Mutex::new(None),
        };
        let backend = Self {
            inner: Arc::new(inner),
        };
        backend.behave(behaviour).await?;
        Ok(backend)
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.inner.desk.name
    }

    /// Where it listens, also while it is down.
    pub fn addr(&self) -> SocketAddr {
        self.inner.addr
    }

    /// Its address as a URL, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.inner.addr)
    }

    /// The behaviour in force.
    pub fn behaviour(&self) -> Behaviour {
        self.inner.desk.behaviour.borrow().clone()
    }

    /// Requests that reached it, health checks left out.
    pub fn requests(&self) -> u64 {
        self.inner.desk.requests.load(Ordering::Relaxed)
    }

    /// Puts a behaviour in force. When this returns, a crashed backend refuses connections and a revived one takes them.
    pub async fn behave(&self, behaviour: Behaviour) -> io::Result<()> {
        let mut life = self.inner.life.lock().await;
        let crash = behaviour.crash;
        if !crash && life.is_none() {
            *life = Some(self.open()?);
        }
        self.inner.desk.behaviour.send_replace(behaviour);
        if crash && let Some(mut ended) = life.take() {
            ended.server.abort();
            // The listener is closed once the task is gone; that it was aborted is what we wanted.
            (&mut ended.server).await.ok();
        }
        Ok(())
    }

    /// Back to how it started.
    pub async fn reset(&self) -> io::Result<()> {
        self.behave(self.inner.original.clone()).await
    }

    fn open(&self) -> io::Result<Life> {
        let socket = bind(self.inner.addr)?;
        socket.listen(BACKLOG)?;
        socket.set_nonblocking(true)?;
        let listener = TcpListener::from_std(socket.into())?;
        let (power, watcher) = watch::channel(());
        // The router holds the backend weakly, or no backend would ever end.
        let router = answers::router(Arc::clone(&self.inner.desk), Arc::downgrade(&self.inner));
        let serve = axum::serve(Door::new(listener, watcher), router);
        let server = tokio::spawn(async move {
            serve.await.ok();
        });
        Ok(Life {
            server,
            _power: power,
        })
    }
}

/// A bound socket that shares its address with the reservation.
fn bind(addr: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    #[cfg(unix)]
    socket.set_reuse_port(true)?;
    socket.bind(&addr.into())?;
    Ok(socket)
}

#[cfg(test)]
#[path = "sample_tests.rs"]
mod tests;
