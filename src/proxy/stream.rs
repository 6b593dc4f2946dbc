//! A socket of the data plane: what was read before the engine took it over comes first, then what
//! the socket brings.

use std::cell::{Cell, RefCell};
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::{client, server};

use crate::snapshot::Endpoint;

/// Read when a silence ends; the rest is read by an engine.
const FIRST: usize = 512;
/// Parts that are no more than this together are put together: the system takes one faster than several.
const SHORT: usize = 1024;

/// See the module.
#[derive(Debug)]
pub(super) struct Stream {
    /// Read already, and not yet handed on.
    ahead: Bytes,
    socket: Socket,
    pulse: Option<Rc<Pulse>>,
    open: Option<Open>,
}

/// A connection among the open ones of its endpoint, as long as there is its socket.
#[derive(Debug)]
pub(super) struct Open {
    endpoint: Arc<Endpoint>,
    worker: usize,
}

impl Open {
    pub(super) fn new(endpoint: Arc<Endpoint>, worker: usize) -> Self {
        endpoint.cells.of(worker).open.up();
        Self { endpoint, worker }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.endpoint.cells.of(self.worker).open.down();
    }
}

/// What the socket has brought, for who asks for signs of life.
#[derive(Debug, Default)]
pub(super) struct Pulse {
    beats: Cell<u64>,
    waker: RefCell<Option<Waker>>,
}

impl Pulse {
    fn beat(&self) {
        self.beats.set(self.beats.get() + 1);
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    /// How often it has brought something.
    pub(super) fn beats(&self) -> u64 {
        self.beats.get()
    }

    /// Wakes this task at the next one.
    pub(super) fn wake(&self, cx: &Context<'_>) {
        *self.waker.borrow_mut() = Some(cx.waker().clone());
    }
}

/// What carries the bytes.
#[derive(Debug)]
enum Socket {
    Plain(TcpStream),
    /// TLS with a client. Boxed like the next one, since it is large and others have no need for it.
    Accepted(Box<server::TlsStream<TcpStream>>),
    /// TLS with an endpoint.
    Connected(Box<client::TlsStream<TcpStream>>),
}

/// Calls a method of what carries the bytes.
macro_rules! carry {
    ($stream:expr, $socket:ident => $call:expr) => {
        match &mut $stream.get_mut().socket {
            Socket::Plain(socket) => {
                let $socket = Pin::new(socket);
                $call
            }
            Socket::Accepted(socket) => {
                let $socket = Pin::new(&mut **socket);
                $call
            }
            Socket::Connected(socket) => {
                let $socket = Pin::new(&mut **socket);
                $call
            }
        }
    };
}

impl Stream {
    /// Without TLS.
    pub(super) fn plain(socket: TcpStream) -> Self {
        Self::over(Socket::Plain(socket))
    }

    /// With TLS, from a client.
    pub(super) fn accepted(socket: server::TlsStream<TcpStream>) -> Self {
        Self::over(Socket::Accepted(Box::new(socket)))
    }

    /// With TLS, to an endpoint.
    pub(super) fn connected(socket: client::TlsStream<TcpStream>) -> Self {
        Self::over(Socket::Connected(Box::new(socket)))
    }

    fn over(socket: Socket) -> Self {
        Self {
            ahead: Bytes::new(),
            socket,
            pulse: None,
            open: None,
        }
    }

    /// The same, in the books of its endpoint.
    pub(super) fn counted(mut self, open: Open) -> Self {
        self.open = Some(open);
        self
    }

    /// Counts what it brings from here on.
    pub(super) fn pulse(&mut self) -> Rc<Pulse> {
        Rc::clone(self.pulse.get_or_insert_default())
    }

    /// The same, with what was read of it in front again.
    pub(super) fn with_ahead(mut self, ahead: Bytes) -> Self {
        self.ahead = ahead;
        self
    }

    /// The same, in front of what is already there.
    pub(super) fn with_more_ahead(self, more: Bytes) -> Self {
        let ahead = match (more.is_empty(), self.ahead.is_empty()) {
            (true, _) => return self,
            (false, true) => more,
            (false, false) => [more, self.ahead.clone()].concat().into(),
        };
        self.with_ahead(ahead)
    }

    /// Waits until there is something to read; that is then ahead. Where nothing is, it is the end.
    ///
    /// # Errors
    ///
    /// The socket broke.
    pub(super) fn poll_silence(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.ahead.is_empty() {
            let mut few = [0; FIRST];
            let mut few = ReadBuf::new(&mut few);
            ready!(Pin::new(&mut *self).poll_read(cx, &mut few))?;
            self.ahead = Bytes::copy_from_slice(few.filled());
        }
        Poll::Ready(Ok(()))
    }

    /// When it is dropped, its other end shall see that something broke, and not take what it has for
    /// the whole.
    pub(super) fn break_off(&self) {
        let socket = match &self.socket {
            Socket::Plain(socket) => socket,
            Socket::Accepted(socket) => socket.get_ref().0,
            Socket::Connected(socket) => socket.get_ref().0,
        };
        if let Err(error) = socket.set_zero_linger() {
            tracing::debug!(%error, "A connection cannot be broken off");
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.ahead.is_empty() {
            let read = carry!(self.as_mut(), socket => socket.poll_read(cx, into));
            if let (Poll::Ready(Ok(())), Some(pulse)) = (&read, &self.pulse) {
                pulse.beat();
            }
            return read;
        }
        let part = self.ahead.len().min(into.remaining());
        into.put_slice(&self.ahead[..part]);
        self.ahead.advance(part);
        if self.ahead.is_empty() {
            // Its memory is free from here on.
            self.ahead = Bytes::new();
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        carry!(self, socket => socket.poll_write(cx, bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let all: usize = parts.iter().map(|part| part.len()).sum();
        if all <= SHORT {
            let mut short = [0; SHORT];
            let mut at = 0;
            for part in parts {
                short[at..at + part.len()].copy_from_slice(part);
                at += part.len();
            }
            return carry!(self, socket => socket.poll_write(cx, &short[..at]));
        }
        carry!(self, socket => socket.poll_write_vectored(cx, parts))
    }

    fn is_write_vectored(&self) -> bool {
        match &self.socket {
            Socket::Plain(socket) => socket.is_write_vectored(),
            Socket::Accepted(socket) => socket.is_write_vectored(),
            Socket::Connected(socket) => socket.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        carry!(self, socket => socket.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        carry!(self, socket => socket.poll_shutdown(cx))
    }
}
