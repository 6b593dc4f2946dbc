//! What is known of a body while it streams: whether it moves, and what its events say. In an event
//! stream only events count, since a heartbeat says nothing of the one who should answer. Time
//! counts only while the backend is waited for: a client that reads slowly makes nobody late.

use std::collections::VecDeque;
use std::rc::Rc;
use std::task::Context;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap};
use http::{Response, StatusCode};
use http_body::{Body, Frame};

use super::adapt::EventAdapter;
use super::deadline::{Deadline, Deadlines};
use super::own::Learner;
use super::walk::Walk;
use super::worker::{TICK, Worker};
use crate::stats::{Adapted, Class, Trouble};
use crate::wire::{Event, Scanner};

const EVENT_STREAM: &[u8] = b"text/event-stream";

/// See the module. Not there for bodies that nobody has to watch.
#[derive(Debug)]
pub(super) struct Watch {
    kind: Kind,
    /// There was an event, or a byte where those count.
    pub(super) begun: bool,
    /// `[DONE]` was said.
    pub(super) done: bool,
    /// The status that an error event stands for.
    sick: Option<u16>,
    /// What its events are made of for the client.
    pub(super) adapter: Option<Box<EventAdapter>>,
    /// Looks for the id of what was made.
    pub(super) learner: Option<Box<Learner>>,
    /// Read before it was decided to whom the client is given.
    pub(super) held: VecDeque<Frame<Bytes>>,
    gap: Duration,
    /// Silence that is still allowed.
    left: Duration,
    /// Since when the backend is waited for.
    since: Option<Duration>,
    deadline: Deadline<Rc<Deadlines>>,
}

#[derive(Debug)]
enum Kind {
    /// Events that can be read.
    Events(Scanner),
    /// Events that cannot, being compressed: any byte is as good as one.
    Sealed,
    /// Another body.
    Other,
}

impl Watch {
    /// For the running try's response, if its body has to be watched.
    pub(super) fn of<B: Body>(walk: &Walk, response: &Response<B>) -> Option<Box<Self>> {
        let body = response.body();
        if body.is_end_stream() {
            return None;
        }
        let backend = walk.backend();
        // What has a length is a document, whatever it calls itself.
        let streams = response.status() == StatusCode::OK && body.size_hint().exact().is_none();
        let (kind, first, gap) = match streams.then(|| kind_of(response.headers())).flatten() {
            Some(kind) => (kind, backend.first_event, backend.gap),
            None => (Kind::Other, backend.body_gap?, backend.body_gap?),
        };
        let deadlines = &walk.worker().deadlines;
        Some(Box::new(Self {
            kind,
            begun: false,
            done: false,
            sick: None,
            adapter: None,
            learner: None,
            held: VecDeque::new(),
            gap,
            left: first,
            since: None,
            deadline: deadlines.arm_kept(Duration::MAX),
        }))
    }

    /// Whether its first event is waited for before the client gets anything.
    pub(super) fn is_held(&self, walk: &Walk) -> bool {
        self.is_of_events() && walk.route().hold
    }

    /// Whether nothing may follow what the client gets now, since it could not be adapted.
    pub(super) fn has_failed(&self) -> bool {
        (self.adapter.as_ref()).is_some_and(|adapter| adapter.has_failed())
    }

    /// Makes what was held what the client gets; to be asked once.
    ///
    /// # Errors
    ///
    /// It cannot be adapted. What was made before that is held, and no error event counts that may stand behind it:
    /// nobody gets that.
    pub(super) fn adapt_held(&mut self) -> Result<(), Adapted> {
        if let Some(adapter) = &mut self.adapter {
            for frame in std::mem::take(&mut self.held) {
                let made = adapter.take(Some(frame), false);
                self.held.extend(made.inspect_err(|_| self.sick = None)?);
                if adapter.has_failed() {
                    // Nothing may follow.
                    break;
                }
            }
        }
        for frame in &self.held {
            learn(&mut self.learner, frame);
        }
        Ok(())
    }

    /// What the client gets for a frame of the backend, or at its end.
    ///
    /// # Errors
    ///
    /// It cannot be adapted.
    pub(super) fn adapt(
        &mut self,
        frame: Option<Frame<Bytes>>,
        ends: bool,
    ) -> Result<Option<Frame<Bytes>>, Adapted> {
        let frame = match &mut self.adapter {
            Some(adapter) => adapter.take(frame, ends)?,
            None => frame,
        };
        if let Some(frame) = &frame {
            learn(&mut self.learner, frame);
        }
        Ok(frame)
    }

    /// Whether it is an event stream.
    pub(super) fn is_of_events(&self) -> bool {
        !matches!(self.kind, Kind::Other)
    }

    /// Whether the client would understand an event of ours, here and now.
    pub(super) fn may_tell(&self) -> bool {
        match &self.kind {
            Kind::Events(scanner) => !self.done && scanner.is_between_events(),
            Kind::Sealed | Kind::Other => false,
        }
    }

