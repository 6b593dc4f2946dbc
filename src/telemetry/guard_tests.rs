//! The families of the guard, of ramps and of flags as a scraper sees them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::sample::{House, config, finding, held, house};
use super::tests::series;
use crate::control::{
    Blame, Climb, Findings, Flagged, Force, Judged, Overrides, RouteOverride, Stamp, Standing,
    Switches,
};
use crate::policy::guard::Verdict;
use crate::policy::ramp::{Conditions, Plan, Ramp};

#[test]
fn what_the_guard_has_found_is_told() {
    let house = house();
    let metrics = house.metrics();
    let all = series(&metrics.text().unwrap());
    assert_eq!(
        all[r#"figshift_guard_state{route="route0",state="off"}"#],
        1.0
    );
    let rollbacks = r#"figshift_guard_rollbacks_total{route="route0",reason="flapping"}"#;
    assert_eq!(all[rollbacks], 0.0);
    let mut judged = Judged {
        finding: Some(finding()),
        ..Judged::default()
    };
    judged.rollbacks[Blame::P95 as usize] = 3;
    let findings = Findings::from([("route0".to_owned(), judged)]);
    house.findings.store(Arc::new(findings));
    let all = series(&metrics.text().unwrap());
    let at = r#"route="route0""#;
    for (name, value) in [
        (format!(r#"guard_state{{{at},state="watching"}}"#), 1.0),
        (format!(r#"guard_state{{{at},state="off"}}"#), 0.0),
        (format!("guard_dry_run{{{at}}}"), 0.0),
        (format!("guard_evidence{{{at}}}"), 2.5),
        (format!("guard_needed{{{at}}}"), 100.0),
        (
            format!(r#"guard_metric_evidence{{{at},metric="p95"}}"#),
            4.0,
        ),
        (format!("guard_batches_total{{{at}}}"), 40.0),
        (
            format!(r#"guard_units_total{{{at},side="candidate"}}"#),
            200.0,
        ),
        (
            format!(r#"guard_bad_total{{{at},side="primary",metric="errors"}}"#),
            9.0,
        ),
        (
            format!(r#"guard_bad_total{{{at},side="candidate",metric="p95"}}"#),
            12.0,
        ),
        (
            format!(r#"guard_rollbacks_total{{{at},reason="p95"}}"#),
            3.0,
        ),
        (format!("ratio_alarm{{{at}}}"), 0.0),
    ] {
        assert_eq!(all.get(&format!("figshift_{name}")), Some(&value), "{name}");
    }
    let mut standing = Standing::clone(&house.standing.load());
    standing.forces.insert("route0".to_owned(), held());
    house.standing.store(Arc::new(standing));
    let all = series(&metrics.text().unwrap());
    assert_eq!(
        all[&format!(r#"figshift_guard_state{{{at},state="held"}}"#)],
        1.0
    );
    // The guard is no kill switch.
    assert_eq!(all[&format!("figshift_kill_switch{{{at}}}")], 0.0);
}

/// Findings, a ramp at 5 % for seven seconds, and a flag of 40 %.
pub(super) fn find_everything(house: &House) {
    let mut ramp = Ramp::new(Plan::default(), 500);
    ramp.start().unwrap();
    for second in [100, 107] {
        let now = Duration::from_secs(second);
        ramp.tick(now, &Verdict::Wait, Conditions::default());
    }
    let climb = Climb {
        ramp,
        over: 0,
        between: None,
        stamp: Stamp::now("operator", ""),
    };
    let judged = Judged {
        finding: Some(finding()),
        climb: Some(climb),
        ..Judged::default()
    };
    let findings = Findings::from([("route0".to_owned(), judged)]);
    house.findings.store(Arc::new(findings));
    house
        .config
        .store(Arc::new(config(1, "ramp.steps = [5, 25]")));
    let flagged = RouteOverride {
        flagged: Some(Flagged {
            hundredths: 4_000,
            stamp: Stamp::now("flag", ""),
        }),
        ..RouteOverride::default()
    };
    let force = Force::of(0, &flagged, &Overrides::default(), &Switches::default());
    let mut standing = Standing::clone(&house.standing.load());
    standing.forces.insert("route0".to_owned(), force);
    house.standing.store(Arc::new(standing));
}

#[test]
fn ramps_and_flags_are_told_where_the_file_has_them() {
    let house = house();
    let metrics = house.metrics();
    let text = metrics.text().unwrap();
    assert!(!text.contains("figshift_ramp_state{"), "{text}");
    assert!(!text.contains("figshift_flag_percent{"), "{text}");
    house
        .config
        .store(Arc::new(config(1, "ramp.steps = [5, 25]")));
    let all = series(&metrics.text().unwrap());
    let at = r#"route="route0""#;
    let state = |all: &BTreeMap<String, f64>, state: &str| {
        all[&format!(r#"figshift_ramp_state{{{at},state="{state}"}}"#)]
    };
    assert_eq!((state(&all, "idle"), state(&all, "climbing")), (1.0, 0.0));
    assert_eq!(all[&format!("figshift_ramp_percent{{{at}}}")], 12.5);
    find_everything(&house);
    let all = series(&metrics.text().unwrap());
    assert_eq!((state(&all, "idle"), state(&all, "climbing")), (0.0, 1.0));
    for (name, value) in [
        ("ramp_percent", 5.0),
        ("ramp_step_age_seconds", 7.0),
        ("flag_percent", 40.0),
    ] {
        assert_eq!(all[&format!("figshift_{name}{{{at}}}")], value, "{name}");
    }
}
