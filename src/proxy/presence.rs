//! A request is there: its worker and its client know of it until the last byte of its answer.

use std::rc::Rc;
use std::task::Context;

use super::client::Client;
use super::worker::Worker;
use crate::snapshot::Pin;

/// A request from its arrival to the last byte of its answer.
#[derive(Debug)]
pub(super) struct Presence {
    pub(super) worker: Rc<Worker>,
    pub(super) client: Rc<Client>,
    /// What a candidate streams to the client, among the client's streams.
    stream: Option<usize>,
}

impl Presence {
    pub(super) fn begin(worker: Rc<Worker>, client: Rc<Client>) -> Self {
        worker.request_began();
        client.request_began();
        let stream = None;
        Self {
            worker,
            client,
            stream,
        }
    }

    /// The candidate of a route streams to the client from now on.
    pub(super) fn streams(&mut self, pin: Pin, route: usize) {
        self.stream = Some(self.client.streams(pin, route));
    }

    /// Wakes this task when a hard rollback cuts that stream.
    pub(super) fn wake_when_cut(&self, cx: &Context<'_>) {
        if let Some(stream) = self.stream {
            self.client.wake_when_cut(stream, cx);
        }
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        if let Some(stream) = self.stream {
            self.client.streamed(stream);
        }
        // Of a connection that has several, a panic costs one; else it costs the connection, which counts it.
        if std::thread::panicking() && self.client.is_multiplexed() {
            self.worker.cell().panics.add(1);
        }
        self.worker.request_ended();
        self.client.request_ended(self.worker.coarse_now());
    }
}
