//! Ramps before the door: what an operator tells one, the moves that it makes by itself, and the percent
//! that a feature flag sets.

use std::time::SystemTime;

use super::change::{Actor, Answer, Order, Refused};
use super::controller::Controller;
use super::judge::ramp_plan;
use super::overrides::{Between, Climb, Flagged, Hold, Stamp};
use super::plan::{self, Plan};
use crate::config::scalar::Percent;
use crate::policy::ramp::{Cause, Move, PausedBy, Ramp, State};

impl Controller {
    /// An operator's word on a ramp.
    pub(super) fn apply_order(&mut self, route: &str, order: Order, stamp: Stamp) -> Answer {
        self.know_candidate(Some(route))?;
        let mut ramp = self.ramp_of(route)?;
        if matches!(order, Order::Start | Order::Resume | Order::Promote) {
            self.not_killed(route)?;
        }
        if order == Order::Promote {
            let most = ramp.next_step().unwrap_or(Percent::WHOLE);
            self.not_over_budget(route, most)?;
        }
        let made = match order {
            Order::Start => ramp.start(),
            Order::Pause => ramp.pause(),
            Order::Resume => ramp.resume(),
            Order::Promote => ramp.promote(self.is_candidate_out(route)),
            Order::Abort => ramp.abort(),
        };
        let made = made.map_err(Refused::Ramp)?;
        let what = match order {
            Order::Start => "ramp_start",
            Order::Pause => "ramp_pause",
            Order::Resume => "ramp_resume",
            Order::Promote => "ramp_promote",
            Order::Abort => "ramp_abort",
        };
        self.make_move(route, ramp, made, what, stamp)
    }

    /// The ramp of a route as it stands, or one that has not begun.
    fn ramp_of(&self, route: &str) -> Result<Ramp, Refused> {
        if let Some(climb) = self.overrides.of(route).climb {
            return Ok(climb.ramp);
        }
        let mut routes = self.config.routes.iter();
        let written = routes.find(|known| known.name == route);
        let plan = written.and_then(|route| route.ramp.as_ref());
        let plan = plan.ok_or_else(|| Refused::NoRamp(route.to_owned()))?;
        let standing = self.standing.load();
        let share = standing.forces.get(route);
        let share = share.map_or(0, |force| force.hundredths);
        Ok(Ramp::new(ramp_plan(plan), share))
    }

    /// A ramp starts by itself, as its file asks for. Under a kill switch it waits until that is off.
    pub(super) fn start_ramp(&mut self, route: &str) {
        let laid = self.overrides.of(route);
        if laid.climb.is_some() || laid.shifted.is_some() || laid.hold.is_some() {
            return;
        }
        if self.not_killed(route).is_err() {
            self.starts.insert(route.to_owned());
            return;
        }
        let stamp = Stamp::now(Actor::Ramp, "auto_start");
        if let Err(refused) = self.apply_order(route, Order::Start, stamp) {
            tracing::warn!(route, %refused, "A ramp has not started");
        }
    }

    pub(super) fn between(&self, route: &str) -> Option<Between> {
        let mut routes = self.config.routes.iter();
        plan::between(routes.find(|known| known.name == route)?)
    }

    /// Puts a move of a ramp in force. Until then the ramp stands where it stood.
    pub(super) fn make_move(
        &mut self,
        route: &str,
        ramp: Ramp,
        made: Move,
        what: &'static str,
        stamp: Stamp,
    ) -> Answer {
        let begins_anew = matches!(made, Move::Start { .. } | Move::Retry { .. });
        let attempt = ramp.attempt();
        let over = self.standing.load().file_percent(route);
        let between = self.between(route);
        let mut plan = Plan {
            what,
            ..self.plan(Some(route.to_owned()), stamp.clone())
        };
        plan.overrides.alter(route, |laid| {
            let over = laid.climb.as_ref().map_or(over, |climb| climb.over);
            if begins_anew {
                laid.hold = None;
            }
            if is_taken_back(made) {
                laid.hold = Some(Hold {
                    hundredths: 0,
                    stamp: stamp.clone(),
                });
            }
            let mut stamp = stamp;
            if is_taken_back(made) {
                // The hold says why, and need not be repeated.
                "rolled back".clone_into(&mut stamp.reason);
            }
            laid.ramp_has_run = true;
            laid.climb = Some(Climb {
                ramp,
                over,
                between,
                stamp,
            });
        });
        let answer = self.put_in_force(plan);
        if answer.is_ok() {
            self.watched.forget_gate(route);
            if begins_anew {
                self.bench.restart(route, attempt);
            }
        }
        answer
    }

    /// The guard has found the candidate worse, and no ramp is there to go back.
    pub(super) fn hold(&mut self, route: &str, reason: String) -> Answer {
        let hundredths = self.watched.raised_from(route, SystemTime::now());
        let stamp = Stamp::now(Actor::Guard, reason);
        let mut plan = Plan {
            what: "guard_hold",
            // Taking traffic back must work on a full disk too.
            needs_journal: false,
            ..self.plan(Some(route.to_owned()), stamp.clone())
        };
        plan.overrides
            .alter(route, |laid| laid.hold = Some(Hold { hundredths, stamp }));
        let answer = self.put_in_force(plan);
        if answer.is_ok() {
            self.bench.restart(route, 0);
        }
        answer
    }

    /// The feature flag has another value. It ends a `shift`: what came last counts.
    pub(super) fn apply_flag(&mut self, route: &str, hundredths: u16, stamp: Stamp) -> Answer {
        self.know_candidate(Some(route))?;
        // Its reader may not know yet that the file has another bound, or no flag any more.
        let Some(max) = plan::file_words(&self.config, route).flag else {
            return Ok(self.nothing_moved());
        };
        let hundredths = hundredths.min(max);
        let laid = self.overrides.of(route);
        if laid
            .flagged
            .is_some_and(|flag| flag.hundredths == hundredths)
        {
            return Ok(self.nothing_moved());
        }
        let mut plan = Plan {
            what: "flag",
            ..self.plan(Some(route.to_owned()), stamp.clone())
        };
        plan.overrides.alter(route, |laid| {
            laid.flagged = Some(Flagged { hundredths, stamp });
            laid.shifted = None;
        });
        self.put_in_force(plan)
    }
}

/// Whether the ramp went back because of the candidate, and not because an operator wanted it.
fn is_taken_back(made: Move) -> bool {
    matches!(
        made,
        Move::Shift {
            to: 0,
            cause: Cause::Breach | Cause::Stalled | Cause::Flapping,
            ..
        }
    )
}

/// The word of a move for the journal, and who made it.
pub(super) fn word(made: Move) -> (&'static str, Actor) {
    match made {
        Move::Start { .. } => ("ramp_start", Actor::Ramp),
        Move::Ask { .. } => ("ramp_gate", Actor::Ramp),
        Move::Shift { .. } if is_taken_back(made) => ("guard_hold", Actor::Guard),
        Move::Shift { .. } => ("ramp_step", Actor::Ramp),
        Move::Stall { .. } => ("ramp_stalled", Actor::Ramp),
        Move::Pause { by: PausedBy::Gate } => ("ramp_pause", Actor::Gate),
        Move::Pause { .. } => ("ramp_pause", Actor::Ramp),
        Move::Resume => ("ramp_resume", Actor::Ramp),
        Move::Retry { .. } => ("ramp_retry", Actor::Ramp),
        Move::Finish { .. } => ("ramp_finished", Actor::Ramp),
    }
}

/// Whether a ramp waits for its gate.
pub(super) fn is_at_gate(ramp: &Ramp) -> bool {
    ramp.state() == State::AtGate
}
