//! Once a second: what the judge has found, what each ramp makes of it, and what follows for the traffic.
//! Whatever follows goes the way of every change: plan, journal, publish.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::change::Actor;
use super::controller::Controller;
use super::journal::{Entry, Move};
use super::judge::{Blame, Blames, Finding};
use super::overrides::{Climb, Stamp};
use super::ramps::{is_at_gate, word};
use super::reasons;
use crate::policy::guard::Verdict;
use crate::policy::ramp::{self, Conditions};
use crate::snapshot::Route;

/// A look that takes longer leaves the rest to the next one.
const BUDGET: Duration = Duration::from_millis(200);
/// After a step that could not be written down, the next try.
const PAUSE: Duration = Duration::from_secs(30);
/// Evidence comes and goes: not every time it comes is worth a line.
const BETWEEN_WARNINGS: Duration = Duration::from_secs(600);

/// What is known of the candidates, by route.
pub type Findings = BTreeMap<String, Judged>;

/// What is known of one candidate.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Judged {
    /// What the guard has found; `None` where it is off.
    pub finding: Option<Finding>,
    /// The ramp, if it was started.
    pub climb: Option<Climb>,
    /// Whether the schedule and the budget allow steps now.
    pub may_step: bool,
    /// The gate's answer to the step that is asked for.
    pub gate: Option<bool>,
    /// How often its traffic was taken back since the start of the process, and for what.
    pub rollbacks: Blames,
}

/// What one look at a route tells.
struct Sight {
    verdict: Verdict,
    conditions: Conditions,
}

impl Controller {
    /// One look. `now` is on the workers' clock.
    pub(super) fn look(&mut self, now: Duration, wall: SystemTime) {
        let begun = Instant::now();
        self.bench.look(now.as_secs());
        self.look_at_costs(now);
        for route in std::mem::take(&mut self.starts) {
            self.start_ramp(&route);
        }
        let snapshot = self.publisher.current();
        let mut findings = Findings::new();
        for route in snapshot
            .routes
            .iter()
            .filter(|route| route.candidate.is_some())
        {
            let sight = self.sight(route, wall);
            // Kill switches wait while this goes on. What takes traffic back does not wait for the next look.
            let has_time = begun.elapsed() < BUDGET;
            if has_time {
                self.tell(&route.name, &sight, wall);
            }
            if has_time || matches!(sight.verdict, Verdict::Breach(_)) {
                self.conclude(route, &sight, wall);
            }
            let judged = self.judged(&route.name, sight);
            findings.insert(route.name.to_string(), judged);
        }
        self.findings.store(Arc::new(findings));
    }

    /// The judge follows what is in force.
    pub(super) fn follow(&mut self, what: &str, moves: &[Move]) {
        let snapshot = self.publisher.current();
        if let Some(born) = self.born {
            self.bench.is_second(born.elapsed().as_secs());
        }
        self.bench.follow(&snapshot, &self.config);
        self.config_in_force.store(Arc::new(self.config.clone()));
        let by_hand = matches!(what, "file" | "shift" | "flag" | "budget_free");
        for moved in moves {
            let (route, from, to) = (&*moved.route, moved.from, moved.to);
            self.bench.shift(route, from, to);
            if from == 0 {
                self.bench.restart(route, self.attempt(route));
                self.overrides.alter(route, |laid| {
                    if let Some(climb) = &mut laid.climb {
                        climb.ramp.step_anew();
                    }
                });
            }
            let bake = self.bake_of(route);
            self.watched.of(route).bake = (by_hand && to > from && from > 0)
                .then(|| SystemTime::now().checked_add(bake))
                .flatten()
                .map(|until| (from, until));
        }
    }

    fn attempt(&self, route: &str) -> u8 {
        let laid = self.overrides.routes.get(route);
        let climb = laid.and_then(|laid| laid.climb.as_ref());
        climb.map_or(0, |climb| climb.ramp.attempt())
    }

    /// After a start: a ramp that is in a retry still needs as much evidence as that asks for.
    pub(super) fn tell_attempts(&mut self) {
        let names: Vec<String> = self.overrides.routes.keys().cloned().collect();
        for route in names {
            let attempt = self.attempt(&route);
            if attempt > 0 {
                self.bench.restart(&route, attempt);
            }
        }
    }

