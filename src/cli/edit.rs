//! Editing the percent of a route in the file: everything else stays as it is, to the byte, and the
//! file is whole at every moment.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, fchown};
use std::path::{Path, PathBuf};

use toml_edit::{DocumentMut, Item, Value};

use crate::config::scalar::Percent;
use crate::config::{self, Config, ProcessEnv};

/// A new text for a file.
#[derive(Debug)]
pub(super) struct Edit {
    /// Where symlinks lead to.
    path: PathBuf,
    old: String,
    new: String,
}

impl Edit {
    /// Whether the file says so already.
    pub(super) fn is_nothing(&self) -> bool {
        self.old == self.new
    }

    /// Prepares the percent of the route at this index.
    ///
    /// # Errors
    ///
    /// The file cannot be edited: it is not there, read-only, broken, or says the percent in another
    /// way than as a number. Nothing has changed.
    pub(super) fn of(file: &Path, index: usize, percent: Percent) -> Result<Self, String> {
        let told = |error: io::Error| format!("{}: {error}", file.display());
        let path = fs::canonicalize(file).map_err(told)?;
        let data = fs::metadata(&path).map_err(told)?;
        if !data.is_file() || data.permissions().readonly() {
            return Err(format!("{} is read-only", file.display()));
        }
        drop(OpenOptions::new().write(true).open(&path).map_err(told)?);
        let old = fs::read_to_string(&path).map_err(told)?;
        let new = as_written(&old, with_percent(&old, index, percent)?)?;
        let config = check(&new, file)?;
        let route = config.routes.get(index);
        match route.is_some_and(|route| route.percent == percent) {
            true => Ok(Self { path, old, new }),
            false => Err("the edited file would not say so".to_owned()),
        }
    }

    /// Writes it beside the file, and puts it in its place in one step.
    ///
    /// # Errors
    ///
    /// The file is as it was.
    pub(super) fn save(&self) -> io::Result<()> {
        let data = fs::metadata(&self.path)?;
        let folder = self.path.parent().unwrap_or(Path::new("/"));
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        let beside = folder.join(format!(".{name}.{}.new", std::process::id()));
        let written = self.write(&beside, &data).and_then(|()| {
            if fs::read_to_string(&self.path)? != self.old {
                return Err(io::Error::other("somebody else has just saved it"));
            }
            fs::rename(&beside, &self.path)
        });
        if written.is_err() {
            // It may not even be there.
            drop(fs::remove_file(&beside));
        }
        written?;
        File::open(folder)?.sync_all()
    }

    fn write(&self, beside: &Path, data: &fs::Metadata) -> io::Result<()> {
        let mut options = OpenOptions::new();
        let mut file = options
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(beside)?;
        let own = file.metadata()?;
        if (own.uid(), own.gid()) != (data.uid(), data.gid()) {
            fchown(&file, Some(data.uid()), Some(data.gid()))?;
        }
        let mode = data.permissions().mode() & 0o7777;
        file.set_permissions(fs::Permissions::from_mode(mode))?;
        file.write_all(self.new.as_bytes())?;
        file.sync_all()
    }
}

fn check(text: &str, file: &Path) -> Result<Config, String> {
    let name = file.display().to_string();
    config::parse(text, &name, &ProcessEnv).map_err(|problems| problems.to_string())
}

/// The editor writes plain line ends and no byte order mark: puts back those of the old text.
fn as_written(old: &str, mut new: String) -> Result<String, String> {
    let (ends, windows) = (old.matches('\n').count(), old.matches("\r\n").count());
    match windows {
        0 => {}
        all if all == ends => new = new.replace('\n', "\r\n"),
        _ => return Err("the file has line ends of two kinds".to_owned()),
    }
    if old.starts_with('\u{feff}') && !new.starts_with('\u{feff}') {
        new.insert(0, '\u{feff}');
    }
    Ok(new)
}

/// The text with another percent.
fn with_percent(text: &str, index: usize, percent: Percent) -> Result<String, String> {
    let mut document: DocumentMut = text.parse().map_err(|error| format!("{error}"))?;
    let routes = document.get_mut("routes");
    let item = match routes {
        Some(Item::ArrayOfTables(tables)) => tables
            .get_mut(index)
            .map(|table| table.entry("percent").or_insert(Item::None)),
        Some(Item::Value(Value::Array(list))) => {
            let table = list.get_mut(index).and_then(Value::as_inline_table_mut);
            return match table {
                Some(table) => {
                    let old = table.get("percent").cloned();
                    table.insert("percent", number(percent, old.as_ref())?);
                    Ok(document.to_string())
                }
                None => Err("the route is not where it should be".to_owned()),
            };
        }
        _ => None,
    };
    let item = item.ok_or("the route is not where it should be")?;
    let old = item.as_value().cloned();
    *item = Item::Value(number(percent, old.as_ref())?);
    Ok(document.to_string())
}

