//! The file of the table. redb checks all its checksums when it is opened; what still makes it panic on a
//! damaged file is caught here and told as damage.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::ops::Range;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use redb::backends::FileBackend;
use redb::{Builder, Database, ReadableDatabase, ReadableTable, ReadableTableMetadata};
use redb::{TableDefinition, WriteTransaction};

use super::followed::Begins;
use super::key::{Key, Secret};
use super::row::Row;
use super::trouble::Trouble;

pub(super) const ENTRIES: TableDefinition<'_, u128, &[u8]> = TableDefinition::new("entries");
const ABOUT: TableDefinition<'_, &str, u128> = TableDefinition::new("about");
/// What stands before the name of a rule in [`ABOUT`], and all names there.
const RULE: &str = "rule:";
const RULES: Range<&str> = RULE.."rule;";
/// Another format is moved aside.
pub(super) const FORMAT: u64 = 1;
/// Pages in memory: enough for the upper part of the tree.
const CACHE: usize = 8 * 1024 * 1024;
/// A file that is larger than this and three times what stands in it is compacted when it is opened: of
/// 272 MiB that takes some 200 ms.
pub(super) const WORTH_COMPACTING: u64 = 32 * 1024 * 1024;

/// What the file tells of the table as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct About {
    pub(super) secret: Secret,
    pub(super) since: u32,
    pub(super) blind_until: u32,
    /// The rules that were in force at the last write, and since when.
    pub(super) rules: Begins,
}

/// The open file.
#[derive(Debug)]
pub(super) struct Disk {
    database: Database,
}

/// Runs what redb may panic on.
pub(super) fn guarded<T>(run: impl FnOnce() -> Result<T, Trouble>) -> Result<T, Trouble> {
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(result) => result,
        Err(panic) => {
            let why = panic.downcast_ref::<String>().map(String::as_str);
            let why = why.or_else(|| panic.downcast_ref::<&str>().copied());
            Err(Trouble::Damaged(why.unwrap_or("no reason told").to_owned()))
        }
    }
}

impl Disk {
    /// Opens a file. One that is new gets `begin`; else gives what the file tells. The last is whether it
    /// is new.
    pub(super) fn open(path: &Path, begin: &About) -> Result<(Self, About, bool), Trouble> {
        guarded(|| {
            let file = open_private(path)?;
            let backend = FileBackend::new(file).map_err(told)?;
            let mut builder = Builder::new();
            builder.set_cache_size(CACHE);
            builder.set_check_integrity_on_open(true);
            let database = builder.create_with_backend(backend).map_err(told)?;
            let disk = Self { database };
            match disk.about()? {
                Some(about) => Ok((disk, about, false)),
                None => {
                    disk.write(|_| Ok(()), begin)?;
                    Ok((disk, begin.clone(), true))
                }
            }
        })
    }

    fn about(&self) -> Result<Option<About>, Trouble> {
        let reading = self.database.begin_read().map_err(told)?;
        let table = match reading.open_table(ABOUT) {
            Ok(table) => table,
            Err(redb::TableError::TableDoesNotExist(_)) => return Ok(None),
            Err(error) => return Err(told(error)),
        };
        let get = |name: &str| match table.get(name) {
            Ok(Some(value)) => Ok(value.value()),
            Ok(None) => Err(Trouble::Damaged(format!("{name} is missing"))),
            Err(error) => Err(told(error)),
        };
        let figure = |name| u32::try_from(get(name)?).map_err(|_| bad(name));
        match u64::try_from(get("format")?) {
            Ok(FORMAT) => {}
            Ok(other) => return Err(Trouble::Format(other)),
            Err(_) => return Err(bad("format")),
        }
        let mut rules = Begins::new();
        for found in table.range(RULES).map_err(told)? {
            let (name, since) = found.map_err(told)?;
            let name = name.value().strip_prefix(RULE).unwrap_or_default();
            // One that cannot be read begins anew when it is in force.
            if let Ok(since) = u32::try_from(since.value()) {
                rules.insert(name.into(), since);
            }
        }
        Ok(Some(About {
            secret: Secret::from_number(get("secret")?),
            since: figure("since")?,
            blind_until: figure("blind_until")?,
            rules,
        }))
    }

