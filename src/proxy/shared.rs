//! An HTTP/2 connection to an endpoint, on which many tries run at once.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use hyper::client::conn::http2::SendRequest;

use super::stream::Pulse;
use crate::wire::{RequestBody, Starting};

/// See the module. Dropping the last handle closes it, once its streams have ended.
#[derive(Debug)]
pub(super) struct Shared {
    sender: RefCell<SendRequest<RequestBody>>,
    /// Where its uploads start.
    starting: Starting,
    /// Signs of life.
    pulse: Rc<Pulse>,
    /// How many streams the endpoint takes at once.
    most: Rc<Cell<usize>>,
    /// Tries that run on it.
    streams: Cell<usize>,
    /// Has had a try since the last look.
    used: Cell<bool>,
    /// The first look that found it without any.
    idle_since: Cell<Duration>,
    /// Gets no further try.
    retired: Cell<bool>,
}

impl Shared {
    pub(super) fn new(
        sender: SendRequest<RequestBody>,
        pulse: Rc<Pulse>,
        most: Rc<Cell<usize>>,
        starting: Starting,
    ) -> Self {
        Self {
            sender: RefCell::new(sender),
            starting,
            pulse,
            most,
            streams: Cell::new(0),
            used: Cell::new(true),
            idle_since: Cell::new(Duration::ZERO),
            retired: Cell::new(false),
        }
    }

    /// Whether one more try may run on it.
    pub(super) fn has_room(&self) -> bool {
        self.is_usable() && self.streams.get() < self.most.get()
    }

    /// Whether further tries can run on it at all.
    pub(super) fn is_usable(&self) -> bool {
        !self.retired.get() && !self.sender.borrow().is_closed()
    }

    /// Looks whether nothing has run on it for longer than the limit, however that has ended.
    pub(super) fn is_idle_for(&self, limit: Duration, now: Duration) -> bool {
        if self.streams.get() > 0 {
            return false;
        }
        if self.used.replace(false) {
            self.idle_since.set(now);
        }
        now.saturating_sub(self.idle_since.get()) > limit
    }

    /// It has said that it ends, or is silent: it gets no further try.
    pub(super) fn retire(&self) {
        self.retired.set(true);
    }

    /// What it has brought so far.
    pub(super) fn pulse(&self) -> u64 {
        self.pulse.beats()
    }

    /// Begins a try.
    pub(super) fn begin(self: &Rc<Self>) -> Turn {
        self.streams.set(self.streams.get() + 1);
        self.used.set(true);
        Turn {
            pulse: self.pulse(),
            shared: Rc::clone(self),
        }
    }
}

/// A place of one try on a shared connection.
#[derive(Debug)]
pub(super) struct Turn {
    shared: Rc<Shared>,
    /// As it was when the try began.
    pulse: u64,
}

impl Turn {
    pub(super) fn sender(&self) -> SendRequest<RequestBody> {
        self.shared.sender.borrow().clone()
    }

    /// Where an upload has to start.
    pub(super) fn starting(&self) -> &Starting {
        &self.shared.starting
    }

    /// The connection gets no further try.
    pub(super) fn retire(&self) {
        self.shared.retire();
    }

    /// Whether the connection has brought nothing at all since the try began.
    pub(super) fn was_silent(&self) -> bool {
        self.shared.pulse() == self.pulse
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let streams = &self.shared.streams;
        streams.set(streams.get().saturating_sub(1));
    }
}
