//! The comparative guard: all metrics, both questions, one verdict.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::bet::{WORSE, log_factor};
use super::counts::{CohortCounts, Pair};
use super::forecast;
use super::metric::Metric;
use super::promotion::Promotion;
use super::rate::Rate;
use super::settings::Settings;
use super::stake::{Mixture, Purse, ln_add};
use super::verdict::{Against, Reason, Verdict};

/// Cohorts are put together until both sides have a unit, for at most this long: units that are
/// minutes apart are no longer of the same time.
const PATIENCE: Duration = Duration::from_secs(300);
/// Below this logarithm of the evidence there is none; the rest is rounding.
const NOTHING: f64 = 1e-9;

/// Compares the candidate with the primary, second by second. Times are since any fixed moment.
/// Size and work per call are constant; it can be written down and continued after a restart.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Guard {
    settings: Settings,
    rates: [Rate; Metric::COUNT],
    worse: [Mixture; Metric::COUNT],
    purse: Purse,
    promotion: Promotion,
    pending: CohortCounts,
    pending_since: Option<Duration>,
    /// Counts since there was no evidence, so that a reason shows what the evidence is made of.
    episode: [Pair; Metric::COUNT],
    breach: Option<Reason>,
    batches: u64,
}

/// How far a required metric is at this step.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Which metric.
    pub metric: Metric,
    /// The evidence that the candidate is not worse than the promotion margin: 1 is none.
    pub evidence: f64,
    /// The evidence that it needs.
    pub needed: f64,
    /// Whether it once had that at this step.
    pub passed: bool,
    /// Both sides since the step began, the candidate's by the promotion margin.
    pub counts: Pair,
}

impl Guard {
    /// Knows nothing yet.
    pub fn new(settings: Settings, now: Duration) -> Self {
        let settings = settings.sane();
        Self {
            rates: Metric::ALL.map(Rate::new),
            worse: fresh(),
            purse: Purse::new(now, settings.horizon),
            promotion: Promotion::new(),
            pending: CohortCounts::default(),
            pending_since: None,
            episode: [Pair::default(); Metric::COUNT],
            breach: None,
            batches: 0,
            settings,
        }
    }

    /// Takes one arrival second. They come in the order of arrival, each when all of its requests
    /// have ended or their deadline is over. A second without units of one side waits for the next.
    pub fn feed(&mut self, now: Duration, cohort: &CohortCounts) {
        if *cohort == CohortCounts::default() {
            return;
        }
        self.pending.add(cohort);
        let since = *self.pending_since.get_or_insert(now);
        if self.pending.is_two_sided() {
            let batch = self.take_pending();
            self.judge(&batch);
            self.learn(&batch);
            self.put_in(now);
            self.conclude(now);
        } else if now.saturating_sub(since) >= PATIENCE {
            let late = self.take_pending();
            self.learn(&late);
        }
    }

    /// Learns the primary's rates from units that are not compared: before a ramp, say. It makes
    /// the first comparisons sharper.
    pub fn learn(&mut self, cohort: &CohortCounts) {
        for metric in Metric::ALL {
            self.rates[metric as usize].learn(cohort.rollback_pair(metric).primary);
        }
    }

    /// The share has changed: what it takes for the next step is counted anew, what speaks against
    /// the candidate stays. To be called before the first second that was routed by the new share.
    pub fn begin_step(&mut self) {
        let before = self.take_pending();
        self.learn(&before);
        self.promotion = Promotion::new();
    }

    /// Other settings, from now on. What is known stays; a rollback that was found stays too.
    pub fn set_settings(&mut self, settings: Settings) {
        self.settings = settings.sane();
    }

    /// Begins anew at `now` with other settings, as after a rollback. The primary's rates stay.
    pub fn restart(&mut self, settings: Settings, now: Duration) {
        let rates = self.rates;
        *self = Self {
            rates,
            ..Self::new(settings, now)
        };
    }

    /// What follows. `overdue` says that the step has lasted its longest time, which the ramp
    /// knows. In a dry run nothing is frozen and nothing taken back; see [`Guard::detected`].
    pub fn verdict(&self, overdue: bool) -> Verdict {
        if let (Some(reason), false) = (&self.breach, self.settings.dry_run) {
            return Verdict::Breach(reason.clone());
        }
        let frozen = self.ln_evidence() >= self.settings.freeze_at.ln() && !self.settings.dry_run;
        if !frozen && self.promotion.is_complete(&self.settings) {
            Verdict::Pass
        } else if overdue {
            Verdict::Stalled(self.reason())
        } else if frozen {
            Verdict::Freeze(self.reason())
        } else {
            Verdict::Wait
        }
    }

    /// The breach that was found, enforced or not. Stays until [`Guard::restart`].
    pub fn detected(&self) -> Option<&Reason> {
        self.breach.as_ref()
    }

    /// The evidence against the candidate, all metrics together: 1 is none, and
    /// [`Settings::evidence_to_roll_back`] is enough.
    pub fn evidence(&self) -> f64 {
        self.ln_evidence().exp()
    }

