//! Making a connection to an endpoint.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::pool::Connection;
use crate::snapshot::{Endpoint, Target};

/// Connects within the limit and starts the task that drives the connection.
///
/// # Errors
///
/// No address answers, or not in time.
///
/// # Cancel safety
///
/// Dropping it gives the attempt up; nothing is left behind.
pub(super) async fn connect(
    endpoint: &Arc<Endpoint>,
    limit: Duration,
    worker: usize,
) -> io::Result<Connection> {
    let cell = endpoint.cells.of(worker);
    let opened = tokio::time::timeout(limit, open(&endpoint.target)).await;
    let stream = match opened.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())) {
        Ok(stream) => stream,
        Err(error) => {
            cell.connect_failures.add(1);
            return Err(error);
        }
    };
    let (sender, connection) = http1::Builder::new()
        .handshake(TokioIo::new(stream))
        .await
        .map_err(io::Error::other)?;
    cell.connects.add(1);
    let open = Open::new(Arc::clone(endpoint), worker);
    let driving = tokio::task::spawn_local(async move {
        // Its errors reach whoever waits for an answer on it.
        drop(connection.with_upgrades().await);
        drop(open);
    });
    Ok(Connection {
        sender,
        driver: driving.abort_handle(),
    })
}

async fn open(target: &Target) -> io::Result<TcpStream> {
    let stream = match target {
        Target::Address(address) => TcpStream::connect(address).await?,
        Target::Name(host, port) => TcpStream::connect((&**host, *port)).await?,
    };
    // Without it, the body of a request waits for the acknowledgement of its head.
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// A connection in the books of its endpoint.
struct Open {
    endpoint: Arc<Endpoint>,
    worker: usize,
}

impl Open {
    fn new(endpoint: Arc<Endpoint>, worker: usize) -> Self {
        endpoint.cells.of(worker).open.up();
        Self { endpoint, worker }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.endpoint.cells.of(self.worker).open.down();
    }
}
