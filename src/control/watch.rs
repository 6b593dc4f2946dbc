//! Notices that the file was saved. It is read a few times a second and compared, which sees every
//! way of saving on every file system: in place, by rename, by the symlink swap of a Kubernetes
//! ConfigMap, over NFS. A text counts as saved when two looks in a row find the same one, so a
//! file that is half written is not taken for the whole.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use super::change::{Actor, What};
use super::door::Door;
use super::looks::{Looks, is_young};

/// Between two looks. A save is in force after at most three of them and the time to compile.
const LOOK: Duration = Duration::from_millis(150);

/// Watches for saves until the controller is gone. `first` is the text that was read at the start,
/// if it could be.
pub async fn watch_file(path: PathBuf, first: Option<Vec<u8>>, door: Door) {
    let mut watched = Watched {
        path,
        known: first,
        fresh: None,
        looks: None,
    };
    loop {
        tokio::time::sleep(LOOK).await;
        if watched.was_saved() && door.send(What::File, Actor::File).await.is_err() {
            return;
        }
    }
}

struct Watched {
    path: PathBuf,
    /// The text that was handed on last.
    known: Option<Vec<u8>>,
    /// A new text that was seen once.
    fresh: Option<Option<Vec<u8>>>,
    looks: Option<Looks>,
}

impl Watched {
    fn was_saved(&mut self) -> bool {
        let looks = Looks::of(&self.path);
        let young = is_young(looks.as_ref());
        if looks == self.looks && !young && self.fresh.is_none() {
            return false;
        }
        self.looks = looks;
        // A few kilobytes, and only around a save: not worth another thread.
        let seen = self.looks.as_ref().and_then(|_| fs::read(&self.path).ok());
        if seen == self.known {
            self.fresh = None;
            return false;
        }
        if self.fresh.as_ref() == Some(&seen) {
            self.known = seen;
            self.fresh = None;
            return true;
        }
        self.fresh = Some(seen);
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_counts_when_it_was_seen_twice() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f.toml");
        fs::write(&path, "one").unwrap();
        let mut watched = Watched {
            path: path.clone(),
            known: Some(b"one".to_vec()),
            fresh: None,
            looks: None,
        };
        assert!(!watched.was_saved());
        fs::write(&path, "").unwrap();
        assert!(!watched.was_saved(), "half written");
        fs::write(&path, "two").unwrap();
        assert!(!watched.was_saved(), "seen once");
        assert!(watched.was_saved());
        assert!(!watched.was_saved());
        fs::remove_file(&path).unwrap();
        assert!(!watched.was_saved());
        assert!(watched.was_saved(), "gone");
    }

    #[test]
    fn the_swap_of_a_symlink_is_a_save() {
        let folder = tempfile::tempdir().unwrap();
        for version in ["a", "b"] {
            fs::create_dir(folder.path().join(version)).unwrap();
            fs::write(folder.path().join(version).join("f.toml"), version).unwrap();
        }
        let link = folder.path().join("..data");
        std::os::unix::fs::symlink("a", &link).unwrap();
        let path = folder.path().join("f.toml");
        std::os::unix::fs::symlink("..data/f.toml", &path).unwrap();
        let mut watched = Watched {
            path,
            known: Some(b"a".to_vec()),
            fresh: None,
            looks: None,
        };
        assert!(!watched.was_saved());
        let next = folder.path().join("..data_tmp");
        std::os::unix::fs::symlink("b", &next).unwrap();
        fs::rename(&next, &link).unwrap();
        assert!(!watched.was_saved());
        assert!(watched.was_saved());
    }
}
