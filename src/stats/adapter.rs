//! What is counted of adapters: the programs that ran, by what came of them.

use super::counter::Counter;

/// Which way something was adapted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From the client to the backend.
    Request,
    /// A response that went well, whole.
    Response,
    /// A response that did not.
    Error,
    /// An event of a stream.
    Event,
}

impl Direction {
    /// How many there are.
    pub const COUNT: usize = 4;
    /// All of them, in the order of their indexes.
    pub const ALL: [Self; Self::COUNT] = [Self::Request, Self::Response, Self::Error, Self::Event];

    /// As it stands in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Response => "response",
            Self::Error => "error",
            Self::Event => "event",
        }
    }
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Adapted {
    /// What was wanted.
    Ok,
    /// What came is no JSON.
    NotJson,
    /// It is nested too deeply.
    TooDeep,
    /// It is larger than what is held, or what became of it is.
    TooLarge,
    /// It is compressed in a way that cannot be undone.
    Coding,
    /// The program failed.
    Failed,
    /// It had no output.
    NoOutput,
    /// It had more than one.
    ManyOutputs,
    /// It ran for too long.
    Late,
    /// It took too many steps or too much memory.
    TooMuch,
    /// Too many others ran.
    Busy,
    /// What it made cannot stand in a head.
    Head,
    /// The engine itself failed.
    Broken,
}

impl Adapted {
    /// How many there are.
    pub const COUNT: usize = 13;
    /// All of them, in the order of their indexes.
    pub const ALL: [Self; Self::COUNT] = [
        Self::Ok,
        Self::NotJson,
        Self::TooDeep,
        Self::TooLarge,
        Self::Coding,
        Self::Failed,
        Self::NoOutput,
        Self::ManyOutputs,
        Self::Late,
        Self::TooMuch,
        Self::Busy,
        Self::Head,
        Self::Broken,
    ];

    /// As it stands in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::NotJson => "not_json",
            Self::TooDeep => "too_deep",
            Self::TooLarge => "too_large",
            Self::Coding => "coding",
            Self::Failed => "failed",
            Self::NoOutput => "no_output",
            Self::ManyOutputs => "many_outputs",
            Self::Late => "late",
            Self::TooMuch => "too_much",
            Self::Busy => "busy",
            Self::Head => "head",
            Self::Broken => "broken",
        }
    }
}

/// What one worker has seen of one operation of an adapter.
#[derive(Debug, Default)]
pub struct OperationCell {
    /// Programs that ran, by direction and what came of it.
    pub runs: [[Counter; Adapted::COUNT]; Direction::COUNT],
    /// Nanoseconds that they took, by direction.
    pub time: [Counter; Direction::COUNT],
    /// Requests that were sent as this operation has them.
    pub requests: Counter,
}

/// What one worker has seen of one adapter.
#[derive(Debug, Default)]
pub struct AdapterCell {
    /// Requests for which it has no operation.
    pub unmatched: Counter,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indexes_match_the_lists() {
        for (index, direction) in Direction::ALL.into_iter().enumerate() {
            assert_eq!(direction as usize, index);
        }
        for (index, adapted) in Adapted::ALL.into_iter().enumerate() {
            assert_eq!(adapted as usize, index);
        }
    }
}
