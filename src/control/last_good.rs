//! The last good file, kept in the state folder as it was written (secrets are not filled in), so
//! that a restart with a broken file has something to start from.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use toml::de::DeTable;

const NAME: &str = "last-good.toml";

/// Where it is kept.
pub(super) fn place(state_dir: &Path) -> PathBuf {
    state_dir.join(NAME)
}

/// Keeps a text: written beside and renamed, so that a crash leaves the old or the new one.
pub(super) fn keep(state_dir: &Path, text: &str) -> io::Result<()> {
    fs::create_dir_all(state_dir)?;
    let beside = state_dir.join(format!("{NAME}.new"));
    // A secret that was written into the file by hand is in the copy too.
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    options.open(&beside)?.write_all(text.as_bytes())?;
    fs::rename(&beside, place(state_dir))
}

/// The state folder that a file names, even when the rest of it is broken; `None` when it names
/// none, or not legibly.
pub(super) fn state_dir_of(text: &str) -> Option<PathBuf> {
    let (table, _) = DeTable::parse_recoverable(text);
    let value = table.get_ref().get("state_dir")?;
    let folder = value.get_ref().as_str()?;
    (!folder.contains("${")).then(|| PathBuf::from(folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_is_found_in_a_broken_file() {
        assert_eq!(
            state_dir_of("state_dir = \"/s\"\n[listen\nhttp = 3"),
            Some(PathBuf::from("/s"))
        );
        assert_eq!(state_dir_of("state_dir = 3"), None);
        assert_eq!(state_dir_of("= ="), None);
    }

    #[test]
    fn a_text_is_kept_whole() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("deep/state");
        keep(&state, "one").unwrap();
        keep(&state, "two").unwrap();
        assert_eq!(fs::read_to_string(place(&state)).unwrap(), "two");
        assert_eq!(fs::read_dir(&state).unwrap().count(), 1);
    }
}