    /// A ramp that has just moved is not told as it was.
    pub(super) fn tell_climbs(&self) {
        let mut findings = Findings::clone(&self.findings.load());
        for (route, judged) in &mut findings {
            judged.climb = self.overrides.of(route).climb;
        }
        self.findings.store(Arc::new(findings));
    }

    fn bake_of(&self, route: &str) -> Duration {
        let mut routes = self.config.routes.iter();
        let written = routes.find(|known| known.name == route);
        written.map_or(Duration::ZERO, |route| route.guard.bake.get())
    }

    pub(super) fn is_candidate_out(&self, route: &str) -> bool {
        let snapshot = self.publisher.current();
        let mut routes = snapshot.routes.iter();
        let candidate = routes
            .find(|known| &*known.name == route)
            .and_then(|route| route.candidate.as_ref());
        candidate.is_none_or(|arm| !arm.backend.carries())
    }

    fn sight(&mut self, route: &Route, wall: SystemTime) -> Sight {
        let name = &*route.name;
        let climb = self
            .overrides
            .routes
            .get(name)
            .and_then(|laid| laid.climb.as_ref());
        let ramp = climb.map(|climb| &climb.ramp);
        let overdue = ramp.is_some_and(ramp::Ramp::is_overdue);
        let step = ramp.and_then(ramp::Ramp::next_step);
        let mut verdict = self.bench.verdict(name, overdue).unwrap_or(Verdict::Wait);
        // Not whether it could take a probe: a share needs somebody who carries it.
        let primary_out = !route.primary.backend.carries();
        let stranded = match &verdict {
            Verdict::Breach(reason) if primary_out => Some(reason.clone()),
            _ => None,
        };
        if let Some(reason) = stranded {
            // A worse candidate is better than nobody.
            verdict = Verdict::Freeze(reason);
            let told = &mut self.watched.of(name).stranded;
            if told.is_none_or(|at| is_past(at, BETWEEN_WARNINGS, wall)) {
                *told = Some(wall);
                let words = "the candidate is worse, and the primary is out";
                self.note(name, "guard_stranded", words.to_owned());
            }
        }
        let mut routes = self.config.routes.iter();
        let written = routes.find(|written| written.name == name);
        let schedule = written.and_then(|route| route.ramp.as_ref()?.schedule.as_ref());
        let in_time = schedule.is_none_or(|schedule| schedule.allows(wall));
        // As outside of its hours: no time counts that a step could not have ended.
        let may_step = in_time && step.is_none_or(|to| self.not_over_budget(name, to).is_ok());
        if !may_step {
            // What was allowed for these hours is not allowed for the next ones.
            self.watched.forget_gate(name);
        }
        let conditions = Conditions {
            may_step,
            gate: self.watched.gate(name, step),
            breaker_open: self.is_candidate_out(name),
            primary_out,
            ratio_alarm: self.bench.ratio_alarm(name),
        };
        Sight {
            verdict,
            conditions,
        }
    }

    /// What moves no traffic and is worth a line, once.
    fn tell(&mut self, route: &str, sight: &Sight, wall: SystemTime) {
        let finding = self.bench.finding(route, sight.verdict.clone());
        let memory = self.watched.of(route);
        let warns = match sight.verdict {
            Verdict::Freeze(_) => memory
                .warned
                .is_none_or(|at| is_past(at, BETWEEN_WARNINGS, wall)),
            _ => false,
        };
        if warns {
            memory.warned = Some(wall);
        }
        let alarmed = sight.conditions.ratio_alarm;
        let was_alarmed = std::mem::replace(&mut memory.alarmed, alarmed);
        let found = finding.filter(|finding| finding.dry_run);
        let found = found.and_then(|finding| finding.detected);
        let was_found = std::mem::replace(&mut memory.detected, found.is_some());
        if let (Verdict::Freeze(reason), true) = (&sight.verdict, warns) {
            self.note(route, "guard_warning", reason.to_string());
        }
        if let (Some(reason), false) = (found, was_found) {
            self.note(route, "guard_detected", format!("dry run: {reason}"));
        }
        if alarmed && !was_alarmed {
            let words = "the candidate does not get the share that it was meant to get";
            self.note(route, "ratio_alarm", words.to_owned());
        }
    }

