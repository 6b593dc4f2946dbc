//! Making a connection to an endpoint.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use hyper::client::conn::http2;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::pki_types::ServerName;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::greet::Spoken;
use super::handshake::with_endpoint;
use super::lease::Lease;
use super::pipes::Pipes;
use super::pool::{Connection, Pool, Single};
use super::shared::Shared;
use super::stream::{Open, Pulse, Stream};
use super::worker::Worker;
use crate::http1::Buffers;
use crate::snapshot::{Backend, Endpoint, Target};
use crate::wire::RequestBody;

/// A peer that says nothing is asked after this time whether its machine is still there: a rented
/// one can vanish without a word while a request waits for its answer.
const ASK_AFTER: Duration = Duration::from_secs(30);
const ASK_EVERY: Duration = Duration::from_secs(10);
const ASK_TIMES: u32 = 3;

/// Where to connect, and whose connections are counted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Way<'a> {
    /// For logs.
    pub(super) url: &'a str,
    pub(super) target: &'a Target,
    pub(super) server_name: Option<&'a ServerName<'static>>,
    pub(super) endpoint: &'a Arc<Endpoint>,
}

impl<'a> Way<'a> {
    pub(super) fn to(endpoint: &'a Arc<Endpoint>) -> Self {
        Self {
            url: &endpoint.url,
            target: &endpoint.target,
            server_name: endpoint.server_name.as_ref(),
            endpoint,
        }
    }
}

/// Connects within the backend's limit, or takes a shared connection that somebody else has made in
/// that time. Starts the tasks that drive the connection.
///
/// # Errors
///
/// No address answers, or not in time.
///
/// # Cancel safety
///
/// Dropping it gives the attempt up; nothing is left behind.
pub(super) async fn connect(
    backend: &Backend,
    way: Way<'_>,
    pool: &Rc<Pool>,
    spoken: Option<Spoken>,
    worker: &Worker,
) -> io::Result<Lease> {
    let buffers = Rc::clone(&worker.pools.buffers);
    let worker = worker.index;
    let end = Instant::now() + backend.connect_timeout;
    let fail = |error| {
        way.endpoint.cells.of(worker).connect_failures.add(1);
        Err(error)
    };
    let making = match until(end, pool.turn(spoken)).await {
        Ok(making) => making,
        Err(error) => return fail(error),
    };
    if making.is_some()
        && let Some(lease) = pool.take_shared()
    {
        return Ok(lease);
    }
    match until(end, establish(backend, way, spoken, worker, buffers)).await {
        Ok(connection) => Ok(pool.add(connection, spoken)),
        Err(error) => {
            if let Some(making) = making {
                making.failed();
            }
            fail(error)
        }
    }
}

async fn until<T>(end: Instant, work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    let done = tokio::time::timeout_at(end, work).await;
    done.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

async fn establish(
    backend: &Backend,
    way: Way<'_>,
    spoken: Option<Spoken>,
    worker: usize,
    buffers: Rc<Buffers>,
) -> io::Result<Connection> {
    let endpoint = way.endpoint;
    let socket = open(way.target).await?;
    let (stream, spoken) = with_endpoint(backend, way.server_name, spoken, socket).await?;
    let connection = match spoken {
        Spoken::Http2 => speak_http2(stream, backend, endpoint, worker).await?,
        Spoken::Http1 => {
            let stream = stream.counted(Open::new(Arc::clone(endpoint), worker));
            Connection::Single(Single::new(stream, buffers))
        }
    };
    endpoint.cells.of(worker).connects.add(1);
    Ok(connection)
}

async fn speak_http2(
    mut stream: Stream,
    backend: &Backend,
    endpoint: &Arc<Endpoint>,
    worker: usize,
) -> io::Result<Connection> {
    let pulse = stream.pulse();
    let pipes = Pipes::default();
    let mut builder = http2::Builder::new(pipes.clone());
    builder.timer(TokioTimer::new());
    if let Some(ping) = backend.pool_ping {
        builder.keep_alive_interval(ping).keep_alive_timeout(ping);
    }
    let (sender, connection) = builder
        .handshake(TokioIo::new(stream))
        .await
        .map_err(io::Error::other)?;
    let most = Rc::new(Cell::new(connection.current_max_send_streams()));
    let settled = Rc::new(Semaphore::new(0));
    let open = Open::new(Arc::clone(endpoint), worker);
    let driving = drive_http2(
        connection,
        Rc::clone(&pulse),
        Rc::clone(&most),
        Rc::clone(&settled),
    );
    tokio::task::spawn_local(async move {
        driving.await;
        drop(open);
    });
    let silent = |_| io::Error::other("what came is not HTTP/2");
    settled.acquire().await.map_err(silent)?.forget();
    if most.get() == 0 {
        // A request would wait on it for nothing, and may be sent elsewhere.
        return Err(io::Error::other("it takes no request"));
    }
    let shared = Shared::new(sender, pulse, most, pipes.0);
    Ok(Connection::Shared(Rc::new(shared)))
}

type Http2 = http2::Connection<TokioIo<Stream>, RequestBody, Pipes>;

/// Drives a connection, tells when the peer's settings have come, and keeps what they say of streams.
/// The engine looks at them, and at a GOAWAY, only when the next request is there: it is made to look
/// whenever something has come, so that no request is given to a connection that cannot take it.
async fn drive_http2(
    connection: Http2,
    pulse: Rc<Pulse>,
    most: Rc<Cell<usize>>,
    settled: Rc<Semaphore>,
) {
    let mut connection = pin!(connection);
    poll_fn(|cx| {
        let ended = connection.as_mut().poll(cx).map(|_| ());
        if ended.is_pending() {
            most.set(connection.current_max_send_streams());
            pulse.wake(cx);
            if pulse.beats() > 0 && settled.available_permits() == 0 {
                // Who has waited has taken one; nobody asks again.
                settled.add_permits(1);
            }
        }
        ended
    })
    .await;
    settled.close();
}

async fn open(target: &Target) -> io::Result<TcpStream> {
    let socket = match target {
        Target::Address(address) => TcpStream::connect(address).await?,
        Target::Name(host, port) => TcpStream::connect((&**host, *port)).await?,
    };
    // Without it, the body of a request waits for the acknowledgement of its head.
    socket.set_nodelay(true)?;
    let ask = TcpKeepalive::new()
        .with_time(ASK_AFTER)
        .with_interval(ASK_EVERY)
        .with_retries(ASK_TIMES);
    SockRef::from(&socket).set_tcp_keepalive(&ask)?;
    Ok(socket)
}
