//! `[listen.tls]` and `[backends.NAME.tls]`.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::scalar::{Duration, Pin};

/// `[listen.tls]`: what `listen.https` shows.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListenTls {
    /// Certificates with their keys, `{ cert = "...", key = "..." }`. A client gets the one for the name that it asks for, else the first. Read again when the files change.
    pub certificates: Vec<Certificate>,
    /// File (PEM) of the authorities that sign the certificates of clients.
    pub client_ca: Option<PathBuf>,
    /// Whether clients show certificates: `off`, `optional` (one that is shown must be good), `required`.
    #[serde(default)]
    pub client_auth: ClientAuth,
    /// What comes to `listen.http` is sent to `listen.https` (308).
    #[serde(default)]
    pub redirect: bool,
    /// The port that clients are sent to, where it is not that of `listen.https`.
    #[schemars(range(min = 1, max = 65535))]
    pub redirect_port: Option<u16>,
    /// Browsers shall use TLS only, for so long (`Strict-Transport-Security`).
    pub hsts: Option<Duration>,
}

/// A certificate with its key.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Certificate {
    /// File (PEM) with the certificate and then its chain.
    #[schemars(extend("examples" = ["/etc/figshift/tls.crt"]))]
    pub cert: PathBuf,
    /// File (PEM) with its private key.
    #[schemars(extend("examples" = ["/etc/figshift/tls.key"]))]
    pub key: PathBuf,
}

/// Whether clients show certificates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ClientAuth {
    /// They are not asked.
    #[default]
    Off,
    /// One that is shown must be good.
    Optional,
    /// Without one there is no connection.
    Required,
}

/// `[backends.NAME.tls]`: whom its `https://` endpoints have to be.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BackendTls {
    /// Files (PEM) of the authorities that are believed, in place of the system's; `"system"` in the list is those too.
    #[schemars(extend("examples" = [["/etc/figshift/vast-root.pem"]]))]
    pub ca: Vec<String>,
    /// The name or address that certificates must be for, in place of the endpoint's host.
    pub name: Option<String>,
    /// Digests of certificates or public keys, one of which must be shown. Without `ca`, nothing else is checked.
    pub pin: Vec<Pin>,
    /// File (PEM) with the certificate that is shown to the backend.
    pub cert: Option<PathBuf>,
    /// File (PEM) with its private key.
    pub key: Option<PathBuf>,
    /// Whoever answers is believed. For trials only.
    pub insecure: bool,
}

impl BackendTls {
    /// What stands for the authorities of the system in `ca`.
    pub const SYSTEM: &str = "system";
}
