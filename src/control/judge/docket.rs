//! All that is known of one route, from its cohorts.

use std::sync::Arc;
use std::time::Duration;

use super::finding::{Finding, Part, Totals};
use super::limit::Limit;
use super::terms::Terms;
use super::timeline::Timeline;
use crate::policy::guard::{
    CohortCounts, Guard, RatioAlarm, Reason, Tally, Thresholds, Units, Verdict,
};
use crate::stats::{Cohort, Cohorts, Limits, SideCounts};

/// A second is over for every worker when so many more have begun.
const OVER: u64 = 2;
/// Between two looks at what is slow.
const LIMITS_EVERY: u64 = 10;
/// The same while nothing is known yet.
const LIMITS_SOON: u64 = 2;
/// The whole, in hundredths of a percent.
const WHOLE: u16 = 10_000;

/// A route before the judge. Seconds are those of the workers' clock.
#[derive(Debug)]
pub(super) struct Docket {
    cohorts: Arc<Cohorts>,
    terms: Terms,
    guard: Guard,
    limit: Limit,
    breach_of_limit: Option<Reason>,
    ratio: RatioAlarm,
    thresholds: Thresholds,
    limits: Option<Limits>,
    shares: Timeline,
    /// The second that is read next.
    next: u64,
    /// What was routed before is no evidence any more.
    since: u64,
    /// The first second of the present step, until it is read.
    step: Option<u64>,
    limits_at: u64,
    session_at: u64,
    /// The number of the ramp's automatic retry.
    attempt: u8,
    totals: [Totals; 2],
}

impl Docket {
    pub(super) fn new(cohorts: Arc<Cohorts>, terms: Terms, share: u16, second: u64) -> Self {
        let now = Duration::from_secs(second);
        Self {
            guard: Guard::new(terms.settings.clone(), now),
            limit: Limit::new(&terms, None, now),
            breach_of_limit: None,
            ratio: ratio(&cohorts, &terms),
            thresholds: Thresholds::default(),
            limits: None,
            shares: Timeline::new(share),
            next: second,
            since: 0,
            step: None,
            limits_at: second,
            session_at: second,
            attempt: 0,
            totals: [Totals::default(); 2],
            cohorts,
            terms,
        }
    }

    pub(super) fn is_of(&self, cohorts: &Arc<Cohorts>) -> bool {
        Arc::ptr_eq(&self.cohorts, cohorts)
    }

    /// The file has other words.
    pub(super) fn set_terms(&mut self, terms: Terms, second: u64) {
        if terms == self.terms {
            return;
        }
        if terms.session != self.terms.session {
            self.ratio = ratio(&self.cohorts, &terms);
        }
        let is_enforced_anew = terms.settings.dry_run != self.terms.settings.dry_run;
        let limit_differs = (terms.limit, terms.limit_by_evidence)
            != (self.terms.limit, self.terms.limit_by_evidence);
        self.terms = terms;
        self.guard
            .set_settings(self.terms.settings.for_attempt(self.attempt));
        if is_enforced_anew {
            // What was found while nobody acted on it may be long over.
            self.restart(second, self.attempt);
        } else if limit_differs {
            self.begin_limit(second);
        }
    }

    /// The candidate's share is another one from now on.
    pub(super) fn shift(&mut self, second: u64, from: u16, to: u16) {
        self.shares.change(second, to);
        if to == WHOLE || from == WHOLE {
            self.begin_limit(second);
        }
        if to > from {
            self.step = Some(second);
            // A step is measured by what is usual now.
            self.limits_at = self.limits_at.min(second);
        }
    }

    /// The evidence so far is void: after a rollback, say.
    pub(super) fn restart(&mut self, second: u64, attempt: u8) {
        self.attempt = attempt;
        let settings = self.terms.settings.for_attempt(attempt);
        self.guard.restart(settings, Duration::from_secs(second));
        self.begin_limit(second);
        self.since = second;
        self.step = None;
    }

    fn begin_limit(&mut self, second: u64) {
        let now = Duration::from_secs(second);
        self.limit = Limit::new(&self.terms, self.guard.usual_errors(), now);
        self.breach_of_limit = None;
    }

    /// Reads what has settled.
    pub(super) fn look(&mut self, second: u64) {
        self.refresh(second);
        while self.next + OVER <= second {
            let cohort = self.cohorts.read(self.next);
            let late = second - self.next > Cohorts::DEADLINE.as_secs();
            if !late && !cohort.is_settled() {
                break;
            }
            self.take(self.next, &cohort);
            self.next += 1;
        }
        self.shares.forget_before(self.next);
    }

