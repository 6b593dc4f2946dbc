//! The file as a whole, and the tables that concern the house itself.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Adapter, Backend, ClientLimits, ListenTls, Ownership, Route};
use crate::config::scalar::{Duration, Net, Secret};

/// The whole file.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Folder for what must survive a restart (the journal, the last good file). Needs a restart to change.
    #[serde(default = "default_state_dir")]
    pub state_dir: PathBuf,
    /// Addresses to listen on, and what clients may do there. `http`, `https`, `admin` and `workers` need a restart to change.
    pub listen: Listen,
    /// Who may use the admin port.
    #[serde(default)]
    pub admin: Admin,
    /// Log output.
    #[serde(default)]
    pub log: Log,
    /// Logical services by name.
    pub backends: BTreeMap<String, Backend>,
    /// What stands between clients and a backend with another API, by name.
    #[serde(default)]
    pub adapters: BTreeMap<String, Adapter>,
    /// What stays on the side where it was made.
    #[serde(default)]
    pub ownership: Vec<Ownership>,
    /// Routes in order; the first match wins.
    #[serde(default)]
    pub routes: Vec<Route>,
}

/// `[listen]`.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Listen {
    /// Address of the proxy, `ip:port`.
    #[schemars(extend("examples" = ["0.0.0.0:8080"]))]
    pub http: String,
    /// Address of the proxy for TLS, `ip:port`, beside `http`. It needs `[listen.tls]`.
    #[schemars(extend("examples" = ["0.0.0.0:8443"]))]
    pub https: Option<String>,
    /// What `https` shows.
    pub tls: Option<ListenTls>,
    /// Address of the admin port (metrics, health, commands), `ip:port`. Beyond this machine it needs `admin.token`.
    #[serde(default = "default_admin")]
    pub admin: String,
    /// Worker threads; default: one per core.
    #[schemars(range(min = 1, max = 1024))]
    pub workers: Option<usize>,
    /// Peers whose `X-Forwarded-*`, `Forwarded` and `x-figshift-side` headers are believed (CIDR or address).
    #[serde(default)]
    pub trusted: Vec<Net>,
    /// Peers whose connections begin with a PROXY header (v1 or v2) that says who the client is (CIDR or address). One without it is closed.
    #[serde(default)]
    pub proxy_protocol: Vec<Net>,
    /// How long a connection may take for its PROXY header and its TLS handshake.
    #[serde(default = "Listen::default_handshake")]
    pub handshake: Duration,
    /// A keep-alive connection without a request for this long is closed.
    #[serde(default = "Listen::default_idle")]
    pub idle: Duration,
    /// After SIGTERM, how long new connections are still taken while `/readyz` is red and clients are asked to leave.
    #[serde(default = "Listen::default_drain_delay")]
    pub drain_delay: Duration,
    /// After that, how long running requests may take to finish.
    #[serde(default = "Listen::default_drain")]
    pub drain: Duration,
    /// What a client may ask of figshift.
    #[serde(default)]
    pub limits: ClientLimits,
}

/// `[admin]`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Admin {
    /// What `/api/v1` asks for (`Authorization: Bearer`). Empty closes `/api/v1`; without the key everybody who reaches the port may use it.
    pub token: Option<Secret>,
    /// Names that the admin port is called by, beside `localhost` and IP addresses. A request with another `Host` is refused.
    pub hosts: Vec<String>,
    /// Path of a Unix socket beside `listen.admin`. Only the user that figshift runs as may open it, and needs no token there. Needs a restart to change.
    #[schemars(extend("examples" = ["/run/figshift/admin.sock"]))]
    pub socket: Option<PathBuf>,
}

/// `[log]`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// `error`, `warn`, `info`, `debug`, `trace`, or a filter such as `info,figshift::proxy=debug`. `RUST_LOG` wins.
    pub level: Option<String>,
    /// Human text on a terminal and JSON otherwise, unless set.
    pub format: LogFormat,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Text on a terminal, JSON otherwise.
    #[default]
    Auto,
    /// Human text.
    Text,
    /// One JSON object a line.
    Json,
}

/// The state folder of a file that names none, in the working directory.
pub fn default_state_dir() -> PathBuf {
    PathBuf::from("figshift-state")
}

fn default_admin() -> String {
    "127.0.0.1:9901".to_owned()
}
