//! The signals that a running house listens to.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// See the fields.
#[derive(Debug)]
pub(super) struct Signals {
    hangup: Signal,
    terminate: Signal,
    interrupt: Signal,
}

/// What a signal asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    /// SIGHUP: read the file again.
    Reload,
    /// To end, by the signal of this name.
    End(&'static str),
}

impl Signals {
    /// Listens from now on.
    pub(super) fn listen() -> io::Result<Self> {
        Ok(Self {
            hangup: signal(SignalKind::hangup())?,
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// # Cancel safety
    ///
    /// No signal is lost.
    pub(super) async fn next(&mut self) -> Told {
        tokio::select! {
            _ = self.hangup.recv() => Told::Reload,
            _ = self.terminate.recv() => Told::End("SIGTERM"),
            _ = self.interrupt.recv() => Told::End("SIGINT"),
        }
    }

    /// The next one that asks to end.
    pub(super) async fn end(&mut self) -> &'static str {
        loop {
            if let Told::End(signal) = self.next().await {
                return signal;
            }
        }
    }
}
