//! Why a client connection was not let in, or ended before its time. The sets are closed.

/// Why a connection was closed at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Refused {
    /// There are as many as `listen.limits.connections` allows.
    Connections,
    /// Its client has as many as `listen.limits.connections_per_client` allows.
    PerClient,
}

impl Refused {
    /// How many there are.
    pub const COUNT: usize = 2;
    /// All of them, in the order of their indexes.
    pub const ALL: [Self; Self::COUNT] = [Self::Connections, Self::PerClient];

    /// As it stands in metrics and logs: the key of the limit.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Connections => "connections",
            Self::PerClient => "connections_per_client",
        }
    }
}

/// What a client neglected, so that its connection was ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lapse {
    /// It has not sent a whole head in time.
    SlowHead,
    /// It has not taken its answer.
    Unread,
    /// It has given up too many requests, or flooded the engine with frames.
    Flood,
}

impl Lapse {
    /// How many there are.
    pub const COUNT: usize = 3;
    /// All of them, in the order of their indexes.
    pub const ALL: [Self; Self::COUNT] = [Self::SlowHead, Self::Unread, Self::Flood];

    /// As it stands in metrics and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SlowHead => "slow_head",
            Self::Unread => "unread",
            Self::Flood => "flood",
        }
    }
}
