//! Tunnels: what is left of two connections after an upgrade. Bytes go both ways as they come, each
//! way ends by itself, and nobody looks at what they say. A tunnel is the stream of its request: it
//! is in all books until it ends.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::answer::Answer;
use super::stream::Stream;
use super::walk::Walk;
use super::worker::TICK;
use crate::stats::{Class, Counter};

/// Taken from a connection at a time, and at most held for one that is slow.
const PART: usize = 64 * 1024;
/// Parts that go one way before others get their turn.
const TURN: u32 = 16;

/// A tunnel that is about to open, or open.
#[derive(Debug)]
pub(super) struct Tunnel {
    /// Taken when it ends.
    walk: Option<Box<Walk>>,
    /// Until it runs: what holds the backend's connection.
    answer: Answer,
    /// Both ends, until they have ended well.
    ends: Option<Ends>,
}

#[derive(Debug)]
struct Ends {
    client: End,
    backend: Stream,
}

/// What is left of a client's connection.
#[derive(Debug)]
pub(super) enum End {
    /// All of it.
    Socket(Stream),
    /// A stream of HTTP/2. It cannot be broken off, only left without its end.
    Stream(TokioIo<Upgraded>),
}

impl Tunnel {
    pub(super) fn new(walk: Box<Walk>, answer: Answer) -> Box<Self> {
        let cell = walk.cell(walk.side());
        cell.tunnels.add(1);
        cell.tunnels_open.up();
        Box::new(Self {
            walk: Some(walk),
            answer,
            ends: None,
        })
    }

    /// Carries until both ways have ended, one end breaks, nothing moves for too long, or a hard
    /// rollback comes.
    ///
    /// # Cancel safety
    ///
    /// Dropping it breaks both connections off, and counts as a client that has left.
    pub(super) async fn run(mut self: Box<Self>, client: End) {
        let answer = std::mem::replace(&mut self.answer, Answer::Gone);
        let Some(backend) = answer.into_stream() else {
            return self.end(Class::Broken);
        };
        self.ends = Some(Ends { client, backend });
        if let Some(class) = self.carry().await {
            self.end(class);
        }
    }

    /// How it ended; `None` when it was given up.
    async fn carry(&mut self) -> Option<Class> {
        let (walk, ends) = (self.walk.as_ref()?, self.ends.as_mut()?);
        let worker = Rc::clone(walk.worker());
        let [to_backend, to_client] = &walk.cell(walk.side()).tunnel_bytes;
        // Never early: the coarse clock may be late by a tick. Without a limit it is there to be
        // woken for a cut.
        let limit = walk.backend().tunnel_idle;
        let due = || limit.map_or(Duration::MAX, |limit| worker.coarse_now() + TICK + limit);
        let deadline = worker.deadlines.arm(due());
        let (mut up, mut down) = (Way::default(), Way::default());
        let mut moved = 0;
        poll_fn(|cx| {
            if walk.is_cut() {
                return Poll::Ready(None);
            }
            let Ends { client, backend } = &mut *ends;
            let mut part = worker.part.borrow_mut();
            part.resize(PART, 0);
            // Down first: how the backend closed shows here before a write to it fails.
            let down_now = down.poll(cx, backend, client, &mut part, to_client);
            let up_now = up.poll(cx, client, backend, &mut part, to_backend);
            match (down_now, up_now) {
                (Poll::Ready(Err(Lost::From)), _) | (_, Poll::Ready(Err(Lost::To))) => {
                    // After its own end a backend may be gone.
                    let class = if down.has_ended() {
                        Class::Ok
                    } else {
                        Class::Broken
                    };
                    return Poll::Ready(Some(class));
                }
                (Poll::Ready(Err(Lost::To)), _) | (_, Poll::Ready(Err(Lost::From))) => {
                    return Poll::Ready(None);
                }
                (Poll::Ready(Ok(())), Poll::Ready(Ok(()))) => {
                    return Poll::Ready(Some(Class::Ok));
                }
                _ => {}
            }
            let all = up.bytes + down.bytes;
            if all != std::mem::replace(&mut moved, all) {
                deadline.rearm(due());
            }
            if deadline.poll_fired(cx) {
                return Poll::Ready(None);
            }
            Poll::Pending
        })
        .await
    }

    fn end(mut self: Box<Self>, class: Class) {
        if class == Class::Ok {
            self.ends = None;
        }
        if let Some(walk) = self.leave() {
            walk.ends(class, false);
        }
    }

