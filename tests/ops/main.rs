//! The operator's side: the admin API against a running house, and the commands as processes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::let_underscore_must_use,
    reason = "a test may panic, and a mock may lose its peer"
)]

#[path = "../support/mod.rs"]
mod support;

mod access;
mod budget;
mod changes;
mod commands;
mod crash;
mod dead;
mod desk;
mod drain;
mod events;
mod explain;
mod file;
mod flag;
mod gate;
mod guard;
mod hanging;
mod hard;
mod https;
mod jobs;
mod kill;
mod lasting;
mod migration;
mod orders;
mod outside;
mod ramp;
mod served;
mod socket;
