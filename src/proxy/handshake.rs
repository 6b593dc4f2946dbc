//! What comes before HTTP on a connection: the header of a load balancer, and TLS on either side.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{CommonState, HandshakeKind};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::greet::Spoken;
use super::stream::Stream;
use super::worker::Worker;
use crate::snapshot::Backend;
use crate::tls::Acceptor;
use crate::wire::{LONGEST_PROXY_HEADER, ProxyHeader, read_proxy_header};

/// What a load balancer says of a connection.
#[derive(Debug)]
pub(super) enum Announced {
    /// The client's address, if it tells it.
    From(Option<IpAddr>),
    /// Nothing: it left without a byte, as those do who only look whether somebody listens.
    Left,
}

/// Reads a PROXY header, and not a byte more.
///
/// # Errors
///
/// There is none, or not in time.
///
/// # Cancel safety
///
/// Dropping it closes the connection.
pub(super) async fn announced(socket: &mut TcpStream, limit: Duration) -> io::Result<Announced> {
    in_time(limit, async {
        let mut taken = Vec::new();
        let mut ahead = [0; LONGEST_PROXY_HEADER];
        loop {
            let seen = match socket.peek(&mut ahead).await {
                Ok(0) | Err(_) if taken.is_empty() => return Ok(Announced::Left),
                seen => seen?,
            };
            let before = taken.len();
            taken.extend_from_slice(&ahead[..seen]);
            let read = read_proxy_header(&taken);
            let (whole, source) = match read {
                _ if seen == 0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                ProxyHeader::Incomplete => (taken.len(), None),
                ProxyHeader::Whole { source, len } => (len, Some(source)),
                ProxyHeader::Invalid => {
                    return Err(io::Error::other("it does not begin with a PROXY header"));
                }
            };
            // What was only looked at is taken: all of it belongs to the header.
            socket.read_exact(&mut ahead[..whole - before]).await?;
            if let Some(source) = source {
                return Ok(Announced::From(source));
            }
        }
    })
    .await
}

/// How the TLS handshake with a client ended.
#[derive(Debug)]
pub(super) enum Shaken {
    /// Well: what it brought, what is spoken, and whether an earlier session was resumed.
    Done(Stream, Spoken, bool),
    /// The client left without a byte, as those do who only look whether somebody listens.
    Left,
    /// Not.
    Failed(io::Error),
}

/// Shakes hands with a client.
///
/// # Cancel safety
///
/// Dropping it closes the connection.
pub(super) async fn with_client(acceptor: &Acceptor, socket: TcpStream, limit: Duration) -> Shaken {
    let config = Arc::clone(&acceptor.config);
    let shaken = in_time(limit, async {
        if socket.peek(&mut [0]).await? == 0 {
            return Ok(None);
        }
        TlsAcceptor::from(config).accept(socket).await.map(Some)
    });
    match shaken.await {
        Ok(Some(stream)) => {
            let state = stream.get_ref().1;
            let (spoken, resumed) = (spoken(state), is_resumed(state));
            Shaken::Done(Stream::accepted(stream), spoken, resumed)
        }
        Ok(None) => Shaken::Left,
        Err(error) => Shaken::Failed(error),
    }
}

/// Shakes hands with an endpoint, if it is one with TLS. Gives what it has chosen to speak, if it could.
///
/// # Errors
///
/// It is not whom it has to be, or does not speak what it has to.
///
/// # Cancel safety
///
/// Dropping it closes the connection.
pub(super) async fn with_endpoint(
    backend: &Backend,
    own: Option<&ServerName<'static>>,
    wanted: Option<Spoken>,
    socket: TcpStream,
) -> io::Result<(Stream, Spoken)> {
    let Some(own) = own else {
        return Ok((Stream::plain(socket), wanted.unwrap_or(Spoken::Http1)));
    };
    let Some(connector) = &backend.connector else {
        return Err(io::Error::other(
            "it is not said how to check its certificate",
        ));
    };
    let name = connector.name.as_ref().unwrap_or(own).clone();
    let config = Arc::clone(match wanted {
        Some(Spoken::Http1) => &connector.http1,
        _ => &connector.config,
    });
    let stream = TlsConnector::from(config).connect(name, socket).await?;
    let spoken = spoken(stream.get_ref().1);
    if wanted.is_some_and(|wanted| wanted != spoken) {
        return Err(io::Error::other(
            "it does not choose by ALPN what it has to speak",
        ));
    }
    Ok((Stream::connected(stream), spoken))
}

/// Whether it is the other end's certificate that was wrong, or something else of TLS.
pub(super) fn is_of_tls(error: &io::Error) -> bool {
    let inner = error.get_ref();
    inner.is_some_and(|inner| inner.is::<rustls::Error>())
}

fn spoken(state: &CommonState) -> Spoken {
    match state.alpn_protocol() {
        Some(b"h2") => Spoken::Http2,
        _ => Spoken::Http1,
    }
}

fn is_resumed(state: &CommonState) -> bool {
    state.handshake_kind() == Some(HandshakeKind::Resumed)
}

async fn in_time<T>(limit: Duration, work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    let done = tokio::time::timeout(limit, work).await;
    done.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

/// Tells of a connection that has got no further, and counts it.
pub(super) fn failed(worker: &Worker, address: IpAddr, error: &io::Error) {
    worker.cell().tls_handshake_failures.add(1);
    tracing::debug!(%error, client = %address, "A TLS handshake has failed");
}

/// The same for one without its PROXY header: whoever sends it is a neighbour, so this is a mistake.
pub(super) fn unannounced(worker: &Worker, address: IpAddr, error: &io::Error) {
    worker.cell().proxy_header_failures.add(1);
    if worker.may_complain() {
        tracing::warn!(%error, peer = %address, "A connection has no PROXY header and is closed");
    }
}
