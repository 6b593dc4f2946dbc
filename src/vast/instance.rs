//! One instance, as a row of the list tells it.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use serde_json::Value;

use super::field::{exact, flag, id, integer, number, text, whole};
use super::worker_url::leads_away;

/// A rented machine, or a part of one. Only what figshift uses is kept: a row holds secrets too (environment,
/// start script, tokens).
#[derive(Debug, Clone, PartialEq)]
pub struct Instance {
    /// The contract.
    pub id: u64,
    /// Free text of the account, not unique, as it is.
    pub label: Option<String>,
    /// The template it was made of.
    pub template_id: Option<u64>,
    /// The digest of that template.
    pub template_hash: Option<String>,
    /// The name of that template.
    pub template_name: Option<String>,
    /// What the host last said of the container.
    pub actual_status: Option<String>,
    /// What is wanted.
    pub intended_status: Option<String>,
    /// How the contract stands.
    pub cur_state: Option<String>,
    /// Where the contract is heading.
    pub next_state: Option<String>,
    /// What the host says in words, on one line; errors of docker appear here.
    pub status_msg: Option<String>,
    /// The public address, which is known before there are ports, and is shared with other instances.
    pub address: Option<IpAddr>,
    /// From the TCP port in the container to the one outside. Empty unless it runs.
    pub ports: BTreeMap<u16, u16>,
    /// How many ports the machine can give; with 0 none can be reached.
    pub direct_port_count: Option<i64>,
    /// All of it, without traffic.
    pub dollars_per_hour: Option<f64>,
    /// The part of that which is to be paid while it is stopped, too.
    pub storage_dollars_per_hour: Option<f64>,
    /// It can be outbid at any time.
    pub is_interruptible: bool,
    /// Dollars per hour that an interruptible one has to bid.
    pub min_bid: Option<f64>,
    /// Such as `RTX 4090`.
    pub gpu_name: Option<String>,
    /// How many of them.
    pub num_gpus: Option<u32>,
    /// Whether the address stays while it runs.
    pub static_ip: bool,
    /// When the rental ends, in seconds since 1970.
    pub end_date: Option<f64>,
    /// That of its host, from 0 to 1.
    pub reliability: Option<f64>,
    /// Such as `Texas, US`.
    pub geolocation: Option<String>,
}

impl Instance {
    /// Reads a row. `None` if it has no id: nothing can be said of it.
    #[cfg(test)]
    pub(crate) fn read(row: &Value) -> Option<Self> {
        Self::read_from(row, false)
    }

    /// Reads a row of an API that is on this machine itself, or not: only in the first case can an instance be
    /// there, too. `None` if it has no id: nothing can be said of it.
    pub(super) fn read_from(row: &Value, api_is_here: bool) -> Option<Self> {
        let state = |name| text(row, name).map(|word| word.to_ascii_lowercase());
        let gpus = integer(row, "num_gpus");
        Some(Self {
            id: id(row, "id")?,
            label: exact(row, "label"),
            template_id: id(row, "template_id"),
            template_hash: exact(row, "template_hash_id"),
            template_name: exact(row, "template_name"),
            actual_status: state("actual_status"),
            intended_status: state("intended_status"),
            cur_state: state("cur_state"),
            next_state: state("next_state"),
            status_msg: text(row, "status_msg"),
            address: address(row, api_is_here),
            ports: row.get("ports").map(ports).unwrap_or_default(),
            direct_port_count: integer(row, "direct_port_count"),
            dollars_per_hour: number(row, "dph_total"),
            storage_dollars_per_hour: number(row, "storage_total_cost"),
            is_interruptible: flag(row, "is_bid"),
            min_bid: number(row, "min_bid"),
            gpu_name: text(row, "gpu_name"),
            num_gpus: gpus.and_then(|gpus| u32::try_from(gpus).ok()),
            static_ip: flag(row, "static_ip"),
            end_date: number(row, "end_date"),
            reliability: number(row, "reliability2"),
            geolocation: text(row, "geolocation"),
        })
    }

