//! The books of one request: which side the split chose, which try is running, how each ended.
//! They are right however the request ends, also when the client leaves and the walk is dropped
//! in the middle.

use std::cell::Cell;
use std::rc::Rc;
use std::task::Context;
use std::time::Duration;

use rand::RngExt;

use super::apart::Aside;
use super::choose::Choice;
use super::client::Client;
use super::own::Claim;
use super::presence::Presence;
use super::worker::Worker;
use crate::owners::Owners;
use crate::recall::{Chosen, Decision, Mark, Moment};
use crate::snapshot::{Arm, Backend, ClientLimits, Endpoint, Member, Picked, Pin, Route, Seat};
use crate::stats::{Class, Cohorts, Fault, Purpose, Reason, Side, SideCell, Trouble, Unit};

/// A request that has found its route.
#[derive(Debug)]
pub(super) struct Walk {
    presence: Presence,
    pin: Pin,
    route: usize,
    /// Chosen by the split.
    pub(super) home: Side,
    started: Duration,
    /// The last look at the clock.
    time: Duration,
    attempt: Option<Attempt>,
    /// What the guard will see of it, until the first try has ended.
    unit: Option<Unit>,
    /// Its decision in the worker's memory.
    decision: usize,
    /// At a backend with a limit, from before a try until the request has ended.
    seat: Option<Seat>,
    /// Holds a place in the retry budget.
    retrying: Cell<bool>,
    ended: bool,
    /// Its client has given it up, which is counted once.
    given_up: bool,
    /// What it is to things that stay where they were made.
    claim: Option<Box<Claim>>,
    /// Where it may outlive the call that brought it.
    aside: Option<Rc<Aside>>,
}

#[derive(Debug, Clone, Copy)]
struct Attempt {
    side: Side,
    picked: Picked,
    /// At the last look before.
    began: Duration,
    /// The breaker has been told.
    told: bool,
}

impl Walk {
    pub(super) fn begin(
        presence: Presence,
        pin: Pin,
        route: usize,
        choice: Choice,
        claim: Option<Box<Claim>>,
        started: Duration,
        id: &[u8],
    ) -> Self {
        let worker = presence.worker.index;
        let chosen = Chosen {
            side: choice.side,
            by: choice.by,
            draw: choice.place,
            percent: pin.routes[route].split.hundredths(),
        };
        let memory = &presence.worker.memory;
        let decision = memory.begins(id, started, &pin, route, chosen);
        let cohorts = pin.routes[route].cohorts.as_ref();
        let unit =
            cohorts.and_then(|cohorts| cohorts.draw(worker, started, choice.side, choice.draw));
        Self {
            presence,
            pin,
            route,
            home: choice.side,
            started,
            time: started,
            attempt: None,
            unit,
            decision,
            seat: None,
            retrying: Cell::new(false),
            ended: false,
            given_up: false,
            claim,
            aside: None,
        }
    }

    pub(super) fn worker(&self) -> &Rc<Worker> {
        &self.presence.worker
    }

    pub(super) fn client(&self) -> &Rc<Client> {
        &self.presence.client
    }

    /// The time at the last event: arrival, response head, or end. A look at the clock costs more
    /// than most steps, so they share these.
    pub(super) fn time(&self) -> Duration {
        self.time
    }

    fn look_at_clock(&mut self) {
        self.time = self.worker().now();
    }

    pub(super) fn limits(&self) -> &ClientLimits {
        &self.pin.limits
    }

    pub(super) fn route(&self) -> &Route {
        &self.pin.routes[self.route]
    }

    /// The arm of a side; the primary's where there is no candidate.
    pub(super) fn arm(&self, side: Side) -> &Arm {
        let route = self.route();
        route.arm(side).unwrap_or(&route.primary)
    }

    pub(super) fn cell(&self, side: Side) -> &SideCell {
        self.arm(side).cells.of(self.worker().index)
    }

