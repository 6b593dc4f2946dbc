//! What goes through the socket of a client, noted as it goes, at the price of a few stores: the
//! worker's sweep finds those that are slow by it, so that nobody needs a timer.
//!
//! It also tells figshift's answers from hyper's. What hyper's parser refuses never becomes a
//! request, and hyper answers it with a bare status. Bytes that are written while no answer is due
//! can be nothing else, so they are withheld, and [`super::farewell`] says it properly.

use std::cell::Cell;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::client::Client;

/// The progress of one client connection.
#[derive(Debug, Default)]
pub(super) struct Pace {
    read: Cell<u64>,
    wrote: Cell<u64>,
    /// The socket takes no more for now.
    blocked: Cell<bool>,
    turn: Cell<Turn>,
    /// The status that hyper would have answered with.
    withheld: Cell<u16>,
    /// Requests and answers overlap: whose bytes are written cannot be told.
    shared: Cell<bool>,
    /// The connection ends before its client has been read to the end.
    unread: Cell<bool>,
}

/// What is due on a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Turn {
    /// The client's request.
    #[default]
    Request,
    /// An answer of which nothing has been written.
    Answer,
    /// The rest of an answer.
    Rest,
}

impl Pace {
    pub(super) fn request_began(&self) {
        self.turn.set(Turn::Answer);
    }

    /// It speaks HTTP/2.
    pub(super) fn is_shared(&self) {
        self.shared.set(true);
    }

    /// The request was not read to its end, so closing at once would tear up the answer.
    pub(super) fn leaves_unread(&self) {
        self.unread.set(true);
    }

    pub(super) fn is_left_unread(&self) -> bool {
        self.unread.get()
    }

    /// Whether all answers that were due are out.
    pub(super) fn owes_nothing(&self) -> bool {
        self.turn.get() == Turn::Request
    }

    /// The status of an answer of hyper's that was withheld.
    pub(super) fn withheld(&self) -> Option<u16> {
        Some(self.withheld.get()).filter(|status| *status > 0)
    }

    /// Bytes that have come.
    pub(super) fn bytes_read(&self) -> u64 {
        self.read.get()
    }

    pub(super) fn bytes_written(&self) -> u64 {
        self.wrote.get()
    }

    /// Bytes that were taken, if there are more that wait to be.
    pub(super) fn stuck_at(&self) -> Option<u64> {
        self.blocked.get().then(|| self.wrote.get())
    }

    /// Whether these bytes are hyper's own answer.
    fn withholds(&self, bytes: &[u8]) -> bool {
        if self.shared.get() || !self.owes_nothing() {
            return false;
        }
        if self.withheld.get() == 0 {
            // `HTTP/1.1 400 Bad Request`
            let digits = bytes.get(9..12).and_then(|text| str::from_utf8(text).ok());
            self.withheld
                .set(digits.and_then(|text| text.parse().ok()).unwrap_or(400));
        }
        true
    }

    fn note_write(&self, wrote: &Poll<io::Result<usize>>) {
        self.blocked.set(wrote.is_pending());
        if let Poll::Ready(Ok(bytes)) = wrote {
            self.wrote.set(self.wrote.get() + *bytes as u64);
            if self.turn.get() == Turn::Answer {
                self.turn.set(Turn::Rest);
            }
        }
    }

    fn note_flush(&self, flushed: &Poll<io::Result<()>>, running: bool) {
        self.blocked.set(flushed.is_pending());
        // hyper flushes when all that it holds is written.
        if flushed.is_ready() && !running && self.turn.get() == Turn::Rest {
            self.turn.set(Turn::Request);
        }
    }
}

/// A client's stream that notes its pace.
#[derive(Debug)]
pub(super) struct Paced<S> {
    io: S,
    client: Rc<Client>,
}

impl<S> Paced<S> {
    pub(super) fn new(io: S, client: Rc<Client>) -> Self {
        Self { io, client }
    }

    pub(super) fn into_inner(self) -> S {
        self.io
    }

    pub(super) fn get_mut(&mut self) -> &mut S {
        &mut self.io
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Paced<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        let read = Pin::new(&mut this.io).poll_read(cx, buf);
        let bytes = buf.filled().len() - before;
        let pace = &this.client.pace;
        pace.read.set(pace.read.get() + bytes as u64);
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Paced<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.client.pace.withholds(buf) {
            return Poll::Ready(Ok(buf.len()));
        }
        let wrote = Pin::new(&mut this.io).poll_write(cx, buf);
        this.client.pace.note_write(&wrote);
        wrote
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let first = bufs.iter().find(|buf| !buf.is_empty());
        if this.client.pace.withholds(first.map_or(&[], |buf| buf)) {
            return Poll::Ready(Ok(bufs.iter().map(|buf| buf.len()).sum()));
        }
        let wrote = Pin::new(&mut this.io).poll_write_vectored(cx, bufs);
        this.client.pace.note_write(&wrote);
        wrote
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let flushed = Pin::new(&mut this.io).poll_flush(cx);
        let running = this.client.is_running();
        this.client.pace.note_flush(&flushed, running);
        flushed
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.client.pace.withheld().is_some() {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut this.io).poll_shutdown(cx)
    }
}
