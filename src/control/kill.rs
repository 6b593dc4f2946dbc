//! The kill switches that need nobody to answer: `VASTAI_ENABLED=false` at the start, and the file
//! `KILL` in the state folder, which works while the admin port is dead.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::change::{Actor, What};
use super::door::Door;
use super::force::Switches;
use super::overrides::Stamp;

const VARIABLE: &str = "VASTAI_ENABLED";
const NAME: &str = "KILL";
/// Between two looks for the file.
const LOOK: Duration = Duration::from_millis(200);

/// Where the kill file is looked for.
pub fn kill_path(state_dir: &Path) -> PathBuf {
    state_dir.join(NAME)
}

/// The switches at the start.
pub(super) fn switches(state_dir: &Path, variable: impl Fn(&str) -> Option<String>) -> Switches {
    let disabled = variable(VARIABLE).is_some_and(|value| {
        let value = value.trim().to_ascii_lowercase();
        matches!(&*value, "false" | "0" | "no" | "off")
    });
    Switches {
        disabled,
        kill_file: kill_path(state_dir)
            .exists()
            .then(|| Stamp::now(Actor::KillFile, "")),
    }
}

/// Tells the controller of the kill file, until the controller is gone: when it goes, and at each look
/// while it is there. A file that was removed and is back before the next look would be missed otherwise.
pub async fn watch_kill(state_dir: PathBuf, door: Door) {
    let path = kill_path(&state_dir);
    let mut there = None;
    loop {
        let now = path.exists();
        if now || there != Some(now) {
            there = Some(now);
            if door.send(What::KillFile, Actor::KillFile).await.is_err() {
                return;
            }
        }
        tokio::time::sleep(LOOK).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variable_disables_in_every_spelling() {
        let folder = tempfile::tempdir().unwrap();
        for (value, disabled) in [
            (None, false),
            (Some("true"), false),
            (Some(""), false),
            (Some("false"), true),
            (Some(" False "), true),
            (Some("0"), true),
            (Some("off"), true),
        ] {
            let switches = switches(folder.path(), |_| value.map(str::to_owned));
            assert_eq!(switches.disabled, disabled, "{value:?}");
            assert_eq!(switches.kill_file, None);
        }
        std::fs::write(kill_path(folder.path()), "").unwrap();
        assert!(switches(folder.path(), |_| None).kill_file.is_some());
    }
}
