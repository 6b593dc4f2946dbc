//! Answers: a backend's response on its way to the client.

use std::fmt;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{HeaderName, HeaderValue, VIA};
use http::response::Parts;
use http::{HeaderMap, Response, StatusCode, Version};
use http_body::{Body, Frame, SizeHint};

use super::answer::{Answer, Break};
use super::apart::Warm;
use super::forward::via;
use super::kept::Kept;
use super::lease::Lease;
use super::walk::Walk;
use super::watch::Watch;
use super::watched::Watched;
use crate::stats::{Class, Trouble};
use crate::wire::{REQUEST_ID, Upload, grpc_status, remove_from_response, remove_from_trailers};

const BACKEND: HeaderName = HeaderName::from_static("x-figshift-backend");

/// A backend's response goes to the client as it comes; a bare one has no body that anybody would read.
pub(super) fn relay(
    books: Books,
    response: Response<Answer>,
    bare: bool,
    watch: Option<Box<Watch>>,
    id: HeaderValue,
) -> Response<ResponseBody> {
    let (mut head, body) = response.into_parts();
    let kept_id = watch.is_some().then(|| id.clone());
    let drain = (books.walk.backend().drain).map(|limit| (limit, Rc::clone(books.walk.worker())));
    dress(&books.walk, &mut head, id);
    let relayed = Relayed {
        body,
        books: Some(books),
        begun: watch.is_some(),
        watched: watch
            .zip(kept_id)
            .map(|(watch, id)| Box::new(Watched::new(watch, id))),
    };
    let body = ResponseBody::Relayed(relayed.settle_if_ended(bare));
    let body = match drain {
        Some((limit, worker)) if !body.is_settled() => {
            ResponseBody::Kept(Kept::new(body, limit, worker))
        }
        _ => body,
    };
    Response::from_parts(head, body)
}

/// Makes the head of a backend's response one of ours.
pub(super) fn dress(walk: &Walk, head: &mut Parts, id: HeaderValue) {
    remove_from_response(&mut head.headers);
    head.headers.append(VIA, via(head.version));
    head.version = Version::HTTP_11;
    let mut id = id;
    // Each is another: HTTP/2's table of headers has no use for it.
    id.set_sensitive(walk.client().is_multiplexed());
    head.headers.insert(REQUEST_ID, id);
    if walk.route().backend_header {
        head.headers.insert(BACKEND, walk.backend().header.clone());
    }
}

/// The body of an answer.
#[derive(Debug)]
pub(super) enum ResponseBody {
    /// From a backend.
    Relayed(Relayed),
    /// The same, from one that does not bear being left.
    Kept(Kept),
    /// Comments until there is one.
    Warm(Box<Warm>),
    /// From us.
    Own(Option<Bytes>),
}

/// A backend's body with the books of its request, which are closed when it ends.
#[derive(Debug)]
pub(super) struct Relayed {
    pub(super) body: Answer,
    pub(super) books: Option<Books>,
    begun: bool,
    pub(super) watched: Option<Box<Watched>>,
}

#[derive(Debug)]
pub(super) struct Books {
    pub(super) walk: Box<Walk>,
    lease: Lease,
    pub(super) class: Class,
    /// Only the trailers will tell how a gRPC call ended.
    untold: bool,
    /// Of a request with a body.
    upload: Option<Rc<Upload>>,
    /// The client has left.
    left: bool,
}

impl Books {
    /// Of a try that got a response of this class; `untold` says that only the trailers will tell.
    pub(super) fn new(
        walk: Box<Walk>,
        lease: Lease,
        class: Class,
        untold: bool,
        upload: Option<Rc<Upload>>,
    ) -> Self {
        let left = false;
        Self {
            walk,
            lease,
            class,
            untold,
            upload,
            left,
        }
    }

