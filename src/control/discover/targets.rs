//! Lists of targets, as Prometheus has them in `file_sd` and `http_sd`:
//! `[{"targets": ["10.0.0.5:8000"], "labels": {"weight": "2"}}]`.

use std::collections::BTreeMap;

use http::uri::Authority;
use serde::Deserialize;

use super::super::discovered::{Found, FoundState};
use crate::config::model::Scheme;

/// A label may give the weight of its group; Prometheus hides those that begin with two underscores.
const WEIGHTS: [&str; 2] = ["weight", "__weight__"];
/// More would be a mistake, and a load for every request that chooses among them.
const MOST: usize = 10_000;

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
        format!("it is no list such as [{{\"targets\": [\"host:port\"]}}]: {error}")
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
    match sound {
        Some(authority) => Ok(format!("{}://{authority}", scheme.as_str())),
        None => {
            let shown: String = target
                .chars()
                .take(80)
                .flat_map(char::escape_debug)
                .collect();
            Err(format!("`{shown}` is no \"host:port\""))
        }
    }
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
            (
                r#"[{"targets": ["h:1"], "labels": {"weight": "0"}}]"#,
                "1 to 1000",
            ),
        ] {
            let error = urls(text).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