    fn leave(&mut self) -> Option<Box<Walk>> {
        let walk = self.walk.take()?;
        walk.cell(walk.side()).tunnels_open.down();
        Some(walk)
    }
}

impl Drop for Tunnel {
    fn drop(&mut self) {
        if let Some(Ends { client, backend }) = self.ends.take() {
            backend.break_off();
            if let End::Socket(client) = client {
                client.break_off();
            }
        }
        drop(self.leave());
    }
}

impl End {
    fn io(self: Pin<&mut Self>) -> Pin<&mut (dyn Duplex + Unpin)> {
        match self.get_mut() {
            Self::Socket(stream) => Pin::new(stream),
            Self::Stream(stream) => Pin::new(stream),
        }
    }
}

/// Both directions of one thing.
trait Duplex: AsyncRead + AsyncWrite {}

impl<T: AsyncRead + AsyncWrite> Duplex for T {}

impl AsyncRead for End {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.io().poll_read(cx, into)
    }
}

impl AsyncWrite for End {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.io().poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.io().poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.io().poll_shutdown(cx)
    }
}

/// Which end of a way is gone.
enum Lost {
    From,
    To,
}

/// One of the two ways.
#[derive(Default)]
struct Way {
    /// Was read and could not be written at once; what of it is written already.
    held: Vec<u8>,
    written: usize,
    bytes: u64,
    unflushed: bool,
    read_to_end: bool,
}

impl Way {
    fn has_ended(&self) -> bool {
        self.read_to_end
    }

    /// Carries as much as goes; ready when the end has been passed on.
    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut (impl AsyncRead + Unpin),
        to: &mut (impl AsyncWrite + Unpin),
        part: &mut [u8],
        count: &Counter,
    ) -> Poll<Result<(), Lost>> {
        for _ in 0..TURN {
            ready!(self.poll_held(cx, to, count))?;
            if self.read_to_end {
                // One that is gone shows where it is read from.
                let shut = ready!(Pin::new(&mut *to).poll_shutdown(cx));
                return Poll::Ready(shut.or(Ok(())));
            }
            let mut buf = ReadBuf::new(part);
            match Pin::new(&mut *from).poll_read(cx, &mut buf) {
                Poll::Ready(Ok(())) if buf.filled().is_empty() => self.read_to_end = true,
                Poll::Ready(Ok(())) => self.take(cx, buf.filled(), to, count)?,
                Poll::Ready(Err(_)) => return Poll::Ready(Err(Lost::From)),
                Poll::Pending => {
                    ready!(self.poll_flush(cx, to))?;
                    return Poll::Pending;
                }
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Writes what can be written and holds the rest, so that a tunnel that is well holds nothing.
    fn take(
        &mut self,
        cx: &mut Context<'_>,
        bytes: &[u8],
        to: &mut (impl AsyncWrite + Unpin),
        count: &Counter,
    ) -> Result<(), Lost> {
        let written = match Pin::new(to).poll_write(cx, bytes) {
            Poll::Ready(Ok(written)) => written,
            Poll::Ready(Err(_)) => return Err(Lost::To),
            Poll::Pending => 0,
        };
        self.wrote(written, count);
        self.held.extend_from_slice(&bytes[written..]);
        Ok(())
    }

    fn poll_held(
        &mut self,
        cx: &mut Context<'_>,
        to: &mut (impl AsyncWrite + Unpin),
        count: &Counter,
    ) -> Poll<Result<(), Lost>> {
        while self.written < self.held.len() {
            match ready!(Pin::new(&mut *to).poll_write(cx, &self.held[self.written..])) {
                Ok(0) | Err(_) => return Poll::Ready(Err(Lost::To)),
                Ok(written) => {
                    self.written += written;
                    self.wrote(written, count);
                }
            }
        }
        (self.held, self.written) = (Vec::new(), 0);
        Poll::Ready(Ok(()))
    }

    fn wrote(&mut self, bytes: usize, count: &Counter) {
        self.bytes += bytes as u64;
        self.unflushed |= bytes > 0;
        count.add(bytes as u64);
    }

    fn poll_flush(
        &mut self,
        cx: &mut Context<'_>,
        to: &mut (impl AsyncWrite + Unpin),
    ) -> Poll<Result<(), Lost>> {
        if self.unflushed {
            if ready!(Pin::new(to).poll_flush(cx)).is_err() {
                return Poll::Ready(Err(Lost::To));
            }
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }
}
