//! `figshift demo`: a legacy backend, its successor, traffic, and a screen to watch the proxy between them.

mod answers;
mod behaviour;
mod control;
mod file;
mod intro;
mod line;
mod sample;
mod tokens;
mod traffic;
mod words;

pub use behaviour::Behaviour;
pub use control::DemoControl;
pub use file::{DemoFile, Folder, free_addresses};
pub use intro::Intro;
pub use sample::SampleBackend;
pub use traffic::{Counts, Traffic, TrafficPlan};
