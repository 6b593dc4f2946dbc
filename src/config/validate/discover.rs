//! `[backends.NAME.discover]`, and what goes with it.

use crate::config::model::{
    Backend, BackendAuth, Discover, DnsDiscovery, DnsRecord, HttpDiscovery, Ready, VastDiscovery,
};
use crate::config::scalar::{Credential, Duration};
use crate::config::sheet::Sheet;
use crate::config::tree::{Path, Value};

use super::backends::request_path;
use super::bounds::{HOUR, SECOND, clock, no_doubles, within};
use super::names::is_host;
use super::urls;

/// As long as Vast.ai lets a label be.
const LONGEST_LABEL: usize = 1024;

pub(super) fn check(backend: &Backend, at: &Path, sheet: &mut Sheet<'_>) {
    let endpoints = at.key("endpoints");
    let written = |path: &Path, sheet: &Sheet<'_>| sheet.written.at(path).is_some();
    let at_discover = at.key("discover");
    match &backend.discover {
        Some(discover) => {
            if written(&endpoints, sheet) {
                let hint = "remove one of the two";
                let message = "this backend has `endpoints` and `discover`";
                sheet.at_key(&at_discover, message, hint);
            }
            source(discover, &at_discover, sheet);
        }
        None if sheet.is_spoiled(&at_discover) || sheet.is_spoiled(&endpoints) => {}
        None if backend.serverless.is_some() || sheet.is_spoiled(&at.key("serverless")) => {}
        None if !written(&endpoints, sheet) => {
            let hint = "add `endpoints = [\"http://127.0.0.1:8000\"]`, `discover` or `serverless`";
            sheet.at_value(&endpoints, "the key `endpoints` is missing", hint);
        }
        None => {}
    }
    if let Some(ready) = &backend.ready {
        let at = at.key("ready");
        if backend.discover.is_none() && !sheet.is_spoiled(&at_discover) {
            let hint = "write `health` for fixed endpoints, or remove it";
            sheet.at_key(
                &at,
                "only endpoints that are discovered prove themselves",
                hint,
            );
        }
        proof(ready, &at, sheet);
    }
    if let Some(auth) = &backend.auth {
        shown(auth, backend.discover.as_ref(), &at.key("auth"), sheet);
    }
}

fn source(discover: &Discover, at: &Path, sheet: &mut Sheet<'_>) {
    let given = ["vastai", "dns", "file", "http"];
    let mut given = given
        .into_iter()
        .filter(|key| sheet.written.at(&at.key(key)).is_some());
    match (given.next(), given.next()) {
        (None, _) if sheet.has_unknown_key(at) => {}
        (None, _) => {
            let hint = "write `vastai`, `dns`, `file` or `http`: { vastai = { label = \"...\", port = 8000 } }";
            sheet.at_value(at, "it is not said where to look", hint);
        }
        (Some(_), Some(second)) => {
            sheet.at_key(
                &at.key(second),
                "there are two sources",
                "remove one of them",
            );
        }
        (Some(_), None) => {}
    }
    if let Some(vastai) = &discover.vastai {
        instances(vastai, &at.key("vastai"), sheet);
    }
    if let Some(dns) = &discover.dns {
        names(dns, &at.key("dns"), sheet);
    }
    if let Some(file) = &discover.file {
        let path = at.key("file").key("path");
        let yaml = file
            .path
            .extension()
            .is_some_and(|end| end == "yml" || end == "yaml");
        if file.path.as_os_str().is_empty() {
            sheet.at_value(&path, "the file has no name", "write its path");
        } else if yaml {
            let message = format!("{} is YAML by its name", sheet.quote(&path));
            sheet.at_value(&path, message, "only JSON is read: write a `.json` file");
        }
    }
    if let Some(http) = &discover.http {
        service(http, &at.key("http"), sheet);
    }
}

fn instances(vastai: &VastDiscovery, at: &Path, sheet: &mut Sheet<'_>) {
    let chosen = ["label", "ids", "template"];
    let is_written = |key: &&str| sheet.written.at(&at.key(key)).is_some();
    if !chosen.iter().any(is_written) && !sheet.has_unknown_key(at) {
        let hint = "add `label = \"...\"`, `ids = [...]` or `template = \"...\"`";
        sheet.at_key(at, "it is not said which instances are meant", hint);
    }
    for (key, text) in [("label", &vastai.label), ("template", &vastai.template)] {
        let path = at.key(key);
        match text {
            Some(text) if text.trim().is_empty() => {
                sheet.at_value(
                    &path,
                    format!("the {key} is empty"),
                    "write one, or remove it",
                );
            }
            Some(text) if text.len() > LONGEST_LABEL => {
                sheet.at_value(
                    &path,
                    "it is longer than any label",
                    "write at most 1024 bytes",
                );
            }
            _ => {}
        }
    }
    let ids = at.key("ids");
    if vastai.ids.is_empty() && sheet.written.at(&ids).is_some() && !sheet.is_touched(&ids) {
        sheet.at_value(&ids, "no instance is named", "write some, or remove it");
    }
    no_doubles(&vastai.ids, &ids, sheet);
    let most = Duration::from_secs(5 * 60);
    within(vastai.interval, SECOND, most, &at.key("interval"), sheet);
    let most = Duration::from_secs(10 * 60);
    within(
        vastai.grace,
        Duration::from_secs(0),
        most,
        &at.key("grace"),
        sheet,
    );
    urls::with_key(&vastai.api, &at.key("api"), sheet);
}

