//! Lists of targets, as Prometheus has them in `file_sd` and `http_sd`:
//! `[{"targets": ["10.0.0.5:8000"], "labels": {"weight": "2"}}]`.

use std::collections::BTreeMap;

use http::uri::Authority;
use rustls::pki_types::{IpAddr, ServerName};
use serde::Deserialize;

use super::super::discovered::{Found, FoundState};
use crate::config::model::Scheme;
use crate::tls::server_name;

/// A label may give the weight of its group; Prometheus hides those that begin with two underscores.
const WEIGHTS: [&str; 2] = ["weight", "__weight__"];
/// More would be a mistake, and a load for every request that chooses among them.
const MOST: usize = 1_000;
/// So many characters of what is wrong are repeated.
const SHOWN: usize = 80;

#[derive(Debug, Deserialize)]
struct Group {
    targets: Vec<String>,
    #[serde(default)]
    labels: BTreeMap<String, String>,
}

/// Reads a list.
///
/// # Errors
///
/// It is none, or one of its targets is none: half a list is not used.
pub(super) fn read(text: &[u8], scheme: Scheme) -> Result<Vec<Found>, String> {
    let groups: Vec<Group> = serde_json::from_slice(text).map_err(|error| {
        // Its own text repeats the whole of what it did not expect.
        let why = cut(&error.to_string(), 2 * SHOWN);
        let (line, column) = (error.line(), error.column());
        format!(
            "it is no list such as [{{\"targets\": [\"host:port\"]}}] (line {line}, column {column}): {why}"
        )
    })?;
    let mut found = BTreeMap::new();
    for (index, group) in groups.iter().enumerate() {
        let at = |what: String| format!("group {}: {what}", index + 1);
        let weight = weight(group).map_err(at)?;
        for target in &group.targets {
            let url = url(target, scheme).map_err(at)?;
            found.insert(url, weight);
        }
    }
    if found.len() > MOST {
        return Err(format!("it has more than {MOST} targets"));
    }
    Ok(found
        .into_iter()
        .map(|(url, weight)| at_url(url, weight))
        .collect())
}

/// Something that is known by its URL.
pub(super) fn at_url(url: String, weight: u32) -> Found {
    Found {
        key: url.clone(),
        url: Some(url),
        weight,
        state: FoundState::Running,
        note: String::new(),
        dollars_per_hour: None,
    }
}

fn weight(group: &Group) -> Result<u32, String> {
    let written = WEIGHTS.iter().find_map(|label| group.labels.get(*label));
    let Some(text) = written else { return Ok(1) };
    let weight = text
        .parse()
        .ok()
        .filter(|weight| (1..=1000).contains(weight));
    weight.ok_or_else(|| "its weight is not a number from 1 to 1000".to_owned())
}

fn url(target: &str, scheme: Scheme) -> Result<String, String> {
    let authority: Option<Authority> = target.parse().ok();
    let sound = authority.filter(|authority| {
        !authority.as_str().contains('@')
            && !authority.host().is_empty()
            && authority.port_u16().is_some_and(|port| port > 0)
    });
    let shown = || cut(target, SHOWN);
    let authority = sound.ok_or_else(|| format!("`{}` is no \"host:port\"", shown()))?;
    match is_host(authority.host()) {
        true => Ok(format!("{}://{authority}", scheme.as_str())),
        false => Err(format!(
            "`{}` has no valid host: use a name of letters, digits, `-` and `_`, an IPv4 address, or an IPv6 \
             address in brackets",
            shown()
        )),
    }
}

/// Whether it can be connected to and asked for a certificate: what is no host there must not get that far.
pub(super) fn is_host(host: &str) -> bool {
    let in_brackets = host.starts_with('[');
    server_name(host).is_some_and(|name| match name {
        ServerName::IpAddress(IpAddr::V6(_)) => in_brackets,
        _ => !in_brackets,
    })
}

/// The beginning of a text from outside, on one line.
pub(super) fn cut(text: &str, most: usize) -> String {
    let shown = text.chars().take(most).flat_map(char::escape_debug);
    let rest = text.chars().nth(most).map(|_| '…');
    shown.chain(rest).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn urls(text: &str) -> Result<Vec<(String, u32)>, String> {
        let found = read(text.as_bytes(), Scheme::Http)?;
        Ok(found
            .into_iter()
            .map(|found| (found.key, found.weight))
            .collect())
    }

    #[test]
    fn groups_are_read_as_prometheus_has_them() {
        let text = r#"[
            {"targets": ["10.0.0.5:8000", "h.example:80"], "labels": {"job": "x", "weight": "3"}},
            {"targets": ["[2001:db8::5]:8000"]},
            {"targets": []}
        ]"#;
        let expected = [
            ("http://10.0.0.5:8000", 3),
            ("http://[2001:db8::5]:8000", 1),
            ("http://h.example:80", 3),
        ];
        let expected = expected.map(|(url, weight)| (url.to_owned(), weight));
        assert_eq!(urls(text).unwrap(), expected);
        assert_eq!(urls("[]").unwrap(), []);
    }

    #[test]
    fn half_a_list_is_none() {
        for (text, part) in [
            ("", "no list"),
            ("{}", "no list"),
            ("[1]", "no list"),
            ("<html>", "no list"),
            (r#"[{"labels": {}}]"#, "targets"),
            (r#"[{"targets": ["h"]}]"#, "`h` is no"),
            (
                r#"[{"targets": ["h:1"]}, {"targets": ["http://h:1"]}]"#,
                "group 2",
            ),
            (r#"[{"targets": ["u@h:1"]}]"#, "is no"),
            (r#"[{"targets": ["h:0"]}]"#, "is no"),
            (r#"[{"targets": [":80"]}]"#, "is no"),
            (r#"[{"targets": ["a$b:80"]}]"#, "`a$b:80` has no valid host"),
            (r#"[{"targets": ["a~b.test:80"]}]"#, "has no valid host"),
            (r#"[{"targets": ["a..b:80"]}]"#, "has no valid host"),
            (r#"[{"targets": ["-a:80"]}]"#, "has no valid host"),
            (r#"[{"targets": ["10.0.0.300:80"]}]"#, "has no valid host"),
            (r#"[{"targets": ["[::1%25eth0]:80"]}]"#, "has no valid host"),
            (r#"[{"targets": ["ä.test:80"]}]"#, "is no"),
            (
                r#"[{"targets": ["h:1"], "labels": {"weight": "0"}}]"#,
                "1 to 1000",
            ),
        ] {
            let error = urls(text).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
        let long = "x".repeat(100_000);
        for text in [
            format!(r#""{long}""#),
            format!(r#"[{{"targets": "{long}"}}]"#),
            format!(r#"[{{"targets": ["{long}"]}}]"#),
        ] {
            let error = urls(&text).unwrap_err();
            assert!(error.len() < 400, "{error}");
            assert!(error.contains("line 1") || error.contains("x…`"), "{error}");
        }
        let list = |most| {
            let all: Vec<String> = (1..=most).map(|port| format!("h:{port}")).collect();
            format!(r#"[{{"targets": {all:?}}}]"#)
        };
        assert_eq!(urls(&list(1_000)).unwrap().len(), 1_000);
        let error = urls(&list(1_001)).unwrap_err();
        assert_eq!(error, "it has more than 1000 targets");
    }
}