    /// Its four states in the API's words, the one of the container first: `exited, stopped`. What is the same
    /// is said once, what is missing as `-`.
    pub fn words(&self) -> String {
        let states = [
            &self.actual_status,
            &self.intended_status,
            &self.cur_state,
            &self.next_state,
        ];
        let mut words: Vec<&str> = Vec::new();
        for state in states {
            let word = state.as_deref().unwrap_or("-");
            if !words.contains(&word) {
                words.push(word);
            }
        }
        words.join(", ")
    }

    /// What it costs in an hour as it stands: all of it while it runs or shall run, also if nothing comes of that;
    /// while it is stopped, its storage. `None` if the row does not say.
    pub fn dollars_per_hour_now(&self) -> Option<f64> {
        let is = |word: &Option<String>, words: &[&str]| {
            let word = word.as_deref();
            word.is_some_and(|word| words.contains(&word))
        };
        let (intended, actual) = (&self.intended_status, &self.actual_status);
        // A frozen one keeps its GPU.
        let runs = is(intended, &["running"]) || is(actual, &["running", "frozen"]);
        let is_stopped = is(intended, &["stopped"])
            || intended.is_none()
                && (is(&self.cur_state, &["stopped"]) || is(actual, &["stopped", "exited"]));
        match is_stopped && !runs {
            true => self.storage_dollars_per_hour,
            false => self.dollars_per_hour,
        }
    }

    /// Where the service on this port of the container can be reached. `None` while there is no address or
    /// the port is not mapped, which means to wait.
    pub fn address_of(&self, port: u16) -> Option<SocketAddr> {
        let outside = self.ports.get(&port)?;
        Some(SocketAddr::new(self.address?, *outside))
    }
}

/// Nothing may be sent to this machine or its link because an answer says so, such as to the service that gives
/// cloud machines their credentials.
fn address(row: &Value, may_be_here: bool) -> Option<IpAddr> {
    let address: IpAddr = row.get("public_ipaddr")?.as_str()?.trim().parse().ok()?;
    let is_sound = leads_away(address) || may_be_here && address.is_loopback();
    is_sound.then_some(address)
}

