//! Once a second: what the judge has found, what each ramp makes of it, and what follows for the traffic.
//! Whatever follows goes the way of every change: plan, journal, publish.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::change::Actor;
use super::controller::Controller;
use super::journal::{Entry, Move};
use super::judge::Finding;
use super::overrides::{Climb, Stamp};
use super::ramps::{is_at_gate, word};
use crate::policy::guard::{Progress, Verdict};
use crate::policy::ramp::{self, Cause, Conditions};
use crate::snapshot::Route;

/// After a step that could not be written down, the next try.
const PAUSE: Duration = Duration::from_secs(30);

/// What is known of the candidates, by route.
pub type Findings = BTreeMap<String, Judged>;

/// What is known of one candidate.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Judged {
    /// What the guard has found; `None` where it is off.
    pub finding: Option<Finding>,
    /// The ramp, if it was started.
    pub climb: Option<Climb>,
    /// Whether the schedule allows steps now.
    pub may_step: bool,
    /// The gate's answer to the step that is asked for.
    pub gate: Option<bool>,
}

/// What the controller remembers of each route from look to look. A restart forgets it.
#[derive(Debug, Default)]
pub(super) struct Watched(BTreeMap<String, Memory>);

#[derive(Debug, Default)]
struct Memory {
    /// The gate's answer, and to which step.
    gate: Option<(u16, bool)>,
    /// A raise by hand that is on trial: the share before it, and until when.
    bake: Option<(u16, SystemTime)>,
    /// No step before.
    step_after: Option<SystemTime>,
    /// What was said, so that it is said once.
    warned: bool,
    detected: bool,
    alarmed: bool,
    stranded: bool,
}

impl Watched {
    fn of(&mut self, route: &str) -> &mut Memory {
        if !self.0.contains_key(route) {
            self.0.insert(route.to_owned(), Memory::default());
        }
        self.0.entry(route.to_owned()).or_default()
    }

    pub(super) fn gate_answered(&mut self, route: &str, step: u16, yes: bool) {
        self.of(route).gate = Some((step, yes));
    }

    pub(super) fn forget_gate(&mut self, route: &str) {
        self.of(route).gate = None;
    }

    fn gate(&mut self, route: &str, step: Option<u16>) -> Option<bool> {
        let (asked, yes) = self.of(route).gate?;
        (Some(asked) == step).then_some(yes)
    }

    /// What a route is brought back to: the share before a raise that is still on trial, else nothing.
    pub(super) fn raised_from(&mut self, route: &str, now: SystemTime) -> u16 {
        match self.of(route).bake.take() {
            Some((from, until)) if now < until => from,
            _ => 0,
        }
    }
}

/// What one look at a route tells.
struct Sight {
    verdict: Verdict,
    conditions: Conditions,
}

