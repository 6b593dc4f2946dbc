//! A watched body on its way to the client, and how one that goes wrong ends there: with an event
//! that says so where one fits, and then in a way that no client takes for a whole answer.

use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::HeaderValue;
use http_body::{Body, Frame};

use super::deadline::{Deadline, Deadlines};
use super::respond::{Broken, Relayed};
use super::watch::Watch;
use super::worker::{TICK, Worker};
use crate::stats::{self, Class, Trouble};
use crate::wire::error_event;

/// So long a client may read the event, before what is still on its way may be lost.
const PAUSE: Duration = TICK.saturating_mul(2);
/// After so many frames without anything for the client, others of the worker have their turn.
const MOST_BARREN: u32 = 64;

/// The watch over a body that goes to the client.
#[derive(Debug)]
pub(super) struct Watched {
    pub(super) watch: Box<Watch>,
    id: HeaderValue,
    /// It goes wrong.
    ending: Option<LastWords>,
}

/// The end of an answer that is not whole: an event that says so, if one fits, and then the protocol's
/// own way of breaking off. In between the client gets time to read, as that may throw away what is
/// still on its way.
#[derive(Debug)]
pub(super) struct LastWords {
    event: Option<Bytes>,
    pause: Option<Deadline<Rc<Deadlines>>>,
}

impl LastWords {
    /// An event with these words: a status, a type and a message.
    pub(super) fn telling(words: (u16, &str, &str), id: &HeaderValue, worker: &Worker) -> Self {
        let end = worker.coarse_now() + PAUSE;
        Self {
            event: Some(error_event(words, id).into()),
            pause: Some(worker.deadlines.arm_kept(end)),
        }
    }

    const NONE: Self = Self {
        event: None,
        pause: None,
    };

    pub(super) fn poll(&mut self, cx: &Context<'_>) -> Poll<Next> {
        if let Some(event) = self.event.take() {
            return Poll::Ready(Some(Ok(Frame::data(event))));
        }
        if self.pause.as_ref().is_some_and(|p| !p.poll_fired(cx)) {
            return Poll::Pending;
        }
        Poll::Ready(Some(Err(Broken::GivenUp)))
    }
}

impl Watched {
    pub(super) fn new(watch: Box<Watch>, id: HeaderValue) -> Self {
        Self {
            watch,
            id,
            ending: None,
        }
    }

    /// Whether the end of the backend's body is the end of it.
    pub(super) fn is_passed(&self) -> bool {
        let adapter = self.watch.adapter.as_ref();
        self.watch.held.is_empty()
            && self.ending.is_none()
            && adapter.is_none_or(|adapter| adapter.has_ended() && !adapter.has_failed())
    }
}

type Next = Option<Result<Frame<Bytes>, Broken>>;
/// A frame for the client, if there is one.
type Adapted = Option<Frame<Bytes>>;

