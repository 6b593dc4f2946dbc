//! The vocabulary of outcomes. What counts as what is decided here once; everyone else reads the
//! class. The sets are closed, so nothing that a client sends can grow the number of series.

/// The two sides of a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// The legacy backend: serves the rest, and what falls back.
    Primary,
    /// The new backend.
    Candidate,
}

impl Side {
    /// Both, primary first.
    pub const ALL: [Self; 2] = [Self::Primary, Self::Candidate];

    /// The opposite side.
    pub fn other(self) -> Self {
        match self {
            Self::Primary => Self::Candidate,
            Self::Candidate => Self::Primary,
        }
    }

    /// As it stands in metrics, logs and headers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Primary => "primary",
            Self::Candidate => "candidate",
        }
    }
}

/// How an attempt or a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// Status below 400, body complete.
    Ok,
    /// 4xx except 429: the caller's mistake, never a backend's sickness.
    ClientError,
    /// 429, or 503 with `Retry-After`: the backend is well and full.
    Capacity,
    /// Any other 5xx.
    ServerError,
    /// No connection could be made.
    Connect,
    /// No response head in time.
    Timeout,
    /// The connection broke, or made no sense, before the response head.
    Reset,
    /// The response broke after its head.
    Broken,
    /// Given up, and nobody's fault: the client left first, or a hard rollback cut it.
    Cancelled,
}

impl Class {
    /// How many there are.
    pub const COUNT: usize = 9;
    /// All of them, in the order of their indexes.
    pub const ALL: [Self; Self::COUNT] = [
        Self::Ok,
        Self::ClientError,
        Self::Capacity,
        Self::ServerError,
        Self::Connect,
        Self::Timeout,
        Self::Reset,
        Self::Broken,
        Self::Cancelled,
    ];

    /// The class of a complete response.
    pub fn of_status(status: u16, has_retry_after: impl FnOnce() -> bool) -> Self {
        match status {
            ..=399 => Self::Ok,
            429 => Self::Capacity,
            503 if has_retry_after() => Self::Capacity,
            400..=499 => Self::ClientError,
            _ => Self::ServerError,
        }
    }

    /// Whether the backend is to blame.
    pub fn is_bad(self) -> bool {
        matches!(
            self,
            Self::ServerError | Self::Connect | Self::Timeout | Self::Reset | Self::Broken
        )
    }

    /// As it stands in metrics and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::ClientError => "client_error",
            Self::Capacity => "capacity",
            Self::ServerError => "server_error",
            Self::Connect => "connect",
            Self::Timeout => "timeout",
            Self::Reset => "reset",
            Self::Broken => "broken",
            Self::Cancelled => "cancelled",
        }
    }
}

/// Why a request left the side or the endpoint that the split chose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// Every endpoint of the side was out, so it was not asked at all.
    Bypass,
    /// No connection could be made.
    Connect,
    /// The connection broke before the response head.
    Reset,
    /// No response head in time.
    Timeout,
    /// The status stands in `fallback_on`.
    Status,
    /// A hard rollback cut it before the response head.
    Cut,
}

impl Reason {
    /// How many there are.
    pub const COUNT: usize = 6;
    /// All of them, in the order of their indexes.
    pub const ALL: [Self; Self::COUNT] = [
        Self::Bypass,
        Self::Connect,
        Self::Reset,
        Self::Timeout,
        Self::Status,
        Self::Cut,
    ];

    /// As it stands in metrics and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bypass => "bypass",
            Self::Connect => "connect",
            Self::Reset => "reset",
            Self::Timeout => "timeout",
            Self::Status => "status",
            Self::Cut => "cut",
        }
    }
}

/// Why figshift answered by itself; the value of `x-figshift-reason`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// No route takes this request.
    NoRoute,
    /// The request itself is wrong.
    BadRequest,
    /// A method or a protocol change that figshift does not carry.
    Unsupported,
    /// The backend has no endpoint.
    NoEndpoint,
    /// No connection could be made.
    Connect,
    /// The connection broke before the response head.
    Reset,
    /// No response head in time.
    Timeout,
    /// A hard rollback cut it before the response head.
    Cut,
    /// It came without TLS and is sent to where there is some.
    Redirect,
}

impl Fault {
    /// How many there are.
    pub const COUNT: usize = 9;
    /// All of them, in the order of their indexes.
    pub const ALL: [Self; Self::COUNT] = [
        Self::NoRoute,
        Self::BadRequest,
        Self::Unsupported,
        Self::NoEndpoint,
        Self::Connect,
        Self::Reset,
        Self::Timeout,
        Self::Cut,
        Self::Redirect,
    ];

    /// As it stands in `x-figshift-reason`, metrics and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoRoute => "no_route",
            Self::BadRequest => "bad_request",
            Self::Unsupported => "unsupported",
            Self::NoEndpoint => "no_endpoint",
            Self::Connect => "upstream_connect",
            Self::Reset => "upstream_reset",
            Self::Timeout => "upstream_timeout",
            Self::Cut => "cut",
            Self::Redirect => "redirect",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_have_one_class() {
        for (status, retry_after, class) in [
            (101, false, Class::Ok),
            (200, false, Class::Ok),
            (399, false, Class::Ok),
            (400, false, Class::ClientError),
            (429, false, Class::Capacity),
            (499, true, Class::ClientError),
            (500, false, Class::ServerError),
            (503, false, Class::ServerError),
            (503, true, Class::Capacity),
            (599, true, Class::ServerError),
        ] {
            assert_eq!(Class::of_status(status, || retry_after), class, "{status}");
        }
    }

    #[test]
    fn indexes_match_the_lists() {
        for (index, class) in Class::ALL.into_iter().enumerate() {
            assert_eq!(class as usize, index);
        }
        for (index, reason) in Reason::ALL.into_iter().enumerate() {
            assert_eq!(reason as usize, index);
        }
        for (index, fault) in Fault::ALL.into_iter().enumerate() {
            assert_eq!(fault as usize, index);
        }
    }
}