    /// What it is when the response breaks: a client that sends too much, or breaks its own body, has
    /// broken it itself.
    pub(super) fn broken(&self) -> Class {
        match &self.upload {
            Some(upload) if upload.is_too_large() || upload.is_broken() => Class::Cancelled,
            _ => Class::Broken,
        }
    }

    /// Nobody's fault when there is nobody to be harmed.
    pub(super) fn goes_wrong(&self, trouble: Trouble) {
        let by_client = trouble == Trouble::Broken && self.broken() == Class::Cancelled;
        if !self.left && !by_client {
            self.walk.goes_wrong(trouble);
        }
    }

    /// The connection has been silent for too long.
    pub(super) fn timed_out(&self) {
        self.lease.timed_out();
    }

    /// The first part of the body is here, or the first event.
    pub(super) fn begins(&mut self, says_something: bool) {
        self.walk.first_byte();
        if self.untold && says_something {
            // A call that goes on for hours must not keep the breaker waiting.
            self.walk.answers(200, Class::Ok);
        }
    }

    pub(super) fn read_trailers(&mut self, trailers: &HeaderMap) {
        if let (true, Some(status)) = (self.untold, grpc_status(trailers)) {
            self.untold = false;
            self.class = Class::of_status(status, || false);
            self.walk.told_late(status, self.class);
        }
    }

    /// The class of a response that came to its end. A call that does not say how it ended has failed.
    fn class_at_end(&self) -> Class {
        if self.untold {
            Class::ServerError
        } else {
            self.class
        }
    }
}

impl Relayed {
    fn settle_if_ended(mut self, bare: bool) -> Self {
        if bare || self.is_end() {
            self.settle(None, true);
        } else if let Some(books) = &mut self.books {
            books.walk.streams();
        }
        self
    }

    /// Closes the books: as the head said, or with the class of what went wrong.
    pub(super) fn settle(&mut self, wrong: Option<Class>, just_looked: bool) {
        let Some(books) = self.books.take() else {
            return;
        };
        if (books.upload.as_ref()).is_some_and(|upload| !upload.has_ended()) {
            books.walk.leaves_unread();
        }
        let class = wrong.unwrap_or_else(|| books.class_at_end());
        let Books {
            walk, lease, left, ..
        } = books;
        let idle = self.body.leave();
        if wrong.is_none() {
            lease.give_back(idle, walk.worker().coarse_now(), walk.backend());
        }
        if left && wrong.is_none() {
            walk.cell(walk.side()).drained.add(1);
        }
        let class = if left { Class::Cancelled } else { class };
        walk.ends(class, just_looked);
    }

    /// The client has left: what comes now is for nobody.
    pub(super) fn client_left(&mut self) {
        if let Some(books) = &mut self.books {
            books.left = true;
            books.walk.client_leaves();
        }
    }

    fn size_hint(&self) -> SizeHint {
        // What was read of an event stream does not count, so its hint would be wrong.
        let is_of_events = |watched: &Watched| watched.watch.is_of_events();
        match self.watched.as_deref().is_some_and(is_of_events) {
            true => SizeHint::new(),
            false => self.body.size_hint(),
        }
    }

    pub(super) fn is_end(&self) -> bool {
        self.watched.as_deref().is_none_or(Watched::is_passed) && self.body.is_end_stream()
    }