    /// What the bets on one metric alone have become, out of the 0.5 that they begin with; above
    /// that, the metric speaks against the candidate.
    pub fn evidence_of(&self, metric: Metric) -> f64 {
        self.worse[metric as usize].ln_total().exp()
    }

    /// How far the required metrics are.
    pub fn progress(&self) -> impl Iterator<Item = Progress> {
        self.settings.require.iter().map(|metric| Progress {
            metric,
            evidence: self.promotion.ln_evidence(metric).exp(),
            needed: self.settings.evidence_to_promote(),
            passed: self.promotion.has_passed(metric),
            counts: self.promotion.counts(metric),
        })
    }

    /// Units of the candidate that were compared at this step.
    pub fn units_at_step(&self) -> u64 {
        self.promotion.units
    }

    /// The primary's usual rate of errors, once a thousand units are known.
    pub fn usual_errors(&self) -> Option<f64> {
        self.rates[Metric::Errors as usize].known()
    }

    /// Batches compared so far.
    pub fn batches(&self) -> u64 {
        self.batches
    }

    /// The settings in force.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// About how many more units of the candidate a step up takes at the candidate's `share`
    /// (0 to 1), if both sides go on as they did at this step. `None` when no end is in sight.
    pub fn more_to_promote(&self, share: f64) -> Option<u64> {
        let mut most = self.settings.min_new.saturating_sub(self.promotion.units);
        for progress in self.progress().filter(|progress| !progress.passed) {
            let margins = self.settings.margins(progress.metric);
            most = most.max(forecast::more_to_pass(
                &progress,
                self.rates[progress.metric as usize].estimate(),
                margins.promotion,
                share,
            )?);
        }
        Some(most)
    }

    /// What speaks most against the candidate at the moment.
    pub fn reason(&self) -> Reason {
        let metric = self
            .settings
            .watch
            .iter()
            .max_by(|a, b| self.ln_share(*a).total_cmp(&self.ln_share(*b)))
            .unwrap_or(Metric::Errors);
        let pair = self.episode[metric as usize];
        Reason {
            metric,
            evidence: self.evidence(),
            needed: self.settings.evidence_to_roll_back(),
            candidate: pair.candidate,
            against: Against::Primary(pair.primary),
        }
    }

    fn take_pending(&mut self) -> CohortCounts {
        self.pending_since = None;
        std::mem::take(&mut self.pending)
    }

    fn judge(&mut self, batch: &CohortCounts) {
        self.batches += 1;
        let cap = self.settings.evidence_cap.unwrap_or(f64::INFINITY);
        for metric in self.settings.watch.iter() {
            let m = metric as usize;
            let pair = batch.rollback_pair(metric);
            let rate = self.rates[m].estimate();
            let margin = self.settings.error_margins(metric).rollback;
            self.worse[m].grow(&WORSE, cap, |odds| log_factor(pair, rate, margin, odds));
            self.episode[m].add(pair);
        }
        self.promotion.feed(batch, &self.rates, &self.settings);
    }

    fn put_in(&mut self, now: Duration) {
        let due = self.purse.take_due(now);
        if due > 0.0 {
            for mixture in &mut self.worse {
                mixture.put_in(due);
            }
        }
    }

    fn conclude(&mut self, now: Duration) {
        let evidence = self.ln_evidence();
        if evidence <= NOTHING {
            self.episode = [Pair::default(); Metric::COUNT];
        }
        let enough = evidence >= self.settings.evidence_to_roll_back().ln();
        if enough && self.breach.is_none() && self.bad_units() >= self.settings.min_bad {
            self.breach = Some(self.reason());
        }
        if self.settings.dry_run && evidence < self.settings.freeze_at.ln() {
            // Nothing was done about it, and it is over: the next one is news.
            self.breach = None;
        }
        // The promise holds for one horizon. A new one waits while there is evidence in the air.
        if self.purse.is_spent(now) && evidence < self.settings.freeze_at.ln() {
            self.purse = Purse::new(now, self.settings.horizon);
            self.worse = fresh();
        }
    }

    /// Bad units of the candidate since the evidence began, and slow ones of the quantile that
    /// counts.
    fn bad_units(&self) -> u64 {
        let of = |metric: Metric| self.episode[metric as usize].candidate.bad;
        let slow = self.settings.slow_to_count().map_or(0, of);
        of(Metric::Errors).saturating_add(slow)
    }

    /// The logarithm of one metric's part of the whole.
    fn ln_share(&self, metric: Metric) -> f64 {
        self.settings.watch.weight(metric).ln() + self.worse[metric as usize].ln_total()
    }

    /// The logarithm of cash and all metrics together.
    fn ln_evidence(&self) -> f64 {
        let bets = self
            .settings
            .watch
            .iter()
            .map(|metric| self.ln_share(metric));
        bets.fold(self.purse.cash().ln(), ln_add)
    }
}

fn fresh() -> [Mixture; Metric::COUNT] {
    std::array::from_fn(|_| Mixture::new(Purse::FIRST, WORSE.len()))
}