    /// The side of the running try, or home.
    pub(super) fn side(&self) -> Side {
        self.attempt.map_or(self.home, |attempt| attempt.side)
    }

    /// The backend of the running try.
    pub(super) fn backend(&self) -> &Backend {
        &self.arm(self.side()).backend
    }

    /// The endpoint of the running try.
    pub(super) fn endpoint(&self) -> Option<&std::sync::Arc<Endpoint>> {
        Some(&self.member()?.endpoint)
    }

    /// The same in its backend.
    pub(super) fn member(&self) -> Option<&Member> {
        let attempt = self.attempt?;
        let backend = &self.arm(attempt.side).backend;
        backend.members.get(attempt.picked.member)
    }

    /// Whether this status says that a Serverless worker of the running try has not taken the request.
    pub(super) fn is_refused_by_worker(&self, status: u16) -> bool {
        let terms = self.backend().serverless.as_ref();
        status == 422 && terms.is_some_and(|terms| terms.front.is_none())
    }

    /// Whether the endpoint of the running try has only just come.
    fn is_cold(&self) -> bool {
        (self.attempt).is_some_and(|attempt| attempt.picked.ticket.cold)
    }

    /// Whether a hard rollback has taken a side from this request, as far as the worker knows.
    pub(super) fn is_cut_off(&self, side: Side) -> bool {
        side == Side::Candidate
            && self.worker().has_cut_since(self.pin.epoch)
            && (self.worker().pin().cuts).reach(&self.route().name, self.pin.epoch)
    }

    /// The same of the side of the running try.
    pub(super) fn is_cut(&self) -> bool {
        self.is_cut_off(self.side())
    }

    /// What it is to things that stay where they were made.
    pub(super) fn claim(&self) -> Option<&Claim> {
        self.claim.as_deref()
    }

    pub(super) fn claim_mut(&mut self) -> Option<&mut Claim> {
        self.claim.as_deref_mut()
    }

    /// Who owns what.
    pub(super) fn owners(&self) -> &std::sync::Arc<Owners> {
        &self.pin.owners
    }

    /// The place of its route in the snapshot that it was pinned to.
    pub(super) fn route_index(&self) -> usize {
        self.route
    }

    /// That snapshot.
    pub(super) fn pinned(&self) -> &Pin {
        &self.pin
    }

    /// It belongs to this side, before anything of it was tried.
    pub(super) fn belongs_to(&mut self, side: Side) {
        self.home = side;
        self.note(|decision, _| {
            if let Some(chosen) = &mut decision.chosen {
                chosen.side = side;
            }
        });
    }

    /// A part of the answer is handed on.
    pub(super) fn hands_on(&self) {
        self.presence.hands_on();
    }

    /// The next part of the answer is asked for.
    pub(super) fn is_asked(&self) {
        self.presence.is_asked();
    }

    /// The client has not been read to the end of its request.
    pub(super) fn leaves_unread(&self) {
        self.presence.client.pace.leaves_unread();
    }

    /// The answer goes to the client as it comes; from a candidate, a hard rollback has to find it.
    pub(super) fn streams(&mut self) {
        if self.side() == Side::Candidate {
            self.presence.streams(self.pin.clone(), self.route);
        }
    }

    /// It may be held up and outlive the call that brought it.
    pub(super) fn set_aside(&mut self, aside: Rc<Aside>) {
        self.aside = Some(aside);
    }

    pub(super) fn aside(&self) -> Option<&Aside> {
        self.aside.as_deref()
    }

    /// Whether the client has left and the request goes on without it.
    pub(super) fn has_left(&self) -> bool {
        self.aside().is_some_and(Aside::has_left)
    }

    /// The client does not wait for the end of it. One that goes on apart was counted when it was left.
    pub(super) fn client_leaves(&mut self) {
        if !std::mem::replace(&mut self.given_up, true) && !self.has_left() {
            let most = self.limits().resets;
            self.worker().is_left(self.client(), most);
        }
    }