    /// Whether comments of ours could stand before its first event.
    pub(super) fn is_readable(&self) -> bool {
        matches!(self.kind, Kind::Events(_))
    }

    /// Looks at a frame of the backend; the first event in it, if there is one.
    pub(super) fn sees(&mut self, frame: &Frame<Bytes>, now: Duration) -> Option<Event> {
        let data = frame.data_ref().map(Bytes::as_ref).unwrap_or_default();
        let mut grows = false;
        let first = match &mut self.kind {
            Kind::Events(scanner) => {
                let seen = scanner.scan(data);
                grows = seen.grows;
                self.done |= seen.done;
                if let Some(Event::Error(code)) = seen.error {
                    // What says no status is what a 500 is.
                    self.sick.get_or_insert(code.unwrap_or(500));
                }
                seen.first
            }
            Kind::Sealed | Kind::Other => (!data.is_empty()).then_some(Event::Data),
        };
        let waited = self.since.take().map(|since| now.saturating_sub(since));
        self.left = self.left.saturating_sub(waited.unwrap_or_default());
        if first.is_some() || self.goes_on() {
            self.begin();
        } else if grows {
            // A long event on its way is no silence.
            self.left = self.left.max(self.gap);
        }
        first
    }

    fn goes_on(&self) -> bool {
        matches!(&self.kind, Kind::Events(scanner) if scanner.goes_on())
    }

    fn begin(&mut self) {
        self.begun = true;
        self.left = self.gap;
    }

    /// The backend has ended it: whether there was nothing in it. Half an event is something, for
    /// clients who read lines.
    pub(super) fn ends_empty(&mut self) -> bool {
        if matches!(&self.kind, Kind::Events(scanner) if !scanner.is_between_events()) {
            self.begin();
        }
        self.is_of_events() && !self.begun
    }

    /// Asked whenever the backend has nothing: whether it has had nothing for too long. Else the task
    /// is woken when it has.
    pub(super) fn poll_late(&mut self, worker: &Worker, cx: &Context<'_>) -> bool {
        if self.since.is_none() {
            let now = worker.coarse_now();
            self.since = Some(now);
            // Never early: the coarse clock may be late by a tick.
            self.deadline.rearm(now + TICK + self.left);
        }
        self.deadline.poll_fired(cx)
    }

    /// What it is when it is late.
    pub(super) fn lateness(&self) -> Trouble {
        match self.begun || !self.is_of_events() {
            true => Trouble::Gap,
            false => Trouble::FirstEvent,
        }
    }

    /// The status that its error event stands for, if there was one.
    pub(super) fn sickness(&self) -> Option<u16> {
        self.sick
    }

    /// The class that its error event stands for, if there was one.
    pub(super) fn sick_class(&self) -> Option<Class> {
        self.sick.map(|status| Class::of_status(status, || false))
    }
}

/// Shows a frame to whoever looks for the id of what was made, until that is known.
fn learn(learner: &mut Option<Box<Learner>>, frame: &Frame<Bytes>) {
    if let Some(looking) = learner
        && !looking.looks(frame)
    {
        *learner = None;
    }
}

/// Whether it is an event stream.
pub(super) fn is_of_events(headers: &HeaderMap) -> bool {
    kind_of(headers).is_some()
}

/// Whether it is an event stream to which comments and events of ours can be added.
pub(super) fn is_readable_stream(headers: &HeaderMap) -> bool {
    matches!(kind_of(headers), Some(Kind::Events(_)))
}

/// What kind of event stream it is, if it is one.
fn kind_of(headers: &HeaderMap) -> Option<Kind> {
    let value = headers.get(CONTENT_TYPE)?.as_bytes();
    let (name, rest) = value.split_at_checked(EVENT_STREAM.len())?;
    let ends = matches!(rest.first(), None | Some(b';' | b' ' | b'\t'));
    if !name.eq_ignore_ascii_case(EVENT_STREAM) || !ends {
        return None;
    }
    let coding = headers.get(CONTENT_ENCODING);
    Some(match coding {
        Some(coding) if !coding.as_bytes().eq_ignore_ascii_case(b"identity") => Kind::Sealed,
        _ => Kind::Events(Scanner::new()),
    })
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn event_streams_are_known_by_their_type() {
        for (kind, coding, meant) in [
            ("text/event-stream", None, Some(true)),
            ("Text/Event-Stream; charset=utf-8", None, Some(true)),
            ("text/event-stream", Some("identity"), Some(true)),
            ("text/event-stream", Some("gzip"), Some(false)),
            ("text/event-streams", None, None),
            ("text/event", None, None),
            ("application/json", None, None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
            if let Some(coding) = coding {
                headers.insert(CONTENT_ENCODING, HeaderValue::from_static(coding));
            }
            let found = kind_of(&headers).map(|kind| matches!(kind, Kind::Events(_)));
            assert_eq!(found, meant, "{kind} {coding:?}");
        }
        assert!(kind_of(&HeaderMap::new()).is_none());
    }
}
