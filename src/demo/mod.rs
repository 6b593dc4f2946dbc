//! `figshift demo`: a legacy backend, its successor, traffic, and a screen to watch the proxy between them.
//!
//! Nothing here is used by the proxy. The order of a demo: [`Stage`] sets up two [`SampleBackend`]s, the
//! [`DemoControl`] that makes them misbehave, and the file; the caller starts the proxy from that file; [`play`] then
//! sends [`Traffic`] through it and shows what the caller [`Observed`].

mod answers;
mod behaviour;
mod control;
mod file;
mod intro;
mod line;
mod meter;
mod play;
mod sample;
mod screen;
mod stage;
mod table;
mod tokens;
mod traffic;
mod words;

pub use behaviour::Behaviour;
pub use control::DemoControl;
pub use file::{DemoFile, Folder, free_addresses};
pub use intro::Intro;
pub use meter::{SideObserved, SideReading};
pub use play::{Observed, Play, curtain, play};
pub use sample::SampleBackend;
pub use screen::Screen;
pub use stage::Stage;
pub use table::{ConfigView, RouteView, SideView, View, table};
pub use traffic::{Counts, Traffic, TrafficPlan};
