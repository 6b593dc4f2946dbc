//! Whether somebody is late while a response head is awaited: the backend with its answer, or the
//! client with its body.

use std::time::Duration;

use http::header::{CONTENT_TYPE, HeaderMap};

use super::forward::FailureKind;
use super::walk::Walk;
use super::worker::TICK;
use crate::wire::Upload;

/// How fast a client must send while the backend waits for it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Floor {
    bytes: u64,
    within: Duration,
}

impl Floor {
    /// Of a request. A gRPC stream may be silent for as long as both ends like.
    pub(super) fn of(walk: &Walk, headers: &HeaderMap, has_body: bool) -> Option<Self> {
        if !has_body {
            return None;
        }
        let limits = walk.limits();
        let kind = headers.get(CONTENT_TYPE);
        let is_grpc = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc"));
        let bytes = limits.body_bytes_in(limits.body_grace);
        (bytes > 0 && !is_grpc).then_some(Self {
            bytes,
            within: limits.body_grace,
        })
    }
}

/// What was seen at the last look, and when the next one is due.
pub(super) struct Lookout<'a> {
    walk: &'a Walk,
    limit: Duration,
    upload: Option<&'a Upload>,
    floor: Option<Floor>,
    /// For the backend, or for a client that has stopped.
    due: Duration,
    frames: u64,
    /// For a client that is too slow.
    slow: Duration,
    bytes: u64,
    starved: bool,
}

impl<'a> Lookout<'a> {
    /// Begins with a request that is on its way to a backend, which has this long for its head.
    pub(super) fn new(
        walk: &'a Walk,
        limit: Duration,
        upload: Option<&'a Upload>,
        floor: Option<Floor>,
    ) -> Self {
        let mut lookout = Self {
            walk,
            limit,
            upload,
            floor,
            due: Duration::ZERO,
            frames: upload.map_or(0, Upload::frames),
            slow: Duration::MAX,
            bytes: 0,
            starved: false,
        };
        lookout.due = lookout.after(limit);
        lookout.begin_grace();
        // Backends wait for the first byte from the start.
        lookout.starved = true;
        lookout
    }

    /// When to look next.
    pub(super) fn next(&self) -> Duration {
        self.due.min(self.slow)
    }

    /// Never early: the coarse clock may be late by a tick.
    fn after(&self, span: Duration) -> Duration {
        self.now() + TICK + span
    }

    fn now(&self) -> Duration {
        self.walk.worker().coarse_now()
    }

    fn begin_grace(&mut self) {
        self.slow = Duration::MAX;
        if let (Some(floor), Some(upload)) = (self.floor, self.upload)
            && !upload.has_ended()
        {
            self.slow = self.after(floor.within);
            self.bytes = upload.bytes();
            self.starved = upload.is_starved();
        }
    }

    /// Who is late, if anybody is.
    pub(super) fn look(&mut self) -> Option<FailureKind> {
        let now = self.now();
        let starved = self.upload.is_some_and(Upload::is_starved);
        if now >= self.slow {
            let bytes = self.upload.map_or(0, Upload::bytes);
            let floor = self.floor.map_or(0, |floor| floor.bytes);
            // A backend that has begun to read within the grace has not waited for all of it.
            if bytes < self.bytes + floor && starved && self.starved {
                return Some(FailureKind::ClientSlow);
            }
            self.begin_grace();
        }
        if now >= self.due {
            // While the upload moves, nobody is late yet.
            let frames = self.upload.map_or(0, Upload::frames);
            if frames == self.frames {
                return Some(if starved {
                    FailureKind::ClientSlow
                } else {
                    FailureKind::Timeout
                });
            }
            self.frames = frames;
            self.due = self.after(self.limit);
        }
        None
    }
}
