//! `[backends.NAME.discover]`: addresses that come and go. `[backends.NAME.ready]` and
//! `[backends.NAME.auth]`: what such an endpoint has to show first, and what it is shown.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::scalar::{Credential, Duration, Secret, StatusSet};

/// `[backends.NAME.discover]`: where a backend's endpoints are learned from; exactly one source.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Discover {
    /// Instances rented from Vast.ai.
    pub vastai: Option<VastDiscovery>,
    /// Addresses of a name in the DNS.
    pub dns: Option<DnsDiscovery>,
    /// A file with targets, as Prometheus' `file_sd` has them (JSON).
    pub file: Option<FileDiscovery>,
    /// A URL that answers with targets, as Prometheus' `http_sd` has them.
    pub http: Option<HttpDiscovery>,
}

/// How endpoints are spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Scheme {
    /// Plain HTTP.
    #[default]
    Http,
    /// HTTP over TLS; `tls` of the backend says whom its endpoints have to be.
    Https,
}

/// `discover.vastai`: the instances that have all that is asked for here; one of `label`, `ids` and `template` must be there.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VastDiscovery {
    /// The label of the instances, exactly.
    #[schemars(extend("examples" = ["llm-prod"]))]
    pub label: Option<String>,
    /// Numbers of instances.
    #[serde(default)]
    pub ids: Vec<u64>,
    /// Hash, name or number of the template that the instances were made of.
    pub template: Option<String>,
    /// Port of the service inside the container. The one outside is found.
    #[schemars(range(min = 1, max = 65535), extend("examples" = [8000]))]
    pub port: u16,
    /// What is spoken on that port.
    #[serde(default)]
    pub scheme: Scheme,
    /// Time between two looks; "1s" to "5m". All backends with the same key share one look.
    #[serde(default = "VastDiscovery::default_interval")]
    pub interval: Duration,
    /// For so long an instance without a sign of life (`unknown`, `offline`) stays in while its service answers; at most "10m".
    #[serde(default = "VastDiscovery::default_grace")]
    pub grace: Duration,
    /// The API key; default: `VAST_API_KEY`, then the key files of the `vastai` command. It needs `instance_read` only.
    pub api_key: Option<Credential>,
    /// Where the API is: https, but on this machine.
    #[serde(default = "VastDiscovery::default_api")]
    pub api: String,
    /// Secret of a notification webhook of Vast.ai to `/api/v1/vastai/webhook` of the admin port: what it tells is looked up at once.
    pub webhook_secret: Option<Secret>,
}

/// `discover.dns`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DnsDiscovery {
    /// The name.
    #[schemars(extend("examples" = ["llm.internal", "_http._tcp.llm.internal"]))]
    pub name: String,
    /// What is asked for.
    #[serde(default)]
    pub record: DnsRecord,
    /// Port of all endpoints; `srv` records have their own.
    #[schemars(range(min = 1, max = 65535))]
    pub port: Option<u16>,
    /// What is spoken there.
    #[serde(default)]
    pub scheme: Scheme,
    /// The server that is asked, as `"address:port"`; default: those of the system.
    #[schemars(extend("examples" = ["127.0.0.1:8600"]))]
    pub server: Option<String>,
    /// Shortest time between two questions, whatever the record's time to live; "1s" to "1h".
    #[serde(default = "DnsDiscovery::default_interval")]
    pub interval: Duration,
}

/// Kind of DNS records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DnsRecord {
    /// Addresses: A and AAAA.
    #[default]
    A,
    /// Services: names with ports and weights.
    Srv,
}

/// `discover.file`: JSON such as `[{"targets": ["10.0.0.5:8000"], "labels": {"weight": "2"}}]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileDiscovery {
    /// The file. It is read when it changes.
    #[schemars(extend("examples" = ["/etc/figshift/targets.json"]))]
    pub path: PathBuf,
    /// What is spoken with the targets.
    #[serde(default)]
    pub scheme: Scheme,
}

/// `discover.http`: a URL that answers with the JSON of `discover.file`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HttpDiscovery {
    /// The URL.
    #[schemars(extend("examples" = ["http://inventory.internal/targets"]))]
    pub url: String,
    /// What is spoken with the targets.
    #[serde(default)]
    pub scheme: Scheme,
    /// Time between two questions; "1s" to "1h".
    #[serde(default = "HttpDiscovery::default_interval")]
    pub interval: Duration,
    /// Sent as `Authorization: Bearer`; empty: nothing is sent.
    pub token: Option<Credential>,
}

/// `[backends.NAME.ready]`: the request that a discovered endpoint must answer well before it gets traffic, and again after its breaker has tripped. Real work is the best proof: a tiny inference.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Ready {
    /// Path of the request.
    #[schemars(extend("examples" = ["/v1/completions"]))]
    pub path: String,
    /// Its body: with one it is a POST, else a GET.
    #[schemars(extend("examples" = ["{\"model\": \"m\", \"prompt\": \"1\", \"max_tokens\": 1}"]))]
    pub body: Option<String>,
    /// Content type of the body.
    pub content_type: String,
    /// Statuses that are good; by default 200 to 299, 404 and 405: a service is there.
    pub expect: StatusSet,
    /// What the answer's first 64 KiB must have in them.
    pub contains: Option<String>,
    /// An answer that takes longer is none; at most "10m".
    pub timeout: Duration,
    /// Time between two questions to an endpoint that is not ready; "100ms" to "5m".
    pub interval: Duration,
}

/// `[backends.NAME.auth]`: what stands in `Authorization` towards the backend, in place of what the client has written there. One of `bearer`, `basic`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BackendAuth {
    /// `Bearer` with this token.
    pub bearer: Option<Credential>,
    /// `Basic` with this `user:password`.
    pub basic: Option<Credential>,
    /// Another one for single instances of Vast.ai, by their number.
    pub instances: BTreeMap<String, InstanceAuth>,
}

/// `[backends.NAME.auth.instances]`: one instance's own. One of `bearer`, `basic`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct InstanceAuth {
    /// `Bearer` with this token.
    pub bearer: Option<Credential>,
    /// `Basic` with this `user:password`.
    pub basic: Option<Credential>,
}

impl Discover {
    /// What is spoken with the endpoints that are found.
    pub fn scheme(&self) -> Scheme {
        let vastai = self.vastai.as_ref().map(|vastai| vastai.scheme);
        let dns = self.dns.as_ref().map(|dns| dns.scheme);
        let file = self.file.as_ref().map(|file| file.scheme);
        let http = self.http.as_ref().map(|http| http.scheme);
        vastai.or(dns).or(file).or(http).unwrap_or_default()
    }

    /// As it stands in answers, metrics and logs: `vastai`, `dns`, `file`, `http`.
    pub fn source(&self) -> &'static str {
        match self {
            Self {
                vastai: Some(_), ..
            } => "vastai",
            Self { dns: Some(_), .. } => "dns",
            Self { file: Some(_), .. } => "file",
            _ => "http",
        }
    }
}

impl Scheme {
    /// As it stands in a URL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}
