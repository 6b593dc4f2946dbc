//! Accepting connections and driving each on its own task, until the house ends.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::io;
use std::net::IpAddr;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::header::{HeaderValue, STRICT_TRANSPORT_SECURITY};
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::{HttpService, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::sync::watch;

use super::client::{Client, Ending};
use super::drain;
use super::exchange::exchange;
use super::greet::{Spoken, greet};
use super::handshake::{Shaken, announced, failed, unannounced, with_client};
use super::listen::{Entrance, Listeners};
use super::local::Local;
use super::respond::ResponseBody;
use super::stream::Stream;
use super::tunnel::End;
use super::worker::{Life, Worker};
use crate::snapshot::Pin as Pinned;
use crate::wire::Peer;

/// Pause after an accept that failed for want of something: trying at once would spin.
const BACK_OFF: Duration = Duration::from_millis(50);

/// Serves until told to drain, then drains.
pub(super) async fn run(
    worker: &Rc<Worker>,
    mut listeners: Listeners,
    mut life: watch::Receiver<Life>,
) {
    loop {
        tokio::select! {
            accepted = listeners.accept() => match accepted {
                Ok((by, stream, address)) => serve(worker, stream, address.ip(), by),
                Err(error) => refused(worker, &error).await,
            },
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

async fn refused(worker: &Worker, error: &io::Error) {
    worker.cell().accept_errors.add(1);
    // A connection that was gone before it was accepted says nothing about us.
    if error.kind() != io::ErrorKind::ConnectionAborted {
        if worker.may_complain() {
            tracing::warn!(%error, "Cannot accept a connection");
        }
        tokio::time::sleep(BACK_OFF).await;
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
    // Without it, small answers wait for the acknowledgement of earlier ones.
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let open = Open::new(Rc::clone(worker), address);
    tokio::task::spawn_local(drive(open, stream, by));
}

async fn drive(mut open: Open, mut socket: TcpStream, by: Entrance) {
    let pin = open.worker.pin();
    let mut address = open.client.peer.address();
    if pin.is_announced_by(address) {
        let announced = Box::pin(announced(&mut socket, pin.handshake));
        match unless_ended(&open.client, announced).await {
            None => return,
            Some(Err(error)) => return unannounced(&open.worker, address, &error),
            Some(Ok(source)) => address = source.unwrap_or(address),
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
            let shaken = Box::pin(open.shake_hands(&pin, socket));
            match unless_ended(&open.client, shaken).await.flatten() {
                Some(shaken) => {
                    open.is_from(Peer::with_tls(address));
                    open.hsts.clone_from(&pin.hsts);
                    shaken
                }
                None => return,
            }
        }
    };
    match spoken {
        Spoken::Http1 => serve_http1(&open, stream).await,
        // Boxed, since it is large and most connections have no need for it.
        Spoken::Http2 => Box::pin(serve_http2(&open, stream)).await,
    }
}

/// Awaits something before the first request; `None` when the connection is told to end.
async fn unless_ended<T>(client: &Client, work: impl Future<Output = T>) -> Option<T> {
    let mut work = pin!(work);
    poll_fn(|cx| match client.poll_ending(cx) {
        Ending::None => work.as_mut().poll(cx).map(Some),
        Ending::Gently | Ending::Now => Poll::Ready(None),
    })
    .await
}

async fn serve_http1(open: &Open, stream: Stream) {
    let mut connection =
        http1::Builder::new().serve_connection(TokioIo::new(stream), open.service());
    until_ended(&open.client, Pin::new(&mut connection)).await;
    if let Some(tunnel) = open.client.take_tunnel() {
        let left = connection.into_parts();
        let stream = left.io.into_inner().with_more_ahead(left.read_buf);
        // Boxed, so that a connection without one is no larger.
        Box::pin(carry(&open.client, tunnel.run(End::Socket(stream)))).await;
    }
}

/// Runs what has become of a connection until it ends or has to. A gentle end waits for it.
async fn carry(client: &Client, tunnel: impl Future<Output = ()>) {
    let mut tunnel = pin!(tunnel);
    poll_fn(|cx| match client.poll_ending(cx) {
        Ending::Now => Poll::Ready(()),
        Ending::None | Ending::Gently => tunnel.as_mut().poll(cx),
    })
    .await;
}

async fn serve_http2(open: &Open, stream: Stream) {
    open.client.multiplexes();
    let connection = pin!(
        http2::Builder::new(Local)
            .timer(TokioTimer::new())
            .enable_connect_protocol()
            .serve_connection(TokioIo::new(stream), open.service())
    );
    until_ended(&open.client, connection).await;
}

/// Drives a connection to its end, or to the end that it is told.
async fn until_ended(client: &Client, mut connection: Pin<&mut impl Graceful>) {
    poll_fn(|cx| {
        match client.poll_ending(cx) {
            Ending::None => {}
            Ending::Gently => connection.as_mut().end_gently(),
            Ending::Now => return Poll::Ready(()),
        }
        // How a connection ends is the client's affair: what matters is counted per request.
        connection.as_mut().poll_served(cx)
    })
    .await;
}

/// What both engines can do with a connection.
trait Graceful {
    /// No further request is taken.
    fn end_gently(self: Pin<&mut Self>);
    fn poll_served(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()>;
}

type Io = TokioIo<Stream>;

impl<S> Graceful for http1::Connection<Io, S>
where
    S: HttpService<Incoming, ResBody = ResponseBody, Error = Infallible>,
{
    fn end_gently(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }

    fn poll_served(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.poll(cx).map(|_| ())
    }
}

impl<S> Graceful for http2::Connection<Io, S, Local>
where
    S: HttpService<Incoming, ResBody = ResponseBody, Error = Infallible>,
    S::Future: 'static,
{
    fn end_gently(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }

    fn poll_served(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.poll(cx).map(|_| ())
    }
}

/// A connection in the worker's books, from accept to end, however it ends.
struct Open {
    worker: Rc<Worker>,
    client: Rc<Client>,
    key: usize,
    /// Said to browsers, on connections with TLS.
    hsts: Option<HeaderValue>,
}

impl Open {
    fn new(worker: Rc<Worker>, address: IpAddr) -> Self {
        let (key, client) = worker.clients.open(address, worker.coarse_now());
        worker.cell().accepted.add(1);
        worker.cell().open.up();
        Self {
            worker,
            client,
            key,
            hsts: None,
        }
    }

    /// Who the client is has become known.
    fn is_from(&mut self, peer: Peer) {
        let (worker, now) = (&self.worker, self.worker.coarse_now());
        self.client = worker.clients.is_from(self.key, peer, now);
    }

    /// `None` when that comes to nothing.
    async fn shake_hands(&self, pin: &Pinned, socket: TcpStream) -> Option<(Stream, Spoken)> {
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
        service_fn(move |request: Request<Incoming>| {
            let (version, told) = (request.version(), Rc::clone(&worker));
            let answer = exchange(&worker, &client, request);
            let hsts = hsts.clone();
            async move {
                let mut answer = drain::tell(&told, version, answer.await);
                if let Some(hsts) = hsts {
                    // A backend may know better.
                    let headers = answer.headers_mut();
                    headers.entry(STRICT_TRANSPORT_SECURITY).or_insert(hsts);
                }
                Ok::<_, Infallible>(answer)
            }
        })
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        drop(self.client.take_tunnel());
        self.worker.clients.closed(self.key);
        self.worker.cell().open.down();
        if std::thread::panicking() {
            self.worker.cell().panics.add(1);
        }
    }
}
