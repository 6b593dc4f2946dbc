//! Answers that are read to their end although their client has left, for backends that do not bear
//! being left in the middle.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame};

use super::respond::{Broken, ResponseBody};

/// A body that is read on when nobody wants it any more.
#[derive(Debug)]
pub(super) struct Kept {
    body: Option<Box<ResponseBody>>,
    limit: Duration,
}

impl Kept {
    pub(super) fn new(body: ResponseBody, limit: Duration) -> Self {
        Self {
            body: Some(Box::new(body)),
            limit,
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
            go_on(read(*body), self.limit);
        }
    }
}

/// Reads a body for nobody.
pub(super) async fn read(mut body: ResponseBody) {
    body.client_left();
    while let Some(Ok(_)) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {}
}

/// Goes on with what its client has left, for so long at most; at the end of the worker it is dropped.
pub(super) fn go_on(work: impl Future<Output = ()> + 'static, limit: Duration) {
    // A runtime that comes to its end takes no tasks.
    if tokio::runtime::Handle::try_current().is_ok() {
        tokio::task::spawn_local(tokio::time::timeout(limit, work));
    }
}
