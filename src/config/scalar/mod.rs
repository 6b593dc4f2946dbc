//! Scalar values of the file that have a unit or a syntax of their own. Each parses from one TOML
//! value, says in its refusal what it takes, and describes itself in the JSON Schema.

mod credential;
mod dollars;
mod duration;
mod net;
mod part;
mod percent;
mod pin;
mod read;
mod secret;
mod size;
mod status;
mod sticky;
mod time_of_day;
mod zone;

pub use credential::Credential;
pub use dollars::Dollars;
pub use duration::Duration;
pub use net::Net;
pub use part::{Part, Points};
pub use percent::Percent;
pub use pin::Pin;
pub(in crate::config) use read::reader;
pub use read::{Given, Refusal, Scalar};
pub use secret::Secret;
pub(in crate::config) use secret::is_hidden;
pub use size::Size;
pub use status::StatusSet;
pub use sticky::StickyKey;
pub(in crate::config) use sticky::is_token;
pub use time_of_day::{Day, TimeOfDay};
pub use zone::Zone;
