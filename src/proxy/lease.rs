//! A connection on loan for one try.

use std::rc::Rc;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;

use super::greet::Spoken;
use super::pool::{Connection, Pool, Single};
use super::shared::Turn;
use super::stream::Stream;
use crate::snapshot::Backend;
use crate::wire::{RequestBody, Upload};

/// How hyper tells of a failure: with the request, if none of it was sent.
pub(super) type Unsent = TrySendError<Request<RequestBody>>;

/// See the module. Dropped before the end of the response, a connection of its own is closed at once:
/// its driver alone would first send what is left of the request, which a backend that reads no more
/// never lets it do. On a shared one, the stream is reset.
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
    /// Given back.
    None,
}

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
            Hold::Single(_) | Hold::None => Spoken::Http1,
        }
    }

    /// Sends a request. When it asks for another protocol, the socket may outlive HTTP.
    ///
    /// # Errors
    ///
    /// No response head came.
    ///
    /// # Cancel safety
    ///
    /// Dropping it tells a shared connection to reset the stream; one of its own is closed with the lease.
    pub(super) async fn send(
        &mut self,
        request: Request<RequestBody>,
        upload: Option<Rc<Upload>>,
        asks: bool,
    ) -> Result<Response<Incoming>, Unsent> {
        match &mut self.hold {
            Hold::Single(single) => {
                single.outlives.set(asks);
                single.sender.try_send_request(request).await
            }
            Hold::Shared(turn) => {
                if let Some(upload) = &upload {
                    upload.goes_by(turn.starting());
                }
                self.upload = upload;
                let mut sender = turn.sender();
                sender.try_send_request(request).await
            }
            // Not reached: giving a lease back takes it away.
            Hold::None => std::future::pending().await,
        }
    }

    /// What is left of the connection when HTTP has ended on it; `None` when that broke.
    pub(super) async fn freed(&mut self) -> Option<Stream> {
        match &mut self.hold {
            Hold::Single(single) => (&mut single.driver).await.ok().flatten(),
            Hold::Shared(_) | Hold::None => None,
        }
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

    /// Gives it back after the end of the response. One that is still busy, because the upload
    /// goes on or the backend wants it closed, is let go.
    pub(super) fn give_back(mut self, now: Duration, backend: &Backend) {
        match std::mem::replace(&mut self.hold, Hold::None) {
            Hold::Single(single) if single.sender.is_ready() => {
                single.outlives.set(false);
                self.pool.give(single, now, backend.pool_max_idle);
            }
            Hold::Single(_) | Hold::Shared(_) | Hold::None => {}
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Hold::Single(single) = &self.hold {
            single.driver.abort();
        }
        // The engine resets a stream when nobody wants its response, but not before the request is out.
        if let Some(upload) = &self.upload {
            upload.give_up();
        }
    }
}
