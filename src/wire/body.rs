//! The body of a request on its way to a backend: an enum, not a boxed trait object.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

use super::replay::{ReplayBody, ReplayError};
use super::trailers::remove_from_trailers;

/// How far the upload of a request is; shared between its body and the one who waits for the answer.
#[derive(Debug)]
pub struct Upload {
    most: u64,
    frames: Cell<u64>,
    bytes: Cell<u64>,
    starved: Cell<bool>,
    ended: Cell<bool>,
    too_large: Cell<bool>,
    broken: Cell<bool>,
    given_up: Cell<bool>,
    /// Counts the tries.
    turn: Cell<u32>,
    /// Where it is to be said that it starts, on a connection that it shares with others.
    starting: RefCell<Option<Starting>>,
    /// Of the task that sends it there.
    waker: RefCell<Option<Waker>>,
}

/// The upload that starts on a shared connection: its engine asks for the first part, and in the same
/// moment for a task that sends the rest.
pub type Starting = Rc<RefCell<Option<Rc<Upload>>>>;

impl Upload {
    /// Of a body that may have so many bytes.
    pub fn new(most: Option<u64>) -> Self {
        Self {
            most: most.unwrap_or(u64::MAX),
            frames: Cell::new(0),
            bytes: Cell::new(0),
            starved: Cell::new(false),
            ended: Cell::new(false),
            too_large: Cell::new(false),
            broken: Cell::new(false),
            given_up: Cell::new(false),
            turn: Cell::new(0),
            starting: RefCell::new(None),
            waker: RefCell::new(None),
        }
    }

    /// Another try begins. What is left of an earlier one finds that its body was superseded.
    pub fn begin(&self) {
        self.bytes.set(0);
        self.starved.set(false);
        self.given_up.set(false);
        self.turn.set(self.turn.get() + 1);
        self.starting.take();
    }

    /// It goes by a shared connection.
    pub fn goes_by(&self, starting: &Starting) {
        *self.starting.borrow_mut() = Some(Rc::clone(starting));
    }

    /// Which try runs.
    pub fn turn(&self) -> u32 {
        self.turn.get()
    }

    /// Whether nobody wants the answer to this try any more.
    pub fn is_given_up(&self, turn: u32) -> bool {
        self.given_up.get() || self.turn.get() != turn
    }

    /// Bytes handed on in this try.
    pub fn bytes(&self) -> u64 {
        self.bytes.get()
    }

    /// Whether the client has sent all of it.
    pub fn has_ended(&self) -> bool {
        self.ended.get()
    }

    /// Whether it had more bytes than it may have.
    pub fn is_too_large(&self) -> bool {
        self.too_large.get()
    }

    /// Whether it ended before its end.
    pub fn is_broken(&self) -> bool {
        self.broken.get()
    }

    /// Notes what the body gave; an error when that was too much.
    fn note<E>(
        &self,
        frame: Poll<Option<Result<Frame<Bytes>, ReplayError<E>>>>,
    ) -> Poll<Option<Result<Frame<Bytes>, ReplayError<E>>>> {
        self.starved.set(frame.is_pending());
        let Poll::Ready(ready) = &frame else {
            return frame;
        };
        self.frames.set(self.frames.get() + 1);
        let data = match ready {
            Some(Ok(frame)) => frame.data_ref(),
            Some(Err(error)) => {
                let by_client = matches!(error, ReplayError::Client(_));
                self.broken.set(self.broken.get() || by_client);
                None
            }
            None => {
                self.ended.set(true);
                None
            }
        };
        let bytes = self.bytes.get() + data.map_or(0, |data| data.len() as u64);
        self.bytes.set(bytes);
        if bytes > self.most {
            self.too_large.set(true);
            return Poll::Ready(Some(Err(ReplayError::TooLarge)));
        }
        frame
    }

    /// Nobody wants the answer any more: what is left is not sent, and the stream is reset.
    pub fn give_up(&self) {
        self.given_up.set(true);
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    /// Its task is to be woken too when it is given up.
    pub fn wait(&self, cx: &Context<'_>) {
        match &mut *self.waker.borrow_mut() {
            Some(waker) => waker.clone_from(cx.waker()),
            none => *none = Some(cx.waker().clone()),
        }
    }

    /// Frames handed on so far.
    pub fn frames(&self) -> u64 {
        self.frames.get()
    }

    /// Whether the backend waits for more and the client has not sent it yet.
    pub fn is_starved(&self) -> bool {
        self.starved.get()
    }
}

/// See the variants.
#[derive(Debug)]
pub enum RequestBody {
    /// None.
    Empty,
    /// Straight from the client, for one try.
    Once(Incoming, Rc<Upload>),
    /// From the client, and kept for a second try.
    Replay(ReplayBody<Incoming>, Rc<Upload>),
    /// Held whole.
    Parts(Box<Parts>, Rc<Upload>),
}

/// A body that is held whole, in some parts.
#[derive(Debug)]
pub struct Parts {
    parts: VecDeque<Bytes>,
}

impl Parts {
    /// Of these, of which empty ones are left out.
    pub fn new(parts: impl IntoIterator<Item = Bytes>) -> Self {
        let parts = parts.into_iter().filter(|part| !part.is_empty()).collect();
        Self { parts }
    }

    /// How many bytes are left.
    pub fn len(&self) -> usize {
        self.parts.iter().map(Bytes::len).sum()
    }

    /// Whether none is left.
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = ReplayError<hyper::Error>;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let (mut frame, upload, ended) = match self.get_mut() {
            Self::Empty => return Poll::Ready(None),
            Self::Once(body, upload) => {
                let frame = Pin::new(&mut *body).poll_frame(cx);
                (
                    frame.map_err(ReplayError::Client),
                    upload,
                    body.is_end_stream(),
                )
            }
            Self::Replay(body, upload) => {
                let frame = Pin::new(&mut *body).poll_frame(cx);
                (frame, upload, body.is_end_stream())
            }
            Self::Parts(body, upload) => {
                let part = body.parts.pop_front();
                let frame = part.map(|part| Ok(Frame::data(part)));
                (Poll::Ready(frame), upload, body.is_empty())
            }
        };
        if ended {
            upload.ended.set(true);
        }
        let starting = upload.starting.take();
        if let Some(starting) = starting {
            starting.replace(Some(Rc::clone(upload)));
        }
        if upload.given_up.get() {
            return Poll::Ready(Some(Err(ReplayError::Superseded)));
        }
        if let Poll::Ready(Some(Ok(frame))) = &mut frame
            && let Some(trailers) = frame.trailers_mut()
        {
            remove_from_trailers(trailers);
        }
        upload.note(frame)
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Once(body, _) => body.is_end_stream(),
            Self::Replay(body, _) => body.is_end_stream(),
            Self::Parts(body, _) => body.is_empty(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Empty => SizeHint::with_exact(0),
            Self::Once(body, _) => body.size_hint(),
            Self::Replay(body, _) => body.size_hint(),
            Self::Parts(body, _) => SizeHint::with_exact(body.len() as u64),
        }
    }
}
