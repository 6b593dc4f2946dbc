//! The body of a backend's response. That of HTTP/1.1 holds its connection, which is free for another
//! request when the body is at its end; one that is dropped before that closes it.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

use super::pool::Single;
use super::stream::Stream;
use crate::http1;

/// See the module.
#[derive(Debug)]
pub(super) enum Answer {
    Single(Single),
    /// A stream of a shared connection.
    Shared(Incoming),
    /// Read whole and made anew; with the connection by which it came, if that can serve again.
    Whole(Box<Whole>),
    /// Some of it was read already, and stands before the rest.
    Begun(Box<(Bytes, Self)>),
    /// It was at its end, or is not wanted.
    Gone,
}

/// A body that was made here.
#[derive(Debug)]
pub(super) struct Whole {
    pub(super) body: Bytes,
    pub(super) idle: Option<Single>,
}

impl Answer {
    /// Lets it go. Its connection, if it can serve again.
    pub(super) fn leave(&mut self) -> Option<Single> {
        match std::mem::replace(self, Self::Gone) {
            Self::Single(single) => Some(single).filter(Single::is_idle),
            Self::Whole(whole) => whole.idle,
            Self::Begun(mut begun) => begun.1.leave(),
            Self::Shared(_) | Self::Gone => None,
        }
    }

    /// The socket below, when HTTP has ended on it.
    pub(super) fn into_stream(self) -> Option<Stream> {
        match self {
            Self::Single(single) => {
                let (stream, ahead) = single.into_stream()?;
                Some(stream.with_more_ahead(ahead))
            }
            Self::Shared(_) | Self::Whole(..) | Self::Begun(..) | Self::Gone => None,
        }
    }
}

/// Why a body broke.
#[derive(Debug)]
pub(super) enum Break {
    Single(http1::Error),
    Shared(hyper::Error),
}

impl fmt::Display for Break {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Single(error) => error.fmt(f),
            Self::Shared(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Break {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Single(error) => Some(error),
            Self::Shared(error) => Some(error),
        }
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = Break;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Break>>> {
        match self.get_mut() {
            Self::Single(single) => single.poll_frame(cx).map_err(Break::Single),
            Self::Shared(body) => Pin::new(body).poll_frame(cx).map_err(Break::Shared),
            Self::Whole(whole) => {
                let body = std::mem::take(&mut whole.body);
                Poll::Ready((!body.is_empty()).then(|| Ok(Frame::data(body))))
            }
            Self::Begun(begun) => {
                let read = std::mem::take(&mut begun.0);
                if !read.is_empty() {
                    return Poll::Ready(Some(Ok(Frame::data(read))));
                }
                Pin::new(&mut begun.1).poll_frame(cx)
            }
            Self::Gone => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Single(single) => single.is_end(),
            Self::Shared(body) => body.is_end_stream(),
            Self::Whole(whole) => whole.body.is_empty(),
            Self::Begun(begun) => begun.0.is_empty() && begun.1.is_end_stream(),
            Self::Gone => true,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Single(single) => single.size_hint(),
            Self::Shared(body) => body.size_hint(),
            Self::Whole(whole) => SizeHint::with_exact(whole.body.len() as u64),
            Self::Begun(begun) => {
                let (rest, read) = (begun.1.size_hint(), begun.0.len() as u64);
                let mut hint = SizeHint::new();
                hint.set_lower(rest.lower() + read);
                if let Some(upper) = rest.upper() {
                    hint.set_upper(upper + read);
                }
                hint
            }
            Self::Gone => SizeHint::with_exact(0),
        }
    }
}