    fn take(&mut self, second: u64, cohort: &Cohort) {
        let now = Duration::from_secs(second);
        Totals::add_both(&mut self.totals, cohort);
        let share = self.shares.share_of(second);
        if let Some(share) = share {
            let (primary, candidate) = (cohort.primary.drawn, cohort.candidate.drawn);
            let part = f64::from(share) / f64::from(WHOLE);
            self.ratio.feed(now, primary + candidate, candidate, part);
        }
        if second < self.since {
            return;
        }
        if self.step.is_some_and(|step| second >= step) {
            self.step = None;
            self.guard.begin_step();
        }
        let counts = counts(cohort);
        match share {
            // Alone, one side can be learnt from and not be compared.
            Some(0) => self.guard.learn(&counts),
            Some(WHOLE) => {}
            _ => self.guard.feed(now, &counts),
        }
        if share == Some(WHOLE) || self.terms.limit_only {
            let units = counts.candidate;
            let found = self.limit.feed(now, Tally::new(units.bad, units.n));
            self.breach_of_limit = found.or_else(|| self.breach_of_limit.take());
        }
    }

    fn refresh(&mut self, second: u64) {
        if second >= self.session_at + self.terms.session.as_secs().max(1) {
            self.session_at = second;
            self.cohorts.begin_session();
        }
        if second < self.limits_at {
            return;
        }
        self.thresholds.learn(&self.cohorts.primary_latency());
        if let Some(limits) = self.thresholds.limits(&self.terms.settings) {
            self.cohorts.set_limits(limits);
            self.limits = Some(limits);
        }
        let pause = match self.limits {
            Some(_) => LIMITS_EVERY,
            None => LIMITS_SOON,
        };
        self.limits_at = second + pause;
    }

    /// What follows. `overdue` says that the ramp's step has lasted its longest time.
    pub(super) fn verdict(&self, overdue: bool) -> Verdict {
        match &self.breach_of_limit {
            Some(reason) if !self.terms.settings.dry_run => Verdict::Breach(reason.clone()),
            _ if self.terms.limit_only => Verdict::Wait,
            // Nothing is left to compare with: the limit says what there is to say.
            _ if self.shares.share() == WHOLE => Verdict::Pass,
            _ => match self.guard.verdict(overdue) {
                // What the step before has shown: of this one nothing is known yet.
                Verdict::Pass if self.step.is_some() => Verdict::Wait,
                verdict => verdict,
            },
        }
    }

    pub(super) fn ratio_alarm(&self) -> bool {
        self.ratio.is_on()
    }

    pub(super) fn finding(&self, verdict: Verdict) -> Finding {
        let guard = &self.guard;
        let settings = guard.settings();
        let share = f64::from(self.shares.share()) / f64::from(WHOLE);
        let detected = self.breach_of_limit.as_ref().or(guard.detected());
        Finding {
            verdict,
            detected: detected.cloned(),
            dry_run: settings.dry_run,
            evidence: guard.evidence(),
            needed: settings.evidence_to_roll_back(),
            parts: settings
                .watch
                .iter()
                .map(|metric| Part {
                    metric,
                    evidence: guard.evidence_of(metric),
                })
                .collect(),
            progress: guard.progress().collect(),
            units_at_step: guard.units_at_step(),
            more_to_promote: guard.more_to_promote(share),
            batches: guard.batches(),
            ratio_alarm: self.ratio.is_on(),
            limits: self.limits,
            totals: self.totals,
        }
    }
}

/// On a sticky split the same users come again, and only within a session they count once.
fn ratio(cohorts: &Cohorts, terms: &Terms) -> RatioAlarm {
    if cohorts.is_sticky() {
        RatioAlarm::over(terms.session)
    } else {
        RatioAlarm::default()
    }
}

fn counts(cohort: &Cohort) -> CohortCounts {
    CohortCounts {
        primary: units(&cohort.primary),
        candidate: units(&cohort.candidate),
        candidate_slow_to_promote: cohort.candidate.slow_to_promote,
    }
}

fn units(side: &SideCounts) -> Units {
    Units {
        n: side.n,
        bad: side.bad_in_the_end(),
        ok: side.ok,
        slow: side.slow,
    }
}