fn names(dns: &DnsDiscovery, at: &Path, sheet: &mut Sheet<'_>) {
    let path = at.key("name");
    // Names of services have underscores in them.
    if !is_host(&dns.name) || dns.name.starts_with('[') {
        let message = format!("{} is not a name in the DNS", sheet.quote(&path));
        sheet.at_value(&path, message, "write a host name, without scheme and port");
    }
    let port = at.key("port");
    match (dns.record, dns.port) {
        (DnsRecord::A, None)
            if !sheet.is_spoiled(&port) && !sheet.is_spoiled(&at.key("record")) =>
        {
            let hint = "add `port = 8000`, or `record = \"srv\"`";
            sheet.at_value(
                &port,
                "the key `port` is missing: addresses have none",
                hint,
            );
        }
        (DnsRecord::Srv, Some(_)) => {
            sheet.at_key(&port, "`srv` records have their own ports", "remove it");
        }
        _ => {}
    }
    let server = at.key("server");
    if let Some(text) = &dns.server
        && text.parse::<std::net::SocketAddr>().is_err()
    {
        let message = format!("{} is not the address of a server", sheet.quote(&server));
        let hint = "write an IP address and a port: \"127.0.0.1:8600\"";
        sheet.at_value(&server, message, hint);
    }
    within(dns.interval, SECOND, HOUR, &at.key("interval"), sheet);
}

fn service(http: &HttpDiscovery, at: &Path, sheet: &mut Sheet<'_>) {
    urls::whole(&http.url, &at.key("url"), sheet);
    within(http.interval, SECOND, HOUR, &at.key("interval"), sheet);
}

fn proof(ready: &Ready, at: &Path, sheet: &mut Sheet<'_>) {
    let path = at.key("path");
    request_path(&ready.path, &path, sheet);
    let kind = at.key("content_type");
    let is_sayable = |text: &str| text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    if ready.content_type.is_empty() || !is_sayable(&ready.content_type) {
        let message = format!("{} is no content type", sheet.quote(&kind));
        sheet.at_value(&kind, message, "write one such as \"application/json\"");
    }
    if ready.body.is_none() && sheet.written.at(&kind).is_some() {
        let message = "there is no `body` that this could be said of";
        sheet.at_key(&kind, message, "add `body`, or remove it");
    }
    let contains = at.key("contains");
    if ready.contains.as_deref() == Some("") {
        sheet.at_value(
            &contains,
            "any answer contains nothing",
            "write a text, or remove it",
        );
    }
    clock(
        ready.timeout,
        Duration::from_secs(600),
        &at.key("timeout"),
        sheet,
    );
    let (least, most) = (Duration::from_millis(100), Duration::from_secs(300));
    within(ready.interval, least, most, &at.key("interval"), sheet);
}

fn shown(auth: &BackendAuth, from: Option<&Discover>, at: &Path, sheet: &mut Sheet<'_>) {
    one_of(
        (&auth.bearer, &auth.basic),
        !auth.instances.is_empty(),
        at,
        sheet,
    );
    let at_instances = at.key("instances");
    if !auth.instances.is_empty() && from.is_none_or(|from| from.vastai.is_none()) {
        let hint = "remove it, or add `discover = { vastai = { ... } }`";
        sheet.at_key(
            &at_instances,
            "this backend has no instances of Vast.ai",
            hint,
        );
    }
    for (id, own) in &auth.instances {
        let at = at_instances.key(id);
        if id.parse::<u64>().is_err() {
            let hint = "write the number that `figshift vast ls` shows";
            sheet.at_key(
                &at,
                format!("`{id}` is not the number of an instance"),
                hint,
            );
        }
        one_of((&own.bearer, &own.basic), false, &at, sheet);
    }
}

fn one_of(
    (bearer, basic): (&Option<Credential>, &Option<Credential>),
    may_be_none: bool,
    at: &Path,
    sheet: &mut Sheet<'_>,
) {
    let at_basic = at.key("basic");
    for path in [at.key("bearer"), at_basic.clone()] {
        let written = sheet.written.at(&path).map(|node| &node.value);
        // What is filled in may be empty where there is nothing to show; nobody writes that down.
        if matches!(written, Some(Value::Text(text)) if text.is_empty()) {
            let hint = "write it, such as \"${file:/path}\", or remove the key";
            sheet.at_value(&path, "there is nothing in it", hint);
        }
    }
    match (bearer, basic) {
        (Some(_), Some(_)) => {
            let message = "this has `bearer` and `basic`";
            sheet.at_key(&at_basic, message, "remove one of the two");
        }
        (None, Some(basic)) if !basic.is_empty() && !basic.expose().contains(':') => {
            let hint = "write \"user:password\"";
            sheet.at_value(&at_basic, "there is no `:` in it", hint);
        }
        (None, None)
            if !may_be_none
                && !sheet.is_spoiled(&at.key("bearer"))
                && !sheet.is_spoiled(&at_basic) =>
        {
            let hint = "add `bearer = \"${file:/path}\"` or `basic = \"${file:/path}\"`";
            sheet.at_key(at, "it is not said what is shown", hint);
        }
        _ => {}
    }
}
