//! A house with a legacy backend and instances of the stand-in, and what tests ask of them.

use serde_json::Value;

use crate::support::client::Client;
use crate::support::house::{House, Plan};
use crate::support::origin::{Do, Origin, ok, status};
use crate::support::vast::{KEY, Row, VastAi};

/// The label that the house looks for.
pub(crate) const LABEL: &str = "shop-inference";
/// The port inside the container.
pub(crate) const PORT: u16 = 8000;
/// The path of the readiness request.
pub(crate) const READY: &str = "/v1/ready";
/// How often the house looks: as often as the API allows.
pub(crate) const INTERVAL: &str = "1s";

/// The backends `old` (one origin) and `new` (the instances), and a route `all` over them.
pub(crate) fn plan(vast: &VastAi, old: &Origin, percent: u32, more: &str) -> Plan {
    Plan::new(format!(
        r#"
[admin]
hosts = ["test"]
[backends.old]
endpoints = ["{old}"]
[backends.new]
breaker = {{ slow_start = "0s" }}
timeouts = {{ connect = "300ms" }}
{more}
[backends.new.discover.vastai]
label = "{LABEL}"
port = {PORT}
interval = "{INTERVAL}"
api = "{api}"
api_key = "{KEY}"
[backends.new.ready]
path = "{READY}"
body = '{{"prompt": "1"}}'
expect = ["200"]
contains = "choices"
timeout = "1s"
interval = "100ms"
[[routes]]
name = "all"
primary = "old"
candidate = "new"
percent = {percent}
"#,
        old = old.url(),
        api = vast.url(),
    ))
}

/// A service on an instance that is ready and says this.
pub(crate) fn service(text: &'static str) -> Origin {
    Origin::new(move |seen| match seen.target() {
        READY => vec![ok(br#"{"choices": []}"#)],
        _ => vec![ok(text.as_bytes())],
    })
}

/// The same before it is up, as the portal of the base image shows it.
pub(crate) fn placeholder() -> Vec<Do> {
    vec![status(
        "200 OK",
        &["x-portal-placeholder: true"],
        b"choices",
    )]
}

/// An instance of the house's label with its service there.
pub(crate) fn row(id: u64, service: &Origin) -> Row {
    Row::new(id)
        .label(LABEL)
        .running()
        .at(PORT, service.address)
}

/// Requests for work, those for readiness left out.
pub(crate) fn served(origin: &Origin) -> usize {
    let seen = origin.seen();
    seen.iter().filter(|seen| seen.target() != READY).count()
}

/// An answer of the admin port.
pub(crate) async fn admin(house: &House, path: &str) -> String {
    let mut client = Client::new(house.app.admin).await;
    client.get(path).await.text()
}

/// What the state says of the backend `new`.
pub(crate) async fn state(house: &House) -> Value {
    let state: Value = serde_json::from_str(&admin(house, "/api/v1/state").await).unwrap();
    state["backends"]["new"].clone()
}

/// Keys of the endpoints that get traffic.
pub(crate) fn ready(house: &House) -> Vec<String> {
    let snapshot = house.app.publisher.current();
    let backend = snapshot
        .backends
        .iter()
        .find(|backend| &*backend.name == "new");
    let members = backend
        .unwrap()
        .members
        .iter()
        .map(|member| &member.endpoint);
    let ready = members.filter(|endpoint| endpoint.carries());
    ready.map(|endpoint| endpoint.key.to_string()).collect()
}
