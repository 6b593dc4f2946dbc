//! Notices that the file was saved. It is read a few times a second and compared, which sees every
//! way of saving on every file system: in place, by rename, by the symlink swap of a Kubernetes
//! ConfigMap, over NFS. A text counts as saved when two looks in a row find the same one, so a
//! file that is half written is not taken for the whole.

use std::path::PathBuf;
use std::time::Duration;

use super::change::{Actor, What};
use super::controller::Door;

/// Between two looks. A save is in force after at most two of them and the time to compile.
const LOOK: Duration = Duration::from_millis(150);

/// Watches for saves until the controller is gone. `first` is the text that was read at the start,
/// if it could be.
pub async fn watch_file(path: PathBuf, first: Option<Vec<u8>>, door: Door) {
    let mut known = first;
    let mut fresh: Option<Option<Vec<u8>>> = None;
    loop {
        tokio::time::sleep(LOOK).await;
        let seen = tokio::fs::read(&path).await.ok();
        if seen == known {
            fresh = None;
        } else if fresh.as_ref() == Some(&seen) {
            known = seen;
            fresh = None;
            if door.send(What::File, Actor::File).await.is_err() {
                return;
            }
        } else {
            fresh = Some(seen);
        }
    }
}
