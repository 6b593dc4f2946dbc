//! Listening sockets that somebody else has opened: a service manager (`LISTEN_FDS`), or the house
//! whose place this one takes. They stay open when one process goes and another comes, so nobody who
//! connects in between is turned away.

use std::env;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::path::Path;

use listenfd::ListenFd;

use crate::admin::{self, SocketFile};
use crate::proxy::Entrance;

/// The names of the proxy's listeners, and that of the admin port.
const ADMIN: &str = "admin";
const SOCKET: &str = "socket";
/// In the order in which nameless sockets are taken.
const NAMES: [&str; 3] = ["http", ADMIN, "https"];

/// Sockets that were given and are not used yet.
#[derive(Debug, Default)]
pub struct Given {
    tcp: Vec<(String, TcpListener)>,
    unix: Option<UnixListener>,
    /// They are for whatever address the file names: a service manager has its own file for that.
    anywhere: bool,
}

impl Given {
    /// What the service manager gives, if it gives anything. Takes it out of the environment, so call
    /// it before there are threads.
    ///
    /// # Errors
    ///
    /// What it gives cannot be used.
    pub fn by_environment() -> io::Result<Self> {
        let names = env::var("LISTEN_FDNAMES").unwrap_or_default();
        let mut sockets = ListenFd::from_env();
        let names: Vec<&str> = names.split(':').filter(|name| !name.is_empty()).collect();
        let mut given = Self {
            anywhere: true,
            ..Self::default()
        };
        for (index, name) in name_all(&names, sockets.len())?.into_iter().enumerate() {
            let listener = sockets.take_tcp_listener(index)?;
            given.add_tcp(name, listener.ok_or(io::ErrorKind::NotFound)?)?;
        }
        Ok(given)
    }

    /// What the house before gives, under the names of [`Given::copies`].
    pub(super) fn add(&mut self, name: &str, socket: OwnedFd) -> io::Result<()> {
        if name == SOCKET {
            let listener = UnixListener::from(socket);
            listener.set_nonblocking(true)?;
            self.unix = Some(listener);
            return Ok(());
        }
        self.add_tcp(name.to_owned(), TcpListener::from(socket))
    }

    fn add_tcp(&mut self, name: String, listener: TcpListener) -> io::Result<()> {
        listener.set_nonblocking(true)?;
        self.tcp.push((name, listener));
        Ok(())
    }

    /// Whether nothing was given.
    pub fn is_empty(&self) -> bool {
        self.tcp.is_empty() && self.unix.is_none()
    }

    /// Those for this listener of the proxy.
    pub(super) fn proxy(&mut self, entrance: Entrance, address: &str) -> Vec<TcpListener> {
        self.take(entrance.as_str(), address)
    }

    /// The one for the admin port.
    pub(super) fn admin(&mut self, address: &str) -> Option<TcpListener> {
        self.take(ADMIN, address).pop()
    }

    /// The one for the admin socket, if it is the one at this path.
    pub(super) fn socket(&mut self, path: &Path) -> Option<(UnixListener, SocketFile)> {
        let listener = self.unix.take()?;
        let bound = listener.local_addr().ok()?;
        let file = admin::SocketFile::of(path).ok()?;
        (bound.as_pathname() == Some(path)).then_some((listener, file))
    }

    fn take(&mut self, name: &str, address: &str) -> Vec<TcpListener> {
        let anywhere = self.anywhere;
        let fits = |listener: &TcpListener| {
            anywhere || listener.local_addr().is_ok_and(|at| is_at(at, address))
        };
        let taken = self
            .tcp
            .extract_if(.., |(given, listener)| given == name && fits(listener));
        taken.map(|(_, listener)| listener).collect()
    }
}

/// Copies of the sockets of a running house, with the names to give them under.
#[derive(Debug)]
pub(super) struct Copies(pub(super) Vec<(&'static str, OwnedFd)>);

impl Copies {
    pub(super) fn of(sockets: &super::listen::Sockets) -> io::Result<Self> {
        let mut copies = Vec::new();
        for (entrance, listeners) in [
            (Entrance::Http, &sockets.http),
            (Entrance::Https, &sockets.https),
        ] {
            for listener in listeners {
                copies.push((entrance.as_str(), listener.try_clone()?.into()));
            }
        }
        copies.push((ADMIN, sockets.admin.try_clone()?.into()));
        if let Some((listener, _)) = &sockets.socket {
            copies.push((SOCKET, listener.try_clone()?.into()));
        }
        Ok(Self(copies))
    }
}

/// Whether a socket is where the file wants one. Port 0 is any.
fn is_at(bound: SocketAddr, wanted: &str) -> bool {
    wanted.parse().is_ok_and(|wanted: SocketAddr| {
        bound.ip() == wanted.ip() && (wanted.port() == 0 || bound.port() == wanted.port())
    })
}

/// A name for each socket: its own, or by its place where the names are none of ours, since a socket
/// unit that says nothing calls its sockets like itself.
fn name_all(names: &[&str], count: usize) -> io::Result<Vec<String>> {
    let known = |name: &&str| NAMES.contains(name);
    if !names.iter().any(known) {
        let named = NAMES.get(..count).ok_or_else(|| too_many(count))?;
        return Ok(named.iter().map(|name| (*name).to_owned()).collect());
    }
    match names.iter().find(|name| !known(name)) {
        None if names.len() == count => Ok(names.iter().map(|name| (*name).to_owned()).collect()),
        None => Err(invalid(format!(
            "LISTEN_FDNAMES has {} names for {count} sockets",
            names.len()
        ))),
        Some(name) => Err(invalid(format!(
            "LISTEN_FDNAMES has a socket `{name}`: the names here are {}",
            NAMES.join(", ")
        ))),
    }
}

fn too_many(count: usize) -> io::Error {
    invalid(format!(
        "LISTEN_FDS gives {count} sockets without names: set FileDescriptorName= in their units to {}",
        NAMES.join(", ")
    ))
}

fn invalid(why: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_go_by_name_or_by_place() {
        let named = |names: &[&str], count| name_all(names, count);
        assert_eq!(named(&[], 1).unwrap(), ["http"]);
        assert_eq!(
            named(&["figshift.socket"; 2], 2).unwrap(),
            ["http", "admin"]
        );
        assert_eq!(named(&[], 3).unwrap(), NAMES);
        assert_eq!(named(&["https", "http"], 2).unwrap(), ["https", "http"]);
        assert_eq!(named(&["admin", "http"], 2).unwrap(), ["admin", "http"]);
        assert_eq!(named(&["http", "http"], 2).unwrap(), ["http", "http"]);
        assert!(named(&[], 0).unwrap().is_empty());
        for (names, count, said) in [
            (&["http", "htpp"][..], 2, "`htpp`"),
            (&["http"], 2, "1 names for 2"),
            (&[], 4, "4 sockets without names"),
        ] {
            let refused = named(names, count).unwrap_err().to_string();
            assert!(refused.contains(said), "{refused}");
        }
    }

    #[test]
    fn a_socket_is_used_where_the_file_wants_it() {
        let bound = "127.0.0.1:8080".parse().unwrap();
        assert!(is_at(bound, "127.0.0.1:8080"));
        assert!(is_at(bound, "127.0.0.1:0"));
        assert!(!is_at(bound, "127.0.0.1:8081"));
        assert!(!is_at(bound, "0.0.0.0:8080"));
    }
}