/// As docker tells them: `{"8000/tcp": [{"HostIp": "0.0.0.0", "HostPort": "40012"}, …]}`. Ports above 65535 are
/// tokens without a service behind that number.
fn ports(ports: &Value) -> BTreeMap<u16, u16> {
    let mut mapped = BTreeMap::new();
    for (name, bindings) in ports.as_object().into_iter().flatten() {
        let inside = match name.split_once('/') {
            Some((port, "tcp")) => port.parse::<u16>(),
            _ => continue,
        };
        let bindings = bindings.as_array().into_iter().flatten();
        let outside = bindings.filter_map(|binding| whole(binding.get("HostPort")?));
        let mut outside = outside.filter_map(|port| u16::try_from(port).ok());
        if let (Ok(inside), Some(outside)) = (inside, outside.find(|port| *port > 0)) {
            mapped.insert(inside, outside);
        }
    }
    mapped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vast::Standing;
    use serde_json::json;

    #[test]
    fn the_rows_of_the_fixture_are_read() {
        let body = include_str!("../../tests/fixtures/vastai-instances.json");
        let body: Value = serde_json::from_str(body).unwrap();
        let rows = body["instances"].as_array().unwrap();
        let rows: Vec<_> = rows
            .iter()
            .map(|row| Instance::read(row).unwrap())
            .collect();
        let ids: Vec<_> = rows.iter().map(|row| row.id).collect();
        assert_eq!(
            ids,
            [41_000_101, 41_000_102, 41_000_103, 41_000_104, 41_000_105]
        );
        let at = |row: &Instance| row.address_of(8_000).map(|at| at.to_string());
        assert_eq!(at(&rows[0]).as_deref(), Some("203.0.113.24:40012"));
        assert_eq!(at(&rows[1]).as_deref(), Some("198.51.100.77:51990"));
        assert_eq!(
            [at(&rows[2]), at(&rows[3]), at(&rows[4])],
            [None, None, None]
        );
        let standings = rows.iter().map(Instance::standing);
        let words: Vec<_> = standings.map(Standing::word).collect();
        assert_eq!(
            words,
            ["running", "running", "starting", "preempted", "running"]
        );
        let words: Vec<_> = rows.iter().map(Instance::words).collect();
        assert_eq!(
            words[..4],
            ["running", "running", "loading, running", "exited, stopped"]
        );
        assert_eq!(rows[0].ports.len(), 3);
        assert_eq!(rows[0].dollars_per_hour, Some(0.3526));
        assert_eq!(rows[0].storage_dollars_per_hour, Some(0.0026));
        assert_eq!(rows[0].reliability, Some(0.9961));
        assert_eq!(rows[3].min_bid, Some(0.24));
        assert!(rows[1].is_interruptible && rows[1].static_ip);
        assert_eq!(rows[4].label, None);
        assert_eq!(rows[0].num_gpus, Some(1));
        assert_eq!(rows[0].geolocation.as_deref(), Some("Texas, US"));
        let shown = format!("{rows:?}");
        assert!(!shown.contains("00000000"), "{shown}");
        assert!(!shown.contains("MODEL_NAME"), "{shown}");
    }

    #[test]
    fn what_is_stopped_costs_its_storage() {
        for (actual, intended, current, costs) in [
            ("running", "running", "running", 0.5),
            ("loading", "running", "running", 0.5),
            ("", "running", "running", 0.5),
            ("error", "running", "running", 0.5),
            ("exited", "running", "running", 0.5),
            // Shall run, and waits for its GPU.
            ("exited", "running", "stopped", 0.5),
            // Is being stopped.
            ("running", "stopped", "running", 0.5),
            ("frozen", "frozen", "running", 0.5),
            ("frozen", "stopped", "stopped", 0.5),
            ("running", "", "", 0.5),
            ("", "", "", 0.5),
            ("exited", "stopped", "stopped", 0.02),
            ("loading", "stopped", "stopped", 0.02),
            ("offline", "stopped", "stopped", 0.02),
            ("exited", "", "", 0.02),
            ("", "", "stopped", 0.02),
        ] {
            let word = |word: &str| (!word.is_empty()).then(|| word.to_owned());
            let row = Instance::read(&json!({
                "id": 1, "dph_total": 0.5, "storage_total_cost": 0.02,
                "actual_status": word(actual), "intended_status": word(intended), "cur_state": word(current),
            }));
            let is = row.unwrap().dollars_per_hour_now();
            assert_eq!(is, Some(costs), "{actual} {intended} {current}");
        }
    }

    #[test]
    fn any_field_may_be_anything() {
        let fields = [
            "label",
            "template_id",
            "actual_status",
            "intended_status",
            "status_msg",
            "public_ipaddr",
            "ports",
            "direct_port_count",
            "dph_total",
            "storage_total_cost",
            "is_bid",
            "min_bid",
            "gpu_name",
            "num_gpus",
            "static_ip",
            "end_date",
            "reliability2",
            "geolocation",
            "new_field",
        ];
        let values = [
            json!(null),
            json!(-1),
            json!(1e300),
            json!("x"),
            json!([]),
            json!([1, "a"]),
            json!({"a": {}}),
            json!(true),
        ];
        for field in fields {
            for value in &values {
                let mut row = json!({"id": 7.0});
                row[field] = value.clone();
                let row = Instance::read(&row).unwrap();
                assert_eq!((row.id, row.address_of(8_000)), (7, None));
                assert_ne!(row.standing(), Standing::Runs, "{field}: {value}");
            }
        }
        for row in [
            json!({}),
            json!({"id": null}),
            json!({"id": -7}),
            json!(7),
            json!(null),
        ] {
            assert_eq!(Instance::read(&row), None, "{row}");
        }
    }

    #[test]
    fn ports_are_read_as_docker_tells_them() {
        let read = |ports: Value| {
            let row =
                Instance::read(&json!({"id": 1, "public_ipaddr": " 192.0.2.1\n", "ports": ports}));
            row.unwrap().address_of(8_000).map(|at| at.to_string())
        };
        let good = Some("192.0.2.1:40012".to_owned());
        for ports in [
            json!({"8000/tcp": [{"HostIp": "0.0.0.0", "HostPort": "40012"}]}),
            json!({"8000/tcp": [{"HostIp": "::", "HostPort": "40012"}], "70000/tcp": [{"HostPort": "1"}]}),
            json!({"8000/tcp": [null, {"HostPort": ""}, {"HostPort": "0"}, {"HostPort": "70000"}, {"HostPort": 40012}]}),
        ] {
            assert_eq!(read(ports.clone()), good, "{ports}");
        }
        for ports in [
            json!({}),
            json!([8_000]),
            json!({"8000/udp": [{"HostPort": "40012"}]}),
            json!({"8000/tcp": null}),
            json!({"8000": [{"HostPort": "40012"}]}),
            json!({"8000/tcp": [{"HostPort": "-1"}]}),
            json!({"8000/tcp": {"HostPort": "40012"}}),
        ] {
            assert_eq!(read(ports.clone()), None, "{ports}");
        }
    }

    #[test]
    fn no_row_leads_to_this_machine() {
        let address = |text: &str, api_is_here| {
            let row = json!({"id": 1, "public_ipaddr": text});
            Instance::read_from(&row, api_is_here).unwrap().address
        };
        for text in [
            "0.0.0.0",
            "0.1.2.3",
            "::",
            "169.254.169.254",
            "fe80::1",
            "224.0.0.1",
            "255.255.255.255",
            "ff02::1",
            "::ffff:169.254.169.254",
            "",
            "example.com",
            "10.0.0.1:80",
        ] {
            assert_eq!(address(text, true), None, "{text}");
            assert_eq!(address(text, false), None, "{text}");
        }
        for text in ["127.0.0.1", "127.9.9.9", "::1"] {
            assert_eq!(address(text, true), text.parse().ok());
            assert_eq!(address(text, false), None, "{text}");
        }
        assert_eq!(address("::ffff:127.0.0.1", false), None);
        for text in ["203.0.113.24", "10.0.0.5", "2001:db8::5"] {
            assert_eq!(address(text, false), text.parse().ok());
        }
    }

    /// Whatever stands in a field, the row is read or not, and nothing else happens.
    #[test]
    fn any_value_may_stand_in_any_field() {
        let body = include_str!("../../tests/fixtures/vastai-instances.json");
        let body: Value = serde_json::from_str(body).unwrap();
        let rows = body["instances"].as_array().unwrap();
        let odd = [
            json!(null),
            json!(true),
            json!(-1),
            json!(0),
            json!(1e308),
            json!(u64::MAX),
            json!(""),
            json!("\u{0}\n"),
            json!("999999999999999999999999"),
            json!("::ffff:127.0.0.1"),
            json!([]),
            json!([[[]]]),
            json!({}),
            json!({"8000/tcp": null, "8000/udp": [], "/": 1, "99999/tcp": [{"HostPort": "70000"}]}),
            json!({"8000/tcp": [null, {"HostPort": 40012}, {"HostPort": "-1"}, {"HostPort": {}}]}),
        ];
        for row in rows {
            let names: Vec<_> = row.as_object().unwrap().keys().cloned().collect();
            for name in &names {
                for value in &odd {
                    let mut row = row.clone();
                    row[name] = value.clone();
                    let Some(read) = Instance::read_from(&row, false) else {
                        assert_eq!(name, "id");
                        continue;
                    };
                    let (standing, price) = (read.standing(), read.dollars_per_hour_now());
                    assert!(!standing.word().is_empty());
                    assert!(price.is_none_or(|price| price.is_finite()));
                    let address = read.address_of(8000);
                    assert!(address.is_none_or(|at| !at.ip().is_loopback() && at.port() > 0));
                }
            }
        }
    }
}
