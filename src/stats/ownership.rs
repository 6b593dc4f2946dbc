//! What is counted of ownership: where later requests found what they meant.

use super::counter::Counter;

/// What was known of the id that a request named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Looked {
    /// Its owner.
    Known,
    /// Nothing: it went where the rule says.
    Unknown,
    /// Nothing, and the primary had it.
    AtPrimary,
    /// Nothing, and the candidate had it.
    AtCandidate,
    /// Nothing, and no side had it.
    Nowhere,
    /// Nothing, and it could not be found out, since a side did not answer.
    Unsure,
    /// An owner that is no side of the route any more.
    Gone,
}

impl Looked {
    /// How many there are.
    pub const COUNT: usize = 7;
    /// All of them, in the order of their indexes.
    pub const ALL: [Self; Self::COUNT] = [
        Self::Known,
        Self::Unknown,
        Self::AtPrimary,
        Self::AtCandidate,
        Self::Nowhere,
        Self::Unsure,
        Self::Gone,
    ];

    /// As it stands in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Known => "known",
            Self::Unknown => "unknown",
            Self::AtPrimary => "found_primary",
            Self::AtCandidate => "found_candidate",
            Self::Nowhere => "nowhere",
            Self::Unsure => "unsure",
            Self::Gone => "gone",
        }
    }
}

/// What became of the response to a request that makes something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Made {
    /// Its id was learned.
    Learned,
    /// It has no id where one is looked for.
    NoId,
    /// Its id is too long, or there is no room for it.
    Refused,
    /// It is too large, or compressed, or broke: nobody could look.
    Unread,
}

impl Made {
    /// How many there are.
    pub const COUNT: usize = 4;
    /// All of them, in the order of their indexes.
    pub const ALL: [Self; Self::COUNT] = [Self::Learned, Self::NoId, Self::Refused, Self::Unread];

    /// As it stands in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Learned => "learned",
            Self::NoId => "no_id",
            Self::Refused => "refused",
            Self::Unread => "unread",
        }
    }
}

/// What one worker has seen of one rule of ownership.
#[derive(Debug, Default)]
pub struct OwnershipCell {
    /// Requests that named an id, by what was known of it.
    pub looked: [Counter; Looked::COUNT],
    /// Responses to requests that make something.
    pub made: [Counter; Made::COUNT],
    /// Requests of ours that asked a side whether it has something.
    pub asked: Counter,
    /// Things whose work was said to be over.
    pub done: Counter,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indexes_match_the_lists() {
        for (index, looked) in Looked::ALL.into_iter().enumerate() {
            assert_eq!(looked as usize, index);
        }
        for (index, made) in Made::ALL.into_iter().enumerate() {
            assert_eq!(made as usize, index);
        }
    }
}
