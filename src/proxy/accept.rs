//! Accepting connections and driving each on its own task, until the house ends.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::watch;

use super::client::{Client, Ending};
use super::drain;
use super::exchange::exchange;
use super::listen::Listeners;
use super::worker::{Life, Worker};

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
                Ok((_, stream, address)) => serve(worker, stream, address.ip()),
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
        Ok((_, stream, address)) => serve(worker, stream, address.ip()),
        Err(error) => {
            worker.cell().accept_errors.add(1);
            tracing::warn!(%error, "Cannot accept the last connections");
        }
    });
}

fn serve(worker: &Rc<Worker>, stream: TcpStream, address: std::net::IpAddr) {
    // Without it, small answers wait for the acknowledgement of earlier ones.
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let open = Open::new(Rc::clone(worker), address);
    tokio::task::spawn_local(drive(open, stream));
}

async fn drive(open: Open, stream: TcpStream) {
    let service = service_fn(|request| {
        let (worker, version) = (&open.worker, request.version());
        let answer = exchange(worker, &open.client, request);
        async move { Ok::<_, Infallible>(drain::tell(worker, version, answer.await)) }
    });
    let mut connection =
        pin!(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    poll_fn(|cx| {
        match open.client.poll_ending(cx) {
            Ending::None => {}
            Ending::Gently => connection.as_mut().graceful_shutdown(),
            Ending::Now => return Poll::Ready(()),
        }
        // How a connection ends is the client's affair: what matters is counted per request.
        connection.as_mut().poll(cx).map(|_| ())
    })
    .await;
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
