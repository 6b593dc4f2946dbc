//! From the rows of Vast.ai's API to what can be found there.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::super::discovered::{Found, FoundState};
use crate::config::model::VastDiscovery;
use crate::vast::{Filter, Instance, Standing};

/// Whether a backend means this instance: it has all that is asked for.
pub fn selects(wanted: &VastDiscovery, instance: &Instance) -> bool {
    let label = wanted.label.as_ref();
    let template = wanted.template.as_ref();
    label.is_none_or(|label| instance.label.as_ref() == Some(label))
        && (wanted.ids.is_empty() || wanted.ids.contains(&instance.id))
        && template.is_none_or(|template| {
            let number = instance.template_id.map(|id| id.to_string());
            let known = [&instance.template_hash, &instance.template_name, &number];
            known.contains(&&Some(template.clone()))
        })
}

/// What an instance is called.
pub fn key_of(id: u64) -> String {
    format!("vastai:{id}")
}

/// What these rows mean for a backend to whoever looks for the first time.
pub fn found_now(wanted: &VastDiscovery, rows: &[Instance]) -> Vec<Found> {
    Known::default().read(wanted, rows, Instant::now())
}

/// The least that has to be asked for, so that all these backends find theirs.
pub(super) fn filter(wanted: &[&VastDiscovery]) -> Filter {
    let labels = wanted.iter().map(|wanted| wanted.label.clone());
    let labels: Option<Vec<String>> = labels.collect();
    let ids = wanted.iter().map(|wanted| wanted.ids.clone());
    let all_have_ids = wanted.iter().all(|wanted| !wanted.ids.is_empty());
    match labels {
        Some(mut labels) => {
            labels.sort();
            labels.dedup();
            Filter::Labels(labels)
        }
        None if all_have_ids => {
            let mut ids: Vec<u64> = ids.flatten().collect();
            ids.sort_unstable();
            ids.dedup();
            Filter::Ids(ids)
        }
        None => Filter::All,
    }
}

/// What one backend knows of its instances between two looks.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Where each was when it could be reached last.
    urls: HashMap<u64, String>,
    /// Since when there is no sign of life of it.
    silent: HashMap<u64, Instant>,
}

impl Known {
    /// What a look before this one has found: a file that is saved must not make a silent one forgotten.
    pub(super) fn of(last: &[Found]) -> Self {
        let id = |found: &Found| found.key.rsplit(':').next().and_then(|id| id.parse().ok());
        let urls = last
            .iter()
            .filter_map(|found| Some((id(found)?, found.url.clone()?)));
        Self {
            urls: urls.collect(),
            silent: HashMap::new(),
        }
    }

    /// What these rows mean for a backend.
    pub(super) fn read(
        &mut self,
        wanted: &VastDiscovery,
        rows: &[Instance],
        now: Instant,
    ) -> Vec<Found> {
        let mine = rows.iter().filter(|row| selects(wanted, row));
        let found: Vec<Found> = mine.map(|row| self.one(wanted, row, now)).collect();
        let is_there = |id: &u64| rows.iter().any(|row| row.id == *id);
        self.urls.retain(|id, _| is_there(id));
        self.silent.retain(|id, _| is_there(id));
        found
    }

    fn one(&mut self, wanted: &VastDiscovery, row: &Instance, now: Instant) -> Found {
        let standing = row.standing();
        let address = row.address_of(wanted.port);
        let url = address.map(|address| format!("{}://{address}", wanted.scheme.as_str()));
        let unsure = matches!(standing, Standing::Unsure(_));
        if !unsure {
            self.silent.remove(&row.id);
        }
        let (state, url, note) = match standing {
            Standing::Runs => match url {
                Some(url) => {
                    self.urls.insert(row.id, url.clone());
                    (FoundState::Running, Some(url), String::new())
                }
                None => (FoundState::Starting, None, not_mapped(wanted.port, row)),
            },
            Standing::Waits(why) => (FoundState::Starting, None, why.to_owned()),
            Standing::Unsure(why) => {
                let since = *self.silent.entry(row.id).or_insert(now);
                let url = url.or_else(|| self.urls.get(&row.id).cloned());
                let over = now.saturating_duration_since(since) > grace(wanted);
                match url {
                    Some(url) if !over => (FoundState::Unsure, Some(url), why.to_owned()),
                    _ => (FoundState::Out, None, why.to_owned()),
                }
            }
            Standing::Preempted => (FoundState::Preempted, None, standing.why().to_owned()),
            Standing::Out(why) => (FoundState::Out, None, why.to_owned()),
        };
        if matches!(state, FoundState::Preempted | FoundState::Out) {
            // What it had there may be somebody else's by now.
            self.urls.remove(&row.id);
        }
        Found {
            key: key_of(row.id),
            url,
            weight: 1,
            state,
            note,
            dollars_per_hour: row.dollars_per_hour_now(),
        }
    }
}

fn grace(wanted: &VastDiscovery) -> Duration {
    wanted.grace.get()
}