    /// The backend of the running try gets to see the request.
    pub(super) fn is_sent(&self) {
        if let Some(aside) = self.aside() {
            aside.is_sent_to(self.backend());
        }
    }

    /// Wakes this task when what streams is cut.
    pub(super) fn wake_when_cut(&self, cx: &Context<'_>) {
        self.presence.wake_when_cut(cx);
    }

    /// Notes something for whoever asks what became of the request.
    fn note(&self, note: impl FnOnce(&mut Decision, Moment)) {
        let at = Moment::after(self.elapsed());
        let memory = &self.worker().memory;
        memory.note(self.decision, |decision| note(decision, at));
    }

    /// Why there is no other try.
    pub(super) fn refused(&self, mark: Mark) {
        self.note(|decision, _| decision.mark(mark));
    }

    fn note_try(&self, side: Side, picked: Picked, reason: Option<Reason>) {
        self.note(|decision, at| {
            decision.goes(at, side, picked.member, reason);
            if picked.in_panic {
                decision.mark(Mark::Panic);
            }
            if picked.ticket.probe {
                decision.mark(Mark::Probe);
            }
        });
    }

    /// Whether it may go to the backend of a side now: that has no limit, or a free seat, or the
    /// request sits there already.
    pub(super) fn sits_at(&mut self, side: Side) -> bool {
        let seat = match (&self.arm(side).backend.limit, &self.seat) {
            (None, _) => Some(None),
            (Some(limit), Some(seat)) if seat.is_of(limit) => return true,
            (Some(limit), _) => limit.seat().map(Some),
        };
        let sits = seat.is_some();
        self.seat = seat.flatten();
        sits
    }

    /// An endpoint that was picked gets no try, since its backend is busy.
    pub(super) fn puts_back(&mut self, side: Side, picked: Picked) {
        self.withdraws(side, picked);
        // It counts where it belongs also while it waits there.
        self.enter_cohort(side, picked);
    }

    /// The body of the request has come, as far as it was waited for.
    pub(super) fn has_read(&mut self) {
        self.look_at_clock();
    }

    /// There was no answer for anybody, which is as good as this status.
    pub(super) fn is_as_good_as(&mut self, status: u16, class: Class) {
        self.look_at_clock();
        self.answers(status, class);
    }

    /// An endpoint that was picked gets no try yet: it is not known whether the request can be served there.
    pub(super) fn withdraws(&self, side: Side, picked: Picked) {
        let member = self.arm(side).backend.members.get(picked.member);
        if let Some(member) = member {
            member.endpoint.fitness.abandon(self.time, picked.ticket);
        }
    }

    /// There was no turn for it.
    pub(super) fn has_no_turn(&mut self, class: Class) {
        self.look_at_clock();
        self.leave_cohort(class);
    }

    /// Its turn has come.
    pub(super) fn sits(&mut self, seat: Option<Seat>) {
        self.look_at_clock();
        self.seat = seat;
    }

    /// A try begins.
    // Every request comes here, and what is asked by us, which is rare.
    #[inline(always)]
    pub(super) fn attempt_begins(&mut self, side: Side, picked: Picked, reason: Option<Reason>) {
        self.note_try(side, picked, reason);
        self.attempt = Some(Attempt {
            side,
            picked,
            began: self.time,
            told: false,
        });
        if let Some(aside) = self.aside() {
            aside.is_unsent();
        }
        self.enter_cohort(side, picked);
        self.cell(side).in_flight.up();
        if let Some(endpoint) = self.endpoint() {
            endpoint.cells.of(self.worker().index).in_flight.up();
        }
    }

