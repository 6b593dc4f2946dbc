//! Notices that a certificate, a key or a list of authorities was replaced, and asks for the file to
//! be applied again: that reads them all. What is on disk is compared with what is in force, so
//! nothing between two loads is missed; it counts when two looks in a row find the same.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::change::{Actor, What};
use super::door::Door;
use super::looks::{Looks, is_young};
use crate::snapshot::Publisher;
use crate::tls::{Digest, Material};

/// Between two looks. A certificate and its key are two files: who writes one writes the other soon.
const LOOK: Duration = Duration::from_millis(500);

type Digests = BTreeMap<PathBuf, Option<Digest>>;

/// Watches the files that the state in force was made of, until the controller is gone.
pub async fn watch_material(publisher: Publisher, door: Door) {
    let mut eyes = Eyes::default();
    loop {
        tokio::time::sleep(LOOK).await;
        let in_force = &publisher.current().material;
        if eyes.see_change(&in_force.files) && door.send(What::File, Actor::File).await.is_err() {
            return;
        }
    }
}

#[derive(Default)]
struct Eyes {
    /// What each file looked like when it was read, and what it was.
    read: BTreeMap<PathBuf, (Option<Looks>, Option<Digest>)>,
    /// What was seen last, if it is not what is in force.
    fresh: Option<Digests>,
    /// What was handed on last; it may have been refused.
    tried: Option<Digests>,
}

impl Eyes {
    /// Whether there is something new on disk, seen for the second time.
    fn see_change(&mut self, in_force: &Digests) -> bool {
        self.read.retain(|path, _| in_force.contains_key(path));
        let files = in_force.keys();
        let seen: Digests = files
            .map(|path| (path.clone(), self.digest(path)))
            .collect();
        if seen == *in_force {
            (self.fresh, self.tried) = (None, None);
            return false;
        }
        if self.fresh.as_ref() != Some(&seen) {
            self.fresh = Some(seen);
            return false;
        }
        let news = self.tried.as_ref() != Some(&seen);
        self.tried = Some(seen);
        news
    }

    /// Reads a file if it may be another one than at the last look.
    fn digest(&mut self, path: &Path) -> Option<Digest> {
        let looks = Looks::of(path);
        match self.read.get(path) {
            Some((known, digest)) if *known == looks && !is_young(looks.as_ref()) => *digest,
            _ => {
                let digest = Material::look(path);
                self.read.insert(path.to_owned(), (looks, digest));
                digest
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn what_is_new_is_told_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tls.crt");
        let write = |text: &str| {
            fs::write(&path, text).unwrap();
            Digests::from([(path.clone(), Material::look(&path))])
        };
        let first = write("one");
        let mut eyes = Eyes::default();
        assert!(!eyes.see_change(&first));
        write("");
        assert!(!eyes.see_change(&first), "half written");
        let second = write("two");
        assert!(!eyes.see_change(&first), "seen once");
        assert!(eyes.see_change(&first));
        assert!(!eyes.see_change(&first), "refused, and still the same");
        assert!(!eyes.see_change(&second), "in force");
        fs::remove_file(&path).unwrap();
        assert!(!eyes.see_change(&second));
        assert!(eyes.see_change(&second), "gone");
    }
}
