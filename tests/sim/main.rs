//! A seeded simulation of the real guard, ramp and breaker against the goals that their defaults
//! were chosen by. Without more, a short version runs; the long one with every figure:
//!
//! ```text
//! SIM=long cargo test --profile sim --test sim -- --nocapture
//! ```
//!
//! `SIM_SEED=n` runs other draws, or those of an earlier run again; `SIM_ONLY=G4` runs one goal.
#![allow(clippy::expect_used, reason = "a test may panic")]

mod blips;
mod breaker;
mod climbs;
mod crowds;
mod delays;
mod nulls;
mod promotions;
mod report;
mod runner;
mod world;

use report::Report;
use runner::Scale;

#[test]
#[allow(clippy::print_stdout, reason = "the table is what one runs it for")]
fn the_guard_keeps_its_goals() {
    let scale = Scale::from_environment();
    let mut report = Report::new(scale);
    nulls::run(&mut report);
    delays::run(&mut report);
    promotions::run(&mut report);
    breaker::run(&mut report);
    crowds::run(&mut report);
    blips::run(&mut report);
    climbs::run(&mut report);
    println!("{report}");
    assert!(report.is_good(), "goals were missed:\n{report}");
}