impl Relayed {
    /// The next frame of a watched body.
    pub(super) fn poll_watched(&mut self, cx: &mut Context<'_>) -> Poll<Next> {
        // A backend may send each byte of an event as a frame of its own.
        for _ in 0..MOST_BARREN {
            if let Some(next) = self.step(cx) {
                return next;
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Looks at a frame; `None` if there is nothing in it for the client, and another one has to be looked at.
    fn step(&mut self, cx: &mut Context<'_>) -> Option<Poll<Next>> {
        let Some(watched) = &mut self.watched else {
            return Some(Poll::Ready(None));
        };
        if let Some(frame) = watched.watch.held.pop_front() {
            if self.is_end() {
                self.watched_ends();
            }
            self.hands_on();
            return Some(Poll::Ready(Some(Ok(frame))));
        }
        if let Some(ending) = &mut watched.ending {
            return Some(ending.poll(cx));
        }
        if watched.watch.has_failed() {
            self.fails(Trouble::Adapter);
            return None;
        }
        match Pin::new(&mut self.body).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => self.takes(frame),
            Poll::Ready(Some(Err(error))) => {
                self.complain(&error);
                self.fails(Trouble::Broken);
                None
            }
            Poll::Ready(None) => {
                let Ok(last) = self.adapts(None, true) else {
                    self.fails(Trouble::Adapter);
                    return None;
                };
                if self.has_failed() {
                    self.hands_on();
                } else {
                    self.watched_ends();
                }
                Some(Poll::Ready(last.map(Ok)))
            }
            Poll::Pending => self.waits(cx),
        }
    }

    /// A frame of the backend.
    fn takes(&mut self, frame: Frame<Bytes>) -> Option<Poll<Next>> {
        self.looks(&frame);
        // Nobody asks for more after trailers.
        let ends = frame.is_trailers() || self.body.is_end_stream();
        let Ok(frame) = self.adapts(Some(frame), ends) else {
            self.fails(Trouble::Adapter);
            return None;
        };
        if ends && !self.has_failed() {
            self.watched_ends();
        } else if frame.is_none() {
            // Half an event is nothing for the client.
            return None;
        }
        self.hands_on();
        Some(Poll::Ready(frame.map(Ok)))
    }

    /// The backend has nothing yet.
    fn waits(&mut self, cx: &mut Context<'_>) -> Option<Poll<Next>> {
        // Without books it has ended already, and nobody is late.
        if let (Some(watched), Some(books)) = (&mut self.watched, &self.books)
            && watched.watch.poll_late(books.walk.worker(), cx)
        {
            let trouble = watched.watch.lateness();
            self.fails(trouble);
            return None;
        }
        if let Some(books) = &self.books {
            books.walk.wake_when_cut(cx);
        }
        Some(Poll::Pending)
    }

    /// What the client gets for a frame of the backend, or at the end of it, where its events are adapted.
    fn adapts(
        &mut self,
        frame: Option<Frame<Bytes>>,
        ends: bool,
    ) -> Result<Adapted, stats::Adapted> {
        match &mut self.watched {
            Some(watched) => watched.watch.adapt(frame, ends),
            None => Ok(frame),
        }
    }

    fn has_failed(&self) -> bool {
        let watched = self.watched.as_ref();
        watched.is_some_and(|watched| watched.watch.has_failed())
    }

    fn hands_on(&self) {
        if let Some(books) = &self.books {
            books.walk.hands_on();
        }
    }

    /// A frame of the backend: what it says, and whether it is the first that counts.
    fn looks(&mut self, frame: &Frame<Bytes>) {
        let (Some(watched), Some(books)) = (&mut self.watched, &mut self.books) else {
            return;
        };
        if let Some(trailers) = frame.trailers_ref() {
            books.read_trailers(trailers);
        }
        let watch = &mut watched.watch;
        let (begun, sick) = (watch.begun, watch.sick_class());
        watch.sees(frame, books.walk.worker().coarse_now());
        if watch.begun && !begun {
            books.begins(frame.is_data());
        }
        if sick.is_none()
            && let Some(class) = watch.sick_class()
        {
            books.goes_wrong(Trouble::ErrorEvent);
            books.class = class;
        }
    }

    /// The backend has ended it.
    fn watched_ends(&mut self) {
        let watched = self.watched.as_deref_mut();
        let is_empty = watched.is_some_and(|watched| watched.watch.ends_empty());
        if is_empty && let Some(books) = &mut self.books {
            books.goes_wrong(Trouble::Empty);
            books.class = Trouble::Empty.class();
        }
        self.settle(None, false);
    }

    /// Something went wrong: the books are closed, and so is the connection to the backend.
    fn fails(&mut self, trouble: Trouble) {
        let Some(watched) = &mut self.watched else {
            return;
        };
        let Some(books) = &self.books else {
            // It is told by nobody, and ends all the same.
            watched.ending = Some(LastWords::NONE);
            return;
        };
        watched.ending = Some(match watched.watch.may_tell() {
            true => LastWords::telling(words(trouble), &watched.id, books.walk.worker()),
            false => LastWords::NONE,
        });
        if trouble.class() == Class::Timeout {
            books.timed_out();
        }
        books.goes_wrong(trouble);
        let class = match trouble {
            Trouble::Broken => books.broken(),
            trouble => trouble.class(),
        };
        self.settle(Some(class), false);
    }
}

/// Status, type and message of the event that tells of it.
fn words(trouble: Trouble) -> (u16, &'static str, &'static str) {
    match trouble {
        Trouble::FirstEvent | Trouble::Gap => (
            504,
            "upstream_stalled",
            "The backend sent nothing more in time; the answer is not whole",
        ),
        Trouble::Adapter => (
            502,
            "adapter",
            "What the backend said could not be adapted; the answer is not whole",
        ),
        Trouble::Broken | Trouble::ErrorEvent | Trouble::Empty => (
            502,
            "upstream_broken",
            "The connection to the backend broke; the answer is not whole",
        ),
    }
}
