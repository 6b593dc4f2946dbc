//! What the time of a backend is spent for.

/// What a try was for, as it turned out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// Its answer went to the client, good or bad, or the client left while it ran.
    Requests,
    /// No client got an answer of it: another try followed, or figshift answered by itself.
    Retries,
}

impl Purpose {
    /// How many there are.
    pub const COUNT: usize = 2;
    /// All of them, in the order of their indexes.
    pub const ALL: [Self; Self::COUNT] = [Self::Requests, Self::Retries];

    /// As it stands in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::Retries => "retries",
        }
    }
}
