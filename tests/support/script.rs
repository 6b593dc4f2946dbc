//! What a mock origin can be told to do, step by step, and what it has seen.

use std::time::Duration;

use tokio::sync::watch;

use super::message::Head;

/// One step of an answer. After the last one the connection waits for the next request.
#[derive(Debug, Clone)]
pub(crate) enum Do {
    /// These bytes in one write.
    Send(Vec<u8>),
    /// These bytes one by one, each in a packet of its own.
    Dribble(Vec<u8>),
    /// Nothing for this long.
    Pause(Duration),
    /// Nothing until the gate opens or the peer leaves.
    Await(Gate),
    /// Nothing until the gate opens, and nothing is read either.
    Hold(Gate),
    /// Nothing until the peer leaves.
    Stall,
    /// Reads the rest of the request's body, where the script was asked before it.
    ReadBody,
    /// Sends back what comes until it ends, then ends its own way.
    Echo,
    /// Reads this much, and records it as the body.
    Take(usize),
    /// Reads until the peer has ended its way, and records that as the body.
    TakeAll,
    /// Ends its own way and goes on with the next step.
    HalfClose,
    /// FIN.
    Close,
    /// RST.
    Reset,
    /// Keeps the connection until the next request begins, then closes it without a word.
    CloseAtNext,
}

/// A request as it arrived.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen {
    pub(crate) head: Head,
    pub(crate) body: Vec<u8>,
    pub(crate) trailers: Head,
    /// The body came to its proper end.
    pub(crate) whole: bool,
    /// Which connection, counted from 0.
    pub(crate) connection: usize,
    /// Which request of this connection, counted from 0.
    pub(crate) nth: usize,
}

impl Seen {
    pub(crate) fn method(&self) -> &str {
        self.head.first.split(' ').next().unwrap_or_default()
    }
    pub(crate) fn target(&self) -> &str {
        self.head.first.split(' ').nth(1).unwrap_or_default()
    }
}

/// Closed at first; opened once, for everybody who waits.
#[derive(Debug, Clone)]
pub(crate) struct Gate(watch::Sender<bool>);

impl Default for Gate {
    fn default() -> Self {
        Self(watch::Sender::new(false))
    }
}

impl Gate {
    pub(crate) fn open(&self) {
        self.0.send_replace(true);
    }
    pub(super) async fn passed(&self) {
        let mut gate = self.0.subscribe();
        let _ = gate.wait_for(|open| *open).await;
    }
}

/// 200 with a body of known length.
pub(crate) fn ok(body: &[u8]) -> Do {
    status("200 OK", &[], body)
}

/// Any status with extra header lines and a body of known length.
pub(crate) fn status(line: &str, headers: &[&str], body: &[u8]) -> Do {
    let mut bytes = format!("HTTP/1.1 {line}\r\ncontent-length: {}\r\n", body.len());
    for header in headers {
        bytes.push_str(header);
        bytes.push_str("\r\n");
    }
    bytes.push_str("\r\n");
    let mut bytes = bytes.into_bytes();
    bytes.extend_from_slice(body);
    Do::Send(bytes)
}

/// Exactly this.
pub(crate) fn raw(text: &str) -> Do {
    Do::Send(text.as_bytes().to_vec())
}
