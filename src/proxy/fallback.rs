//! Where a request goes next. The first try goes to the side that the split chose; a further one
//! to another endpoint of the same side and then to the other side, once each, and only when it
//! cannot do harm: the backend has certainly not begun, or the request may be repeated.

use http::Method;
use http::header::{HeaderMap, HeaderName};

use super::forward::{Failure, FailureKind, Outgoing};
use super::walk::Walk;
use super::watch::Watch;
use crate::recall::Mark;
use crate::snapshot::{Picked, Seat, Tried};
use crate::stats::{Class, Reason, Side};

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Tries on one side.
const TRIES_PER_SIDE: u8 = 2;

/// Whether a repetition does no harm: by method, by the route's word, or by the client's.
pub(super) fn is_repeatable(method: &Method, headers: &HeaderMap, declared: bool) -> bool {
    declared || method.is_idempotent() || headers.contains_key(IDEMPOTENCY_KEY)
}

/// The tries of one request.
#[derive(Debug, Default)]
pub(super) struct Plan {
    tried: Tried,
    on_side: u8,
    /// An idle connection was stale, and others may be: an origin that restarts closes all of them.
    pub(super) fresh: bool,
    /// Home is bypassed, if the request fits where it goes instead.
    bypasses: bool,
}

/// What to do after a failure.
#[derive(Debug, Clone, Copy)]
pub(super) enum Next {
    /// Try here, for this reason; without one, since it belongs here.
    Try(Side, Picked, Option<Reason>),
    /// There is nothing left that may be tried.
    GiveUp,
}

impl Plan {
    /// The first place: home; when all of home is out, the other side; when all is out, home again
    /// without asking breakers, as refusing everybody would be worse. `GiveUp` when there is no
    /// endpoint at all.
    pub(super) fn first(&mut self, walk: &Walk) -> Next {
        let home = walk.home;
        if let Some(picked) = self.pick(walk, home) {
            return self.go(walk, home, picked, None);
        }
        let may_leave = walk.may_leave(home);
        if may_leave && let Some(picked) = self.pick(walk, home.other()) {
            return self.bypass(walk, picked);
        }
        if let Some(picked) = self.pick_in_panic(walk, home) {
            return self.go(walk, home, picked, None);
        }
        if may_leave && let Some(picked) = self.pick_in_panic(walk, home.other()) {
            return self.bypass(walk, picked);
        }
        Next::GiveUp
    }

    /// To the other side without a try at home.
    fn bypass(&mut self, walk: &Walk, picked: Picked) -> Next {
        let other = walk.home.other();
        // What cannot be sent there comes back.
        let arm = walk.arm(other);
        self.bypasses = arm.backend.serverless.is_some() || arm.adapter.is_some();
        if !self.bypasses {
            walk.cell(walk.home).fallbacks[Reason::Bypass as usize].add(1);
        }
        self.go(walk, other, picked, Some(Reason::Bypass))
    }

    /// The request fits where it goes.
    pub(super) fn fits(&mut self, walk: &Walk) {
        if std::mem::take(&mut self.bypasses) {
            walk.cell(walk.home).fallbacks[Reason::Bypass as usize].add(1);
        }
    }

    /// The place that was to be tried is busy: it is as if it had not been looked for.
    pub(super) fn steps_back(&mut self) {
        self.tried.pop();
        self.on_side = self.on_side.saturating_sub(1);
    }

    /// The next place after waiting for a seat at `side`, with what came of that.
    pub(super) fn with_seat(
        &mut self,
        walk: &mut Walk,
        side: Side,
        reason: Option<Reason>,
        seat: Result<Option<Seat>, FailureKind>,
    ) -> Next {
        match seat {
            Ok(seat) => {
                walk.sits(seat);
                self.after_waiting(walk, side, reason)
            }
            Err(kind) => {
                walk.has_no_turn(kind.class());
                self.after_no_turn(walk, side, kind)
            }
        }
    }

    /// There was a turn, for whatever reason it goes there.
    fn after_waiting(&mut self, walk: &Walk, side: Side, reason: Option<Reason>) -> Next {
        let picked = self.pick(walk, side);
        match picked.or_else(|| self.pick_in_panic(walk, side)) {
            Some(picked) => self.go(walk, side, picked, reason),
            None => Next::GiveUp,
        }
    }

    /// The next place when the body of the request was read, which `side` needs: the same if nothing has changed
    /// meanwhile. What was its first place is looked for again.
    pub(super) fn with_body(&mut self, walk: &Walk, side: Side, reason: Option<Reason>) -> Next {
        self.steps_back();
        self.bypasses = false;
        match reason {
            None | Some(Reason::Bypass) => self.first(walk),
            _ => self.after_waiting(walk, side, reason),
        }
    }

