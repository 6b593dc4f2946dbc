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
    /// No response head in time, or silence for too long after it.
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
    /// The side was busy, and its limit lets what it cannot take spill over.
    Capacity,
    /// Its event stream had no event in time.
    Stalled,
    /// The first event of its stream was an error.
    ErrorEvent,
    /// Its event stream ended without an event.
    Empty,
    /// Its event stream broke before an event.
    Broken,
    /// It is no request that the side could be sent, or its answer could not be adapted.
    Unfit,
    /// A Serverless worker did not let it in.
    Refused,
    /// It is for something that was looked for.
    Owner,
}

impl Reason {
    /// Whether the side answers, but badly or late: it may have too much to do.
    pub fn is_overload(self) -> bool {
        matches!(
            self,
            Self::Status | Self::Timeout | Self::Stalled | Self::ErrorEvent
        )
    }

    /// How many there are.
    pub const COUNT: usize = 14;
    /// All of them, in the order of their indexes.
    pub const ALL: [Self; Self::COUNT] = [
        Self::Bypass,
        Self::Connect,
        Self::Reset,
        Self::Timeout,
        Self::Status,
        Self::Cut,
        Self::Capacity,
        Self::Stalled,
        Self::ErrorEvent,
        Self::Empty,
        Self::Broken,
        Self::Unfit,
        Self::Refused,
        Self::Owner,
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
            Self::Capacity => "capacity",
            Self::Stalled => "stalled",
            Self::ErrorEvent => "error_event",
            Self::Empty => "empty",
            Self::Broken => "broken",
            Self::Unfit => "unfit",
            Self::Refused => "refused",
            Self::Owner => "owner",
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
    /// The head is larger than allowed, or has more lines.
    HeadTooLarge,
    /// The target is longer than allowed.
    UriTooLong,
    /// The body is larger than the route allows.
    BodyTooLarge,
    /// The head was not there in time.
    SlowHead,
    /// The body stalled, or came too slowly.
    SlowBody,
    /// Its client has asked too often.
    RateLimited,
    /// The backend is busy, and too many wait for it already.
    QueueFull,
    /// The backend was busy for too long.
    QueueTimeout,
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
    /// An event stream had no event in time.
    Stalled,
    /// An event stream ended without an event.
    Empty,
    /// An event stream broke before an event.
    Broken,
    /// It came without TLS and is sent to where there is some.
    Redirect,
    /// It is no request that a Serverless backend could be sent.
    Unfit,
    /// A Serverless worker did not let it in.
    Refused,
    /// It, or what came back, could not be adapted to the other API.
    Adapter,
    /// It is for something whose owner is not there, or not known.
    Owner,
}

impl Fault {
    /// How many there are.
    pub const COUNT: usize = 24;
    /// All of them, in the order of their indexes.
    pub const ALL: [Self; Self::COUNT] = [
        Self::NoRoute,
        Self::BadRequest,
        Self::Unsupported,
        Self::HeadTooLarge,
        Self::UriTooLong,
        Self::BodyTooLarge,
        Self::SlowHead,
        Self::SlowBody,
        Self::RateLimited,
        Self::QueueFull,
        Self::QueueTimeout,
        Self::NoEndpoint,
        Self::Connect,
        Self::Reset,
        Self::Timeout,
        Self::Cut,
        Self::Stalled,
        Self::Empty,
        Self::Broken,
        Self::Redirect,
        Self::Unfit,
        Self::Refused,
        Self::Adapter,
        Self::Owner,
    ];

    /// As it stands in `x-figshift-reason`, metrics and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoRoute => "no_route",
            Self::BadRequest => "bad_request",
            Self::Unsupported => "unsupported",
            Self::HeadTooLarge => "head_too_large",
            Self::UriTooLong => "uri_too_long",
            Self::BodyTooLarge => "body_too_large",
            Self::SlowHead => "slow_head",
            Self::SlowBody => "slow_body",
            Self::RateLimited => "rate_limited",
            Self::QueueFull => "queue_full",
            Self::QueueTimeout => "queue_timeout",
            Self::NoEndpoint => "no_endpoint",
            Self::Connect => "upstream_connect",
            Self::Reset => "upstream_reset",
            Self::Timeout => "upstream_timeout",
            Self::Cut => "cut",
            Self::Stalled => "upstream_stalled",
            Self::Empty => "upstream_empty",
            Self::Broken => "upstream_broken",
            Self::Redirect => "redirect",
            Self::Unfit => "unfit",
            Self::Refused => "upstream_refused",
            Self::Adapter => "adapter",
            Self::Owner => "owner",
        }
    }
}

/// What went wrong with a response after its head.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Trouble {
    /// No first event in time.
    FirstEvent,
    /// Silence for too long, after the first event or within another body.
    Gap,
    /// The connection broke.
    Broken,
    /// An event that says that it failed.
    ErrorEvent,
    /// An event stream that ended without an event.
    Empty,
    /// It could not be adapted to what its client expects.
    Adapter,
}

impl Trouble {
    /// How many there are.
    pub const COUNT: usize = 6;
    /// All of them, in the order of their indexes.
    pub const ALL: [Self; Self::COUNT] = [
        Self::FirstEvent,
        Self::Gap,
        Self::Broken,
        Self::ErrorEvent,
        Self::Empty,
        Self::Adapter,
    ];

    /// The class of a try that ends so. An error event may have a status, which tells more.
    pub fn class(self) -> Class {
        match self {
            Self::FirstEvent | Self::Gap => Class::Timeout,
            Self::Broken | Self::Empty => Class::Broken,
            Self::ErrorEvent | Self::Adapter => Class::ServerError,
        }
    }

    /// As it stands in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FirstEvent => "first_event",
            Self::Gap => "gap",
            Self::Broken => "broken",
            Self::ErrorEvent => "error_event",
            Self::Empty => "empty",
            Self::Adapter => "adapter",
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
        for (index, trouble) in Trouble::ALL.into_iter().enumerate() {
            assert_eq!(trouble as usize, index);
        }
        for (index, fault) in Fault::ALL.into_iter().enumerate() {
            assert_eq!(fault as usize, index);
        }
    }
}
