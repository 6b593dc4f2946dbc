//! A connection on loan for one try.

use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;

use super::answer::Answer;
use super::greet::Spoken;
use super::pipes::until_given_up;
use super::pool::{Connection, Pool, Single};
use super::shared::Turn;
use crate::http1;
use crate::snapshot::Backend;
use crate::wire::{RequestBody, Upload};

/// How hyper tells of a failure: with the request, if none of it was sent.
pub(super) type Unsent = TrySendError<Request<RequestBody>>;

/// See the module. The connection goes on with the answer, and comes back with the end of that. Dropped
/// before, one of its own is closed at once, and on a shared one the stream is reset.
#[derive(Debug)]
pub(super) struct Lease {
    hold: Hold,
    pub(super) reused: bool,
    pool: Rc<Pool>,
    /// The upload of the try, while that can go on alone.
    upload: Option<Rc<Upload>>,
}

#[derive(Debug)]
enum Hold {
    Single(Single),
    Shared(Turn),
    /// The answer has it.
    Lent,
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum NoAnswer {
    Single {
        error: http1::Error,
        /// The system has taken some of the request.
        sent: bool,
    },
    Shared(Box<Unsent>),
}

/// A request that was sent on a shared connection.
type Streamed = Pin<Box<dyn Future<Output = Result<Response<Incoming>, Unsent>>>>;

impl Lease {
    pub(super) fn new(connection: Connection, pool: Rc<Pool>, reused: bool) -> Self {
        Self {
            hold: match connection {
                Connection::Single(single) => Hold::Single(single),
                Connection::Shared(shared) => Hold::Shared(shared.begin()),
            },
            reused,
            pool,
            upload: None,
        }
    }

    /// What it speaks.
    pub(super) fn spoken(&self) -> Spoken {
        match self.hold {
            Hold::Shared(_) => Spoken::Http2,
            Hold::Single(_) | Hold::Lent => Spoken::Http1,
        }
    }

    /// Begins a request with HTTP/1.1; it is sent while [`Lease::poll_single`] is asked.
    pub(super) fn begin(&mut self, request: &http1::Request<'_>, body: RequestBody) {
        if let Hold::Single(single) = &mut self.hold {
            single.begin(request, body);
        }
    }

    /// Waits for the answer to what was begun. What is left of the upload then goes on alone.
    ///
    /// # Errors
    ///
    /// No response head came.
    pub(super) fn poll_single(
        &mut self,
        cx: &mut Context<'_>,
        upload: Option<&Rc<Upload>>,
    ) -> Poll<Result<Response<Answer>, NoAnswer>> {
        let Hold::Single(single) = &mut self.hold else {
            // Not reached: there is one answer to each request.
            return Poll::Pending;
        };
        let response = match std::task::ready!(single.poll_answer(cx)) {
            Ok(response) => response,
            Err(error) => {
                let sent = single.has_sent();
                return Poll::Ready(Err(NoAnswer::Single { error, sent }));
            }
        };
        if let (Some(upload), Some(rest)) = (upload, single.detach_upload()) {
            self.upload = Some(Rc::clone(upload));
            tokio::task::spawn_local(until_given_up(Rc::clone(upload), rest));
        }
        let answer = match std::mem::replace(&mut self.hold, Hold::Lent) {
            Hold::Single(single) => Answer::Single(single),
            Hold::Shared(_) | Hold::Lent => Answer::Gone,
        };
        Poll::Ready(Ok(response.map(|()| answer)))
    }

    /// Sends a request with HTTP/2.
    ///
    /// # Cancel safety
    ///
    /// Dropping what it gives resets the stream.
    pub(super) fn stream(
        &mut self,
        request: Request<RequestBody>,
        upload: Option<Rc<Upload>>,
    ) -> Streamed {
        let Hold::Shared(turn) = &self.hold else {
            // Not reached: who sends has asked what is spoken.
            return Box::pin(std::future::pending());
        };
        if let Some(upload) = &upload {
            upload.goes_by(turn.starting());
        }
        self.upload = upload;
        let mut sender = turn.sender();
        Box::pin(async move { sender.try_send_request(request).await })
    }

    /// The connection it is on gets no further try, if it is shared.
    pub(super) fn retire(&self) {
        if let Hold::Shared(turn) = &self.hold {
            turn.retire();
        }
    }

    /// No response head came in time. A shared connection that has brought nothing else either may be
    /// dead, and must not take others with it.
    pub(super) fn timed_out(&self) {
        if let Hold::Shared(turn) = &self.hold
            && turn.was_silent()
        {
            turn.retire();
        }
    }

    /// Ends it after the end of the response, with what that leaves of a connection of its own. Where
    /// the rest of an upload goes on, it does.
    pub(super) fn give_back(mut self, idle: Option<Single>, now: Duration, backend: &Backend) {
        if let Hold::Lent = self.hold {
            self.upload = None;
        }
        if let Some(single) = idle {
            self.pool.give(single, now, backend.pool_max_idle);
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        // The engine resets a stream when nobody wants its response, but not before the request is out;
        // and what goes on alone keeps its connection open.
        if let Some(upload) = &self.upload {
            upload.give_up();
        }
    }
}