    pub(super) fn complain(&self, error: &Break) {
        if let Some(books) = &self.books
            && books.walk.worker().may_complain()
        {
            let backend = &*books.walk.backend().name;
            tracing::warn!(%error, backend, "A response broke after its head");
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        if let Some(books) = &self.books {
            books.walk.is_asked();
        }
        if let Some(books) = &self.books
            && books.walk.is_cut()
        {
            self.settle(Some(Class::Cancelled), false);
            return Poll::Ready(Some(Err(Broken::Cut)));
        }
        if self.watched.is_some() {
            return self.poll_watched(cx);
        }
        let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(cx) else {
            if let Some(books) = &self.books {
                books.walk.wake_when_cut(cx);
            }
            return Poll::Pending;
        };
        match &frame {
            Some(Ok(frame)) => {
                if let (Some(trailers), Some(books)) = (frame.trailers_ref(), &mut self.books) {
                    books.read_trailers(trailers);
                }
                let first = !std::mem::replace(&mut self.begun, true);
                if let (true, Some(books)) = (first, &mut self.books) {
                    books.begins(frame.is_data());
                }
                // Nobody asks for more after trailers.
                if frame.is_trailers() || self.body.is_end_stream() {
                    self.settle(None, first);
                } else if let Some(books) = &self.books {
                    books.walk.hands_on();
                }
            }
            Some(Err(error)) => {
                self.complain(error);
                if let Some(books) = &self.books {
                    books.goes_wrong(Trouble::Broken);
                }
                let class = self.books.as_ref().map(Books::broken);
                self.settle(class, false);
            }
            None => self.settle(None, false),
        }
        Poll::Ready(frame.map(|frame| frame.map_err(Broken::Upstream)))
    }
}

impl ResponseBody {
    /// The client has left.
    pub(super) fn client_left(&mut self) {
        match self {
            Self::Relayed(relayed) => relayed.client_left(),
            Self::Kept(kept) => kept.inner_mut().into_iter().for_each(Self::client_left),
            Self::Warm(_) | Self::Own(_) => {}
        }
    }

    /// The client can be given no answer of this kind any more.
    pub(super) fn is_not_wanted(&mut self, status: StatusCode) {
        match self {
            Self::Relayed(relayed) => {
                let class = Class::of_status(status.as_u16(), || false);
                let class = if class == Class::Ok {
                    Class::Broken
                } else {
                    class
                };
                relayed.settle(Some(class), false);
            }
            Self::Kept(kept) => {
                let inner = kept.inner_mut().into_iter();
                inner.for_each(|inner| inner.is_not_wanted(status));
            }
            Self::Warm(_) | Self::Own(_) => {}
        }
    }

    /// Whether nothing is awaited from a backend any more.
    pub(super) fn is_settled(&self) -> bool {
        match self {
            Self::Relayed(relayed) => relayed.books.is_none(),
            Self::Kept(kept) => kept.is_settled(),
            Self::Warm(_) => false,
            Self::Own(_) => true,
        }
    }
}

/// Why the body of an answer has no proper end. The engine passes it on as the protocol's own
/// abort: a closed connection, or a reset stream.
#[derive(Debug)]
pub(super) enum Broken {
    /// The backend's connection or stream broke.
    Upstream(Break),
    /// A hard rollback.
    Cut,
    /// The backend was waited for in vain, or brought what cannot be passed on.
    GivenUp,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Upstream(error) => error.fmt(f),
            Self::Cut => f.write_str("cut by a hard rollback"),
            Self::GivenUp => f.write_str("given up"),
        }
    }
}

impl std::error::Error for Broken {}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        match self.get_mut() {
            Self::Relayed(relayed) => {
                let mut frame = relayed.poll(cx);
                if let Poll::Ready(Some(Ok(frame))) = &mut frame
                    && let Some(trailers) = frame.trailers_mut()
                {
                    remove_from_trailers(trailers);
                }
                frame
            }
            Self::Kept(kept) => kept.poll(cx),
            Self::Warm(warm) => warm.poll(cx),
            Self::Own(body) => Poll::Ready(body.take().map(|body| Ok(Frame::data(body)))),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Relayed(relayed) => relayed.is_end(),
            Self::Kept(kept) => kept.inner().is_some_and(Self::is_end_stream),
            Self::Warm(_) => false,
            Self::Own(body) => body.is_none(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Relayed(relayed) => relayed.size_hint(),
            Self::Kept(kept) => kept.inner().map_or_else(SizeHint::new, Self::size_hint),
            Self::Warm(_) => SizeHint::new(),
            Self::Own(body) => SizeHint::with_exact(body.as_ref().map_or(0, |b| b.len() as u64)),
        }
    }
}
