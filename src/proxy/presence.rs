//! A request is there: its worker and its client know of it until the last byte of its answer.

use std::rc::Rc;

use super::client::Client;
use super::worker::Worker;

/// A request from its arrival to the last byte of its answer.
#[derive(Debug)]
pub(super) struct Presence {
    pub(super) worker: Rc<Worker>,
    pub(super) client: Rc<Client>,
}

impl Presence {
    pub(super) fn begin(worker: Rc<Worker>, client: Rc<Client>) -> Self {
        worker.request_began();
        client.request_began();
        Self { worker, client }
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        self.worker.request_ended();
        self.client.request_ended(self.worker.coarse_now());
    }
}
