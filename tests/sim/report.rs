//! The table of figures against goals.

use std::fmt;
use std::time::Instant;

use rand::rngs::SmallRng;

use super::runner::Scale;

/// Figures of the short version come from few repetitions, so they may miss by this factor.
const SLACK: f64 = 1.5;

pub(crate) struct Report {
    pub(crate) scale: Scale,
    only: Option<String>,
    began: Instant,
    rows: Vec<Row>,
}

struct Row {
    goal: &'static str,
    what: String,
    repetitions: u64,
    figure: String,
    bound: String,
    good: bool,
}

/// How often something may happen.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Often {
    /// With at most this probability; chance may add 2.6 standard deviations.
    AtMost(f64),
    /// With at least this one, less as much.
    AtLeast(f64),
}

impl Report {
    pub(crate) fn new(scale: Scale) -> Self {
        Self {
            scale,
            only: std::env::var("SIM_ONLY").ok(),
            began: Instant::now(),
            rows: Vec::new(),
        }
    }

    pub(crate) fn is_good(&self) -> bool {
        self.rows.iter().all(|row| row.good)
    }

    /// How often `run` is true.
    pub(crate) fn share(
        &mut self,
        goal: &'static str,
        what: &str,
        (long, short): (u64, u64),
        often: Often,
        run: impl Fn(SmallRng) -> bool + Sync,
    ) {
        if self.skips(goal) {
            return;
        }
        let n = self.scale.repetitions(long, short);
        let hits = self.scale.repeat(&format!("{goal} {what}"), n, run);
        let hits = hits.into_iter().filter(|hit| *hit).count();
        let chance = |p: f64| 2.6 * (p * (1.0 - p) / n as f64).sqrt();
        let seen = hits as f64 / n as f64;
        let (good, bound) = match often {
            Often::AtMost(p) => (seen <= p + chance(p), format!("<= {}", percent(p))),
            Often::AtLeast(p) => (seen >= p - chance(p), format!(">= {}", percent(p))),
        };
        let figure = format!("{} ({hits})", percent(seen));
        self.push(goal, what, n, figure, bound, good);
    }

    /// Median and 95th percentile of what `run` takes; `None` is never.
    pub(crate) fn delay(
        &mut self,
        goal: &'static str,
        what: &str,
        (long, short): (u64, u64),
        (median, p95): (f64, f64),
        run: impl Fn(SmallRng) -> Option<u64> + Sync,
    ) {
        if self.skips(goal) {
            return;
        }
        let n = self.scale.repetitions(long, short);
        let mut took: Vec<u64> = self
            .scale
            .repeat(&format!("{goal} {what}"), n, run)
            .into_iter()
            .map(|took| took.unwrap_or(u64::MAX))
            .collect();
        took.sort_unstable();
        let at = |q: f64| took[((q * n as f64).ceil() as usize).clamp(1, took.len()) - 1];
        let slack = if self.scale.long { 1.0 } else { SLACK };
        let good = at(0.5) as f64 <= median * slack && at(0.95) as f64 <= p95 * slack;
        let figure = format!("{} / {}", number(at(0.5)), number(at(0.95)));
        let bound = if p95.is_finite() {
            format!("<= {median} / {p95}")
        } else {
            format!("<= {median}")
        };
        self.push(goal, what, n, figure, bound, good);
    }

    fn skips(&self, goal: &str) -> bool {
        self.only.as_deref().is_some_and(|only| only != goal)
    }

    fn push(
        &mut self,
        goal: &'static str,
        what: &str,
        repetitions: u64,
        figure: String,
        bound: String,
        good: bool,
    ) {
        self.rows.push(Row {
            goal,
            what: what.to_owned(),
            repetitions,
            figure,
            bound,
            good,
        });
    }
}

fn percent(part: f64) -> String {
    format!("{} %", (part * 1e4).round() / 1e2)
}

fn number(n: u64) -> String {
    if n == u64::MAX {
        "never".to_owned()
    } else {
        n.to_string()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "\n{:4} {:62} {:>5} {:>15} {:>18}",
            "goal", "what", "runs", "figure", "goal's bound"
        )?;
        for row in &self.rows {
            writeln!(
                f,
                "{:4} {:62} {:>5} {:>15} {:>18} {}",
                row.goal,
                row.what,
                row.repetitions,
                row.figure,
                row.bound,
                if row.good { "" } else { "MISSED" }
            )?;
        }
        let seconds = self.began.elapsed().as_secs_f64();
        let kind = if self.scale.long {
            "long version"
        } else {
            "short version: delays may be up to half longer"
        };
        write!(f, "{kind}, seed {}, {seconds:.0} s", self.scale.seed())
    }
}
