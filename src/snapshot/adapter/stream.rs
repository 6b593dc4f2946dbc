//! The events of a stream, each made one of the client's.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::compile::Adapter;
use super::operation::Operation;
use super::program::{limits, meaning};
use crate::adapt::{Event, Events, EventsError, Fault, Outcome, Val};
use crate::config::model::{DoneMark, VARIABLES};
use crate::stats::Adapted;

/// Events that may take the place of one.
const MOST_EVENTS: usize = 16;
const DONE: &[u8] = b"[DONE]";

/// See the module.
#[derive(Debug)]
pub struct EventStream {
    adapter: Arc<Adapter>,
    operation: usize,
    values: [Val; VARIABLES.len()],
    events: Events,
    said_done: bool,
    has_ended: bool,
}

/// Why an event could not be adapted.
#[derive(Debug)]
pub enum Misfit {
    /// Its program came to nothing.
    Fault(Fault),
    /// It is larger than `max_body` of the adapter.
    TooLarge,
}

impl Misfit {
    /// As it is counted.
    pub fn meaning(&self) -> Adapted {
        match self {
            Self::Fault(fault) => meaning(fault),
            Self::TooLarge => Adapted::TooLarge,
        }
    }
}

/// Told of each event that a program ran on: how long that took, and whether it came to nothing.
pub(super) type Told<'a> = &'a mut dyn FnMut(Duration, Option<&Fault>);

impl EventStream {
    /// Of a response to a request that is this operation of an adapter.
    pub fn new(adapter: Arc<Adapter>, operation: usize, values: [Val; VARIABLES.len()]) -> Self {
        Self {
            events: Events::new(adapter.max_body),
            adapter,
            operation,
            values,
            said_done: false,
            has_ended: false,
        }
    }

    /// Its operation.
    pub fn operation(&self) -> &Operation {
        &self.adapter.operations[self.operation]
    }

    /// The next bytes of the backend; what the client gets for them is added to `out`, and that may be nothing yet.
    ///
    /// # Errors
    ///
    /// An event that cannot be adapted: what came before it stands in `out`.
    pub fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>, told: Told<'_>) -> Result<(), Misfit> {
        self.feed(Some(bytes), out, told)
    }

    /// The backend has ended it; what the client still gets is added to `out`.
    ///
    /// # Errors
    ///
    /// The last event cannot be adapted.
    pub fn end(&mut self, out: &mut Vec<u8>, told: Told<'_>) -> Result<(), Misfit> {
        if std::mem::replace(&mut self.has_ended, true) {
            return Ok(());
        }
        self.feed(None, out, told)?;
        if self.operation().done == DoneMark::Add && !self.said_done {
            out.extend_from_slice(b"data: [DONE]\n\n");
        }
        Ok(())
    }

    /// Whether nothing comes from it any more.
    pub fn has_ended(&self) -> bool {
        self.has_ended
    }

    /// Feeds the next bytes, or the end.
    fn feed(
        &mut self,
        bytes: Option<&[u8]>,
        out: &mut Vec<u8>,
        told: Told<'_>,
    ) -> Result<(), Misfit> {
        let operation = &self.adapter.operations[self.operation];
        let (values, deadline) = (&self.values, self.adapter.deadline);
        let said_done = &mut self.said_done;
        let mut each = |event: Event<'_>| {
            if event.data.trim_ascii() == DONE {
                *said_done = true;
                return Ok(match operation.done {
                    DoneMark::Drop => Outcome::Drop,
                    DoneMark::Pass | DoneMark::Add => Outcome::Pass,
                });
            }
            let begun = Instant::now();
            let made = make(operation, values, deadline, event);
            told(begun.elapsed(), made.as_ref().err());
            made
        };
        let fed = match bytes {
            Some(bytes) => self.events.push(bytes, out, &mut each),
            None => self.events.end(out, &mut each),
        };
        match fed {
            Ok(()) => Ok(()),
            Err(EventsError::TooLong) => Err(Misfit::TooLarge),
            Err(EventsError::Each(fault)) => Err(Misfit::Fault(fault)),
        }
    }
}

fn make(
    operation: &Operation,
    values: &[Val],
    deadline: Duration,
    event: Event<'_>,
) -> Result<Outcome, Fault> {
    let parsed = Val::parse(event.data);
    let says_error = |data: &Val| data.get("error").is_some_and(|error| !error.is_null());
    // What says that the backend has failed is no answer.
    let is_error = event.name == "error" || parsed.as_ref().is_ok_and(says_error);
    let filter = match is_error {
        true => &operation.error,
        false => &operation.response,
    };
    let Some(filter) = filter else {
        return Ok(Outcome::Pass);
    };
    let input = match parsed {
        Err(_) if is_error => Val::null(),
        parsed => parsed?,
    };
    let limits = limits(deadline, event.data.len());
    let outputs = filter.run_many(input, values, &limits, MOST_EVENTS)?;
    let written = outputs.iter().map(|output| {
        let mut json = Vec::new();
        output.write(&mut json);
        json
    });
    Ok(Outcome::Many(written.collect()))
}