    /// There was no turn at `side`: the other side, if the limit lets it spill.
    fn after_no_turn(&mut self, walk: &mut Walk, side: Side, kind: FailureKind) -> Next {
        if kind == FailureKind::Cut {
            return self.across(walk, side, Reason::Cut);
        }
        let limit = walk.arm(side).backend.limit.as_ref();
        let spills = side == walk.home && limit.is_some_and(|limit| limit.spill);
        if spills && walk.may_leave(side) {
            return self.across(walk, side, Reason::Capacity);
        }
        Next::GiveUp
    }

    /// The place that was to be tried cannot serve the request, or its client does not send it. The side for which
    /// it was drawn is bypassed then; the other one is just not there, so that one which was to stand in for home
    /// leaves that as the only place, however it is.
    pub(super) fn after_unfit(&mut self, walk: &Walk, side: Side, kind: FailureKind) -> Next {
        let bypassed = std::mem::take(&mut self.bypasses);
        self.steps_back();
        match kind {
            FailureKind::Cut => self.across(walk, side, Reason::Cut),
            FailureKind::Unfit(_) if bypassed => match self.pick_in_panic(walk, walk.home) {
                Some(picked) => self.go(walk, walk.home, picked, None),
                None => Next::GiveUp,
            },
            FailureKind::Unfit(_) if side == walk.home && walk.may_leave(side) => {
                self.across(walk, side, Reason::Unfit)
            }
            FailureKind::Unfit(_) => {
                walk.refused(Mark::NowhereElse);
                Next::GiveUp
            }
            _ => Next::GiveUp,
        }
    }

    /// The next place after a failed try on `side`.
    pub(super) fn after_failure(
        &mut self,
        walk: &mut Walk,
        outgoing: &Outgoing,
        side: Side,
        failure: Failure,
    ) -> Next {
        let reason = failure.kind.reason();
        match failure.kind {
            FailureKind::NoDescriptor
            | FailureKind::ClientSlow
            | FailureKind::BodyTooLarge
            | FailureKind::ClientBroke => Next::GiveUp,
            _ if !may_repeat(walk, outgoing, side, failure.unprocessed) => Next::GiveUp,
            _ => self.elsewhere(walk, side, reason),
        }
    }

    /// The next place after a response that `fallback_on` names.
    pub(super) fn after_status(
        &mut self,
        walk: &mut Walk,
        outgoing: &Outgoing,
        side: Side,
    ) -> Next {
        if may_repeat(walk, outgoing, side, false) {
            self.elsewhere(walk, side, Reason::Status)
        } else {
            Next::GiveUp
        }
    }

    /// The next place after a Serverless worker did not take the request: the other side may.
    pub(super) fn after_refusal(
        &mut self,
        walk: &mut Walk,
        outgoing: &Outgoing,
        side: Side,
    ) -> Next {
        match may_repeat(walk, outgoing, side, true) {
            true => self.elsewhere(walk, side, Reason::Refused),
            false => Next::GiveUp,
        }
    }

    /// The next place after an event stream without a proper first event. An error event is taken like
    /// a response with its status: what its caller did wrong, or that the backend is full, is told to
    /// the caller.
    pub(super) fn after_hold(
        &mut self,
        walk: &mut Walk,
        outgoing: &Outgoing,
        side: Side,
        kind: FailureKind,
        watch: &Watch,
    ) -> Next {
        let (class, status) = (watch.sick_class(), watch.sickness());
        let passes = class.is_some_and(|class| !class.is_bad())
            && !status.is_some_and(|status| walk.route().fallback_on.contains(status));
        if passes || walk.has_left() {
            return Next::GiveUp;
        }
        let failure = Failure {
            kind,
            unprocessed: false,
        };
        self.after_failure(walk, outgoing, side, failure)
    }

    /// The next place after a response whose body broke, or could not be adapted, before anything of it was with the
    /// client.
    pub(super) fn after_reply(
        &mut self,
        walk: &mut Walk,
        outgoing: &Outgoing,
        side: Side,
        class: Class,
        kind: FailureKind,
    ) -> Next {
        match kind {
            FailureKind::Stream(trouble) => walk.goes_wrong(trouble),
            FailureKind::Lost(_) => {
                // Nothing is wrong with the response itself.
                walk.attempt_ends(class);
                return Next::GiveUp;
            }
            _ => {}
        }
        walk.attempt_ends(kind.class());
        let failure = Failure {
            kind,
            unprocessed: false,
        };
        self.after_failure(walk, outgoing, side, failure)
    }

