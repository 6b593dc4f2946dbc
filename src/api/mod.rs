//! What the admin port says and takes, as types: the server and the command line share them, and the
//! OpenAPI document is derived from them. Fields are only ever added.

mod change;
mod flag;
mod health;
mod journal;
mod problem;
mod state;

pub use change::{Applied, Moved, Resume, Rollback, Shift};
pub use flag::FlagState;
pub use health::{
    BreakerState, ConfigHealth, ConfigStatus, EndpointHealth, Health, HouseStatus, Readiness,
    RouteHealth, RouteReadiness, ServiceHealth, ServiceStatus,
};
pub use journal::{Journal, JournalEntry};
pub use problem::Problem;
pub use state::{Link, Phase, RouteState, SideState, State};
