//! Answers that are read to their end although their client has left, for backends that do not bear
//! being left in the middle.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame};

use super::respond::{Broken, ResponseBody};
use super::worker::Worker;

/// A body that is read on when nobody wants it any more.
#[derive(Debug)]
pub(super) struct Kept {
    body: Option<Box<ResponseBody>>,
    limit: Duration,
    worker: Rc<Worker>,
}

impl Kept {
    pub(super) fn new(body: ResponseBody, limit: Duration, worker: Rc<Worker>) -> Self {
        Self {
            body: Some(Box::new(body)),
            limit,
            worker,
        }
    }

    /// There until it is dropped.
    pub(super) fn inner(&self) -> Option<&ResponseBody> {
        self.body.as_deref()
    }

    pub(super) fn inner_mut(&mut self) -> Option<&mut ResponseBody> {
        self.body.as_deref_mut()
    }

    pub(super) fn is_settled(&self) -> bool {
        self.inner().is_none_or(ResponseBody::is_settled)
    }

    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        match &mut self.body {
            Some(body) => Pin::new(&mut **body).poll_frame(cx),
            None => Poll::Ready(None),
        }
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        if let Some(body) = self.body.take()
            && !body.is_settled()
        {
            go_on(read(*body, Rc::clone(&self.worker)), self.limit);
        }
    }
}

/// Reads a body for nobody. A hard rollback ends it, though its client is no longer there to be told.
pub(super) async fn read(mut body: ResponseBody, worker: Rc<Worker>) {
    body.client_left();
    // Never due: it is there to be woken.
    let slot = worker.deadlines.arm(Duration::MAX);
    poll_fn(|cx| {
        loop {
            match Pin::new(&mut body).poll_frame(cx) {
                Poll::Ready(Some(Ok(_))) => {}
                Poll::Ready(_) => return Poll::Ready(()),
                Poll::Pending => {
                    slot.poll_fired(cx);
                    return Poll::Pending;
                }
            }
        }
    })
    .await;
}

/// Goes on with what its client has left, for so long at most; at the end of the worker it is dropped.
pub(super) fn go_on(work: impl Future<Output = ()> + 'static, limit: Duration) {
    // A runtime that comes to its end takes no tasks.
    if tokio::runtime::Handle::try_current().is_ok() {
        tokio::task::spawn_local(tokio::time::timeout(limit, work));
    }
}
