//! Which house a command means, and what its file says.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

use clap::Args;
use toml::de::DeTable;

use super::address::Address;
use super::ask::Ask;
use crate::admin::answers_at;
use crate::config::scalar::Secret;
use crate::config::{self, Config, default_state_dir};

const DEFAULT_FILE: &str = "figshift.toml";
const DEFAULT_ADMIN: &str = "127.0.0.1:9901";

/// The flags by which a command finds its house.
#[derive(Debug, Args)]
pub(super) struct Target {
    /// Its admin port, or unix: and the path of its socket; else FIGSHIFT_ADMIN; else, in its file,
    /// admin.socket if somebody answers there, and listen.admin if not.
    #[arg(long, value_name = "ADDR")]
    admin: Option<Address>,
    /// Its token; else FIGSHIFT_TOKEN, else admin.token in its file.
    #[arg(long, value_name = "TOKEN")]
    token: Option<Secret>,
    /// Its configuration file; figshift.toml unless given.
    #[arg(long, short, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    pub(super) json: bool,
}

/// A house that may answer, and its file.
#[derive(Debug)]
pub(super) struct Reach {
    pub(super) ask: Ask,
    pub(super) file: PathBuf,
    /// The file, or what is wrong with it.
    pub(super) config: Result<Config, String>,
    /// Whether the file may be taken for that of this house: somebody said so, or the house was found by it.
    pub(super) is_its_file: bool,
}

impl Target {
    /// # Errors
    ///
    /// What the flags or the environment say cannot be used.
    pub(super) fn reach(&self) -> Result<Reach, String> {
        let (admin, token) = (variable("FIGSHIFT_ADMIN"), variable("FIGSHIFT_TOKEN"));
        let admin = match (&self.admin, admin) {
            (Some(admin), _) => Some(admin.clone()),
            (None, Some(text)) => {
                let parsed = text.parse::<Address>();
                Some(parsed.map_err(|problem| format!("FIGSHIFT_ADMIN: {problem}"))?)
            }
            (None, None) => None,
        };
        let token = match (&self.token, token) {
            (Some(token), _) => Some(token.clone()),
            (None, Some(text)) => {
                let parsed = text.parse::<Secret>();
                Some(parsed.map_err(|refusal| format!("FIGSHIFT_TOKEN: {refusal}"))?)
            }
            (None, None) => None,
        };
        let file = self.config.clone();
        let is_its_file = file.is_some() || admin.is_none();
        let file = file.unwrap_or_else(|| PathBuf::from(DEFAULT_FILE));
        let config = config::load(&file).map(|loaded| loaded.config);
        let config = config.map_err(|problems| problems.to_string());
        let token = token.or_else(|| config.as_ref().ok()?.admin.token.clone());
        let admin = match admin {
            Some(admin) => admin,
            None => admin_of(&file, &config)?,
        };
        Ok(Reach {
            ask: Ask::new(admin, token).map_err(|failed| failed.to_string())?,
            file,
            config,
            is_its_file,
        })
    }
}

impl Reach {
    /// The state folder, as far as the file tells it, even when the rest of it is broken.
    pub(super) fn state_dir(&self) -> Option<PathBuf> {
        if !self.is_its_file {
            return None;
        }
        match &self.config {
            Ok(config) => Some(config.state_dir.clone()),
            Err(_) => match legible(&self.file, &["state_dir"])? {
                Some(text) => Some(PathBuf::from(text)),
                None => Some(default_state_dir()),
            },
        }
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The socket, if somebody answers there whom we may ask; else the port.
fn admin_of(file: &Path, config: &Result<Config, String>) -> Result<Address, String> {
    let socket = match config {
        Ok(config) => config.admin.socket.clone(),
        Err(_) => legible(file, &["admin", "socket"])
            .flatten()
            .map(PathBuf::from),
    };
    if let Some(socket) = socket.filter(|path| answers_at(path).is_ok()) {
        return Ok(Address::Socket(socket));
    }
    let text = match config {
        Ok(config) => Some(config.listen.admin.clone()),
        Err(_) => legible(file, &["listen", "admin"]).flatten(),
    };
    let text = text.unwrap_or_else(|| DEFAULT_ADMIN.to_owned());
    let address: SocketAddr = text
        .parse()
        .map_err(|_| format!("listen.admin is not of the form ip:port: {text}"))?;
    let address = SocketAddr::new(reachable(address.ip()), address.port());
    let parsed = address.to_string().parse();
    parsed.map_err(|_| format!("listen.admin cannot be asked: {text}"))
}

/// What listens on all addresses is asked on the nearest one.
fn reachable(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    }
}

/// A string in a file that may be broken elsewhere. `None` when the file cannot be read or the
/// string not be understood without its environment; `Some(None)` when the key is not there.
fn legible(file: &Path, keys: &[&str]) -> Option<Option<String>> {
    let text = fs::read_to_string(file).ok()?;
    let (table, _) = DeTable::parse_recoverable(&text);
    let (last, tables) = keys.split_last()?;
    let mut table = table.get_ref();
    for key in tables {
        match table.get(*key) {
            Some(value) => table = value.get_ref().as_table()?,
            None => return Some(None),
        }
    }
    let Some(value) = table.get(*last) else {
        return Some(None);
    };
    let value = value.get_ref().as_str()?;
    (!value.contains("${")).then(|| Some(value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_file_still_tells_where_its_state_is() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("f.toml");
        let read = |text: &str| {
            fs::write(&file, text).unwrap();
            let state = legible(&file, &["state_dir"]);
            (state, legible(&file, &["listen", "admin"]))
        };
        let text = |text: &str| Some(Some(text.to_owned()));
        let broken = "state_dir = \"/s\"\n[listen]\nadmin = \"127.0.0.1:7\"\n[backends\nx = = 3\n";
        assert_eq!(read(broken), (text("/s"), text("127.0.0.1:7")));
        assert_eq!(read("x = 3"), (Some(None), Some(None)));
        assert_eq!(read("state_dir = \"${X}\"\nlisten = 3"), (None, None));
        assert_eq!(legible(Path::new("/nowhere"), &["x"]), None);
    }

    #[test]
    fn a_port_on_all_addresses_is_asked_here() {
        let ask = |text: &str| {
            let address: SocketAddr = text.parse().unwrap();
            reachable(address.ip()).to_string()
        };
        assert_eq!(ask("0.0.0.0:1"), "127.0.0.1");
        assert_eq!(ask("[::]:1"), "::1");
        assert_eq!(ask("10.0.0.7:1"), "10.0.0.7");
    }
}
