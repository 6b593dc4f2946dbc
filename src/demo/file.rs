//! The demo's folder and the file in it.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};

/// Folders tried before giving up; each name that exists is left alone.
const FOLDER_TRIES: u32 = 100;

/// A new temporary folder, removed with all that is in it when dropped.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    /// Makes a folder that only this user can read.
    pub fn new() -> io::Result<Self> {
        for number in 0..FOLDER_TRIES {
            let name = format!("figshift-{}", std::process::id().wrapping_add(number));
            let path = std::env::temp_dir().join(name);
            match builder().create(&path) {
                Ok(()) => return Ok(Self { path }),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed is left to the system's own cleaning.
        std::fs::remove_dir_all(&self.path).ok();
    }
}

fn builder() -> std::fs::DirBuilder {
    #[cfg_attr(not(unix), allow(unused_mut))]
    let mut builder = std::fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
}

/// For each the preferred local port if nobody has it, any free one otherwise. All differ.
pub fn free_addresses<const N: usize>(preferred: [u16; N]) -> io::Result<[SocketAddr; N]> {
    // Held until all are found, or one free port could be found twice.
    let mut held = Vec::with_capacity(N);
    let mut addresses = [SocketAddr::from((Ipv4Addr::LOCALHOST, 0)); N];
    for (address, port) in addresses.iter_mut().zip(preferred) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
            .or_else(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))?;
        *address = listener.local_addr()?;
        held.push(listener);
    }
    Ok(addresses)
}

/// What the demo's `figshift.toml` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DemoFile {
    /// Where the proxy listens.
    pub http: SocketAddr,
    /// Where its admin port listens.
    pub admin: SocketAddr,
    /// The old backend.
    pub legacy: SocketAddr,
    /// Its successor.
    pub vastai: SocketAddr,
}

impl DemoFile {
    /// Writes `figshift.toml` into the folder and returns its path.
    pub fn write(&self, folder: &Path) -> io::Result<PathBuf> {
        let path = folder.join("figshift.toml");
        std::fs::write(&path, self.text(folder))?;
        Ok(path)
    }

    /// The file as text.
    pub fn text(&self, folder: &Path) -> String {
        let Self {
            http,
            admin,
            legacy,
            vastai,
        } = self;
        let state = quoted(&folder.join("state"));
        format!(
            r#"# The demo's file. Save a change and it is in force at once; a mistake is reported and
# the last good version stays. Only `state_dir` and the addresses in `listen` need a restart.

state_dir = {state}

[listen]
http  = "{http}"
admin = "{admin}"

[backends.legacy]
endpoints = ["http://{legacy}"]

[backends.vastai]
endpoints = ["http://{vastai}"]

[[routes]]
name = "chat"
match = {{ path = "/*" }}
primary = "legacy"
candidate = "vastai"

# The share of users that vastai serves. Raising it only ever moves users to vastai.
percent = 10

# A user stays on a side; requests without the header are drawn one by one.
sticky = ["header:x-user-id"]

# When one side answers so, the other one is asked before the client sees anything.
fallback_on = ["500", "502", "503", "504"]

# Nothing is harmed when a request to this route is sent twice.
idempotent = true

# Say in `x-figshift-backend` who answered.
backend_header = true

# In a demo nobody wants to wait: little is enough to go on or to go back, and users count
# again every few seconds. Without these tables the guard is on, with settings for real traffic.
[routes.guard]
ride_out = "4s"
session = "5s"
min_requests = 20
errors = {{ worse_by = "2pp", at_most = "20pp" }}
latency = {{ worse_by = "50%", at_most = "100%" }}

[routes.ramp]
steps = [1, 5, 25, 50, 100]
hold_back = 0
min_step = "5s"
"#
        )
    }
}

/// A path as a TOML string: JSON's escapes are a subset of TOML's.
fn quoted(path: &Path) -> String {
    serde_json::Value::from(path.to_string_lossy()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> DemoFile {
        let local = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        DemoFile {
            http: local(8080),
            admin: local(9901),
            legacy: local(4001),
            vastai: local(4002),
        }
    }

    #[test]
    fn the_written_file_is_toml_that_says_what_was_asked() {
        let folder = Folder::new().unwrap();
        let path = file().write(folder.path()).unwrap();
        let table: toml::Table = std::fs::read_to_string(&path).unwrap().parse().unwrap();
        assert_eq!(table["listen"]["http"].as_str(), Some("127.0.0.1:8080"));
        let route = &table["routes"][0];
        assert_eq!(route["percent"].as_integer(), Some(10));
        let endpoint = &table["backends"]["vastai"]["endpoints"][0];
        assert_eq!(endpoint.as_str(), Some("http://127.0.0.1:4002"));
    }

    #[test]
    fn odd_folder_names_survive() {
        let folder = Path::new("/tmp/a \"b\"\\c");
        let table: toml::Table = file().text(folder).parse().unwrap();
        assert_eq!(table["state_dir"].as_str(), Some("/tmp/a \"b\"\\c/state"));
    }

    #[test]
    fn a_taken_port_gives_way_to_a_free_one() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        let [first, second] = free_addresses([port, port]).unwrap();
        assert!(first.port() != port && second.port() != port && first != second);
    }

    #[test]
    fn a_folder_goes_with_its_owner() {
        let folder = Folder::new().unwrap();
        let path = folder.path().to_owned();
        assert!(path.is_dir());
        drop(folder);
        assert!(!path.exists());
    }
}