/// The percent as it is written, with the spaces and the comment of the old one.
fn number(percent: Percent, old: Option<&Value>) -> Result<Value, String> {
    let hundredths = percent.hundredths();
    let mut new = match hundredths % 100 {
        0 => Value::from(i64::from(hundredths / 100)),
        _ => Value::from(f64::from(hundredths) / 100.0),
    };
    match old {
        None => {}
        Some(Value::Integer(_) | Value::Float(_)) => {
            if let Some(old) = old {
                *new.decor_mut() = old.decor().clone();
            }
        }
        Some(_) => return Err("the file takes the percent from its environment".to_owned()),
    }
    Ok(new)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "[listen]\nhttp = \"127.0.0.1:1\"\n[backends.a]\nendpoints = []\n[backends.b]\nendpoints = []\n";

    fn edited(routes: &str, index: usize, hundredths: u16) -> Result<String, String> {
        let text = format!("{HEAD}{routes}");
        let new = with_percent(&text, index, Percent::from_hundredths(hundredths))?;
        let new = as_written(&text, new)?;
        check(&new, Path::new("f.toml"))?;
        Ok(new.strip_prefix(HEAD).unwrap().to_owned())
    }

    #[test]
    fn only_the_number_changes() {
        let routes = "# first\n[[routes]]\nname    = \"x\" # the name\nprimary = \"a\"\n\ncandidate = 'b'\npercent =  10   # start with 1\nsticky  = [\n  \"client_ip\", # all\n]\n\n[[routes]]\nname = \"y\"\nmatch = { path = \"/y\" }\nprimary = \"a\"\n# end\n";
        let routes = routes.replace(
            "name    = \"x\" # the name",
            "name    = \"x\" # the name\nmatch = { path = \"/x\" }",
        );
        for (hundredths, text) in [
            (2_500, "25"),
            (25, "0.25"),
            (1_250, "12.5"),
            (0, "0"),
            (10_000, "100"),
        ] {
            let new = edited(&routes, 0, hundredths).unwrap();
            assert_eq!(
                new,
                routes.replace("percent =  10 ", &format!("percent =  {text} "))
            );
        }
        let text = format!("{HEAD}{routes}");
        for text in [text.replace('\n', "\r\n"), format!("\u{feff}{text}")] {
            let new = with_percent(&text, 0, Percent::from_hundredths(700)).unwrap();
            let new = as_written(&text, new).unwrap();
            assert_eq!(new, text.replace("percent =  10 ", "percent =  7 "));
        }
    }

    #[test]
    fn a_percent_that_was_not_there_is_added() {
        let routes = "[[routes]]\nname = \"x\"\nprimary = \"a\"\ncandidate = \"b\"\n[routes.match]\npath = \"/x\"\n";
        let new = edited(routes, 0, 500).unwrap();
        assert_eq!(new, routes.replace("\"b\"\n", "\"b\"\npercent = 5\n"));
        let inline = "";
        let text = format!(
            "routes = [{{ name = \"x\", primary = \"a\", candidate = \"b\", percent = 1 }}]\n{HEAD}{inline}"
        );
        let new = with_percent(&text, 0, Percent::from_hundredths(3_000)).unwrap();
        assert_eq!(new, text.replace("percent = 1 ", "percent = 30 "));
    }

    #[test]
    fn what_comes_from_the_environment_is_not_overwritten() {
        let routes =
            "[[routes]]\nname = \"x\"\nprimary = \"a\"\ncandidate = \"b\"\npercent = \"${P:-3}\"\n";
        let refused = edited(routes, 0, 500).unwrap_err();
        assert!(refused.contains("environment"), "{refused}");
        assert!(edited(routes, 1, 500).is_err());
    }

    #[test]
    fn a_link_stays_a_link_and_permissions_stay() {
        let folder = tempfile::tempdir().unwrap();
        let (real, link) = (
            folder.path().join("real.toml"),
            folder.path().join("link.toml"),
        );
        let text = format!(
            "{HEAD}[[routes]]\nname = \"x\"\nprimary = \"a\"\ncandidate = \"b\"\npercent = 1\n"
        );
        fs::write(&real, &text).unwrap();
        fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
        std::os::unix::fs::symlink("real.toml", &link).unwrap();
        let edit = Edit::of(&link, 0, Percent::from_hundredths(200)).unwrap();
        edit.save().unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(
            fs::read_to_string(&real).unwrap(),
            text.replace("percent = 1", "percent = 2")
        );
        assert_eq!(
            fs::metadata(&real).unwrap().permissions().mode() & 0o7777,
            0o640
        );
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
        // Somebody else was quicker.
        let edit = Edit::of(&link, 0, Percent::from_hundredths(300)).unwrap();
        fs::write(&real, format!("{text}# mine\n")).unwrap();
        assert!(edit.save().is_err());
        assert!(fs::read_to_string(&real).unwrap().ends_with("# mine\n"));
        fs::set_permissions(&real, fs::Permissions::from_mode(0o440)).unwrap();
        assert!(
            Edit::of(&link, 0, Percent::from_hundredths(300))
                .unwrap_err()
                .contains("read-only")
        );
    }
}
