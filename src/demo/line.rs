//! A listener whose connections can all be reset at once, as when a host dies.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::serve::Listener;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Pause after a failed accept: out of file descriptors, mostly, which passes.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A listener; its connections live until the sender of `power` is dropped.
pub(super) struct Door {
    tcp: TcpListener,
    power: watch::Receiver<()>,
}

impl Door {
    /// Wraps a listener.
    pub(super) fn new(tcp: TcpListener, power: watch::Receiver<()>) -> Self {
        Self { tcp, power }
    }
}

impl Listener for Door {
    type Io = Line;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Line, SocketAddr) {
        loop {
            match self.tcp.accept().await {
                Ok((stream, peer)) => return (Line::new(stream, self.power.clone()), peer),
                Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.tcp.local_addr()
    }
}

/// One accepted connection.
pub(super) struct Line {
    stream: TcpStream,
    /// Ends when the power goes; `None` afterwards.
    cut: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl Line {
    fn new(stream: TcpStream, mut power: watch::Receiver<()>) -> Self {
        // Tokens are small writes; Nagle would bunch them. A socket that refuses the option still works.
        stream.set_nodelay(true).ok();
        let cut = Box::pin(async move { while power.changed().await.is_ok() {} });
        Self {
            stream,
            cut: Some(cut),
        }
    }

    /// An error once the power is gone; until then, wakes the task when it goes.
    fn check(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        if let Some(cut) = &mut self.cut {
            if cut.as_mut().poll(cx).is_pending() {
                return Ok(());
            }
            self.cut = None;
            // Without lingering, closing the socket sends a reset in place of an orderly end.
            self.stream.set_zero_linger().ok();
        }
        Err(io::ErrorKind::ConnectionReset.into())
    }
}

impl AsyncRead for Line {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.check(cx)?;
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Line {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.check(cx)?;
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check(cx)?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check(cx)?;
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
