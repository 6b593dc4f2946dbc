//! A request on its way out: its head, and its body as that comes. No more of it is asked for than
//! what is written, and head and first part go out together where both are there.

use std::io::{self, IoSlice, Write as _};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use http::HeaderMap;
use http_body::{Body, Frame};
use tokio::io::AsyncWrite;

use super::buffers::Buffers;
use super::error::Error;
use super::request::{Framing, Request};

/// A part this short is copied behind the head, and does not become a slice of its own.
const SHORT: usize = 1024;
/// No further part is asked for when so much waits.
const ENOUGH: usize = 16 * 1024;
const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

/// See the module.
#[derive(Debug)]
pub(super) struct Sending<B> {
    /// What is still to come.
    body: Option<B>,
    framing: Framing,
    /// To be written, in this order: what is copied, a part, and what stands behind it.
    front: Vec<u8>,
    at: usize,
    part: Bytes,
    back: &'static [u8],
    /// The system has taken a byte of it.
    begun: bool,
    flushed: bool,
    /// The rest is not sent: nothing more can be on this connection.
    given_up: bool,
}

impl<B> Default for Sending<B> {
    fn default() -> Self {
        Self {
            body: None,
            framing: Framing::Length(0),
            front: Vec::new(),
            at: 0,
            part: Bytes::new(),
            back: b"",
            begun: false,
            flushed: true,
            given_up: false,
        }
    }
}

impl<B: Body<Data = Bytes> + Unpin> Sending<B> {
    pub(super) fn begin(&mut self, request: &Request<'_>, body: B, buffers: &Buffers) {
        let body = Some(body).filter(|body| !body.is_end_stream());
        self.front = buffers.take();
        self.framing = request.write(body.is_some(), &mut self.front);
        self.at = 0;
        self.body = body;
        self.begun = false;
        self.flushed = false;
    }

    /// Whether all of it is out.
    pub(super) fn has_ended(&self) -> bool {
        self.body.is_none() && self.flushed && !self.given_up
    }

    /// Whether the system has taken any of it.
    pub(super) fn has_begun(&self) -> bool {
        self.begun
    }

    /// Nothing more of it is sent.
    pub(super) fn give_up(&mut self) {
        *self = Self {
            begun: self.begun,
            given_up: true,
            ..Self::default()
        };
    }

    /// Sends on; ready when all of it is out.
    pub(super) fn poll<S>(
        &mut self,
        io: &mut S,
        buffers: &Buffers,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Error>>
    where
        S: AsyncWrite + Unpin,
    {
        if self.has_ended() || self.given_up {
            return Poll::Ready(Ok(()));
        }
        loop {
            let waits = self.fill(cx)?.is_pending();
            if self.waiting() > 0 {
                ready!(self.write(io, cx))?;
                continue;
            }
            if self.front.capacity() > 0 {
                buffers.give(std::mem::take(&mut self.front));
                self.at = 0;
            }
            if !self.flushed {
                ready!(Pin::new(&mut *io).poll_flush(cx))?;
                self.flushed = true;
            }
            return if waits {
                Poll::Pending
            } else {
                Poll::Ready(Ok(()))
            };
        }
    }

    fn waiting(&self) -> usize {
        self.front.len() - self.at + self.part.len() + self.back.len()
    }

    /// Asks for further parts as long as there is room; pending when there is, and none has come.
    fn fill(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        while let Some(body) = &mut self.body
            && self.part.is_empty()
            && self.back.is_empty()
            && self.front.len() - self.at < ENOUGH
        {
            let frame = ready!(Pin::new(&mut *body).poll_frame(cx));
            let ends = body.is_end_stream();
            match frame {
                Some(Ok(frame)) => self.put(frame, ends)?,
                Some(Err(_)) => return Poll::Ready(Err(Error::Upload)),
                None => self.end(None)?,
            }
        }
        Poll::Ready(Ok(()))
    }

    fn put(&mut self, frame: Frame<Bytes>, ends: bool) -> Result<(), Error> {
        self.flushed = false;
        let part = match frame.into_data() {
            Ok(part) => part,
            Err(frame) => return self.end(frame.into_trailers().ok()),
        };
        match &mut self.framing {
            Framing::Length(left) => {
                let Some(rest) = left.checked_sub(part.len() as u64) else {
                    return Err(Error::Upload);
                };
                *left = rest;
                self.copy_or_keep(part, b"");
                if rest == 0 {
                    self.body = None;
                }
            }
            Framing::Chunked => {
                if !part.is_empty() {
                    // Into memory, so it cannot fail.
                    write!(self.front, "{:x}\r\n", part.len())?;
                    self.copy_or_keep(part, b"\r\n");
                }
                if ends {
                    self.end(None)?;
                }
            }
        }
        if ends && self.body.is_some() {
            self.end(None)?;
        }
        Ok(())
    }

    fn copy_or_keep(&mut self, part: Bytes, back: &'static [u8]) {
        if part.len() <= SHORT {
            self.front.extend_from_slice(&part);
            self.front.extend_from_slice(back);
        } else {
            self.part = part;
            self.back = back;
        }
    }

    fn end(&mut self, trailers: Option<HeaderMap>) -> Result<(), Error> {
        self.body = None;
        self.flushed = false;
        match self.framing {
            Framing::Length(0) => Ok(()),
            Framing::Length(_) => Err(Error::Upload),
            Framing::Chunked if !self.part.is_empty() => {
                // Trailers come as a frame of their own, when this one is written.
                self.back = b"\r\n0\r\n\r\n";
                Ok(())
            }
            Framing::Chunked => {
                match trailers {
                    None => self.front.extend_from_slice(LAST_CHUNK),
                    Some(trailers) => write_trailers(&trailers, &mut self.front),
                }
                Ok(())
            }
        }
    }

    fn write<S>(&mut self, io: &mut S, cx: &mut Context<'_>) -> Poll<io::Result<()>>
    where
        S: AsyncWrite + Unpin,
    {
        let front = &self.front[self.at..];
        let wrote = if self.part.is_empty() && self.back.is_empty() {
            ready!(Pin::new(io).poll_write(cx, front))?
        } else {
            let all = [front, &self.part, self.back].map(IoSlice::new);
            ready!(Pin::new(io).poll_write_vectored(cx, &all))?
        };
        if wrote == 0 {
            return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
        }
        self.begun = true;
        let of_front = wrote.min(front.len());
        self.at += of_front;
        let of_part = (wrote - of_front).min(self.part.len());
        self.part.advance(of_part);
        self.back = self
            .back
            .get(wrote - of_front - of_part..)
            .unwrap_or_default();
        if self.at == self.front.len() {
            self.front.clear();
            self.at = 0;
        }
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
impl<B> Sending<B> {
    pub(super) fn feed(&mut self) -> &mut B {
        self.body.as_mut().unwrap()
    }
}

fn write_trailers(trailers: &HeaderMap, out: &mut Vec<u8>) {
    out.extend_from_slice(b"0\r\n");
    for (name, value) in trailers {
        out.extend_from_slice(name.as_str().as_bytes());
        out.extend_from_slice(b": ");
        out.extend_from_slice(value.as_bytes());
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"\r\n");
}