impl Controller {
    /// One look. `now` is on the workers' clock.
    pub(super) fn look(&mut self, now: Duration, wall: SystemTime) {
        self.bench.look(now.as_secs());
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
            let sight = self.sight(route, now, wall);
            self.tell(&route.name, &sight);
            self.conclude(route, &sight, wall);
            let judged = self.judged(&route.name, sight);
            findings.insert(route.name.to_string(), judged);
        }
        self.findings.store(Arc::new(findings));
    }

    /// The judge follows what is in force.
    pub(super) fn follow(&mut self, what: &str, moves: &[Move]) {
        let snapshot = self.publisher.current();
        self.bench.follow(&snapshot, &self.config);
        self.config_in_force.store(Arc::new(self.config.clone()));
        let by_hand = matches!(what, "file" | "shift" | "flag");
        for moved in moves {
            let (route, from, to) = (&*moved.route, moved.from, moved.to);
            self.bench.shift(route, from, to);
            if from == 0 {
                let attempt = self.overrides.of(route).climb;
                let attempt = attempt.map_or(0, |climb| climb.ramp.attempt());
                self.bench.restart(route, attempt);
            }
            let bake = self.bake_of(route);
            self.watched.of(route).bake = (by_hand && to > from && from > 0)
                .then(|| SystemTime::now().checked_add(bake))
                .flatten()
                .map(|until| (from, until));
        }
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

    fn sight(&mut self, route: &Route, now: Duration, wall: SystemTime) -> Sight {
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
        let stranded =
            matches!(verdict, Verdict::Breach(_)) && !route.primary.backend.can_serve(now);
        if let (true, Verdict::Breach(reason)) = (stranded, &verdict) {
            // A worse candidate is better than nobody.
            verdict = Verdict::Freeze(reason.clone());
        }
        if stranded != std::mem::replace(&mut self.watched.of(name).stranded, stranded) && stranded
        {
            self.note(
                name,
                "guard_stranded",
                "the candidate is worse, and the primary is out".to_owned(),
            );
        }
        let mut routes = self.config.routes.iter();
        let written = routes.find(|written| written.name == name);
        let schedule = written.and_then(|route| route.ramp.as_ref()?.schedule.as_ref());
        let conditions = Conditions {
            may_step: schedule.is_none_or(|schedule| schedule.allows(wall)),
            gate: self.watched.gate(name, step),
            breaker_open: self.is_candidate_out(name),
            ratio_alarm: self.bench.ratio_alarm(name),
        };
        Sight {
            verdict,
            conditions,
        }
    }

    /// What moves no traffic and is worth a line, once.
    fn tell(&mut self, route: &str, sight: &Sight) {
        let finding = self.bench.finding(route, sight.verdict.clone());
        let memory = self.watched.of(route);
        let warned = matches!(sight.verdict, Verdict::Freeze(_) | Verdict::Breach(_));
        let was_warned = std::mem::replace(&mut memory.warned, warned);
        let alarmed = sight.conditions.ratio_alarm;
        let was_alarmed = std::mem::replace(&mut memory.alarmed, alarmed);
        let found = finding.filter(|finding| finding.dry_run);
        let found = found.and_then(|finding| finding.detected);
        let was_found = std::mem::replace(&mut memory.detected, found.is_some());
        if let (Verdict::Freeze(reason), false) = (&sight.verdict, was_warned) {
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
            stamp: Stamp::now(Actor::Guard, reason),
            moves: Vec::new(),
            overrides: self.overrides.clone(),
        };
        if let Err(error) = self.journal.append(&mut entry) {
            tracing::error!(%error, "A finding is not in the journal");
        }
    }

    /// What follows for the traffic.
    fn conclude(&mut self, route: &Route, sight: &Sight, wall: SystemTime) {
        let name = &*route.name;
        let standing = self.standing.load();
        let force = standing.forces.get(name);
        if force.is_none_or(|force| force.is_killed()) {
            return;
        }
        match self.overrides.of(name).climb {
            Some(climb) => self.tick(name, climb, sight, wall),
            None => {
                if let (Verdict::Breach(reason), true) = (&sight.verdict, route.split.is_open()) {
                    let reason = format!("at {} %: {reason}", percent(route.split.hundredths()));
                    let answer = self.hold(name, reason);
                    complain(name, &answer);
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
        let stamp = Stamp::now(actor, self.reason(route, made, &sight.verdict));
        let answer = self.make_move(route, climb.ramp, made, what, stamp);
        complain(route, &answer);
        self.watched.of(route).step_after = match answer {
            Ok(_) => None,
            Err(_) => wall.checked_add(PAUSE),
        };
    }

    /// Why a ramp has made a move, for people.
    fn reason(&self, route: &str, made: ramp::Move, verdict: &Verdict) -> String {
        match (made, verdict) {
            (
                ramp::Move::Shift {
                    from,
                    cause: Cause::Breach,
                    ..
                },
                Verdict::Breach(reason),
            ) => {
                format!("at {} %: {reason}", percent(from))
            }
            (
                ramp::Move::Shift {
                    cause: Cause::Passed,
                    ..
                }
                | ramp::Move::Finish { .. },
                _,
            ) => {
                let finding = self.bench.finding(route, Verdict::Pass);
                finding.map_or_else(
                    || "its time is over and nobody watches".to_owned(),
                    |finding| passed(&finding.progress),
                )
            }
            (ramp::Move::Shift { from, cause, .. }, _) => match cause {
                Cause::Begun => "begun".to_owned(),
                Cause::NoEvidence => {
                    "nothing speaks against it, and the step has lasted its time".to_owned()
                }
                Cause::Stalled => format!(
                    "at {} %: the step has lasted its time without a result",
                    percent(from)
                ),
                Cause::Flapping => format!(
                    "at {} %: the breaker opened three times in ten minutes",
                    percent(from)
                ),
                Cause::Passed | Cause::Breach | Cause::Operator => cause.as_str().to_owned(),
            },
            (ramp::Move::Ask { percent: to }, _) => format!("may it go to {} %?", percent(to)),
            (ramp::Move::Stall { percent: at }, Verdict::Stalled(reason)) => {
                format!("at {} %, most against it: {reason}", percent(at))
            }
            (ramp::Move::Retry { attempt }, _) => format!("retry {attempt}"),
            (ramp::Move::Pause { .. }, _) => "the gate has said no".to_owned(),
            _ => String::new(),
        }
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
        }
    }
}

fn percent(hundredths: u16) -> f64 {
    f64::from(hundredths) / 100.0
}

/// `errors 3 of 2410 bad against 120 of 45790; p95 …`.
pub(super) fn passed(progress: &[Progress]) -> String {
    let each = progress.iter().map(|progress| {
        let (metric, counts) = (progress.metric, progress.counts);
        format!(
            "{} {} of {} {} against {} of {}",
            metric.as_str(),
            counts.candidate.bad,
            counts.candidate.n,
            metric.adjective(),
            counts.primary.bad,
            counts.primary.n
        )
    });
    each.collect::<Vec<_>>().join("; ")
}

fn complain(route: &str, answer: &super::change::Answer) {
    if let Err(refused) = answer {
        tracing::error!(route, %refused, "What the guard or the ramp wants is not in force");
    }
}