    /// Shows all rows, or those of a range of keys. The visitor says whether to go on.
    pub(super) fn each(
        &self,
        range: (Key, Key),
        mut visit: impl FnMut(Key, Row<'_>) -> bool,
    ) -> Result<(), Trouble> {
        guarded(|| {
            let reading = self.database.begin_read().map_err(told)?;
            let table = reading.open_table(ENTRIES).map_err(told)?;
            for found in table.range(range.0.0..=range.1.0).map_err(told)? {
                let (key, value) = found.map_err(told)?;
                let row = Row::read(value.value()).ok_or_else(|| bad("a row"))?;
                if !visit(Key(key.value()), row) {
                    break;
                }
            }
            Ok(())
        })
    }

    /// One transaction; on disk when it returns.
    pub(super) fn write(
        &self,
        change: impl FnOnce(&mut redb::Table<'_, u128, &'static [u8]>) -> Result<(), Trouble>,
        about: &About,
    ) -> Result<(), Trouble> {
        guarded(|| {
            let writing = self.database.begin_write().map_err(told)?;
            // Immediate durability is redb's default.
            let mut entries = writing.open_table(ENTRIES).map_err(told)?;
            change(&mut entries)?;
            drop(entries);
            tell(&writing, about)?;
            writing.commit().map_err(told)
        })
    }

    /// Makes the file smaller if it is much larger than what stands in it, and than `worth`. Returns whether
    /// it did.
    pub(super) fn compact(&mut self, path: &Path, worth: u64) -> Result<bool, Trouble> {
        let len = fs::metadata(path)?.len();
        if len < worth {
            return Ok(false);
        }
        guarded(|| {
            let reading = self.database.begin_read().map_err(told)?;
            let table = reading.open_table(ENTRIES).map_err(told)?;
            let stored = table.stats().map_err(told)?.stored_bytes();
            // What reads keeps pages where they are.
            drop(table);
            drop(reading);
            if stored.saturating_mul(3) > len {
                return Ok(false);
            }
            self.database.compact().map_err(told)
        })
    }

    /// Lets another process have the file.
    pub(super) fn close(self) -> Result<(), Trouble> {
        guarded(|| self.database.close().map_err(told))
    }
}

fn tell(writing: &WriteTransaction, about: &About) -> Result<(), Trouble> {
    let mut table = writing.open_table(ABOUT).map_err(told)?;
    let all = [
        ("format", u128::from(FORMAT)),
        ("secret", about.secret.as_number()),
        ("since", u128::from(about.since)),
        ("blind_until", u128::from(about.blind_until)),
    ];
    for (name, value) in all {
        let known = table.get(name).map_err(told)?.map(|known| known.value());
        if known != Some(value) {
            table.insert(name, value).map_err(told)?;
        }
    }
    tell_rules(&mut table, &about.rules)
}

fn tell_rules(table: &mut redb::Table<'_, &str, u128>, rules: &Begins) -> Result<(), Trouble> {
    let mut missing: BTreeMap<String, u128> = rules
        .iter()
        .map(|(name, since)| (format!("{RULE}{name}"), u128::from(*since)))
        .collect();
    let mut gone = Vec::new();
    for found in table.range(RULES).map_err(told)? {
        let (name, since) = found.map_err(told)?;
        match missing.get(name.value()) {
            Some(known) if *known == since.value() => drop(missing.remove(name.value())),
            Some(_) => {}
            None => gone.push(name.value().to_owned()),
        }
    }
    for name in gone {
        table.remove(&*name).map_err(told)?;
    }
    for (name, since) in missing {
        table.insert(&*name, since).map_err(told)?;
    }
    Ok(())
}

/// Only this user may read what ids there are.
pub(super) fn open_private(path: &Path) -> Result<File, Trouble> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    let file = options.mode(0o600).open(path)?;
    if file.metadata()?.permissions().mode() & 0o077 != 0 {
        file.set_permissions(fs::Permissions::from_mode(0o600))?;
    }
    Ok(file)
}

