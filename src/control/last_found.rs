//! What was discovered last, kept in the state folder: a restart while the source cannot be asked must not
//! take all endpoints away. It is used for what is still looked for in the same place.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::config::model::Discover;
use crate::snapshot::{Address, Addresses};

const NAME: &str = "discovered.json";
/// More than a thousand endpoints need.
const LARGEST: u64 = 4 * 1024 * 1024;

#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    /// Where it was looked for.
    place: String,
    addresses: Vec<Address>,
}

/// Where a backend's endpoints are looked for, in words that hold no secret.
fn place(discover: &Discover) -> String {
    match discover {
        Discover {
            vastai: Some(v), ..
        } => format!(
            "vastai {:?} {:?} {:?} port {} {}",
            v.label,
            v.ids,
            v.template,
            v.port,
            v.scheme.as_str()
        ),
        Discover { dns: Some(d), .. } => {
            format!(
                "dns {:?} {} {:?} {}",
                d.record,
                d.name,
                d.port,
                d.scheme.as_str()
            )
        }
        Discover { file: Some(f), .. } => {
            format!("file {} {}", f.path.display(), f.scheme.as_str())
        }
        // A URL may hold a secret in its query.
        Discover { http: Some(h), .. } => {
            let before = h.url.split('?').next().unwrap_or_default();
            format!("http {before} {}", h.scheme.as_str())
        }
        _ => String::new(),
    }
}

/// What was found for the backends of this configuration; nothing where nothing legible is kept.
pub(super) fn read(config: &Config) -> Addresses {
    let path = config.state_dir.join(NAME);
    let size = fs::metadata(&path).map_or(0, |found| found.len());
    let text = match size {
        1..=LARGEST => fs::read(&path).unwrap_or_default(),
        _ => return Addresses::new(),
    };
    let kept: BTreeMap<String, Kept> = match serde_json::from_slice(&text) {
        Ok(kept) => kept,
        Err(error) => {
            let path = path.display();
            tracing::warn!(%path, %error, "What was discovered last cannot be read: it is looked for anew");
            return Addresses::new();
        }
    };
    let usable = kept.into_iter().filter(|(name, kept)| {
        let discover = config.backends.get(name).and_then(|b| b.discover.as_ref());
        let is_sound = |address: &Address| {
            (1..=1000).contains(&address.weight) && address.url.parse::<http::Uri>().is_ok()
        };
        discover.is_some_and(|discover| place(discover) == kept.place)
            && kept.addresses.iter().all(is_sound)
    });
    usable.map(|(name, kept)| (name, kept.addresses)).collect()
}

/// Keeps it: written beside and renamed, so that a crash leaves the old or the new one.
pub(super) fn keep(config: &Config, addresses: &Addresses) -> io::Result<()> {
    let kept: BTreeMap<&String, Kept> = addresses
        .iter()
        .filter_map(|(name, addresses)| {
            let discover = config.backends.get(name)?.discover.as_ref()?;
            let kept = Kept {
                place: place(discover),
                addresses: addresses.clone(),
            };
            Some((name, kept))
        })
        .collect();
    let folder: &Path = &config.state_dir;
    fs::create_dir_all(folder)?;
    let beside = folder.join(format!("{NAME}.new"));
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let text = serde_json::to_vec(&kept).map_err(io::Error::other)?;
    options.open(&beside)?.write_all(&text)?;
    fs::rename(&beside, folder.join(NAME))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{EmptyEnv, parse};

    fn config(state: &Path, label: &str) -> Config {
        let state = state.display();
        let text = format!(
            r#"
            state_dir = "{state}"
            [listen]
            http = "127.0.0.1:0"
            [backends.old]
            endpoints = ["http://127.0.0.1:1"]
            [backends.new]
            discover = {{ vastai = {{ label = "{label}", port = 8000 }} }}
            [[routes]]
            name = "all"
            primary = "old"
            candidate = "new"
            "#
        );
        parse(&text, "test.toml", &EmptyEnv).unwrap()
    }

    #[test]
    fn it_comes_back_for_what_is_looked_for_in_the_same_place() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("state");
        let first = config(&state, "a");
        assert_eq!(read(&first), Addresses::new());
        let address = Address {
            key: "vastai:1".to_owned(),
            url: "http://203.0.113.24:40012".to_owned(),
            weight: 1,
        };
        let found = Addresses::from([("new".to_owned(), vec![address])]);
        keep(&first, &found).unwrap();
        assert_eq!(read(&first), found);
        assert_eq!(read(&config(&state, "b")), Addresses::new());
        for broken in ["", "{", "[]", r#"{"new": {"place": 1}}"#] {
            fs::write(state.join(NAME), broken).unwrap();
            assert_eq!(read(&first), Addresses::new(), "{broken}");
        }
    }
}
