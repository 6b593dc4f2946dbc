//! Rows of Vast.ai's list, full ones, with what a test wants to be different.

use std::net::SocketAddr;

use serde_json::{Value, json};

/// An instance as the API tells it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row(Value);

impl Row {
    /// A labelled on-demand instance that runs, with port 22 mapped and no other; all fields of a real one.
    pub(crate) fn new(id: u64) -> Self {
        let Self(row) = Self::fixture().swap_remove(0);
        let ssh = json!([{"HostIp": "0.0.0.0", "HostPort": "40011"}, {"HostIp": "::", "HostPort": "40011"}]);
        Self(row).set("id", id).set("ports", json!({"22/tcp": ssh}))
    }

    /// The rows of the fixture.
    pub(crate) fn fixture() -> Vec<Self> {
        let body = include_str!("../fixtures/vastai-instances.json");
        let mut body: Value = serde_json::from_str(body).unwrap();
        let rows = body["instances"].take();
        let Value::Array(rows) = rows else {
            panic!("the fixture has rows");
        };
        rows.into_iter().map(Self).collect()
    }

    pub(crate) fn id(&self) -> u64 {
        self.0["id"].as_u64().unwrap()
    }

    pub(crate) fn value(&self) -> Value {
        self.0.clone()
    }

    /// Any field.
    pub(crate) fn set(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0[name] = value.into();
        self
    }

    pub(crate) fn label(self, label: &str) -> Self {
        self.set("label", label)
    }

    /// The service on this port of the container is found there.
    pub(crate) fn at(mut self, port: u16, outside: SocketAddr) -> Self {
        let outer = outside.port().to_string();
        let bindings =
            json!([{"HostIp": "0.0.0.0", "HostPort": outer}, {"HostIp": "::", "HostPort": outer}]);
        if !self.0["ports"].is_object() {
            self.0["ports"] = json!({});
        }
        self.0["ports"][format!("{port}/tcp")] = bindings;
        // As the real one does it.
        let address = format!("{}\n", outside.ip());
        self.set("public_ipaddr", address)
    }

    /// `actual_status`, and the three fields of intent in one.
    pub(crate) fn states(self, actual: &str, intents: &str) -> Self {
        self.set("actual_status", actual)
            .set("intended_status", intents)
            .set("cur_state", intents)
            .set("next_state", intents)
    }

    pub(crate) fn interruptible(self) -> Self {
        self.set("is_bid", true)
    }

    /// It runs; the ports have to be given again.
    pub(crate) fn running(self) -> Self {
        self.states("running", "running")
    }

    /// On its way: the address is there, the ports are not.
    pub(crate) fn loading(self) -> Self {
        self.states("loading", "running")
            .set("ports", json!({}))
            .set("status_msg", "Pulling fs layer")
    }

    /// Outbid.
    pub(crate) fn preempted(self) -> Self {
        self.interruptible()
            .states("exited", "stopped")
            .set("ports", Value::Null)
            .set("status_msg", Value::Null)
    }

    /// Stopped by its owner.
    pub(crate) fn stopped(self) -> Self {
        self.set("is_bid", false)
            .states("exited", "stopped")
            .set("ports", Value::Null)
    }

    /// On a host that maps nothing.
    pub(crate) fn without_direct_ports(self) -> Self {
        self.set("direct_port_count", 0).set("ports", json!({}))
    }

    /// Dollars per hour in all, and those of its storage.
    pub(crate) fn price(self, total: f64, storage: f64) -> Self {
        self.set("dph_total", total)
            .set("dph_base", total - storage)
            .set("storage_total_cost", storage)
    }
}
