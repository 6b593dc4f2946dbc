//! Accepting connections and driving each on its own task, until the house ends.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Response;
use http::header::HeaderValue;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::{HttpService, service_fn};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::watch;

use super::client::{Client, Ending};
use super::crowd::Place;
use super::drain;
use super::exchange::exchange;
use super::farewell::farewell;
use super::framed::Framed;
use super::greet::{Spoken, greet};
use super::handshake::{Announced, Shaken, announced, failed, unannounced, with_client};
use super::limited::{self, Ended};
use super::listen::{Entrance, Listeners};
use super::local::Local;
use super::pace::Paced;
use super::respond::ResponseBody;
use super::stream::Stream;
use super::tunnel::End;
use super::worker::{Life, Worker};
use crate::snapshot::{ClientLimits, Pin as Pinned};
use crate::stats::{Lapse, Refused};
use crate::wire::{Peer, Trust as _};

/// Pauses after an accept that failed for want of something: trying at once would spin.
const SHORTEST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// Serves until told to drain, then drains.
pub(super) async fn run(
    worker: &Rc<Worker>,
    mut listeners: Listeners,
    mut life: watch::Receiver<Life>,
) {
    let mut pause = Duration::ZERO;
    loop {
        tokio::select! {
            (by, stream, address) = next(worker, &mut listeners, &mut pause) => {
                serve(worker, stream, address.ip(), by);
            }
            changed = life.changed() => {
                let now = *life.borrow_and_update();
                match now {
                    Life::Leaving => worker.leave(),
                    Life::Draining(_) => {
                        worker.leave();
                        close(worker, listeners);
                        return drain::finish(worker, &life).await;
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
    listeners: &mut Listeners,
    pause: &mut Duration,
) -> (Entrance, TcpStream, SocketAddr) {
    loop {
        if !pause.is_zero() {
            tokio::time::sleep(*pause).await;
        }
        match listeners.accept().await {
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

/// Lets in who has come before the doors close.
fn close(worker: &Rc<Worker>, listeners: Listeners) {
    listeners.close(|late| match late {
        Ok((by, stream, address)) => serve(worker, stream, address.ip(), by),
        Err(error) => {
            worker.cell().accept_errors.add(1);
            tracing::warn!(%error, "Cannot accept the last connections");
        }
    });
}

fn serve(worker: &Rc<Worker>, stream: TcpStream, address: IpAddr, by: Entrance) {
    let pin = worker.pin();
    let address = address.to_canonical();
    // Behind these there are many clients.
    let alone = !pin.trusts(address) && !pin.is_announced_by(address);
    let place = match worker.crowd.enter(alone.then_some(address), &pin.limits) {
        Ok(place) => place,
        Err(refused) => return one_too_many(worker, address, refused),
    };
    let open = Open::new(Rc::clone(worker), address, place);
    // Without it, small answers wait for the acknowledgement of earlier ones.
    if stream.set_nodelay(true).is_ok() {
        tokio::task::spawn_local(drive(open, stream, by));
    }
}

fn one_too_many(worker: &Worker, address: IpAddr, refused: Refused) {
    worker.cell().refused[refused as usize].add(1);
    if worker.may_complain() {
        let limit = refused.as_str();
        tracing::warn!(limit, %address, "A connection is one too many");
    }
}

async fn drive(mut open: Open, mut socket: TcpStream, by: Entrance) {
    let pin = open.worker.pin();
    let limits = pin.limits;
    let mut address = open.client.peer.address();
    if pin.is_announced_by(address) {
        let announced = Box::pin(announced(&mut socket, pin.handshake));
        match unless_ended(&open.client, announced).await {
            None | Some(Ok(Announced::Left)) => return,
            Some(Err(error)) => return unannounced(&open.worker, address, &error),
            Some(Ok(Announced::From(source))) => address = source.unwrap_or(address),
        }
        if !pin.trusts(address)
            && !pin.is_announced_by(address)
            && let Err(refused) = open.worker.crowd.know(&mut open.place, address, &limits)
        {
            return one_too_many(&open.worker, address, refused);
        }
        open.is_from(Peer::new(address));
    }
    let (stream, spoken) = match by {
        Entrance::Http => {
            // An idle connection keeps no snapshot.
            drop(pin);
            match unless_ended(&open.client, greet(socket)).await {
                Some(Ok(greeted)) => greeted,
                // A socket that breaks before it has said a word is nobody's affair.
                Some(Err(_)) | None => return,
            }
        }
        Entrance::Https => {
            let hsts = pin.hsts.clone();
            let shaken = Box::pin(open.shake_hands(pin, socket));
            match unless_ended(&open.client, shaken).await.flatten() {
                Some(shaken) => {
                    open.is_from(Peer::with_tls(address));
                    open.hsts = hsts;
                    shaken
                }
                None => return,
            }
        }
    };
    match spoken {
        Spoken::Http1 => serve_http1(&open, stream, &limits).await,
        // Boxed, since it is large and most connections have no need for it.
        Spoken::Http2 => Box::pin(serve_http2(&open, stream, &limits)).await,
    }
}

/// Awaits something before the first request; `None` when the connection is told to end.
async fn unless_ended<T>(client: &Client, work: impl Future<Output = T>) -> Option<T> {
    let mut work = pin!(work);
    poll_fn(|cx| match client.poll_ending(cx) {
        Ending::None => work.as_mut().poll(cx).map(Some),
        Ending::Gently | Ending::SlowHead | Ending::Now => Poll::Ready(None),
    })
    .await
}

async fn serve_http1(open: &Open, stream: Stream, limits: &ClientLimits) {
    let stream = Framed::new(stream, Rc::clone(&open.client));
    let mut io = TokioIo::new(Paced::new(stream, Rc::clone(&open.client)));
    let (connection, ended) = loop {
        let mut connection = limited::http1(limits).serve_connection(io, open.service());
        let ended = until_ended(&open.client, Pin::new(&mut connection)).await;
        if ended != Ended::Rests {
            break (connection, ended);
        }
        // Its engine has no word of it in its buffers, which are most of what a silent connection costs.
        let left = connection.into_parts();
        if !left.read_buf.is_empty() {
            // Not reached; whatever it is, nobody could tell where a request begins in it.
            return;
        }
        io = left.io;
        let silence = poll_fn(|cx| io.inner_mut().get_mut().poll_silence(cx));
        if let Some(Err(_)) = unless_ended(&open.client, silence).await {
            return;
        }
    };
    // Boxed, so that a connection without either is no larger.
    if let Some(tunnel) = open.client.take_tunnel() {
        let left = connection.into_parts();
        let stream = left.io.into_inner().into_inner().into_stream();
        let stream = stream.with_more_ahead(left.read_buf);
        Box::pin(carry(&open.client, tunnel.run(End::Socket(stream)))).await;
    } else if let Some(words) = limited::last_words(&open.client.pace, ended) {
        let stream = connection.into_parts().io.into_inner().into_inner();
        let stream = stream.into_stream();
        Box::pin(farewell(&open.worker, stream, words.0)).await;
    }
}

/// Runs what has become of a connection until it ends or has to. A gentle end waits for it.
async fn carry(client: &Client, tunnel: impl Future<Output = ()>) {
    let mut tunnel = pin!(tunnel);
    poll_fn(|cx| match client.poll_ending(cx) {
        Ending::Now => Poll::Ready(()),
        Ending::None | Ending::Gently | Ending::SlowHead => tunnel.as_mut().poll(cx),
    })
    .await;
}

async fn serve_http2(open: &Open, stream: Stream, limits: &ClientLimits) {
    open.client.multiplexes();
    let io = TokioIo::new(Paced::new(stream, Rc::clone(&open.client)));
    let connection = pin!(limited::http2(limits).serve_connection(io, open.service()));
    if until_ended(&open.client, connection).await == Ended::Flood {
        open.worker.cell().lapses[Lapse::Flood as usize].add(1);
    }
}

/// Drives a connection to its end, or to the end that it is told.
async fn until_ended(client: &Client, mut connection: Pin<&mut impl Graceful>) -> Ended {
    poll_fn(|cx| {
        match client.poll_ending(cx) {
            Ending::None => {}
            Ending::Gently => connection.as_mut().end_gently(),
            Ending::SlowHead => return Poll::Ready(Ended::SlowHead),
            Ending::Now => return Poll::Ready(Ended::Told),
        }
        if client.may_rest() {
            return Poll::Ready(Ended::Rests);
        }
        // How a connection ends is the client's affair: what matters is counted per request.
        connection.as_mut().poll_served(cx)
    })
    .await
}

/// What both engines can do with a connection.
trait Graceful {
    /// No further request is taken.
    fn end_gently(self: Pin<&mut Self>);
    fn poll_served(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Ended>;
}

type Io<T> = TokioIo<Paced<T>>;

impl<S> Graceful for http1::Connection<Io<Framed>, S>
where
    S: HttpService<Incoming, ResBody = ResponseBody, Error = Infallible>,
{
    fn end_gently(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }

    fn poll_served(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Ended> {
        self.poll(cx).map(|_| Ended::Itself)
    }
}

impl<S> Graceful for http2::Connection<Io<Stream>, S, Local>
where
    S: HttpService<Incoming, ResBody = ResponseBody, Error = Infallible>,
    S::Future: 'static,
{
    fn end_gently(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }

    fn poll_served(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Ended> {
        self.poll(cx).map(Ended::of_http2)
    }
}

/// A connection in the worker's books, from accept to end, however it ends.
struct Open {
    worker: Rc<Worker>,
    client: Rc<Client>,
    key: usize,
    place: Place,
    /// Said to browsers, on connections with TLS.
    hsts: Option<HeaderValue>,
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
            hsts: None,
        }
    }

    /// Who the client is has become known.
    fn is_from(&mut self, peer: Peer) {
        let (worker, now) = (&self.worker, self.worker.coarse_now());
        self.client = worker.clients.is_from(self.key, peer, now);
    }

    /// `None` when that comes to nothing. The snapshot is kept no longer than it takes.
    async fn shake_hands(&self, pin: Pinned, socket: TcpStream) -> Option<(Stream, Spoken)> {
        // There is one, as long as there is the listener.
        let acceptor = pin.material.acceptor.as_ref()?;
        match with_client(acceptor, socket, pin.handshake).await {
            Shaken::Done(stream, spoken, resumed) => {
                let cell = self.worker.cell();
                cell.tls_handshakes.add(1);
                cell.tls_resumed.add(u64::from(resumed));
                Some((stream, spoken))
            }
            Shaken::Left => None,
            Shaken::Failed(error) => {
                failed(&self.worker, self.client.peer.address(), &error);
                None
            }
        }
    }

    /// Serves the requests of this connection.
    fn service(
        &self,
    ) -> impl HttpService<
        Incoming,
        ResBody = ResponseBody,
        Error = Infallible,
        Future: Future<Output = Result<Response<ResponseBody>, Infallible>> + 'static,
    > + use<> {
        let (worker, client) = (Rc::clone(&self.worker), Rc::clone(&self.client));
        let hsts = self.hsts.clone();
        service_fn(move |request| exchange(&worker, &client, hsts.clone(), request))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        drop(self.client.take_tunnel());
        self.worker.clients.closed(self.key);
        self.worker.crowd.leave(&self.place);
        self.worker.cell().open.down();
        if std::thread::panicking() {
            self.worker.cell().panics.add(1);
        }
    }
}
