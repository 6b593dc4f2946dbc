//! `figshift demo`: a legacy backend, its successor, traffic, and a screen to watch the proxy between them.

mod answers;
mod behaviour;
mod control;
mod line;
mod sample;
mod tokens;
mod words;

pub use behaviour::Behaviour;
pub use control::DemoControl;
pub use sample::SampleBackend;
