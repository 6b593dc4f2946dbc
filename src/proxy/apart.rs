//! Requests that are carried on apart from the call that brought them. Their answer may have to begin
//! with comments, which keep the client's connection warm until an event stream has its first event;
//! or their backend does not bear being left, so that they go on when the client is gone.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::response::Parts;
use http::{HeaderValue, Response, StatusCode};
use http_body::{Body, Frame};

use super::client::Client;
use super::deadline::{Deadline, Deadlines};
use super::kept;
use super::problem::REASON;
use super::respond::{Broken, ResponseBody};
use super::watch::is_readable_stream;
use super::watched::LastWords;
use super::worker::Worker;
use crate::snapshot::Backend;

const COMMENT: Bytes = Bytes::from_static(b": keep-alive\n\n");
const BOM: &[u8] = b"\xef\xbb\xbf";

/// What a request and the one who carries it tell each other.
#[derive(Debug, Default)]
pub(super) struct Aside {
    left: Cell<bool>,
    /// For how long the running try goes on without its client.
    drain: Cell<Option<Duration>>,
    /// The head for the client, once an event stream is held.
    head: RefCell<Option<Parts>>,
}

impl Aside {
    /// Whether the client has left.
    pub(super) fn has_left(&self) -> bool {
        self.left.get()
    }

    /// The running try is on its way.
    pub(super) fn is_sent_to(&self, backend: &Backend) {
        self.drain.set(backend.drain);
    }

    /// Another try begins, of which nothing was sent yet.
    pub(super) fn is_unsent(&self) {
        self.drain.set(None);
        *self.head.borrow_mut() = None;
    }

    /// An event stream is held; with this head it would begin.
    pub(super) fn shows(&self, head: Parts) {
        *self.head.borrow_mut() = Some(head);
    }
}

/// The rest of an exchange.
pub(super) type Rest = Pin<Box<dyn Future<Output = Response<ResponseBody>>>>;

/// A request on its own.
pub(super) struct Apart {
    rest: Option<Rest>,
    aside: Rc<Aside>,
    worker: Rc<Worker>,
    /// Who waits for it, and how many requests it may give up in a second.
    client: (Rc<Client>, u32),
    /// How often comments are sent, if they are.
    every: Option<Duration>,
    deadline: Deadline<Rc<Deadlines>>,
    is_armed: bool,
    id: HeaderValue,
}

impl fmt::Debug for Apart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Apart").finish_non_exhaustive()
    }
}

enum Step {
    Answered(Response<ResponseBody>),
    Comment(Parts),
}

impl Apart {
    pub(super) fn new(
        rest: Rest,
        aside: Rc<Aside>,
        worker: Rc<Worker>,
        client: (Rc<Client>, u32),
        every: Option<Duration>,
        id: HeaderValue,
    ) -> Self {
        let deadline = worker.deadlines.arm_kept(Duration::MAX);
        Self {
            rest: Some(rest),
            aside,
            worker,
            client,
            every,
            deadline,
            is_armed: false,
            id,
        }
    }

    /// The answer; one that begins with comments if they are due first.
    ///
    /// # Cancel safety
    ///
    /// Dropped when the client leaves: what its backend does not bear to be left goes on.
    pub(super) async fn answer(mut self) -> Response<ResponseBody> {
        let step = poll_fn(|cx| {
            if let Poll::Ready(answer) = self.poll_rest(cx) {
                return Poll::Ready(Step::Answered(answer));
            }
            if self.aside.head.borrow().is_none() || self.poll_due(cx).is_pending() {
                return Poll::Pending;
            }
            let head = self.aside.head.borrow_mut().take();
            head.map_or(Poll::Pending, |head| Poll::Ready(Step::Comment(head)))
        })
        .await;
        match step {
            Step::Answered(answer) => answer,
            Step::Comment(head) => {
                let warm = Box::new(Warm::new(self));
                Response::from_parts(head, ResponseBody::Warm(warm))
            }
        }
    }

