//! Whether a rollback holds: nothing is in force, no new try reaches the candidate, and after a hard
//! one none is left there.

use std::time::{Duration, Instant};

use super::ask::{Ask, Failed};
use crate::api::Health;

/// How long no new try may come.
const QUIET: Duration = Duration::from_secs(1);
/// Requests that were under way may still turn to the candidate; this long they are waited for.
const DEADLINE: Duration = Duration::from_secs(6);
/// After a hard one they may not, and what was running is cut in a moment.
const HARD_DEADLINE: Duration = Duration::from_secs(3);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(100);

/// What was seen of a route.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Finding {
    pub(super) route: String,
    pub(super) in_force: f64,
    /// Tries that began on the candidate while nothing should have; `None` if it was not seen.
    pub(super) new_tries: Option<f64>,
    /// Older ones that are still running; only a hard rollback cuts them.
    pub(super) in_flight: Option<f64>,
    pub(super) why: String,
}

impl Finding {
    /// Whether the rollback holds here.
    pub(super) fn holds(&self, hard: bool) -> bool {
        self.in_force <= 0.0
            && self.new_tries == Some(0.0)
            && (!hard || self.in_flight == Some(0.0))
    }
}

/// What came of the look.
#[derive(Debug)]
pub(super) enum Verdict {
    Verified(Vec<Finding>),
    Wrong(Vec<Finding>),
    Unknown(Vec<Finding>),
}

impl Verdict {
    pub(super) fn findings(&self) -> &[Finding] {
        match self {
            Self::Verified(findings) | Self::Wrong(findings) | Self::Unknown(findings) => findings,
        }
    }
}

/// Looks at one route, or at all that have a candidate.
pub(super) async fn verify(ask: &Ask, route: Option<&str>, hard: bool) -> Verdict {
    let end = Instant::now() + if hard { HARD_DEADLINE } else { DEADLINE };
    let mut findings = Vec::new();
    loop {
        match look(ask, route).await {
            Ok(seen) => findings = seen,
            Err(_) => return Verdict::Unknown(findings),
        }
        if findings.iter().all(|finding| finding.holds(hard)) {
            return Verdict::Verified(findings);
        }
        if Instant::now() > end {
            return Verdict::Wrong(findings);
        }
        tokio::time::sleep(LOOK).await;
    }
}

async fn look(ask: &Ask, route: Option<&str>) -> Result<Vec<Finding>, Failed> {
    let health: Health = ask.get("/health").await?;
    let meant = health.routes.into_iter().filter(|(name, health)| {
        health.candidate.is_some() && route.is_none_or(|route| route == name)
    });
    let mut findings: Vec<Finding> = meant
        .map(|(route, health)| Finding {
            route,
            in_force: health.percent_in_force,
            new_tries: None,
            in_flight: None,
            why: health.why,
        })
        .collect();
    // Counting makes sense only once nothing should come.
    if findings.iter().any(|finding| finding.in_force > 0.0) {
        return Ok(findings);
    }
    let before = ask.text("/metrics").await?;
    tokio::time::sleep(QUIET).await;
    let after = ask.text("/metrics").await?;
    for finding in &mut findings {
        let begun = |metrics: &str| tries(metrics, &finding.route);
        let ((old_ended, old_running), (ended, running)) = (begun(&before), begun(&after));
        // What has ended or is running has begun; older ones only go from the one to the other.
        finding.new_tries = Some((ended + running - old_ended - old_running).max(0.0));
        finding.in_flight = Some(running);
    }
    Ok(findings)
}

/// Tries on the candidate of a route: how many have ended, and how many are running.
fn tries(metrics: &str, route: &str) -> (f64, f64) {
    let label = format!("route=\"{route}\"");
    let sum = |name: &str| {
        let of_side = metrics.lines().filter(|line| {
            line.starts_with(name) && line.contains(&label) && line.contains("side=\"candidate\"")
        });
        let values = of_side.filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok());
        values.sum::<f64>()
    };
    (
        sum("figshift_attempts_total{"),
        sum("figshift_requests_in_flight{"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tries_are_those_of_the_candidate_of_the_route() {
        let metrics = "\
# HELP figshift_attempts_total x
figshift_attempts_total{route=\"a\",side=\"candidate\",backend=\"n\",class=\"ok\"} 5
figshift_attempts_total{route=\"a\",side=\"candidate\",backend=\"n\",class=\"reset\"} 2
figshift_attempts_total{route=\"a\",side=\"primary\",backend=\"o\",class=\"ok\"} 100
figshift_attempts_total{route=\"ab\",side=\"candidate\",backend=\"n\",class=\"ok\"} 1000
figshift_requests_in_flight{route=\"a\",side=\"candidate\",backend=\"n\"} 3
figshift_requests_in_flight{route=\"a\",side=\"primary\",backend=\"o\"} 30
";
        assert_eq!(tries(metrics, "a"), (7.0, 3.0));
        assert_eq!(tries(metrics, "nowhere"), (0.0, 0.0));
    }
}
