//! The id of what was made, in the first events of a stream.

use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;
use http_body::Frame;

use super::claim::unix_time;
use super::learn::{from_body, made};
use crate::adapt::{Event, Events, Outcome, Val};
use crate::owners::{Learned, Owners};
use crate::proxy::worker::Worker;
use crate::snapshot::Ownership;
use crate::stats::Made;

/// Events in which an id is looked for.
const MOST_EVENTS: u32 = 16;
/// So large an event may be.
const MOST_BYTES: usize = 64 * 1024;

/// See the module.
#[derive(Debug)]
pub(in crate::proxy) struct Learner {
    owners: Arc<Owners>,
    rule: Arc<Ownership>,
    backend: Box<str>,
    origin: String,
    worker: Rc<Worker>,
    events: Events,
    left: u32,
}

impl Learner {
    pub(super) fn new(
        owners: Arc<Owners>,
        rule: Arc<Ownership>,
        backend: Box<str>,
        origin: String,
        worker: &Rc<Worker>,
    ) -> Self {
        Self {
            owners,
            rule,
            backend,
            origin,
            worker: Rc::clone(worker),
            events: Events::new(MOST_BYTES),
            left: MOST_EVENTS,
        }
    }

    /// Looks at a frame before its client gets it. Whether more has to be looked at.
    pub(in crate::proxy) fn looks(&mut self, frame: &Frame<Bytes>) -> bool {
        let Some(data) = frame.data_ref() else {
            return false;
        };
        let mut found = None;
        let (rule, left) = (&self.rule, &mut self.left);
        let mut each = |event: Event<'_>| {
            *left = left.saturating_sub(1);
            let val = Val::parse(event.data).ok();
            found = found.take().or_else(|| from_body(rule, &val?));
            Ok::<_, ()>(Outcome::Pass)
        };
        let mut unused = Vec::new();
        let fed = self.events.push(data, &mut unused, &mut each);
        if let Some(id) = found {
            let learned = Learned {
                rule: &self.rule.name,
                id: id.as_bytes(),
                backend: &self.backend,
                ttl: self.rule.ttl,
                origin: &self.origin,
                theirs: None,
            };
            let learnt = self.owners.learn(learned, unix_time());
            self.count(made(&learnt));
            return false;
        }
        let goes_on = fed.is_ok() && self.left > 0;
        if !goes_on {
            self.count(Made::NoId);
        }
        goes_on
    }

    fn count(&self, made: Made) {
        self.rule.cells.of(self.worker.index).made[made as usize].add(1);
    }
}
