//! What programs can call: functions in Rust, which pay for what they do, and definitions in jq made
//! of them. Nothing else is given to the compiler, so what is not here cannot be called.

mod format;
mod given;
mod host;
mod lists;
mod math;
mod objects;
mod order;
mod patterns;
mod texts;

use given::Entry;
pub(super) use given::{definitions, functions};
pub(super) use host::{Host, Run};
pub(super) use patterns::Pattern;
