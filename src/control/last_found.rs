//! What was discovered last, kept in the state folder: a restart while the source cannot be asked must not
//! take all endpoints away. It is used for what is still looked for in the same place.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::config::model::Discover;
use crate::snapshot::{Address, Addresses};

const NAME: &str = "discovered.json";
/// Backend and key of endpoints that have proven themselves.
pub(super) type Proven = BTreeSet<(String, String)>;

/// More than a thousand endpoints need.
const LARGEST: u64 = 4 * 1024 * 1024;

/// What a predecessor had proven is believed for so long: as long as a process takes over.
const TRUSTED_FOR: Duration = Duration::from_secs(30);

/// What was found last, and where.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct LastFound {
    pub(super) addresses: Addresses,
    /// By backend: where its addresses were looked for.
    pub(super) places: BTreeMap<String, String>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Kept {
    /// Where it was looked for.
    place: String,
    addresses: Vec<Address>,
    /// Keys of those that had proven themselves when a successor took over.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    proven: Vec<String>,
    /// When that was: milliseconds since 1970.
    #[serde(default)]
    at: u64,
}

/// Where a backend's endpoints are looked for, in words that hold no secret. What was found elsewhere is not
/// meant by the file any more.
pub(super) fn place(discover: &Discover) -> String {
    match discover {
        Discover {
            vastai: Some(v), ..
        } => format!(
            "vastai {} {:?} {:?} {:?} port {} {}",
            v.api,
            v.label,
            v.ids,
            v.template,
            v.port,
            v.scheme.as_str()
        ),
        Discover { dns: Some(d), .. } => format!(
            "dns {:?} {} {:?} {:?} {}",
            d.record,
            d.name,
            d.port,
            d.server,
            d.scheme.as_str()
        ),
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

/// The place of a backend's endpoints, if it learns them.
pub(super) fn place_of(config: &Config, backend: &str) -> Option<String> {
    let discover = config.backends.get(backend)?.discover.as_ref()?;
    Some(place(discover))
}

impl LastFound {
    /// Drops what was found in other places than those of this configuration.
    pub(super) fn keep_for(&mut self, config: &Config) {
        let places = &mut self.places;
        places.retain(|name, known| place_of(config, name).as_ref() == Some(known));
        self.addresses.retain(|name, _| places.contains_key(name));
    }

    /// What was kept, as far as it is for this configuration, and what of it a predecessor had proven just
    /// before. Nothing where nothing legible is kept.
    pub(super) fn read(config: &Config, now: SystemTime) -> (Self, Proven) {
        let path = config.state_dir.join(NAME);
        let size = fs::metadata(&path).map_or(0, |found| found.len());
        let text = match size {
            1..=LARGEST => fs::read(&path).unwrap_or_default(),
            _ => return Default::default(),
        };
        let all: BTreeMap<String, Kept> = match serde_json::from_slice(&text) {
            Ok(all) => all,
            Err(error) => {
                let path = path.display();
                tracing::warn!(%path, %error, "What was discovered last cannot be read: it is looked for anew");
                return Default::default();
            }
        };
        let (mut found, mut proven) = (Self::default(), Proven::new());
        for (name, kept) in all {
            if !kept.addresses.iter().all(is_sound) {
                continue;
            }
            let at = UNIX_EPOCH.checked_add(Duration::from_millis(kept.at));
            let age = at.and_then(|at| now.duration_since(at).ok());
            if age.is_some_and(|age| age <= TRUSTED_FOR) {
                proven.extend(kept.proven.into_iter().map(|key| (name.clone(), key)));
            }
            found.places.insert(name.clone(), kept.place);
            found.addresses.insert(name, kept.addresses);
        }
        found.keep_for(config);
        (found, proven)
    }

    /// Keeps it, with what has proven itself: written beside and renamed, so that a crash leaves the old or the
    /// new one.
    pub(super) fn keep(&self, folder: &Path, proven: &Proven, now: SystemTime) -> io::Result<()> {
        let at = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        let kept = self.addresses.iter().map(|(name, addresses)| {
            let of_backend = proven.iter().filter(|(backend, _)| backend == name);
            let kept = Kept {
                place: self.places.get(name).cloned().unwrap_or_default(),
                addresses: addresses.clone(),
                proven: of_backend.map(|(_, key)| key.clone()).collect(),
                at: at.as_millis() as u64,
            };
            (name, kept)
        });
        let kept: BTreeMap<&String, Kept> = kept.collect();
        fs::create_dir_all(folder)?;
        let beside = folder.join(format!("{NAME}.new"));
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        let text = serde_json::to_vec(&kept).map_err(io::Error::other)?;
        options.open(&beside)?.write_all(&text)?;
        fs::rename(&beside, folder.join(NAME))
    }
}

/// What the compiler would refuse must not keep a house from starting.
fn is_sound(address: &Address) -> bool {
    let url: Option<http::Uri> = address.url.parse().ok();
    let is_whole = url.is_some_and(|url| {
        matches!(url.scheme_str(), Some("http" | "https"))
            && url.host().is_some_and(|h| !h.is_empty())
    });
    (1..=1000).contains(&address.weight) && is_whole
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

    fn read(config: &Config) -> Addresses {
        LastFound::read(config, SystemTime::now()).0.addresses
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
        let places = BTreeMap::from([("new".to_owned(), place_of(&first, "new").unwrap())]);
        let last = LastFound {
            addresses: found.clone(),
            places,
        };
        last.keep(&state, &Proven::new(), SystemTime::now())
            .unwrap();
        assert_eq!(read(&first), found);
        // What had proven itself is believed for as long as a successor takes.
        let proven = Proven::from([("new".to_owned(), "vastai:1".to_owned())]);
        let now = SystemTime::now();
        last.keep(&state, &proven, now).unwrap();
        let after = |seconds| LastFound::read(&first, now + Duration::from_secs(seconds)).1;
        assert_eq!((after(1), after(31)), (proven, Proven::new()));
        assert_eq!(read(&config(&state, "b")), Addresses::new());
        let odd = fs::read_to_string(state.join(NAME)).unwrap();
        let odd = odd.replace("http://203.0.113.24:40012", "/x");
        for broken in ["", "{", "[]", r#"{"new": {"place": 1}}"#, &odd] {
            fs::write(state.join(NAME), broken).unwrap();
            assert_eq!(read(&first), Addresses::new(), "{broken}");
        }
    }
}
