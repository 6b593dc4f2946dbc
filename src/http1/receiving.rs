//! A response on its way in: its head, and its body as that comes.

use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, Bytes, BytesMut};
use http::Response;
use http_body::{Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncReadExt as _, ReadBuf};

use super::buffers::{Buffers, READ};
use super::chunks::{Chunks, Step};
use super::error::Error;
use super::head::{Length, parse};

/// The longest head.
const MOST_HEAD: usize = 256 * 1024;
/// What of a long body is read at once, without being copied.
const BULK: usize = 128 * 1024;

/// How far a body is.
#[derive(Debug)]
enum Body {
    /// So many bytes are to come.
    Left(u64),
    Chunked(Chunks),
    UntilClose,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Receiving {
    /// The head is awaited.
    at_head: bool,
    body: Body,
    head_only: bool,
    /// The connection can serve again after this response.
    keeps: bool,
    /// A head that is not whole.
    partial: Vec<u8>,
    /// Read, and not yet used.
    ahead: Bytes,
    /// More came at once than the shared buffer takes: the next part gets memory of its own.
    in_bulk: bool,
    /// It was just seen to bring nothing, by the task that begins a request: that is woken when it does,
    /// so the first wait for the answer needs no look.
    seen_silent: bool,
    /// A part was given, and perhaps not yet handed on.
    gave: bool,
    /// To be told when it certainly is.
    failure: Option<Error>,
}

impl Default for Receiving {
    fn default() -> Self {
        Self {
            at_head: false,
            body: Body::Left(0),
            head_only: false,
            keeps: true,
            partial: Vec::new(),
            ahead: Bytes::new(),
            in_bulk: false,
            seen_silent: false,
            gave: false,
            failure: None,
        }
    }
}

type Part = Option<Result<Frame<Bytes>, Error>>;

impl Receiving {
    pub(super) fn begin(&mut self, head_only: bool) {
        self.at_head = true;
        self.head_only = head_only;
        self.in_bulk = false;
    }

    /// Whether the body is at its end.
    pub(super) fn is_end(&self) -> bool {
        match &self.body {
            _ if self.failure.is_some() => false,
            Body::Left(left) => *left == 0,
            Body::Chunked(chunks) => chunks.has_ended(),
            Body::UntilClose => false,
        }
    }

    pub(super) fn size_hint(&self) -> SizeHint {
        match &self.body {
            Body::Left(left) => SizeHint::with_exact(*left),
            Body::Chunked(_) | Body::UntilClose => SizeHint::new(),
        }
    }

    /// Whether nothing is awaited any more, and another response may follow.
    pub(super) fn is_idle(&self) -> bool {
        self.keeps && !self.at_head && self.is_end() && self.ahead.is_empty()
    }

    /// The same, and nothing comes, as it must be; what does is of no use. The task is woken when that
    /// changes.
    pub(super) fn is_silent<S>(
        &mut self,
        io: &mut S,
        buffers: &Buffers,
        cx: &mut Context<'_>,
    ) -> bool
    where
        S: AsyncRead + Unpin,
    {
        let mut into = buffers.into.borrow_mut();
        let mut part = ReadBuf::new(&mut into);
        // An end, an error, or words that nobody has asked for.
        self.seen_silent = self.is_idle() && Pin::new(io).poll_read(cx, &mut part).is_pending();
        self.seen_silent
    }

    /// What was read beyond the head.
    pub(super) fn into_ahead(self) -> Bytes {
        self.ahead
    }

