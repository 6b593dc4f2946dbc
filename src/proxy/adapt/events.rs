//! The events of a stream on their way to the client, with the books of what was adapted.

use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use http_body::Frame;

use super::run::count;
use crate::adapt::Fault;
use crate::proxy::worker::Worker;
use crate::snapshot::{EventStream, Operation, meaning};
use crate::stats::{Adapted, Direction};

/// See the module.
#[derive(Debug)]
pub(in crate::proxy) struct EventAdapter {
    stream: EventStream,
    worker: Rc<Worker>,
    /// An event could not be adapted, and what came before it is on its way.
    failed: Option<Adapted>,
}

impl EventAdapter {
    pub(super) fn new(stream: EventStream, worker: Rc<Worker>) -> Self {
        Self {
            stream,
            worker,
            failed: None,
        }
    }

    /// A frame of the backend, which may be the last one; what the client gets for it. What stands behind the
    /// events of a stream belongs to its own form, and does not pass.
    ///
    /// # Errors
    ///
    /// An event that cannot be adapted, before which there is nothing.
    pub(in crate::proxy) fn take(
        &mut self,
        frame: Option<Frame<Bytes>>,
        ends: bool,
    ) -> Result<Option<Frame<Bytes>>, Adapted> {
        let data = frame.and_then(|frame| frame.into_data().ok());
        let (mut made, mut ran) = (Vec::new(), Vec::new());
        let fed = feed(
            &mut self.stream,
            &data.unwrap_or_default(),
            ends,
            &mut made,
            &mut ran,
        );
        for (took, fault) in ran {
            self.count(took, fault);
        }
        match (fed, made.is_empty()) {
            (Err(fault), true) => Err(fault),
            (fed, is_empty) => {
                self.failed = fed.err();
                Ok((!is_empty).then(|| Frame::data(made.into())))
            }
        }
    }

    /// Whether nothing may follow what was made last.
    pub(in crate::proxy) fn has_failed(&self) -> bool {
        self.failed.is_some()
    }

    /// Whether nothing comes from it any more.
    pub(in crate::proxy) fn has_ended(&self) -> bool {
        self.stream.has_ended()
    }

    fn count(&self, took: Duration, fault: Option<Adapted>) {
        let operation: &Operation = self.stream.operation();
        count(&self.worker, operation, Direction::Event, took, fault);
    }
}

fn feed(
    stream: &mut EventStream,
    data: &[u8],
    ends: bool,
    made: &mut Vec<u8>,
    ran: &mut Vec<(Duration, Option<Adapted>)>,
) -> Result<(), Adapted> {
    let mut told = |took, fault: Option<&Fault>| ran.push((took, fault.map(meaning)));
    let fed = stream.push(data, made, &mut told);
    fed.map_err(|misfit| misfit.meaning())?;
    match ends {
        true => stream
            .end(made, &mut told)
            .map_err(|misfit| misfit.meaning()),
        false => Ok(()),
    }
}