    /// A line in the journal for what changes no traffic.
    fn note(&mut self, route: &str, what: &str, reason: String) {
        tracing::warn!(route, what, reason, "The guard has found something");
        let mut entry = Entry {
            seq: 0,
            epoch: self.publisher.current().epoch,
            what: what.to_owned(),
            route: Some(route.to_owned()),
            hard: false,
            stamp: Stamp::now(Actor::Guard, reason),
            moves: Vec::new(),
            overrides: self.overrides.clone(),
        };
        match self.journal.append(&mut entry) {
            Ok(()) => self.events.tell(entry),
            Err(error) => tracing::error!(%error, "A finding is not in the journal"),
        }
    }

    /// What follows for the traffic.
    fn conclude(&mut self, route: &Route, sight: &Sight, wall: SystemTime) {
        let name = &*route.name;
        let standing = self.standing.load();
        let force = standing.forces.get(name);
        if force.is_none_or(|force| force.is_killed()) {
            self.watched.forget_gate(name);
            return;
        }
        match self.overrides.of(name).climb {
            Some(climb) => self.tick(name, climb, sight, wall),
            None => {
                if let (Verdict::Breach(reason), true) = (&sight.verdict, route.split.is_open()) {
                    let reason = reasons::of_breach(route.split.hundredths(), reason);
                    let answer = self.hold(name, reason);
                    complain(name, &answer);
                    if answer.is_ok() {
                        self.watched.blame(name, Blame::of(None, &sight.verdict));
                    }
                }
            }
        }
    }

    fn tick(&mut self, route: &str, mut climb: Climb, sight: &Sight, wall: SystemTime) {
        let since = wall.duration_since(UNIX_EPOCH).unwrap_or_default();
        let made = climb.ramp.tick(since, &sight.verdict, sight.conditions);
        let Some(made) = made else {
            // It has grown older; nobody needs to write that down.
            self.overrides.alter(route, |laid| laid.climb = Some(climb));
            return;
        };
        let raises = !matches!(made, ramp::Move::Shift { to: 0, .. });
        let waits = self.watched.of(route).step_after;
        if raises && waits.is_some_and(|after| wall < after) {
            return;
        }
        let (what, actor) = word(made);
        let finding = self.bench.finding(route, sight.verdict.clone());
        let progress = finding.map(|finding| finding.progress).unwrap_or_default();
        let reason = reasons::of_move(made, &sight.verdict, &progress);
        let stamp = Stamp::now(actor, reason);
        let answer = self.make_move(route, climb.ramp, made, what, stamp);
        complain(route, &answer);
        if let (Ok(_), ramp::Move::Shift { to: 0, cause, .. }) = (&answer, made) {
            let blame = Blame::of(Some(cause), &sight.verdict);
            self.watched.blame(route, blame);
        }
        self.watched.of(route).step_after = match answer {
            Ok(_) => None,
            Err(_) => wall.checked_add(PAUSE),
        };
    }

    fn judged(&mut self, route: &str, sight: Sight) -> Judged {
        let climb = self.overrides.of(route).climb;
        let step = climb.as_ref().filter(|climb| is_at_gate(&climb.ramp));
        let step = step.and_then(|climb| climb.ramp.next_step());
        Judged {
            finding: self.bench.finding(route, sight.verdict),
            climb,
            may_step: sight.conditions.may_step,
            gate: self.watched.gate(route, step),
            rollbacks: self.watched.of(route).rollbacks,
        }
    }
}

fn is_past(at: SystemTime, time: Duration, now: SystemTime) -> bool {
    // A clock that was set back is no reason to be silent.
    now.duration_since(at).is_ok_and(|gone| gone >= time) || now < at
}

fn complain(route: &str, answer: &super::change::Answer) {
    if let Err(refused) = answer {
        tracing::error!(route, %refused, "What the guard or the ramp wants is not in force");
    }
}
