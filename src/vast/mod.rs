//! Vast.ai's REST API: which instances there are, how they stand, where they can be reached. It is asked by
//! `outbound` and read leniently; what is no good answer is trouble, never "no instances". And Serverless: what
//! its engine is asked for each request, and what a worker is sent.

mod account;
mod answer;
mod client;
mod envelope;
mod field;
mod instance;
mod key;
mod pace;
mod page;
mod route;
mod standing;
mod trouble;
mod worker_url;

pub use account::{Account, ServerlessEndpoint};
pub use client::{Filter, Vast};
pub use envelope::{Misfit, cost_of, envelope, is_object};
pub use instance::Instance;
pub use key::{Key, KeySource};
pub use pace::Pace;
pub use route::{Question, Ready, Told, pause, read_told};
pub use standing::Standing;
pub use trouble::{Blame, Trouble, TroubleKind};
pub use worker_url::{BadUrl, WorkerUrl};
