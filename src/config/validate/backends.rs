//! `[backends.NAME]`.

use std::collections::BTreeMap;

use crate::config::model::{Backend, Config, Endpoint, Health, HostPolicy, OnDisconnect};
use crate::config::scalar::Duration;
use crate::config::sheet::Sheet;
use crate::config::tree::Path;

use super::bounds::{DAY, HOUR, MINUTE, clock, shown};
use super::budget;
use super::discover;
use super::limits;
use super::names::{NAME_HINT, is_host, is_name, is_port, split_port};
use super::serverless;
use super::tls;

pub(super) fn check(config: &Config, sheet: &mut Sheet<'_>) {
    let at = Path::root().key("backends");
    for (name, backend) in &config.backends {
        let at = at.key(name);
        if !is_name(name) {
            sheet.at_key(&at, "this is not a name for a backend", NAME_HINT);
            continue;
        }
        endpoints(backend, &at, sheet);
        discover::check(backend, &at, sheet);
        serverless::check(backend, &at, sheet);
        host(&backend.host, &at.key("host"), sheet);
        tls::backend(backend, &at, sheet);
        clocks(backend, &at, sheet);
        if let Some(limit) = &backend.limit {
            limits::of_backend(limit, &at.key("limit"), sheet);
        }
        if let Some(written) = &backend.budget {
            budget::check(written, backend, &at, sheet);
        }
        departures(backend, &at, sheet);
        if let Some(health) = &backend.health {
            probes(health, &at.key("health"), sheet);
        }
    }
}

fn endpoints(backend: &Backend, at: &Path, sheet: &mut Sheet<'_>) {
    let mut seen = BTreeMap::new();
    for (index, endpoint) in backend.endpoints.iter().enumerate() {
        let item = at.key("endpoints").index(index);
        let path = match endpoint {
            Endpoint::Url(_) => item,
            Endpoint::Weighted(_) => item.key("url"),
        };
        match authority(endpoint.url()) {
            Err((message, hint)) => {
                let message = format!("{} {message}", sheet.quote(&path));
                sheet.at_value(&path, message, hint);
            }
            Ok(authority) => {
                if let Some(first) = seen.insert(authority, index) {
                    let message = format!(
                        "{} is in this backend already, as endpoints[{first}]",
                        sheet.quote(&path)
                    );
                    let hint = "remove one; for a larger share write { url = \"...\", weight = 2 }";
                    sheet.at_value(&path, message, hint);
                }
            }
        }
    }
}

/// `host:port` of an endpoint's URL, lower case and with its port; or what is wrong with it.
fn authority(url: &str) -> Result<String, (&'static str, &'static str)> {
    let shape = "write \"http://host:port\" or \"https://host:port\"";
    let Some((scheme, rest)) = url.split_once("://") else {
        return Err((
            "has no scheme",
            "write \"http://\" or \"https://\" in front: \"http://host:port\"",
        ));
    };
    let https = scheme.eq_ignore_ascii_case("https");
    if !https && !scheme.eq_ignore_ascii_case("http") {
        return Err(("is neither an http:// nor an https:// URL", shape));
    }
    // One slash at the end is how people copy a base URL, and means nothing.
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    if rest.contains(['?', '#']) {
        return Err((
            "has a query or fragment",
            "an endpoint is only an address: \"http://host:port\"",
        ));
    }
    if rest.contains('/') {
        return Err((
            "has a path",
            "an endpoint is only an address: \"http://host:port\"",
        ));
    }
    if rest.contains('@') {
        return Err((
            "has a user name in it",
            "an endpoint is only an address: \"http://host:port\"",
        ));
    }
    if rest.matches(':').count() > 1 && !rest.starts_with('[') {
        return Err((
            "has too many colons",
            "an IPv6 address stands in brackets: \"http://[::1]:8000\"",
        ));
    }
    let (host, port) = split_port(rest);
    if host.is_empty() {
        return Err(("has no host", shape));
    }
    if !is_host(host) {
        return Err((
            "has no valid host",
            "write a host name, an IPv4 address or an IPv6 address in brackets",
        ));
    }
    match port {
        Some(port) if !is_port(port) => {
            Err(("has no valid port", "a port is a number from 1 to 65535"))
        }
        port => Ok(format!(
            "{}:{}",
            host.to_ascii_lowercase(),
            port.unwrap_or(if https { "443" } else { "80" })
        )),
    }
}