    /// The first try makes a unit of what was drawn, if it goes where it belongs. A probe does not: the
    /// breaker chose that request.
    fn enter_cohort(&mut self, side: Side, picked: Picked) {
        let Some(mut unit) = self.unit.take() else {
            return;
        };
        if unit.has_entered() {
            // The same try on a fresh connection.
            self.unit = Some(unit);
        } else if side == self.home && !picked.ticket.probe {
            self.with_cohorts(|cohorts, worker| cohorts.enter(worker, &mut unit));
            self.unit = unit.has_entered().then_some(unit);
        }
    }

    /// The first try has ended, or can end in one way only.
    fn leave_cohort(&mut self, class: Class) {
        if let Some(unit) = self.unit.take() {
            let waited = self.elapsed();
            self.with_cohorts(|cohorts, worker| cohorts.end(worker, unit, class, waited));
        }
    }

    fn with_cohorts(&self, tell: impl FnOnce(&Cohorts, usize)) {
        if let Some(cohorts) = &self.route().cohorts {
            tell(cohorts, self.worker().index);
        }
    }

    /// The response head is here: the breaker hears how well the endpoint is, unless it tells that
    /// later: in the first event, or behind a gRPC call's head.
    pub(super) fn head_arrived(&mut self, status: u16, class: Class, tells_later: bool) {
        self.look_at_clock();
        let cell = self.cell(self.side());
        let times = match self.is_cold() {
            false => &cell.head,
            true => cell.cold_head(),
        };
        times.record(self.elapsed());
        self.note(|decision, at| decision.has_head(at, status));
        if class != Class::Ok {
            self.leave_cohort(class);
        }
        if !tells_later {
            self.answers(status, class);
        }
    }

    /// What came of it, as a status: the breaker hears of that.
    pub(super) fn answers(&mut self, status: u16, class: Class) {
        let failed = class != Class::Capacity && self.backend().breaker_statuses.contains(status);
        self.tell_breaker(failed);
    }

    /// The response went wrong after its head.
    pub(super) fn goes_wrong(&self, trouble: Trouble) {
        self.cell(self.side()).troubles[trouble as usize].add(1);
        self.note(|decision, _| decision.trouble = Some(trouble));
    }

    /// The trailers told what came of it. The breaker may have heard of a good beginning.
    pub(super) fn told_late(&mut self, status: u16, class: Class) {
        let told = self.attempt.is_some_and(|attempt| attempt.told);
        if !told || class.is_bad() {
            self.answers(status, class);
        }
    }

    /// The first byte of the body is here, or the first event.
    pub(super) fn first_byte(&mut self) {
        self.look_at_clock();
        let waited = self.elapsed();
        if !self.is_cold() {
            self.cell(self.side()).first_byte.record(waited);
        }
        self.note(|decision, at| decision.first_byte = at);
        if let Some(mut unit) = self.unit.take() {
            self.with_cohorts(|cohorts, worker| cohorts.answer(worker, &mut unit, waited));
            self.unit = Some(unit);
        }
    }

    /// The try ended, and its answer is nobody's.
    pub(super) fn attempt_ends(&mut self, class: Class) {
        // It may have waited for long, whatever became of it, and the next one begins now.
        self.look_at_clock();
        self.end_attempt(class, Purpose::Retries);
    }

    fn end_attempt(&mut self, class: Class, purpose: Purpose) {
        let Some(attempt) = self.attempt else {
            // It had none, but may have waited for one.
            self.leave_cohort(class);
            return;
        };
        match class {
            Class::Connect | Class::Timeout | Class::Reset | Class::Broken => {
                self.tell_breaker(true);
            }
            _ => self.untell_breaker(),
        }
        self.leave_cohort(class);
        self.note(|decision, at| decision.try_ends(at, class));
        let cell = self.cell(attempt.side);
        cell.attempts[class as usize].add(1);
        if class == Class::Cancelled && self.is_cut() {
            cell.cut.add(1);
        }
        self.close_attempt(purpose);
    }

