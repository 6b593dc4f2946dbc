//! A connection to a backend, with the request that is on it.

use std::cell::RefCell;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::Response;
use http_body::{Body, Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite};

use super::buffers::Buffers;
use super::error::Error;
use super::head::is_head_only;
use super::receiving::Receiving;
use super::request::Request;
use super::sending::Sending;

/// See the module. Dropping it closes the connection, unless the rest of an upload has been detached.
#[derive(Debug)]
pub struct Connection<S, B>(Rc<RefCell<Inner<S, B>>>);

#[derive(Debug)]
struct Inner<S, B> {
    io: S,
    buffers: Rc<Buffers>,
    sending: Sending<B>,
    receiving: Receiving,
    upload: Upload,
}

/// Who sends what is left of a request.
#[derive(Debug)]
enum Upload {
    /// Whoever waits for the answer.
    Attached,
    /// A task of its own; whoever reads the answer is woken when that fails.
    Detached(Option<Waker>),
    /// It has failed.
    Failed,
}

impl<S, B> Connection<S, B>
where
    S: AsyncRead + AsyncWrite + Unpin,
    B: Body<Data = Bytes> + Unpin,
{
    /// Over a fresh stream.
    pub fn new(io: S, buffers: Rc<Buffers>) -> Self {
        Self(Rc::new(RefCell::new(Inner {
            io,
            buffers,
            sending: Sending::default(),
            receiving: Receiving::default(),
            upload: Upload::Attached,
        })))
    }

    /// Begins a request. Nothing is written before the answer is asked for.
    pub fn begin(&mut self, request: &Request<'_>, body: B) {
        let inner = &mut *self.0.borrow_mut();
        inner.receiving.begin(is_head_only(request.method));
        inner.sending.begin(request, body, &inner.buffers);
        inner.upload = Upload::Attached;
    }

    /// Sends the request and waits for the head of its answer, which may come before all is sent.
    ///
    /// # Errors
    ///
    /// There is none. A backend that takes no more of the request may still answer it.
    pub fn poll_answer(&mut self, cx: &mut Context<'_>) -> Poll<Result<Response<()>, Error>> {
        let inner = &mut *self.0.borrow_mut();
        let Inner { io, buffers, .. } = inner;
        match inner.sending.poll(io, buffers, cx) {
            Poll::Ready(Err(Error::Upload)) => return Poll::Ready(Err(Error::Upload)),
            Poll::Ready(Err(_)) => inner.sending.give_up(),
            Poll::Ready(Ok(())) | Poll::Pending => {}
        }
        inner.receiving.poll_head(io, buffers, cx)
    }

    /// The next part of the answer's body.
    pub fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let inner = &mut *self.0.borrow_mut();
        match &mut inner.upload {
            Upload::Attached => {}
            Upload::Detached(waker) => *waker = Some(cx.waker().clone()),
            Upload::Failed => return Poll::Ready(Some(Err(Error::Upload))),
        }
        inner
            .receiving
            .poll_frame(&mut inner.io, &inner.buffers, cx)
    }

    /// Whether the body of the answer is at its end.
    pub fn is_end(&self) -> bool {
        self.0.borrow().receiving.is_end()
    }

    /// What is known of the rest of the body.
    pub fn size_hint(&self) -> SizeHint {
        self.0.borrow().receiving.size_hint()
    }

    /// Whether the system has taken any byte of the request.
    pub fn has_sent(&self) -> bool {
        self.0.borrow().sending.has_begun()
    }

    /// Whether request and answer are whole and the connection is in order for another.
    pub fn is_idle(&self) -> bool {
        let inner = self.0.borrow();
        inner.sending.has_ended() && inner.receiving.is_idle()
    }

    /// The same, and the backend has neither closed it nor said anything meanwhile. To be asked by the task
    /// that then begins a request and, in the same turn, waits for the answer.
    pub fn is_ready(&mut self, cx: &mut Context<'_>) -> bool {
        let inner = &mut *self.0.borrow_mut();
        (inner.receiving).is_silent(&mut inner.io, &inner.buffers, cx)
    }

    /// When the answer has come first: what sends the rest of the request, whoever reads the answer,
    /// and holds the connection open for it.
    pub fn detach_upload(&mut self) -> Option<impl Future<Output = ()> + use<S, B>> {
        let inner = &mut *self.0.borrow_mut();
        if inner.sending.has_ended() {
            return None;
        }
        inner.upload = Upload::Detached(None);
        let shared = Rc::clone(&self.0);
        Some(async move {
            let sent = poll_fn(|cx| {
                let inner = &mut *shared.borrow_mut();
                inner.sending.poll(&mut inner.io, &inner.buffers, cx)
            })
            .await;
            // A backend that takes no more has said so in its answer, or will break that too.
            if let Err(Error::Upload) = sent {
                let failed = std::mem::replace(&mut shared.borrow_mut().upload, Upload::Failed);
                if let Upload::Detached(Some(waker)) = failed {
                    waker.wake();
                }
            }
        })
    }

    /// The stream, and what was read of it beyond the head, when HTTP has ended on it; `None` while
    /// the rest of the request is detached.
    pub fn into_stream(self) -> Option<(S, Bytes)> {
        let inner = Rc::try_unwrap(self.0).ok()?.into_inner();
        Some((inner.io, inner.receiving.into_ahead()))
    }
}

#[cfg(test)]
#[path = "connection_tests.rs"]
mod tests;
