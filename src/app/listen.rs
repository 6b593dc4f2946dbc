//! What the house listens on: bound anew, or given by a service manager or by the house before.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::UnixListener;
use std::path::Path;

use socket2::{Domain, Protocol, Socket, Type};

use super::StartError;
use super::given::Given;
use crate::admin::{self, SocketFile};
use crate::config::Config;
use crate::proxy::{Entrance, Share};

/// Connections that may wait to be accepted, per worker.
const BACKLOG: i32 = 4096;

/// Bound and listening.
#[derive(Debug)]
pub(super) struct Sockets {
    /// The proxy's; more than one share the address.
    pub(super) http: Vec<TcpListener>,
    /// The same for TLS; none if the file has none.
    pub(super) https: Vec<TcpListener>,
    pub(super) admin: TcpListener,
    pub(super) socket: Option<(UnixListener, SocketFile)>,
}

impl Sockets {
    /// Where the proxy listens.
    pub(super) fn http_address(&self) -> io::Result<SocketAddr> {
        let first = self.http.first().ok_or(io::ErrorKind::NotFound)?;
        first.local_addr()
    }

    /// Where the proxy listens for TLS, if it does.
    pub(super) fn https_address(&self) -> io::Result<Option<SocketAddr>> {
        self.https.first().map(TcpListener::local_addr).transpose()
    }

    /// Takes what is given for the addresses of the file, and binds the rest.
    ///
    /// # Errors
    ///
    /// An address cannot be had.
    pub(super) fn open(
        config: &Config,
        workers: usize,
        mut given: Given,
    ) -> Result<Self, StartError> {
        let mut proxy =
            |entrance: Entrance, key, address: &str| match given.proxy(entrance, address) {
                shares if shares.is_empty() => listen_shared(key, address, workers),
                shares => Ok(shares),
            };
        let http = proxy(Entrance::Http, "listen.http", &config.listen.http)?;
        let https = match &config.listen.https {
            Some(address) => proxy(Entrance::Https, "listen.https", address)?,
            None => Vec::new(),
        };
        let admin = match given.admin(&config.listen.admin) {
            Some(listener) => listener,
            None => listen_admin(&config.listen.admin)?,
        };
        let path = config.admin.socket.as_deref();
        let socket = match path.and_then(|path| given.socket(path)) {
            Some(given) => Some(given),
            None => listen_socket(path)?,
        };
        Ok(Self {
            http,
            https,
            admin,
            socket,
        })
    }
}

/// Gives each worker its shares of all listeners.
pub(super) fn deal_all(
    http: Vec<TcpListener>,
    https: Vec<TcpListener>,
    workers: usize,
) -> io::Result<Vec<Vec<Share>>> {
    let mut hands = deal(Entrance::Http, http, workers)?;
    if !https.is_empty() {
        let more = deal(Entrance::Https, https, workers)?;
        for (hand, more) in hands.iter_mut().zip(more) {
            hand.extend(more);
        }
    }
    Ok(hands)
}

/// Gives each worker its shares of a listener. Who would have none shares the socket of another one.
fn deal(
    entrance: Entrance,
    listeners: Vec<TcpListener>,
    workers: usize,
) -> io::Result<Vec<Vec<Share>>> {
    let mut hands: Vec<Vec<Share>> = (0..workers).map(|_| Vec::new()).collect();
    let copies = (listeners.len()..workers)
        .map(|index| listeners[index % listeners.len()].try_clone())
        .collect::<io::Result<Vec<_>>>()?;
    for (index, socket) in listeners.into_iter().chain(copies).enumerate() {
        hands[index % workers].push(Share { entrance, socket });
    }
    Ok(hands)
}

pub(super) fn cannot_listen(key: &'static str, address: &str, error: io::Error) -> StartError {
    StartError::Listen {
        key,
        address: address.to_owned(),
        error,
    }
}

fn parse(key: &'static str, address: &str) -> Result<SocketAddr, StartError> {
    address.parse().map_err(|_| {
        let error = io::Error::new(io::ErrorKind::InvalidInput, "it is not of the form ip:port");
        cannot_listen(key, address, error)
    })
}

/// One listener per worker on the same address; the kernel spreads connections over them.
fn listen_shared(
    key: &'static str,
    address: &str,
    workers: usize,
) -> Result<Vec<TcpListener>, StartError> {
    let wanted = parse(key, address)?;
    let fail = |error| cannot_listen(key, address, error);
    // Sharing works across processes too: without this look, two instances on one address would
    // each silently get half of the connections.
    drop(listen(wanted, false).map_err(fail)?);
    let mut listeners = vec![listen(wanted, true).map_err(fail)?];
    let bound = listeners[0].local_addr().map_err(fail)?;
    for _ in 1..workers {
        listeners.push(listen(bound, true).map_err(fail)?);
    }
    Ok(listeners)
}

fn listen_admin(address: &str) -> Result<TcpListener, StartError> {
    const KEY: &str = "listen.admin";
    listen(parse(KEY, address)?, false).map_err(|error| cannot_listen(KEY, address, error))
}

fn listen_socket(path: Option<&Path>) -> Result<Option<(UnixListener, SocketFile)>, StartError> {
    const KEY: &str = "admin.socket";
    let listening = path.map(|path| {
        let fail = |error| cannot_listen(KEY, &path.display().to_string(), error);
        admin::listen_at(path).map_err(fail)
    });
    listening.transpose()
}

fn listen(address: SocketAddr, shared: bool) -> io::Result<TcpListener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(shared)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}