    fn poll_rest(&mut self, cx: &mut Context<'_>) -> Poll<Response<ResponseBody>> {
        let Some(rest) = &mut self.rest else {
            return Poll::Pending;
        };
        let answer = std::task::ready!(rest.as_mut().poll(cx));
        self.rest = None;
        Poll::Ready(answer)
    }

    /// Whether a comment is due.
    fn poll_due(&mut self, cx: &Context<'_>) -> Poll<()> {
        let Some(every) = self.every else {
            return Poll::Pending;
        };
        let next = self.worker.coarse_now() + every;
        if !std::mem::replace(&mut self.is_armed, true) {
            self.deadline.rearm(next);
        }
        if !self.deadline.poll_fired(cx) {
            return Poll::Pending;
        }
        self.deadline.rearm(next);
        Poll::Ready(())
    }
}

impl Drop for Apart {
    fn drop(&mut self) {
        if let (Some(rest), Some(limit)) = (self.rest.take(), self.aside.drain.get()) {
            self.aside.left.set(true);
            self.worker.is_left(&self.client.0, self.client.1);
            let worker = Rc::clone(&self.worker);
            kept::go_on(
                async { kept::read(rest.await.into_body(), worker).await },
                limit,
            );
        }
    }
}

/// An answer that has begun with comments of ours. The rest of the exchange goes on behind it, and
/// may still change the side: nothing of any backend has gone to the client, but a head.
#[derive(Debug)]
pub(super) struct Warm {
    apart: Apart,
    state: State,
}

#[derive(Debug)]
enum State {
    /// A comment is to be sent at once.
    Due,
    Waiting,
    /// The stream of a backend, at its beginning.
    First(ResponseBody),
    Passing(ResponseBody),
    Ends(LastWords),
}

impl Warm {
    fn new(apart: Apart) -> Self {
        Self {
            apart,
            state: State::Due,
        }
    }

    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        loop {
            self.state = match &mut self.state {
                State::Due => {
                    self.state = State::Waiting;
                    return Poll::Ready(Some(Ok(Frame::data(COMMENT))));
                }
                State::Waiting => match self.apart.poll_rest(cx) {
                    Poll::Ready(answer) => self.turns_to(answer),
                    Poll::Pending => {
                        std::task::ready!(self.apart.poll_due(cx));
                        State::Due
                    }
                },
                State::First(body) => {
                    let frame = std::task::ready!(Pin::new(&mut *body).poll_frame(cx));
                    let body = std::mem::replace(body, ResponseBody::Own(None));
                    self.state = State::Passing(body);
                    return Poll::Ready(frame.map(|frame| frame.map(without_mark)));
                }
                State::Passing(body) => return Pin::new(body).poll_frame(cx),
                State::Ends(words) => return words.poll(cx),
            };
        }
    }

    /// What the exchange has come to: the events of a backend, or what can only be told by one.
    fn turns_to(&self, answer: Response<ResponseBody>) -> State {
        let (head, mut body) = answer.into_parts();
        if head.status == StatusCode::OK && is_readable_stream(&head.headers) {
            return State::First(body);
        }
        let reason = head.headers.get(&REASON).and_then(|r| r.to_str().ok());
        let (kind, message) = match reason {
            Some(reason) => (reason, "No backend has brought an event"),
            None => (
                "upstream_status",
                "After the beginning of this answer another backend has brought no event stream",
            ),
        };
        body.is_not_wanted(head.status);
        let words = (head.status.as_u16(), kind, message);
        State::Ends(LastWords::telling(
            words,
            &self.apart.id,
            &self.apart.worker,
        ))
    }
}

/// A byte order mark is one at the beginning of a stream only.
fn without_mark(frame: Frame<Bytes>) -> Frame<Bytes> {
    match frame.into_data() {
        Ok(mut data) => {
            if data.starts_with(BOM) {
                data = data.slice(BOM.len()..);
            }
            Frame::data(data)
        }
        Err(frame) => frame,
    }
}
