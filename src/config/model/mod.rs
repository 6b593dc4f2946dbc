//! The file as written: serde types with their defaults, one struct per table.
//! The JSON Schema for editors is derived from these same types. Values are already parsed
//! (durations, sizes, percents) but not yet checked against each other: that is `validate`.

mod adapter;
mod backend;
mod budget;
mod discover;
mod flag;
mod guard;
mod house;
mod limits;
mod ownership;
mod ramp;
mod route;
mod serverless;
mod tls;

pub use adapter::{
    Adapter, DoneMark, HeaderRules, Operation, QueryRules, REQUEST_VARIABLES, StreamOf, VARIABLES,
    WhenUnfit, WhenUnmatched,
};
pub use backend::{
    Backend, Breaker, Endpoint, Health, HostPolicy, OnDisconnect, Pool, Protocol, Timeouts,
    WeightedEndpoint,
};
pub use budget::Budget;
pub use discover::{
    BackendAuth, Discover, DnsDiscovery, DnsRecord, FileDiscovery, HttpDiscovery, InstanceAuth,
    Ready, Scheme, VastDiscovery,
};
pub use flag::Flag;
pub use guard::{Compare, ErrorMargins, Guard, LatencyMargins, Limit, LimitMethod, Quantile};
pub use house::{Admin, Config, Listen, Log, LogFormat, default_state_dir};
pub use limits::{BackendLimit, ClientLimits, RateLimit};
pub use ownership::{IdMode, ListBy, Ownership, WhenUnknown};
pub use ramp::{Gate, Ramp, Schedule, WhenStalled};
pub use route::{Match, Route, SideAdapters};
pub use serverless::{CostField, Serverless, ServerlessCost, ServerlessMode};
pub use tls::{BackendTls, Certificate, ClientAuth, ListenTls};
