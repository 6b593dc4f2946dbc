//! The state machine of the table above.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::plan::{Plan, WHOLE, WhenStalled};
use super::state::{Cause, Conditions, Move, PausedBy, Refusal, State};
use crate::policy::guard::Verdict;

/// The most that counts of the time between two ticks: a process that was down saw nothing.
const LONGEST_TICK: Duration = Duration::from_secs(10);
/// So many openings of the breaker within the time below end a ramp.
const OPENINGS: usize = 3;
const FLAPPING: Duration = Duration::from_secs(600);

/// One route's ramp. Times are since any fixed moment that outlives the process, such as 1970;
/// shares are hundredths of a percent. It can be written down and continued.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ramp {
    plan: Plan,
    state: State,
    percent: u16,
    /// How long the step has lasted, as far as it counts.
    age: Duration,
    ticked: Option<Duration>,
    attempt: u8,
    stall_told: bool,
    breaker_was_open: bool,
    /// The last openings of the breaker, the oldest first.
    openings: [Option<Duration>; OPENINGS],
}

impl Ramp {
    /// Idle, at the share that is in force.
    pub fn new(plan: Plan, percent: u16) -> Self {
        Self {
            plan,
            state: State::Idle,
            percent: percent.min(WHOLE),
            age: Duration::ZERO,
            ticked: None,
            attempt: 0,
            stall_told: false,
            breaker_was_open: false,
            openings: [None; OPENINGS],
        }
    }

    /// Where it is.
    pub fn state(&self) -> State {
        self.state
    }

    /// The candidate's share that follows from it, in hundredths of a percent.
    pub fn percent(&self) -> u16 {
        self.percent
    }

    /// The plan in force.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// How long the present step has lasted, without the time that does not count.
    pub fn age(&self) -> Duration {
        self.age
    }

    /// Whether the step has lasted its longest time: what the guard's verdict asks for.
    pub fn is_overdue(&self) -> bool {
        let under_way = matches!(self.state, State::Climbing | State::AtGate);
        under_way && self.percent > 0 && self.age >= self.plan.max_step
    }

    /// Which try this is: 0, or the number of the automatic retry.
    pub fn attempt(&self) -> u8 {
        self.attempt
    }

    /// Whether its traffic was taken back, by the guard or by an operator.
    pub fn is_over(&self) -> bool {
        matches!(self.state, State::RolledBack { .. } | State::Aborted)
    }

    /// The next step, if there is one.
    pub fn next_step(&self) -> Option<u16> {
        self.plan.step_above(self.percent)
    }

    /// What the step has shown is lost: its time begins again.
    pub fn step_anew(&mut self) {
        self.age = Duration::ZERO;
        self.stall_told = false;
    }

    /// Another plan, from the next step on.
    pub fn set_plan(&mut self, plan: Plan) {
        self.plan = plan;
    }

    /// Somebody else set the share. Ends whatever was under way.
    pub fn set_percent(&mut self, percent: u16) {
        *self = Self {
            openings: self.openings,
            breaker_was_open: self.breaker_was_open,
            ..Self::new(self.plan.clone(), percent)
        };
    }

    /// One look, about once a second: what follows from the guard's verdict and the conditions.
    /// At most one move; the next tick makes the next one.
    pub fn tick(
        &mut self,
        now: Duration,
        verdict: &Verdict,
        conditions: Conditions,
    ) -> Option<Move> {
        let flapping = !conditions.primary_out && self.note_breaker(now, conditions.breaker_open);
        self.note_time(now, conditions);
        // There has to be somewhere to go back to.
        if !conditions.primary_out
            && let Some(cause) = self.must_go_back(verdict, flapping)
        {
            return Some(self.roll_back(now, cause));
        }
        match self.state {
            State::Climbing => self.climb(verdict, conditions),
            State::AtGate => self.wait_at_gate(verdict, conditions),
            State::RolledBack { retry_at: Some(at) } if now >= at => {
                self.attempt += 1;
                self.enter(State::Climbing);
                Some(Move::Retry {
                    attempt: self.attempt,
                })
            }
            State::Idle
            | State::Paused { .. }
            | State::Finished
            | State::RolledBack { .. }
            | State::Aborted => None,
        }
    }

