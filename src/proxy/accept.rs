//! Accepting connections and driving each on its own task, until the house ends.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::client::{Client, Ending};
use super::crowd::Place;
use super::exchange::exchange;
use super::farewell::farewell;
use super::pace::Paced;
use super::respond::Problem;
use super::worker::{Life, Worker};
use crate::snapshot::ClientLimits;
use crate::stats::Fault;
use crate::wire::Trust as _;

/// Header lines that hyper has room for without an allocation.
const INLINE_HEADERS: usize = 100;
/// Pauses after an accept that failed for want of something: trying at once would spin.
const SHORTEST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);
/// How often draining looks whether everybody has left.
const DRAIN_LOOK: Duration = Duration::from_millis(20);

/// Serves until told to drain, then drains.
pub(super) async fn run(
    worker: &Rc<Worker>,
    listener: TcpListener,
    mut life: watch::Receiver<Life>,
) {
    let mut pause = Duration::ZERO;
    loop {
        tokio::select! {
            (stream, address) = next(worker, &listener, &mut pause) => {
                serve(worker, stream, address.ip());
            }
            changed = life.changed() => {
                let now = *life.borrow_and_update();
                match now {
                    Life::Draining(limit) => {
                        drop(listener);
                        return drain(worker, limit).await;
                    }
                    // Nobody is left who could say so.
                    Life::Running if changed.is_err() => return,
                    Life::Running => {}
                }
            }
        }
    }
}

/// The next connection. When the system has no descriptor left, clients wait in the listener's
/// queue: it stays open, and after a pause that doubles each time it is asked again.
///
/// # Cancel safety
///
/// No connection is lost.
async fn next(
    worker: &Worker,
    listener: &TcpListener,
    pause: &mut Duration,
) -> (TcpStream, SocketAddr) {
    loop {
        if !pause.is_zero() {
            tokio::time::sleep(*pause).await;
        }
        match listener.accept().await {
            Ok(accepted) => {
                *pause = Duration::ZERO;
                return accepted;
            }
            // A connection that was gone before it was accepted says nothing about us.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {
                worker.cell().accept_errors.add(1);
            }
            Err(error) => {
                worker.cell().accept_errors.add(1);
                if worker.may_complain() {
                    tracing::warn!(%error, "Cannot accept a connection");
                }
                *pause = (*pause * 2).clamp(SHORTEST_PAUSE, LONGEST_PAUSE);
            }
        }
    }
}

async fn drain(worker: &Worker, limit: Duration) {
    worker.clients.end_gently();
    let end = tokio::time::Instant::now() + limit;
    while !worker.clients.is_empty() && tokio::time::Instant::now() < end {
        tokio::time::sleep(DRAIN_LOOK).await;
    }
    worker.clients.end_now();
}

fn serve(worker: &Rc<Worker>, stream: TcpStream, address: IpAddr) {
    let pin = worker.pin();
    // Behind a trusted peer there are many clients.
    let alone = !pin.trusts(address.to_canonical());
    let place = match worker.crowd.enter(address, alone, &pin.limits) {
        Ok(place) => place,
        Err(refused) => {
            worker.cell().refused[refused as usize].add(1);
            if worker.may_complain() {
                let limit = refused.as_str();
                tracing::warn!(limit, %address, "A connection is one too many");
            }
            return;
        }
    };
    let open = Open::new(Rc::clone(worker), address, place);
    // Without it, small answers wait for the acknowledgement of earlier ones.
    if stream.set_nodelay(true).is_ok() {
        tokio::task::spawn_local(drive(open, stream, pin.limits));
    }
}

/// How a connection has ended.
enum Ended {
    /// By what hyper made of it.
    Itself,
    /// Its head was late.
    SlowHead,
    /// It was told to, at once.
    Told,
}

async fn drive(open: Open, stream: TcpStream, limits: ClientLimits) {
    let service = service_fn(|request| {
        let answer = exchange(&open.worker, &open.client, request);
        async move { Ok::<_, Infallible>(answer.await) }
    });
    let io = TokioIo::new(Paced::new(stream, Rc::clone(&open.client)));
    let mut connection = builder(&limits).serve_connection(io, service);
    let ended = poll_fn(|cx| {
        match open.client.poll_ending(cx) {
            Ending::None => {}
            Ending::Gently => Pin::new(&mut connection).graceful_shutdown(),
            Ending::SlowHead => return Poll::Ready(Ended::SlowHead),
            Ending::Now => return Poll::Ready(Ended::Told),
        }
        // How a connection ends is the client's affair: what matters is counted per request.
        Pin::new(&mut connection).poll(cx).map(|_| Ended::Itself)
    })
    .await;
    let pace = &open.client.pace;
    let words = match ended {
        Ended::Told => return,
        Ended::Itself => pace.withheld().map(Problem::of_refusal),
        Ended::SlowHead => pace.owes_nothing().then(|| {
            let detail = "The request head did not arrive in time";
            Problem::of_fault(Fault::SlowHead, detail)
        }),
    };
    if words.is_some() || pace.is_left_unread() {
        let stream = connection.into_parts().io.into_inner().into_inner();
        // Boxed, since it is rare.
        Box::pin(farewell(&open.worker, stream, words)).await;
    }
}

fn builder(limits: &ClientLimits) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder.max_header_size(limits.head);
    // More than these need an allocation for each head.
    if limits.headers > INLINE_HEADERS {
        builder.max_headers(limits.headers);
    }
    builder
}

/// A connection in the worker's books, from accept to end, however it ends.
struct Open {
    worker: Rc<Worker>,
    client: Rc<Client>,
    key: usize,
    place: Place,
}

impl Open {
    fn new(worker: Rc<Worker>, address: IpAddr, place: Place) -> Self {
        let (key, client) = worker.clients.open(address, worker.coarse_now());
        worker.cell().accepted.add(1);
        worker.cell().open.up();
        Self {
            worker,
            client,
            key,
            place,
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.worker.clients.closed(self.key);
        self.worker.crowd.leave(&self.place);
        self.worker.cell().open.down();
        if std::thread::panicking() {
            self.worker.cell().panics.add(1);
        }
    }
}
