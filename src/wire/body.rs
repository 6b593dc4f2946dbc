//! The body of a request on its way to a backend: an enum, not a boxed trait object.

use std::cell::{Cell, RefCell};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

use super::replay::{ReplayBody, ReplayError};

/// How far the upload of a request is; shared between its body and the one who waits for the answer.
#[derive(Debug, Default)]
pub struct Upload {
    frames: Cell<u64>,
    starved: Cell<bool>,
    given_up: Cell<bool>,
    /// Of the task that sends it on a connection that it shares with others.
    waker: RefCell<Option<Waker>>,
}

impl Upload {
    /// Another try begins. What is left of an earlier one finds that its body was superseded.
    pub fn begin(&self) {
        self.given_up.set(false);
    }

    /// Nobody wants the answer any more: what is left is not sent, and the stream is reset.
    pub fn give_up(&self) {
        self.given_up.set(true);
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    /// Its task waits for the client; it is to be woken too when it is given up.
    fn wait(&self, cx: &Context<'_>) {
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
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = ReplayError<hyper::Error>;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let (frame, upload) = match self.get_mut() {
            Self::Empty => return Poll::Ready(None),
            Self::Once(body, upload) => (
                Pin::new(body).poll_frame(cx).map_err(ReplayError::Client),
                upload,
            ),
            Self::Replay(body, upload) => (Pin::new(body).poll_frame(cx), upload),
        };
        if upload.given_up.get() {
            return Poll::Ready(Some(Err(ReplayError::Superseded)));
        }
        upload.starved.set(frame.is_pending());
        if frame.is_ready() {
            upload.frames.set(upload.frames.get() + 1);
        } else {
            upload.wait(cx);
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Once(body, _) => body.is_end_stream(),
            Self::Replay(body, _) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Empty => SizeHint::with_exact(0),
            Self::Once(body, _) => body.size_hint(),
            Self::Replay(body, _) => body.size_hint(),
        }
    }
}