    pub(super) fn poll_head<S>(
        &mut self,
        io: &mut S,
        buffers: &Buffers,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Response<()>, Error>>
    where
        S: AsyncRead + Unpin,
    {
        if std::mem::take(&mut self.seen_silent) {
            return Poll::Pending;
        }
        loop {
            if self.ahead.is_empty() {
                ready!(self.read(io, buffers, cx))?;
                if self.ahead.is_empty() {
                    return Poll::Ready(Err(Error::Closed));
                }
                if !self.partial.is_empty() {
                    self.partial.extend_from_slice(&self.ahead);
                    self.ahead = std::mem::take(&mut self.partial).into();
                }
            }
            match parse(&self.ahead, self.head_only, buffers)? {
                Some((length, None)) => self.ahead.advance(length),
                Some((length, Some(head))) => {
                    self.ahead.advance(length);
                    if self.ahead.is_empty() {
                        // Its memory belongs to the head alone.
                        self.ahead = Bytes::new();
                    }
                    self.at_head = false;
                    self.keeps = head.keeps;
                    self.body = match head.length {
                        Length::Exactly(length) => Body::Left(length),
                        Length::Chunked => Body::Chunked(Chunks::default()),
                        Length::UntilClose => Body::UntilClose,
                    };
                    return Poll::Ready(Ok(head.response));
                }
                None if self.ahead.len() > MOST_HEAD => {
                    return Poll::Ready(Err(Error::Malformed("its head is too long")));
                }
                None => {
                    self.partial = std::mem::take(&mut self.ahead).into();
                }
            }
        }
    }

    pub(super) fn poll_frame<S>(
        &mut self,
        io: &mut S,
        buffers: &Buffers,
        cx: &mut Context<'_>,
    ) -> Poll<Part>
    where
        S: AsyncRead + Unpin,
    {
        if let Some(failure) = self.failure.take() {
            return Poll::Ready(Some(Err(failure)));
        }
        loop {
            if self.is_end() {
                return Poll::Ready(None);
            }
            if self.ahead.is_empty() {
                match self.read(io, buffers, cx) {
                    Poll::Ready(Ok(())) => {}
                    Poll::Ready(Err(error)) => return self.fail(error.into(), cx),
                    Poll::Pending => {
                        self.gave = false;
                        return Poll::Pending;
                    }
                }
                if self.ahead.is_empty() {
                    return self.closed(cx);
                }
            }
            match self.step() {
                Ok(Step::Data(data)) => {
                    self.gave = true;
                    return Poll::Ready(Some(Ok(Frame::data(data))));
                }
                Ok(Step::End(trailers)) => {
                    return Poll::Ready(trailers.map(|trailers| Ok(Frame::trailers(trailers))));
                }
                Ok(Step::More) => {}
                Err(what) => return self.fail(Error::Malformed(what), cx),
            }
        }
    }

    fn step(&mut self) -> Result<Step, &'static str> {
        match &mut self.body {
            Body::Left(left) => {
                let here = (*left).min(self.ahead.len() as u64);
                *left -= here;
                // No more than there is.
                let here = here as usize;
                Ok(Step::Data(if here == self.ahead.len() {
                    std::mem::take(&mut self.ahead)
                } else {
                    self.ahead.split_to(here)
                }))
            }
            Body::Chunked(chunks) => chunks.step(&mut self.ahead),
            Body::UntilClose => Ok(Step::Data(std::mem::take(&mut self.ahead))),
        }
    }

    /// The backend has closed the connection in the body.
    fn closed(&mut self, cx: &Context<'_>) -> Poll<Part> {
        if let Body::UntilClose = self.body {
            self.body = Body::Left(0);
            return Poll::Ready(None);
        }
        self.fail(Error::Closed, cx)
    }

    /// Nothing more can come. An engine that hears of it at once drops what it has not written yet, so
    /// it gets a turn for that first.
    fn fail(&mut self, error: Error, cx: &Context<'_>) -> Poll<Part> {
        self.keeps = false;
        self.body = Body::Left(0);
        if std::mem::take(&mut self.gave) {
            self.failure = Some(error);
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(Some(Err(error)))
    }

    /// Reads what is there; nothing at the end.
    fn read<S>(
        &mut self,
        io: &mut S,
        buffers: &Buffers,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>>
    where
        S: AsyncRead + Unpin,
    {
        let room = match &self.body {
            // As much as is to come, so that no memory is left over; trailers and chunks are no matter.
            Body::Left(left) if !self.at_head => (*left).min(BULK as u64) as usize,
            _ => BULK,
        };
        if self.in_bulk && room > READ {
            let mut part = BytesMut::with_capacity(room);
            let Poll::Ready(read) = pin!(io.read_buf(&mut part)).poll(cx) else {
                // Whoever waits has no memory; what comes next may be little.
                self.in_bulk = false;
                return Poll::Pending;
            };
            read?;
            // A slow client must not make much memory out of little data.
            let sparse = part.len() < room / 4;
            self.ahead = if sparse {
                Bytes::copy_from_slice(&part)
            } else {
                part.freeze()
            };
            return Poll::Ready(Ok(()));
        }
        let mut into = buffers.into.borrow_mut();
        let mut part = ReadBuf::new(&mut into);
        ready!(Pin::new(io).poll_read(cx, &mut part))?;
        self.in_bulk = part.remaining() == 0;
        self.ahead = Bytes::copy_from_slice(part.filled());
        Poll::Ready(Ok(()))
    }
}
