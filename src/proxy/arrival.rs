//! A response whose head has arrived: whether it goes to the client, or the request elsewhere.

use http::Response;
use http::header::{HeaderValue, RETRY_AFTER};

use super::answer::Answer;
use super::fallback::{Next, Plan};
use super::forward::{FailureKind, Outgoing};
use super::hold::first_event;
use super::lease::Lease;
use super::walk::Walk;
use super::watch::Watch;
use crate::stats::{Class, Side, Trouble};

/// See the module.
pub(super) struct Arrival {
    pub(super) response: Response<Answer>,
    pub(super) lease: Lease,
    pub(super) class: Class,
    pub(super) watch: Option<Box<Watch>>,
    /// It is an event stream, of which the first event is awaited.
    pub(super) is_held: bool,
    /// Only the trailers will tell what came of it.
    pub(super) untold: bool,
}

/// What became of a response that was held.
pub(super) enum Held {
    /// It goes to the client.
    Passes,
    /// Its backend has failed.
    Failed(FailureKind, Next),
    /// The client has left.
    Left,
}

impl Arrival {
    /// Of the running try.
    ///
    /// # Errors
    ///
    /// Where the request goes instead, since the route does not want this status.
    pub(super) fn of(
        walk: &mut Walk,
        outgoing: &Outgoing,
        plan: &mut Plan,
        side: Side,
        (response, lease): (Response<Answer>, Lease),
    ) -> Result<Self, Next> {
        let status = outgoing.dialect.status(&response);
        let class = Class::of_status(status, || response.headers().contains_key(RETRY_AFTER));
        let watch = match outgoing.gets_no_body(&response) {
            true => None,
            false => Watch::of(walk, &response),
        };
        let is_held = watch.as_ref().is_some_and(|watch| watch.is_held(walk));
        let untold = (outgoing.dialect).waits_for_trailers(response.status(), response.headers());
        walk.head_arrived(status, class, is_held || untold);
        if walk.route().fallback_on.contains(status)
            && let again @ Next::Try(..) = plan.after_status(walk, outgoing, side)
        {
            walk.attempt_ends(class);
            return Err(again);
        }
        if class == Class::ClientError
            && walk.is_refused_by_worker(status)
            && let again @ Next::Try(..) = plan.after_refusal(walk, outgoing, side)
        {
            walk.attempt_ends(class);
            return Err(again);
        }
        Ok(Self {
            response,
            lease,
            class,
            watch,
            is_held,
            untold,
        })
    }

    /// Waits for the first event of a stream.
    pub(super) async fn hold(
        &mut self,
        walk: &mut Walk,
        outgoing: &Outgoing,
        plan: &mut Plan,
        side: Side,
        id: &HeaderValue,
    ) -> Held {
        let Some(watch) = &mut self.watch else {
            return Held::Passes;
        };
        let upload = outgoing.upload.as_deref();
        let held = first_event(walk, &mut self.response, watch, id, upload).await;
        let held = match held {
            // Nothing of it is with the client yet.
            Ok(()) if watch.adapt_held().is_err() => {
                walk.goes_wrong(Trouble::Adapter);
                Err(FailureKind::Stream(Trouble::Adapter))
            }
            held => held,
        };
        let Err(kind) = held else {
            return Held::Passes;
        };
        let sick = watch.sick_class();
        if kind.class() == Class::Timeout {
            self.lease.timed_out();
        }
        let next = plan.after_hold(walk, outgoing, side, kind, watch);
        if let (Some(class), Next::GiveUp) = (sick, next) {
            // What the backend says of it is more than we could, if its client understands that.
            if watch.adapt_held().is_ok() {
                self.class = class;
                return Held::Passes;
            }
        }
        if walk.has_left() {
            return Held::Left;
        }
        walk.attempt_ends(sick.unwrap_or(kind.class()));
        Held::Failed(kind, next)
    }
}
