//! What a program may take, and what is counted of it.

use std::time::Duration;

use crate::adapt::{Fault, Limits};
use crate::stats::Adapted;

/// What a program may build in all, beside so many times its input.
const ROOM: usize = 8 * 1024 * 1024;
const TIMES: usize = 8;
/// Steps are bounded by time.
const STEPS: u64 = u64::MAX;

/// What a program may take for an input of so many bytes.
pub fn limits(time: Duration, length: usize) -> Limits {
    Limits {
        time,
        steps: STEPS,
        bytes: ROOM.saturating_add(length.saturating_mul(TIMES)),
    }
}

/// A fault as it is counted.
pub fn meaning(fault: &Fault) -> Adapted {
    match fault {
        Fault::NotJson { .. } => Adapted::NotJson,
        Fault::TooDeep => Adapted::TooDeep,
        Fault::Failed(_) => Adapted::Failed,
        Fault::NoOutput => Adapted::NoOutput,
        Fault::ManyOutputs => Adapted::ManyOutputs,
        Fault::Late => Adapted::Late,
        Fault::TooMuch => Adapted::TooMuch,
        Fault::Coding(_) => Adapted::Coding,
        Fault::Broken => Adapted::Broken,
    }
}
