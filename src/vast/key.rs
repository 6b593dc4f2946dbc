//! The key of an account, and where it is found.

use std::fmt;
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// Longer than any key; a file that is longer holds something else.
const LONGEST: u64 = 4096;

/// A key of Vast.ai. Its `Debug` tells nothing, and it has no `Display`, so it cannot get into a log by accident.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Key(String);

/// Where a key was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// The configuration says it.
    Written,
    /// `VAST_API_KEY`.
    Environment,
    /// A file that Vast's own command line writes.
    File(PathBuf),
    /// The file of a session with a second factor, which ends by itself.
    Session(PathBuf),
}

impl Key {
    /// The key, without the space around it. `None` if nothing is left.
    pub fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        (!text.is_empty()).then(|| Self(text.to_owned()))
    }

    /// The key that counts: the one that is written in the configuration, else `VAST_API_KEY`, else the files
    /// of Vast's own command line: `vast_api_key` in `$XDG_CONFIG_HOME/vastai` (`~/.config/vastai`), then the
    /// old `~/.vast_api_key`, and last `vast_tfa_key` beside the first, since a session ends and nobody would
    /// renew it here. What is empty is not there. Reads small files. `None` if there is none.
    pub fn find(written: Option<&str>) -> Option<(Self, KeySource)> {
        Self::look(written, &|name| std::env::var(name).ok())
    }

    fn look(
        written: Option<&str>,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Option<(Self, KeySource)> {
        if let Some(key) = written.and_then(Self::new) {
            return Some((key, KeySource::Written));
        }
        let given = env("VAST_API_KEY").as_deref().and_then(Self::new);
        if let Some(key) = given {
            return Some((key, KeySource::Environment));
        }
        let home = env("HOME").filter(|home| !home.is_empty());
        let home = home.map(PathBuf::from);
        let config = env("XDG_CONFIG_HOME").map(PathBuf::from);
        let config = config.filter(|folder| folder.is_absolute());
        let config = config.or_else(|| Some(home.as_ref()?.join(".config")));
        let folder = config.map(|config| config.join("vastai"));
        let places = [
            folder.as_ref().map(|folder| folder.join("vast_api_key")),
            home.map(|home| home.join(".vast_api_key")),
            folder.as_ref().map(|folder| folder.join("vast_tfa_key")),
        ];
        places.into_iter().flatten().find_map(|path| {
            let key = read(&path)?;
            let is_session = path.ends_with("vast_tfa_key");
            let source = if is_session {
                KeySource::Session(path)
            } else {
                KeySource::File(path)
            };
            Some((key, source))
        })
    }

    /// The text, for a request. Keep it out of everything that is shown.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// These bytes with `…` wherever it stands in them.
    pub(super) fn blacked_out(&self, bytes: &[u8]) -> Vec<u8> {
        let key = self.0.as_bytes();
        let mut kept = Vec::with_capacity(bytes.len());
        let mut rest = bytes;
        while let Some((first, after)) = rest.split_first() {
            match rest.strip_prefix(key) {
                Some(after) => {
                    kept.extend_from_slice("…".as_bytes());
                    rest = after;
                }
                None => {
                    kept.push(*first);
                    rest = after;
                }
            }
        }
        kept
    }

    /// Whether it can travel in a header.
    pub(super) fn is_sendable(&self) -> bool {
        self.0.bytes().all(|byte| byte.is_ascii_graphic())
    }
}

fn read(path: &Path) -> Option<Key> {
    let mut text = String::new();
    let file = std::fs::File::open(path).ok()?;
    let len = file.take(LONGEST + 1).read_to_string(&mut text).ok()?;
    (len as u64 <= LONGEST).then(|| Key::new(&text))?
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

impl fmt::Display for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Written => f.write_str("the configuration"),
            Self::Environment => f.write_str("VAST_API_KEY"),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Session(path) => write!(f, "{} (a session, which ends)", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_key_wins() {
        let home = tempfile::tempdir().unwrap();
        let xdg = tempfile::tempdir().unwrap();
        let env = |key: Option<&'static str>, with_xdg: bool| {
            let (home, xdg) = (home.path().to_owned(), xdg.path().to_owned());
            move |name: &str| match name {
                "VAST_API_KEY" => key.map(str::to_owned),
                "HOME" => home.to_str().map(str::to_owned),
                "XDG_CONFIG_HOME" if with_xdg => xdg.to_str().map(str::to_owned),
                _ => None,
            }
        };
        let look = |written: Option<&str>, key, with_xdg| {
            Key::look(written, &env(key, with_xdg))
                .map(|(key, source)| (key.expose().to_owned(), source))
        };
        assert_eq!(look(None, None, false), None);
        let write = |path: &Path, text: &str| {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
            path.to_owned()
        };
        let session = write(&home.path().join(".config/vastai/vast_tfa_key"), "session");
        let found = |key: &str, source| Some((key.to_owned(), source));
        assert_eq!(
            look(None, None, false),
            found("session", KeySource::Session(session))
        );
        let old = write(&home.path().join(".vast_api_key"), " old\n");
        assert_eq!(
            look(None, None, false),
            found("old", KeySource::File(old.clone()))
        );
        let new = write(&home.path().join(".config/vastai/vast_api_key"), "new\n");
        assert_eq!(look(None, None, false), found("new", KeySource::File(new)));
        // Another folder, and nothing in it.
        assert_eq!(
            look(None, None, true),
            found("old", KeySource::File(old.clone()))
        );
        let other = write(&xdg.path().join("vastai/vast_api_key"), "xdg");
        assert_eq!(
            look(None, None, true),
            found("xdg", KeySource::File(other.clone()))
        );
        assert_eq!(
            look(None, Some("env"), true),
            found("env", KeySource::Environment)
        );
        assert_eq!(
            look(Some("written"), Some("env"), true),
            found("written", KeySource::Written)
        );
        assert_eq!(
            look(Some(" "), Some("env"), true),
            found("env", KeySource::Environment)
        );
        // What is no key is none.
        write(&other, &"x".repeat(5_000));
        assert_eq!(
            look(None, Some(" "), true),
            found("old", KeySource::File(old))
        );
    }

    #[test]
    fn nothing_shows_it() {
        let key = Key::new("correct-horse").unwrap();
        assert_eq!(format!("{key:?}"), "Key(…)");
        assert!(key.is_sendable());
        let black = key.blacked_out(b"correct-correct-horse, correct-horse!");
        assert_eq!(black, "correct-…, …!".as_bytes());
        assert_eq!(key.blacked_out(b"correct-hors"), b"correct-hors");
        assert!(!Key::new("a b").unwrap().is_sendable());
        assert!(!Key::new("ä").unwrap().is_sendable());
    }
}
