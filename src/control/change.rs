//! The only message that the controller takes, and its answer.

use std::fmt;
use std::io;
use std::sync::Arc;

use tokio::sync::oneshot;

use super::journal::Move;
use crate::policy::ramp;
use crate::snapshot::{Address, Endpoint};

/// Something that alters traffic, and who wants it.
#[derive(Debug)]
pub struct Change {
    /// What.
    pub what: What,
    /// Who.
    pub actor: Actor,
    /// Why, in their words; may be empty.
    pub reason: String,
    /// Only if this state is still in force: what was decided on an older one may be wrong.
    pub if_epoch: Option<u64>,
    /// Who waits for the answer, if anybody.
    pub(super) reply: Option<oneshot::Sender<Answer>>,
}

/// What became of a change.
pub type Answer = Result<Done, Refused>;

impl Change {
    /// Without a reason, a condition or a waiting sender.
    pub fn new(what: What, actor: Actor) -> Self {
        Self {
            what,
            actor,
            reason: String::new(),
            if_epoch: None,
            reply: None,
        }
    }
}

/// What shall change.
#[derive(Debug)]
pub enum What {
    /// The file is to be read and applied.
    File,
    /// A health check has a new word on an endpoint.
    Health {
        /// Which.
        endpoint: Arc<Endpoint>,
        /// Its backend, for the log.
        backend: Box<str>,
        /// The word.
        healthy: bool,
    },
    /// An endpoint has answered what it must before it gets traffic.
    Proof {
        /// Which.
        endpoint: Arc<Endpoint>,
        /// Its backend, for the log.
        backend: Box<str>,
    },
    /// The endpoints of a backend that learns them are others now.
    Addresses {
        /// Of which backend.
        backend: String,
        /// Where they were looked for.
        place: String,
        /// All that there are.
        addresses: Vec<Address>,
    },
    /// The file `KILL` in the state folder is there, or has gone.
    KillFile,
    /// The candidate of a route, or of all, gets nothing from now on.
    Rollback {
        /// Which; all if absent.
        route: Option<String>,
        /// What still runs there is cut; else it finishes.
        hard: bool,
    },
    /// Rollbacks are over.
    Resume {
        /// Of which route; of all if absent.
        route: Option<String>,
    },
    /// The candidate of a route gets another share, without the file.
    Shift {
        /// Which.
        route: String,
        /// Hundredths of a percent.
        hundredths: u16,
        /// Although the guard holds traffic back, or the candidate's budget is used up.
        force: bool,
    },
    /// An operator's word on a ramp.
    Ramp {
        /// Of which route.
        route: String,
        /// The word.
        order: Order,
    },
    /// The gate has answered whether a ramp may step up.
    Gate {
        /// Of which route.
        route: String,
        /// To which share, in hundredths of a percent.
        step: u16,
        /// Its answer.
        yes: bool,
    },
    /// The feature flag of a route has another value.
    Flag {
        /// Of which route.
        route: String,
        /// Hundredths of a percent.
        hundredths: u16,
    },
    /// The budget of a candidate is used up, or is not any more.
    Budget {
        /// On which routes.
        routes: Vec<String>,
        /// The candidate.
        backend: String,
        /// Whether it is.
        over: bool,
    },
}

/// What an operator can tell a ramp.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Begin, from the share in force; after a rollback from nothing.
    Start,
    /// Stay at this share.
    Pause,
    /// Go on; after a rollback begin again.
    Resume,
    /// Go to the next step at once.
    Promote,
    /// Take the traffic back and end.
    Abort,
}

impl Order {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Start,
        Self::Pause,
        Self::Resume,
        Self::Promote,
        Self::Abort,
    ];

    /// As it stands in paths and commands.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Promote => "promote",
            Self::Abort => "abort",
        }
    }
}

