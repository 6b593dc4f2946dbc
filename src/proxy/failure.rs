//! Why a try brought no response head.

use crate::stats::{Class, Reason, Trouble};

/// Why a try brought no response head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) kind: FailureKind,
    /// The backend has certainly not begun with it.
    pub(super) unprocessed: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FailureKind {
    /// No connection.
    Connect,
    /// No descriptor is left for one: that is our lack, not the backend's.
    NoDescriptor,
    /// The connection broke, or what came was no response.
    Reset,
    /// The same on a connection that had been idle: the backend may just have closed it.
    Stale,
    /// No response head in time.
    Timeout,
    /// An event stream went wrong before its first event.
    Stream(Trouble),
    /// A hard rollback came first.
    Cut,
    /// The backend was busy, and too many waited for it.
    QueueFull,
    /// The backend was busy for too long.
    QueueLate,
    /// The client did not send its body in time, or fast enough.
    ClientSlow,
    /// The client's body is larger than the route allows.
    BodyTooLarge,
    /// The client's body broke.
    ClientBroke,
    /// It is no request that a Serverless backend could be sent.
    Unfit(Unfit),
    /// It cannot be adapted to the API of a side, and shall not go to another one.
    Unadapted(Unfit),
    /// It is for a thing that is somewhere else, or nobody knows where.
    Lost(Lost),
    /// Nobody could be asked for a Serverless worker.
    Engine,
    /// A Serverless worker did not let it in.
    Refused,
}

/// Why a request for something that was made before can go nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lost {
    /// Its owner is no side of the route any more.
    Gone,
    /// A side that may have it did not answer.
    Unsure,
    /// No side has it, or could have it.
    Nowhere,
    /// It cannot be called as its owner calls it.
    Unnamed,
    /// A side has not told what it has.
    List,
}

/// Why a request cannot be served by a backend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unfit {
    /// It is not a POST, or asks for another protocol.
    Method,
    /// Its body is not said to be JSON.
    Type,
    /// Its body is not exactly one JSON object.
    Body,
    /// Its body is larger than what is wrapped.
    Large,
    /// Its path leads to the controls of a worker, or out of an endpoint.
    Path,
    /// Its adapter has no operation for it.
    Operation,
    /// Its body is not the JSON that its adapter needs.
    NotJson,
    /// Its body is larger than what its adapter holds.
    Long,
    /// Its adapter's program came to nothing.
    Untranslated,
}

impl FailureKind {
    /// What is told of a request when this comes after another failure, at a place where it came for this reason:
    /// that a request fits nowhere else says nothing of why it did not go well where it fits.
    pub(super) fn after(self, earlier: Option<Self>, reason: Option<Reason>) -> Option<Self> {
        match self {
            Self::Unfit(_) if reason == Some(Reason::Bypass) => earlier,
            Self::Unfit(_) => earlier.or(Some(self)),
            _ => Some(self),
        }
    }

    pub(super) fn class(self) -> Class {
        match self {
            Self::Connect | Self::Engine => Class::Connect,
            Self::Unfit(Unfit::Untranslated) | Self::Unadapted(Unfit::Untranslated) => {
                Class::ServerError
            }
            Self::Unfit(_) | Self::Unadapted(_) => Class::ClientError,
            Self::Refused | Self::Lost(Lost::Gone | Lost::Unnamed) => Class::ServerError,
            Self::Lost(Lost::Unsure | Lost::List) => Class::Connect,
            Self::Lost(Lost::Nowhere) => Class::ClientError,
            Self::Reset | Self::Stale => Class::Reset,
            Self::Timeout => Class::Timeout,
            Self::QueueFull | Self::QueueLate => Class::Capacity,
            Self::Stream(trouble) => trouble.class(),
            Self::NoDescriptor
            | Self::Cut
            | Self::ClientSlow
            | Self::BodyTooLarge
            | Self::ClientBroke => Class::Cancelled,
        }
    }

    pub(super) fn reason(self) -> Reason {
        match self {
            Self::Connect | Self::NoDescriptor | Self::Engine => Reason::Connect,
            Self::Unfit(_) | Self::Unadapted(_) => Reason::Unfit,
            Self::Refused => Reason::Refused,
            Self::Lost(_) => Reason::Owner,
            Self::Timeout => Reason::Timeout,
            Self::Cut => Reason::Cut,
            Self::QueueFull | Self::QueueLate => Reason::Capacity,
            Self::Stream(trouble) => match trouble {
                Trouble::FirstEvent | Trouble::Gap => Reason::Stalled,
                Trouble::Broken => Reason::Broken,
                Trouble::ErrorEvent => Reason::ErrorEvent,
                Trouble::Empty => Reason::Empty,
                Trouble::Adapter => Reason::Unfit,
            },
            _ => Reason::Reset,
        }
    }
}
