//! Vast.ai's REST API: which instances there are, how they stand, where they can be reached. It is asked by
//! `outbound` and read leniently; what is no good answer is trouble, never "no instances".

mod account;
mod answer;
mod client;
mod field;
mod instance;
mod key;
mod pace;
mod page;
mod standing;
mod trouble;

pub use account::{Account, ServerlessEndpoint};
pub use client::{Filter, Vast};
pub use instance::Instance;
pub use key::{Key, KeySource};
pub use pace::Pace;
pub use standing::Standing;
pub use trouble::{Blame, Trouble, TroubleKind};