    /// The try found a connection that the backend had just closed: nobody's fault, and no try.
    pub(super) fn attempt_was_stale(&mut self) {
        self.untell_breaker();
        self.note(|decision, _| decision.mark(Mark::Stale));
        self.cell(self.side()).retries[Reason::Reset as usize].add(1);
        self.close_attempt(Purpose::Retries);
    }

    /// The request ended for the client, served by the side of the last try. `just_looked` says
    /// that the last look at the clock was in this same moment.
    pub(super) fn ends(mut self, class: Class, just_looked: bool) {
        if !just_looked {
            self.look_at_clock();
        }
        let served = self.side();
        self.end_attempt(class, Purpose::Requests);
        self.cell(served).total.record(self.elapsed());
        self.count(served, class);
        self.remember(|decision, at| decision.ends(at, class));
    }

    /// The request ended with an answer of ours, after tries that were counted already.
    pub(super) fn ends_unserved(mut self, class: Class, fault: Fault, status: u16) {
        self.count(self.home, class);
        self.remember(|decision, at| decision.ends_with(at, Some(class), fault, status));
    }

    fn remember(&self, note: impl FnOnce(&mut Decision, Moment)) {
        let at = Moment::after(self.elapsed());
        let memory = &self.worker().memory;
        memory.ends(self.decision, |decision| note(decision, at));
    }

    /// Takes a place in the retry budget for the next try; `false` when there is none.
    pub(super) fn take_retry(&self) -> bool {
        if !self.retrying.get() {
            self.retrying.set(self.worker().begin_retry());
        }
        self.retrying.get()
    }

    fn count(&mut self, served: Side, class: Class) {
        let elsewhere = usize::from(served != self.home);
        self.cell(self.home).requests[elsewhere][class as usize].add(1);
        self.ended = true;
    }

    fn elapsed(&self) -> u64 {
        micros(self.time.saturating_sub(self.started))
    }

    fn tell_breaker(&mut self, failed: bool) {
        let Some(attempt) = self.attempt else { return };
        let Some(endpoint) = self.endpoint() else {
            return;
        };
        let ticket = attempt.picked.ticket;
        if failed {
            let draw = self.worker().with_rng(|rng| rng.random());
            if endpoint.fitness.fail(self.time, ticket, draw) {
                tracing::warn!(
                    backend = &*self.backend().name,
                    endpoint = &*endpoint.url,
                    "The breaker of an endpoint has opened"
                );
            }
        } else {
            endpoint.fitness.succeed(self.time, ticket);
            endpoint.cells.of(self.worker().index).good.add(1);
        }
        if let Some(attempt) = &mut self.attempt {
            attempt.told = true;
        }
    }

    /// The try told nothing of the endpoint: a probe's place becomes free again.
    fn untell_breaker(&self) {
        if let (Some(attempt), Some(endpoint)) = (self.attempt, self.endpoint())
            && !attempt.told
        {
            endpoint.fitness.abandon(self.time, attempt.picked.ticket);
        }
    }

    fn close_attempt(&mut self, purpose: Purpose) {
        if let Some(endpoint) = self.endpoint() {
            endpoint.cells.of(self.worker().index).in_flight.down();
        }
        if let Some(attempt) = self.attempt.take() {
            let took = self.time.saturating_sub(attempt.began);
            let cell = self.cell(attempt.side);
            cell.in_flight.down();
            cell.busy[purpose as usize].add(took.as_nanos() as u64);
        }
    }
}

impl Drop for Walk {
    fn drop(&mut self) {
        if !self.ended {
            // The future or the body was dropped: the client has left, or its stream was cut.
            self.client_leaves();
            let served = self.side();
            // How long it has waited counts.
            self.look_at_clock();
            self.end_attempt(Class::Cancelled, Purpose::Requests);
            self.count(served, Class::Cancelled);
            self.remember(|decision, at| decision.ends(at, Class::Cancelled));
        }
        if self.retrying.get() {
            self.worker().end_retry();
        }
    }
}

fn micros(span: Duration) -> u64 {
    span.as_micros() as u64
}
