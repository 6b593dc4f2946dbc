//! A file with targets. It is read and compared, so every way of saving is seen.

use std::path::Path;
use std::time::Duration;

use super::source::{Seen, Source};
use super::targets;
use crate::config::model::FileDiscovery;

const LOOK: Duration = Duration::from_secs(1);
const LARGEST: u64 = 4 * 1024 * 1024;

/// See the module.
pub(super) struct TargetFile(pub(super) FileDiscovery);

impl Source for TargetFile {
    async fn look(&mut self) -> Result<Seen, String> {
        let path = self.0.path.clone();
        let read = tokio::task::spawn_blocking(move || read(&path)).await;
        let text = read.map_err(|error| error.to_string())?;
        let shown = self.0.path.display();
        let text = text.map_err(|error| format!("{shown} cannot be read: {error}"))?;
        let found =
            targets::read(&text, self.0.scheme).map_err(|error| format!("{shown}: {error}"))?;
        Ok(Seen { found, again: LOOK })
    }

    fn patience(&self) -> Duration {
        LOOK
    }
}

fn read(path: &Path) -> Result<Vec<u8>, std::io::Error> {
    let found = std::fs::metadata(path)?;
    if !found.is_file() {
        return Err(std::io::Error::other("it is no file"));
    }
    if found.len() > LARGEST {
        return Err(std::io::Error::other("it is larger than 4 MiB"));
    }
    std::fs::read(path)
}