/// An address comes before its ports do; other ports without this one mean that it was not asked for.
fn not_mapped(port: u16, row: &Instance) -> String {
    if row.ports.is_empty() || row.address.is_none() {
        return "has no address yet".to_owned();
    }
    let mapped: Vec<String> = row.ports.keys().map(u16::to_string).collect();
    let mapped = mapped.join(", ");
    format!("port {port} is not mapped, only {mapped}: make it with `-p {port}:{port}`")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{EmptyEnv, parse};
    use serde_json::json;

    fn wanted(text: &str) -> VastDiscovery {
        let text = format!(
            r#"
            [listen]
            http = "127.0.0.1:0"
            [backends.new]
            discover = {{ vastai = {{ {text} }} }}
            [[routes]]
            name = "all"
            primary = "new"
            "#
        );
        let config = parse(&text, "test.toml", &EmptyEnv).unwrap();
        config.backends["new"]
            .discover
            .clone()
            .unwrap()
            .vastai
            .unwrap()
    }

    fn rows() -> Vec<Instance> {
        let body = include_str!("../../../tests/fixtures/vastai-instances.json");
        let body: serde_json::Value = serde_json::from_str(body).unwrap();
        let rows = body["instances"].as_array().unwrap().iter();
        rows.map(|row| Instance::read(row).unwrap()).collect()
    }

    #[test]
    fn the_rows_of_the_fixture_mean_what_they_must() {
        let wanted = wanted(r#"label = "shop-inference", port = 8000"#);
        let found = Known::default().read(&wanted, &rows(), Instant::now());
        let seen = found.iter().map(|found| {
            let Found {
                key,
                url,
                state,
                dollars_per_hour,
                ..
            } = found;
            (&**key, url.as_deref(), *state, *dollars_per_hour)
        });
        let (first, second) = ("http://203.0.113.24:40012", "http://198.51.100.77:51990");
        let expected = [
            (
                "vastai:41000101",
                Some(first),
                FoundState::Running,
                Some(0.3526),
            ),
            (
                "vastai:41000102",
                Some(second),
                FoundState::Running,
                Some(0.1926),
            ),
            ("vastai:41000103", None, FoundState::Starting, Some(0.4126)),
            ("vastai:41000104", None, FoundState::Preempted, Some(0.0026)),
        ];
        assert_eq!(seen.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_silent_one_keeps_what_it_had_for_a_while() {
        let wanted = wanted(r#"ids = [7], port = 8000, grace = "60s""#);
        let row = |actual: &str, ports: serde_json::Value| {
            Instance::read(&json!({
                "id": 7, "actual_status": actual, "intended_status": "running", "cur_state": "running",
                "next_state": "running", "public_ipaddr": "203.0.113.9", "ports": ports,
            }))
            .unwrap()
        };
        let ports = json!({"8000/tcp": [{"HostIp": "0.0.0.0", "HostPort": "40001"}]});
        let (mut known, start) = (Known::default(), Instant::now());
        let mut look = |row: Instance, after: u64| {
            let now = start + Duration::from_secs(after);
            let found = known.read(&wanted, &[row], now).remove(0);
            (found.state, found.url)
        };
        let url = Some("http://203.0.113.9:40001".to_owned());
        assert_eq!(
            look(row("running", ports.clone()), 0),
            (FoundState::Running, url.clone())
        );
        assert_eq!(
            look(row("offline", json!(null)), 10),
            (FoundState::Unsure, url.clone())
        );
        assert_eq!(
            look(row("unknown", json!({})), 70),
            (FoundState::Unsure, url.clone())
        );
        assert_eq!(
            look(row("offline", json!(null)), 71),
            (FoundState::Out, None)
        );
        assert_eq!(look(row("running", ports), 80), (FoundState::Running, url));
        assert_eq!(
            look(row("exited", json!(null)), 90),
            (FoundState::Out, None)
        );
        // Nobody knows whose that address is now.
        assert_eq!(
            look(row("offline", json!(null)), 95),
            (FoundState::Out, None)
        );
    }

    #[test]
    fn a_backend_means_what_has_all_that_it_asks_for() {
        let mut row = rows().remove(0);
        row.template_hash = Some("abc".to_owned());
        row.template_id = Some(99);
        for (text, meant) in [
            (r#"label = "shop-inference", port = 1"#, true),
            (r#"label = "shop", port = 1"#, false),
            (r#"ids = [41000101, 2], port = 1"#, true),
            (r#"ids = [2], port = 1"#, false),
            (r#"template = "abc", port = 1"#, true),
            (r#"template = "99", port = 1"#, true),
            (
                r#"template = "x", label = "shop-inference", port = 1"#,
                false,
            ),
        ] {
            assert_eq!(selects(&wanted(text), &row), meant, "{text}");
        }
    }

    #[test]
    fn no_more_is_asked_for_than_needed() {
        let of = |texts: &[&str]| {
            let all: Vec<_> = texts.iter().map(|text| wanted(text)).collect();
            filter(&all.iter().collect::<Vec<_>>())
        };
        let a = r#"label = "a", port = 1"#;
        let b = r#"label = "b", ids = [1], port = 1"#;
        let c = r#"ids = [2, 1], port = 1"#;
        let d = r#"template = "t", port = 1"#;
        assert_eq!(of(&[a, a]), Filter::Labels(vec!["a".to_owned()]));
        assert_eq!(
            of(&[b, a]),
            Filter::Labels(vec!["a".to_owned(), "b".to_owned()])
        );
        assert_eq!(of(&[c, b]), Filter::Ids(vec![1, 2]));
        assert_eq!(of(&[a, c]), Filter::All);
        assert_eq!(of(&[d]), Filter::All);
    }
}
