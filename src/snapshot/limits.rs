//! What a client may ask of figshift, as it is in force.

use std::time::Duration;

use crate::config::model;

/// See the module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientLimits {
    /// Client connections in all; `None`: as many as the descriptors of the process allow.
    pub connections: Option<u32>,
    /// Connections of one client address.
    pub connections_per_client: Option<u32>,
    /// Bytes of a request head.
    pub head: usize,
    /// Header lines of a request.
    pub headers: usize,
    /// Bytes of a request target.
    pub uri: usize,
    /// Requests at a time on one HTTP/2 connection.
    pub streams: u32,
    /// Requests given up in a second on one HTTP/2 connection.
    pub resets: u32,
    /// From the first byte of a head to its last; for the first one, from accept.
    pub head_time: Duration,
    /// Bytes of a body in a second while the backend waits for it; 0: any.
    pub body_rate: u64,
    /// What that is averaged over.
    pub body_grace: Duration,
    /// How long a client may take nothing of its answer.
    pub read_time: Duration,
}

impl ClientLimits {
    /// So many bytes a client must have sent in a while.
    pub fn body_bytes_in(&self, while_: Duration) -> u64 {
        let millis = u64::try_from(while_.as_millis()).unwrap_or(u64::MAX);
        self.body_rate.saturating_mul(millis) / 1000
    }
}

impl From<&model::ClientLimits> for ClientLimits {
    fn from(written: &model::ClientLimits) -> Self {
        Self {
            connections: written.connections,
            connections_per_client: written.connections_per_client,
            head: written.head.bytes(),
            headers: written.headers as usize,
            uri: written.uri.bytes(),
            streams: written.streams,
            resets: written.resets,
            head_time: written.head_time.get(),
            body_rate: written.body_rate.bytes() as u64,
            body_grace: written.body_grace.get(),
            read_time: written.read_time.get(),
        }
    }
}