    /// Whether the try may be made again on a fresh connection to the same endpoint.
    pub(super) fn again_after_stale(&mut self, outgoing: &Outgoing, failure: Failure) -> bool {
        let harmless = failure.unprocessed || outgoing.repeatable && outgoing.is_replayable();
        // On a fresh connection no failure is stale, so this happens once per endpoint.
        let again = failure.kind == FailureKind::Stale && harmless;
        self.fresh |= again;
        again
    }

    fn elsewhere(&mut self, walk: &mut Walk, side: Side, reason: Reason) -> Next {
        // Also to a primary that was out before: there is nothing else.
        if reason == Reason::Cut {
            return self.across(walk, side, reason);
        }
        if let Some(picked) = self.sibling(walk, side, reason) {
            walk.cell(side).retries[reason as usize].add(1);
            return self.go(walk, side, picked, Some(reason));
        }
        if side != walk.home || !walk.may_leave(side) {
            walk.refused(Mark::NowhereElse);
            return Next::GiveUp;
        }
        // A backend that is gone loses its whole share at once: sending that over is what figshift
        // is for. A backend that answers badly or late may be overloaded, and so may the other be.
        if reason.is_overload() && !within_budget(walk, side) {
            return Next::GiveUp;
        }
        self.across(walk, side, reason)
    }

    /// To the candidate, since the primary does not have what is looked for, or cannot say.
    pub(super) fn turns(walk: &mut Walk, side: Side) -> (Self, Next) {
        walk.cell(side.other()).fallbacks[Reason::Owner as usize].add(1);
        walk.turns_to(side);
        let mut plan = Self::default();
        let next = plan.first(walk);
        (plan, next)
    }

    /// To a side that is asked something by us.
    pub(super) fn asks(&mut self, walk: &Walk, side: Side) -> Next {
        let picked = self.pick(walk, side);
        match picked.or_else(|| self.pick_in_panic(walk, side)) {
            Some(picked) => self.go(walk, side, picked, Some(Reason::Owner)),
            None => Next::GiveUp,
        }
    }

    /// To the other side.
    fn across(&mut self, walk: &Walk, side: Side, reason: Reason) -> Next {
        if walk.is_bound() {
            // What was made there is nowhere else.
            walk.refused(Mark::NowhereElse);
            return Next::GiveUp;
        }
        let other = side.other();
        let Some(picked) = self
            .pick(walk, other)
            .or_else(|| self.pick_in_panic(walk, other))
        else {
            walk.refused(Mark::NowhereElse);
            return Next::GiveUp;
        };
        walk.cell(side).fallbacks[reason as usize].add(1);
        self.on_side = 0;
        self.go(walk, other, picked, Some(reason))
    }

    /// Another endpoint of the same side. That is more work for the same backend, which the budget
    /// bounds; what was never sent is none. The budget is asked first: a pick may be the one probe
    /// of an open breaker, and must be used.
    fn sibling(&self, walk: &mut Walk, side: Side, reason: Reason) -> Option<Picked> {
        let others = walk.arm(side).backend.members.len() > 1;
        let allowed = others
            && self.on_side < TRIES_PER_SIDE
            && (reason == Reason::Connect || within_budget(walk, side));
        allowed.then(|| self.pick(walk, side)).flatten()
    }

    fn go(&mut self, walk: &Walk, side: Side, picked: Picked, reason: Option<Reason>) -> Next {
        if let Some(member) = walk.arm(side).backend.members.get(picked.member) {
            self.tried.push(member.endpoint.id);
        }
        self.on_side += 1;
        self.fresh = false;
        Next::Try(side, picked, reason)
    }

    fn pick(&self, walk: &Walk, side: Side) -> Option<Picked> {
        if walk.is_cut_off(side) {
            return None;
        }
        let worker = walk.worker();
        let backend = &walk.arm(side).backend;
        worker.with_rng(|rng| backend.pick(walk.time(), &self.tried, worker.index, rng))
    }

    fn pick_in_panic(&self, walk: &Walk, side: Side) -> Option<Picked> {
        if walk.is_cut_off(side) {
            return None;
        }
        let backend = &walk.arm(side).backend;
        let worker = walk.worker();
        worker.with_rng(|rng| backend.pick_in_panic(&self.tried, worker.index, rng))
    }
}

fn may_repeat(walk: &Walk, outgoing: &Outgoing, side: Side, unprocessed: bool) -> bool {
    if !unprocessed && !outgoing.repeatable {
        walk.cell(side).unsafe_to_repeat.add(1);
        walk.refused(Mark::NotRepeatable);
        return false;
    }
    let replayable = outgoing.is_replayable();
    if !replayable {
        walk.refused(Mark::BodyTooLong);
    }
    replayable
}

fn within_budget(walk: &Walk, side: Side) -> bool {
    let within = walk.take_retry();
    if !within {
        walk.cell(side).over_budget.add(1);
        walk.refused(Mark::OverBudget);
    }
    within
}
