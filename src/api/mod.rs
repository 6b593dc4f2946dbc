//! What the admin port says and takes, as types: the server and the command line share them, and the
//! OpenAPI document is derived from them. Fields are only ever added.

mod change;
mod config;
mod cost;
mod discovery;
mod drain;
mod explanation;
mod flag;
mod guard;
mod health;
mod journal;
mod owner;
mod problem;
mod ramp;
mod serverless;
mod state;

pub use change::{Applied, Moved, Resume, Rollback, Shift};
pub use config::ConfigText;
pub use cost::{BackendCost, BudgetState, SideCost};
pub use discovery::{DiscoveryState, FoundState, Notified};
pub use drain::{BackendDrain, DrainWord, Drains, OwnersTable, RuleDrain};
pub use explanation::{Choice, ChosenBy, Explanation, Refused, Try, Turn, is_request_id};
pub use flag::FlagState;
pub use guard::{
    BadOf, GuardState, GuardWord, MetricState, MetricWord, ProgressState, Quantiles, SideUnits,
    SlowLimits, Yardstick,
};
pub use health::{
    BreakerState, ConfigHealth, ConfigStatus, EndpointHealth, Health, HouseStatus, Readiness,
    RouteHealth, RouteReadiness, ServiceHealth, ServiceStatus,
};
pub use journal::{Journal, JournalEntry};
pub use owner::{Forgotten, Imported, LiveOwner, LiveOwners, NewOwner, Owner, RefusedOwner};
pub use problem::Problem;
pub use ramp::{PausedBy, Ramp, RampOrder, RampState, RampWord};
pub use serverless::{KeyState, ServerlessState};
pub use state::{Link, Phase, RouteState, SideState, State};
