//! Where the file of the table stands, and how it is opened: it waits for a predecessor, moves a file aside
//! that cannot be used, and takes over what is in it.

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use super::disk::{About, Disk, open_private};
use super::key::{Key, Secret};
use super::table::Table;
use super::trouble::Trouble;

const TABLE: &str = "owners.redb";
/// The secret once more, for a process that cannot open the table yet.
const SECRET: &str = "owners.key";
const POLL: Duration = Duration::from_millis(20);

/// A state folder.
#[derive(Debug, Clone)]
pub(super) struct Place {
    folder: PathBuf,
}

/// An open file.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) disk: Disk,
    pub(super) about: About,
    pub(super) is_new: bool,
    pub(super) set_aside: Option<PathBuf>,
    pub(super) broken: Option<Trouble>,
}

/// What was taken over.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Taken {
    pub(super) entries: usize,
    pub(super) expired: usize,
}

impl Place {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    pub(super) fn table(&self) -> PathBuf {
        self.folder.join(TABLE)
    }

    pub(super) fn late(&self) -> PathBuf {
        self.folder.join("owners.late")
    }

    /// Whether a table was left here, or is being kept.
    pub(super) fn has_table(&self) -> bool {
        self.table().exists() || self.late().exists()
    }

    /// Opens the file, or one in its place if it cannot be used. A new one tells `begin`.
    pub(super) fn open(&self, begin: &About, wait: Duration, now: u32) -> Result<Found, Trouble> {
        fs::create_dir_all(&self.folder)?;
        let trouble = match self.open_free(begin, wait) {
            Ok((disk, about, is_new)) => {
                if is_new {
                    self.sync_names();
                }
                return Ok(Found {
                    disk,
                    about,
                    is_new,
                    set_aside: None,
                    broken: None,
                });
            }
            Err(trouble) if trouble.is_the_file() => trouble,
            Err(trouble) => return Err(trouble),
        };
        let mut found = self.begin_anew(begin, now)?;
        found.broken = Some(trouble);
        Ok(found)
    }

    /// Moves the file aside and begins another one.
    pub(super) fn begin_anew(&self, begin: &About, now: u32) -> Result<Found, Trouble> {
        let aside = set_aside(&self.table(), now)?;
        let (disk, about, _) = Disk::open(&self.table(), begin)?;
        self.sync_names();
        Ok(Found {
            disk,
            about,
            is_new: true,
            set_aside: Some(aside),
            broken: None,
        })
    }

    /// A new file's name has to be on disk as well. Some file systems cannot, and need not.
    fn sync_names(&self) {
        if let Err(error) = fs::File::open(&self.folder).and_then(|folder| folder.sync_all()) {
            tracing::debug!(%error, "The state folder cannot be synced");
        }
    }

    fn open_free(&self, begin: &About, wait: Duration) -> Result<(Disk, About, bool), Trouble> {
        let start = Instant::now();
        loop {
            match Disk::open(&self.table(), begin) {
                Err(Trouble::Busy) if start.elapsed() < wait => thread::sleep(POLL),
                other => return other,
            }
        }
    }

    /// The secret that a predecessor has left.
    pub(super) fn secret(&self) -> Option<Secret> {
        let mut bytes = Vec::new();
        let file = fs::File::open(self.folder.join(SECRET)).ok()?;
        file.take(17).read_to_end(&mut bytes).ok()?;
        let number = u128::from_le_bytes(bytes.try_into().ok()?);
        Some(Secret::from_number(number))
    }

    /// Leaves the secret for a successor.
    pub(super) fn keep_secret(&self, secret: Secret) -> Result<(), Trouble> {
        if self.secret() == Some(secret) {
            return Ok(());
        }
        let mut file = open_private(&self.folder.join(SECRET))?;
        file.set_len(0)?;
        file.write_all(&secret.as_number().to_le_bytes())?;
        Ok(file.sync_all()?)
    }
}

impl Found {
    /// Takes over all that is in the file. `is_first` if the table has never done so.
    pub(super) fn load(&self, table: &Table, is_first: bool, now: u32) -> Result<Taken, Trouble> {
        let mut taken = Taken::default();
        table.counts.go_blind(self.about.blind_until);
        self.disk.each((Key(0), Key(u128::MAX)), |key, row| {
            if row.expires <= now {
                taken.expired += 1;
                table.drop_row(key);
            } else if table.take_in(key, &row, is_first, now) {
                taken.entries += 1;
            }
            true
        })?;
        Ok(taken)
    }
}

/// Moves a file out of the way, under a name that is free.
fn set_aside(path: &Path, now: u32) -> Result<PathBuf, Trouble> {
    let name = |nth: u32| {
        let again = if nth == 0 {
            String::new()
        } else {
            format!("-{nth}")
        };
        path.with_extension(format!("redb.broken-{now}{again}"))
    };
    let free = (0..u32::MAX).map(name).find(|name| !name.exists());
    let aside = free.unwrap_or_else(|| name(0));
    fs::rename(path, &aside)?;
    Ok(aside)
}
