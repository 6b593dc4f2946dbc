//! A request is there: its worker and its client know of it until the last byte of its answer.

use std::cell::Cell;
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
    /// The client has a part of the answer, and has not asked for the next one.
    holding: Cell<bool>,
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
            holding: Cell::new(false),
        }
    }

    /// A part of the answer is handed on.
    pub(super) fn hands_on(&self) {
        if self.client.is_multiplexed() && !self.holding.replace(true) {
            self.client.conduct.holds();
        }
    }

    /// The next part is asked for.
    pub(super) fn is_asked(&self) {
        if self.holding.replace(false) {
            self.client.conduct.holds_no_more();
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
        self.is_asked();
        self.worker.request_ended();
        self.client.request_ended(self.worker.coarse_now());
    }
}