fn host(policy: &HostPolicy, path: &Path, sheet: &mut Sheet<'_>) {
    let HostPolicy::Fixed(host) = policy else {
        return;
    };
    let (name, port) = split_port(host);
    if !is_host(name) || port.is_some_and(|port| !is_port(port)) {
        let message = format!("{} is not a value for the `Host` header", sheet.quote(path));
        let hint = "write \"preserve\", \"endpoint\", or a host such as \"llm.example.com\"";
        sheet.at_value(path, message, hint);
    }
}

fn clocks(backend: &Backend, at: &Path, sheet: &mut Sheet<'_>) {
    let timeouts = at.key("timeouts");
    clock(
        backend.timeouts.connect,
        MINUTE,
        &timeouts.key("connect"),
        sheet,
    );
    clock(backend.timeouts.head, DAY, &timeouts.key("head"), sheet);
    let first_event = timeouts.key("first_event");
    clock(backend.timeouts.first_event, DAY, &first_event, sheet);
    clock(backend.timeouts.gap, DAY, &timeouts.key("gap"), sheet);
    if let Some(gap) = backend.timeouts.body_gap {
        clock(gap, DAY, &timeouts.key("body_gap"), sheet);
    }
    let tunnel_idle = timeouts.key("tunnel_idle");
    if backend.timeouts.tunnel_idle > DAY {
        let message = format!("{} is too long", sheet.quote(&tunnel_idle));
        let hint = "write at most \"1d\", or \"0s\" for no limit";
        sheet.at_value(&tunnel_idle, message, hint);
    }
    clock(backend.pool.idle, DAY, &at.key("pool").key("idle"), sheet);
    if let Some(ping) = backend.pool.ping {
        let path = at.key("pool").key("ping");
        clock(ping, DAY, &path, sheet);
        if !ping.get().is_zero() && ping < Duration::from_secs(1) {
            let message = format!("{} is too often", sheet.quote(&path));
            sheet.at_value(&path, message, "write at least \"1s\", or leave it out");
        }
    }
    let slow_start = at.key("breaker").key("slow_start");
    if backend.breaker.slow_start > HOUR {
        let message = format!("{} is too long", sheet.quote(&slow_start));
        sheet.at_value(&slow_start, message, "write at most \"1h\"");
    }
}

fn departures(backend: &Backend, at: &Path, sheet: &mut Sheet<'_>) {
    let path = at.key("drain_limit");
    clock(backend.drain_limit, DAY, &path, sheet);
    let drains = backend.on_disconnect == OnDisconnect::Drain;
    if !drains && sheet.written.at(&path).is_some() && !sheet.is_spoiled(&at.key("on_disconnect")) {
        let message = "nothing is drained here, so this limits nothing";
        let hint = "add `on_disconnect = \"drain\"`, or remove `drain_limit`";
        sheet.at_key(&path, message, hint);
    }
}

/// The path of a request that figshift makes by itself.
pub(super) fn request_path(target: &str, path: &Path, sheet: &mut Sheet<'_>) {
    let is_odd = |c: char| c.is_whitespace() || c.is_control() || c == '#' || !c.is_ascii();
    let (message, hint) = if !target.starts_with('/') {
        ("is not a path to ask for", "begin it with `/`: \"/health\"")
    } else if target.contains(is_odd) {
        let message = "has a character that no request path takes";
        (message, "percent-encode it, or leave it out")
    } else {
        return;
    };
    let message = format!("{} {message}", sheet.quote(path));
    sheet.at_value(path, message, hint);
}

fn probes(health: &Health, at: &Path, sheet: &mut Sheet<'_>) {
    request_path(&health.path, &at.key("path"), sheet);
    let interval = at.key("interval");
    if health.interval < Duration::from_millis(100) {
        let message = format!("{} is too often", sheet.quote(&interval));
        sheet.at_value(&interval, message, "write at least \"100ms\"");
    }
    clock(health.interval, DAY, &interval, sheet);
    let timeout = at.key("timeout");
    clock(health.timeout, DAY, &timeout, sheet);
    if health.timeout > health.interval {
        // Told at the key that is written: the other one is a default.
        let written = sheet.written.at(&timeout).is_some();
        let place = if written { &timeout } else { &interval };
        let message = format!(
            "a check may take longer ({}) than the time between checks ({})",
            shown(sheet, &timeout, health.timeout),
            shown(sheet, &interval, health.interval)
        );
        sheet.at_value(place, message, "make `timeout` at most `interval`");
    }
    if health.expect.is_empty() {
        let hint = "name the good statuses: [\"200-299\"]";
        sheet.at_value(&at.key("expect"), "no answer could ever be good", hint);
    }
}