fn bad(what: &str) -> Trouble {
    Trouble::Damaged(format!("{what} cannot be read"))
}

/// An error of redb in our words.
pub(super) fn told(error: impl Into<redb::Error>) -> Trouble {
    match error.into() {
        redb::Error::Io(error) => Trouble::Io(error),
        redb::Error::DatabaseAlreadyOpen | redb::Error::LockProtocolMismatch => Trouble::Busy,
        redb::Error::UpgradeRequired(format) => Trouble::Format(u64::from(format)),
        error @ (redb::Error::Corrupted(_)
        | redb::Error::RepairAborted
        | redb::Error::TableTypeMismatch { .. }
        | redb::Error::TableIsMultimap(_)
        | redb::Error::TableDoesNotExist(_)
        | redb::Error::TypeDefinitionChanged { .. }) => Trouble::Damaged(error.to_string()),
        // Not of the file: a good one must not be taken for a damaged one.
        other => Trouble::Io(io::Error::other(other.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begin() -> About {
        About {
            secret: Secret::random(),
            since: 1,
            blind_until: 2,
            rules: Begins::new(),
        }
    }

    fn rows(disk: &Disk) -> usize {
        let mut rows = 0;
        let all = (Key(0), Key(u128::MAX));
        disk.each(all, |_, _| {
            rows += 1;
            true
        })
        .unwrap();
        rows
    }

    #[test]
    fn what_is_thin_is_compacted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("owners.redb");
        let len = || fs::metadata(&path).unwrap().len();
        let about = begin();
        let (mut disk, told_about, is_new) = Disk::open(&path, &about).unwrap();
        assert!(is_new && told_about == about);
        let row = Row {
            created: 1,
            expires: 2,
            ttl: 3,
            done: false,
            rule: "jobs",
            backend: "vast",
            id: &[7; 200],
            origin: "",
            theirs: "",
        };
        let mut bytes = Vec::new();
        row.write(&mut bytes);
        let spread = |n: u128| n.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
        let fill = |entries: &mut redb::Table<'_, u128, &'static [u8]>| {
            for n in 0..10_000 {
                entries.insert(spread(n), &*bytes).map_err(told)?;
            }
            Ok(())
        };
        disk.write(fill, &about).unwrap();
        let worth = 64 * 1024;
        assert!(!disk.compact(&path, worth).unwrap(), "it is full");
        let full = len();
        let thin = |entries: &mut redb::Table<'_, u128, &'static [u8]>| {
            for n in (0..10_000).filter(|n| n % 20 != 0) {
                entries.remove(spread(n)).map_err(told)?;
            }
            Ok(())
        };
        disk.write(thin, &about).unwrap();
        assert!(!disk.compact(&path, u64::MAX).unwrap(), "it is small");
        assert!(disk.compact(&path, worth).unwrap());
        assert!(len() < full / 3, "{} of {full}", len());
        assert_eq!(rows(&disk), 500);
        disk.close().unwrap();
        let (disk, told_about, is_new) = Disk::open(&path, &begin()).unwrap();
        assert!(!is_new && told_about == about);
        assert_eq!(rows(&disk), 500);
    }

    #[test]
    fn a_second_one_is_told_that_it_is_busy() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("owners.redb");
        let (first, ..) = Disk::open(&path, &begin()).unwrap();
        let second = Disk::open(&path, &begin());
        assert!(matches!(second, Err(Trouble::Busy)));
        first.close().unwrap();
        assert!(Disk::open(&path, &begin()).is_ok());
    }

    #[test]
    fn a_panic_is_told_as_damage() {
        let told = guarded::<()>(|| panic!("at page {}", 7));
        assert!(matches!(told, Err(Trouble::Damaged(why)) if why == "at page 7"));
    }
}
