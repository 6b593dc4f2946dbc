//! Accepting connections and driving each on its own task, until the house ends.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::{HttpService, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::client::{Client, Ending};
use super::exchange::exchange;
use super::greet::{Spoken, greet};
use super::local::Local;
use super::respond::ResponseBody;
use super::stream::Stream;
use super::worker::{Life, Worker};

/// Pause after an accept that failed for want of something: trying at once would spin.
const BACK_OFF: Duration = Duration::from_millis(50);
/// How often draining looks whether everybody has left.
const DRAIN_LOOK: Duration = Duration::from_millis(20);

/// Serves until told to drain, then drains.
pub(super) async fn run(
    worker: &Rc<Worker>,
    listener: TcpListener,
    mut life: watch::Receiver<Life>,
) {
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, address)) => serve(worker, stream, address.ip()),
                Err(error) => refused(worker, &error).await,
            },
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

async fn drain(worker: &Worker, limit: Duration) {
    worker.clients.end_gently();
    let end = tokio::time::Instant::now() + limit;
    while !worker.clients.is_empty() && tokio::time::Instant::now() < end {
        tokio::time::sleep(DRAIN_LOOK).await;
    }
    worker.clients.end_now();
}

fn serve(worker: &Rc<Worker>, stream: TcpStream, address: std::net::IpAddr) {
    // Without it, small answers wait for the acknowledgement of earlier ones.
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let open = Open::new(Rc::clone(worker), address);
    tokio::task::spawn_local(drive(open, stream));
}

async fn drive(open: Open, socket: TcpStream) {
    // A socket that breaks before it has said a word is nobody's affair.
    let greeted = unless_ended(&open.client, greet(socket)).await;
    let Some(Ok((stream, spoken))) = greeted else {
        return;
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
    let connection =
        pin!(http1::Builder::new().serve_connection(TokioIo::new(stream), open.service()));
    until_ended(&open.client, connection).await;
}

async fn serve_http2(open: &Open, stream: Stream) {
    open.client.multiplexes();
    let connection = pin!(
        http2::Builder::new(Local)
            .timer(TokioTimer::new())
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
}

impl Open {
    fn new(worker: Rc<Worker>, address: std::net::IpAddr) -> Self {
        let (key, client) = worker.clients.open(address, worker.coarse_now());
        worker.cell().accepted.add(1);
        worker.cell().open.up();
        Self {
            worker,
            client,
            key,
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
        service_fn(move |request: Request<Incoming>| {
            let answer = exchange(&worker, &client, request);
            async move { Ok::<_, Infallible>(answer.await) }
        })
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.worker.clients.closed(self.key);
        self.worker.cell().open.down();
        if std::thread::panicking() {
            self.worker.cell().panics.add(1);
        }
    }
}