    /// An operator starts it.
    ///
    /// # Errors
    /// When it is under way.
    pub fn start(&mut self) -> Result<Move, Refusal> {
        match self.state {
            State::Climbing | State::AtGate | State::Paused { .. } => Err(Refusal::UnderWay),
            State::Idle | State::Finished | State::RolledBack { .. } | State::Aborted => {
                self.attempt = 0;
                self.openings = [None; OPENINGS];
                self.enter(State::Climbing);
                Ok(Move::Start {
                    percent: self.percent,
                })
            }
        }
    }

    /// An operator holds it at its share. The guard can still take the traffic back.
    ///
    /// # Errors
    /// When it is not under way.
    pub fn pause(&mut self) -> Result<Move, Refusal> {
        match self.state {
            State::Climbing | State::AtGate => Ok(self.pause_by(PausedBy::Operator)),
            _ => Err(Refusal::NotUnderWay),
        }
    }

    /// An operator lets it go on; after a rollback or an abort it begins again.
    ///
    /// # Errors
    /// When there is nothing to resume.
    pub fn resume(&mut self) -> Result<Move, Refusal> {
        match self.state {
            State::Paused { .. } => {
                self.state = State::Climbing;
                Ok(Move::Resume)
            }
            State::RolledBack { .. } | State::Aborted => self.start(),
            _ => Err(Refusal::NotPaused),
        }
    }

    /// An operator goes to the next step at once: without evidence, gate, schedule or wait, but not
    /// against the breaker. After the last step it gives the candidate what was held back.
    ///
    /// # Errors
    /// When it is not under way, the breaker is open, or there is nowhere to go.
    pub fn promote(&mut self, breaker_open: bool) -> Result<Move, Refusal> {
        match (self.state, self.next_step()) {
            (State::Idle | State::RolledBack { .. } | State::Aborted, _) => {
                Err(Refusal::NotUnderWay)
            }
            _ if breaker_open => Err(Refusal::BreakerOpen),
            (_, Some(next)) => Ok(self.shift(State::Climbing, next, Cause::Operator)),
            (State::Finished, None) if self.percent < WHOLE => {
                Ok(self.shift(State::Finished, WHOLE, Cause::Operator))
            }
            _ => Err(Refusal::AtTheTop),
        }
    }

    /// An operator ends it and takes the traffic back, for good.
    ///
    /// # Errors
    /// When that has happened already.
    pub fn abort(&mut self) -> Result<Move, Refusal> {
        match self.state {
            State::Aborted => Err(Refusal::NotUnderWay),
            _ => Ok(self.shift(State::Aborted, 0, Cause::Operator)),
        }
    }

    fn must_go_back(&self, verdict: &Verdict, flapping: bool) -> Option<Cause> {
        let under_way = matches!(self.state, State::Climbing | State::AtGate);
        if self.percent == 0 {
            None
        } else if matches!(verdict, Verdict::Breach(_)) {
            Some(Cause::Breach)
        } else if under_way && flapping {
            Some(Cause::Flapping)
        } else if self.state == State::Climbing
            && self.plan.when_stalled == WhenStalled::Rollback
            && matches!(verdict, Verdict::Stalled(_))
        {
            Some(Cause::Stalled)
        } else {
            None
        }
    }

    fn roll_back(&mut self, now: Duration, cause: Cause) -> Move {
        // Only a ramp begins again by itself; a share that somebody set does not.
        let wait = match self.state {
            State::Idle => None,
            _ => self.plan.wait_after(self.attempt),
        };
        let retry_at = wait.map(|wait| now.saturating_add(wait));
        self.openings = [None; OPENINGS];
        self.shift(State::RolledBack { retry_at }, 0, cause)
    }