/// Who wants a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor {
    /// The file was saved.
    File,
    /// SIGHUP.
    Signal,
    /// An active health check.
    Health,
    /// The file `KILL`.
    KillFile,
    /// Somebody at the admin port.
    Operator,
    /// The guard.
    Guard,
    /// A ramp, by itself.
    Ramp,
    /// The gate of a ramp.
    Gate,
    /// The feature flag.
    Flag,
    /// Who looks for the endpoints of backends.
    Discovery,
    /// The budget of a backend.
    Budget,
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::File => "file",
            Self::Signal => "signal",
            Self::Health => "health",
            Self::KillFile => "kill_file",
            Self::Operator => "operator",
            Self::Guard => "guard",
            Self::Ramp => "ramp",
            Self::Gate => "gate",
            Self::Flag => "flag",
            Self::Discovery => "discovery",
            Self::Budget => "budget",
        })
    }
}

/// A change is in force.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Done {
    /// Of the snapshot in force now.
    pub epoch: u64,
    /// What it did to the traffic.
    pub moves: Vec<Move>,
    /// Whether a restart will know of it.
    pub persisted: bool,
}

/// Why a change is not in force.
#[derive(Debug)]
pub enum Refused {
    /// The file is broken: its problems.
    File(String),
    /// Another change came first.
    Stale {
        /// The state in force.
        epoch: u64,
    },
    /// There is no such route.
    NoRoute(String),
    /// The backend does not learn its endpoints, or not any more.
    NotDiscovered(String),
    /// The route has nothing to shift to.
    NoCandidate(String),
    /// A kill switch is on: what is in force, and why.
    Capped(String),
    /// The guard holds traffic back: what is in force, and why.
    Held(String),
    /// It raises a percent whose candidate has used up its budget: what is in force, and why.
    OverBudget(String),
    /// The file has no ramp for the route.
    NoRamp(String),
    /// The ramp is not in a state for that.
    Ramp(ramp::Refusal),
    /// `VASTAI_ENABLED=false` holds as long as the process.
    Disabled,
    /// All routes are rolled back, so one alone cannot resume.
    AllRolledBack,
    /// It raises the candidate's share and could not be written down; a restart would undo it.
    Journal(io::Error),
    /// The file `KILL` cannot be removed.
    KillFile(io::Error),
    /// The controller is gone: the house is ending.
    Gone,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(problems) => f.write_str(problems),
            Self::Stale { epoch } => write!(
                f,
                "another change came first and epoch {epoch} is in force: look again and repeat"
            ),
            Self::NoRoute(route) => write!(f, "there is no route `{route}`"),
            Self::NotDiscovered(backend) => {
                write!(f, "backend `{backend}` does not learn its endpoints")
            }
            Self::NoCandidate(route) => write!(f, "route `{route}` has no candidate to shift to"),
            Self::Capped(force) => write!(f, "a kill switch is on ({force}): resume first"),
            Self::Held(force) => write!(
                f,
                "the guard holds traffic back ({force}): resume, or shift by force"
            ),
            Self::OverBudget(force) => write!(
                f,
                "the budget of the candidate is used up ({force}): wait, raise the budget, or shift by force"
            ),
            Self::NoRamp(route) => write!(
                f,
                "route `{route}` has no ramp: write `[routes.ramp]` with `steps` into the file"
            ),
            Self::Ramp(refusal) => f.write_str(refusal.as_str()),
            Self::Disabled => f.write_str(
                "VASTAI_ENABLED=false is in the environment of the process: remove it and restart",
            ),
            Self::AllRolledBack => {
                f.write_str("all routes are rolled back: resume without naming a route")
            }
            Self::Journal(error) => write!(
                f,
                "it raises the candidate's share and cannot be written to the journal: {error}"
            ),
            Self::KillFile(error) => write!(f, "the file KILL cannot be removed: {error}"),
            Self::Gone => f.write_str("figshift is ending"),
        }
    }
}

impl std::error::Error for Refused {}