    fn climb(&mut self, verdict: &Verdict, conditions: Conditions) -> Option<Move> {
        if matches!(verdict, Verdict::Stalled(_)) && !self.stall_told && self.percent > 0 {
            self.stall_told = true;
            return Some(Move::Stall {
                percent: self.percent,
            });
        }
        let cause = self.ready(verdict, conditions)?;
        let Some(next) = self.next_step() else {
            self.enter(State::Finished);
            return Some(Move::Finish {
                percent: self.percent,
            });
        };
        // At the end there is nothing to allow: only steps keep to the schedule.
        if !conditions.may_step {
            return None;
        }
        if self.plan.gate {
            self.state = State::AtGate;
            return Some(Move::Ask { percent: next });
        }
        Some(self.shift(State::Climbing, next, cause))
    }

    fn wait_at_gate(&mut self, verdict: &Verdict, conditions: Conditions) -> Option<Move> {
        if !self.plan.gate || self.next_step().is_none() {
            // Another plan, which asks nobody or ends here.
            self.state = State::Climbing;
            return self.climb(verdict, conditions);
        }
        match conditions.gate {
            Some(false) => Some(self.pause_by(PausedBy::Gate)),
            Some(true) if conditions.may_step => {
                let cause = self.ready(verdict, conditions)?;
                let next = self.next_step()?;
                Some(self.shift(State::Climbing, next, cause))
            }
            _ => None,
        }
    }

    /// Whether the present share has shown what it can, and by which right the next one follows.
    fn ready(&self, verdict: &Verdict, conditions: Conditions) -> Option<Cause> {
        if conditions.breaker_open || conditions.primary_out || conditions.ratio_alarm {
            return None;
        }
        if self.percent == 0 {
            // A guard that still tells of the last breach has not begun anew yet.
            let stale = matches!(verdict, Verdict::Breach(_));
            return (!stale).then_some(Cause::Begun);
        }
        if self.age < self.plan.min_step {
            return None;
        }
        match verdict {
            Verdict::Pass => Some(Cause::Passed),
            Verdict::Stalled(reason)
                if self.plan.when_stalled == WhenStalled::PromoteIfNoEvidence
                    && reason.evidence < 1.0 =>
            {
                Some(Cause::NoEvidence)
            }
            _ => None,
        }
    }

    fn pause_by(&mut self, by: PausedBy) -> Move {
        self.state = State::Paused { by };
        Move::Pause { by }
    }

    fn shift(&mut self, state: State, to: u16, cause: Cause) -> Move {
        let from = std::mem::replace(&mut self.percent, to);
        self.enter(state);
        Move::Shift { from, to, cause }
    }

    fn enter(&mut self, state: State) {
        self.state = state;
        self.age = Duration::ZERO;
        self.stall_told = false;
    }

    /// Lets the step grow older, if this time counts.
    fn note_time(&mut self, now: Duration, conditions: Conditions) {
        let gone = now.saturating_sub(self.ticked.unwrap_or(now));
        self.ticked = Some(now);
        let under_way = matches!(self.state, State::Climbing | State::AtGate);
        let stands = conditions.breaker_open || conditions.primary_out;
        if under_way && conditions.may_step && !stands {
            self.age = self.age.saturating_add(gone.min(LONGEST_TICK));
        }
    }

    /// Notes an opening; returns whether it is the third within ten minutes.
    fn note_breaker(&mut self, now: Duration, open: bool) -> bool {
        let opened = open && !self.breaker_was_open;
        self.breaker_was_open = open;
        if !opened {
            return false;
        }
        self.openings.rotate_left(1);
        self.openings[OPENINGS - 1] = Some(now);
        // A clock that was set back tells nothing of what came before.
        let since_first = self.openings[0].and_then(|first| now.checked_sub(first));
        since_first.is_some_and(|gone| gone <= FLAPPING)
    }
}
