//! The near end: a client that speaks one protocol.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body::{Body, Frame};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper::rt::Executor;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use super::tls::{self, Socket};
use crate::support::house::House;
use crate::support::soon;

/// What a client speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Near {
    H1,
    H2,
    H1Tls,
    H2Tls,
}

impl Near {
    pub(crate) const ALL: [Self; 4] = [Self::H1, Self::H2, Self::H1Tls, Self::H2Tls];

    pub(crate) fn is_h2(self) -> bool {
        matches!(self, Self::H2 | Self::H2Tls)
    }

    /// Where it is served.
    pub(crate) fn door(self, house: &House) -> SocketAddr {
        match self {
            Self::H1 | Self::H2 => house.app.http,
            Self::H1Tls | Self::H2Tls => house.app.https.unwrap(),
        }
    }
}

/// Runs an engine's tasks on the test's runtime.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Exec;

impl<F> Executor<F> for Exec
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    fn execute(&self, task: F) {
        tokio::spawn(task);
    }
}

/// A request body that is fed frame by frame; without its feeder it has ended.
pub(crate) type Feed = mpsc::Sender<Result<Frame<Bytes>, super::far::Snap>>;

/// See [`Feed`].
#[derive(Debug)]
pub(crate) struct Fed {
    frames: mpsc::Receiver<Result<Frame<Bytes>, super::far::Snap>>,
    empty: bool,
}

impl Fed {
    pub(crate) fn new() -> (Feed, Self) {
        let (feed, frames) = mpsc::channel(4);
        let empty = false;
        (feed, Self { frames, empty })
    }

    pub(crate) fn none() -> Self {
        let mut none = Self::new().1;
        none.empty = true;
        none
    }

    /// All of it at once.
    pub(crate) fn whole(bytes: Vec<u8>) -> Self {
        let (feed, fed) = Self::new();
        tokio::spawn(async move {
            for chunk in bytes.chunks(32 * 1024) {
                let frame = Frame::data(Bytes::copy_from_slice(chunk));
                if feed.send(Ok(frame)).await.is_err() {
                    return;
                }
            }
        });
        fed
    }
}

impl Body for Fed {
    type Data = Bytes;
    type Error = super::far::Snap;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        self.frames.poll_recv(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.empty
    }
}

/// One connection.
#[derive(Debug)]
pub(crate) struct Client {
    sender: Sender,
    address: SocketAddr,
    driver: tokio::task::JoinHandle<()>,
}

#[derive(Debug)]
enum Sender {
    H1(http1::SendRequest<Fed>),
    H2(http2::SendRequest<Fed>),
}

impl Client {
    pub(crate) async fn new(near: Near, address: SocketAddr) -> Self {
        let socket = soon("connect", TcpStream::connect(address)).await.unwrap();
        socket.set_nodelay(true).unwrap();
        let socket: Box<dyn Socket> = match near {
            Near::H1 | Near::H2 => Box::new(socket),
            Near::H1Tls => soon("TLS", tls::connect("http/1.1", socket)).await,
            Near::H2Tls => soon("TLS", tls::connect("h2", socket)).await,
        };
        let io = TokioIo::new(socket);
        let (sender, driver) = match near.is_h2() {
            false => {
                let (sender, connection) = http1::handshake(io).await.unwrap();
                let driver = tokio::spawn(async move { drop(connection.await) });
                (Sender::H1(sender), driver)
            }
            true => {
                let (sender, connection) = http2::handshake(Exec, io).await.unwrap();
                let driver = tokio::spawn(async move { drop(connection.await) });
                (Sender::H2(sender), driver)
            }
        };
        Self {
            sender,
            address,
            driver,
        }
    }

    /// Sends a request to a path.
    pub(crate) async fn send(
        &mut self,
        method: &str,
        path: &str,
        body: Fed,
    ) -> hyper::Result<Response<Incoming>> {
        self.send_with(method, path, &[], body).await
    }

    pub(crate) async fn send_with(
        &mut self,
        method: &str,
        path: &str,
        lines: &[(&'static str, &str)],
        body: Fed,
    ) -> hyper::Result<Response<Incoming>> {
        let mut request = Request::builder().method(method);
        for (name, value) in lines {
            request = request.header(*name, *value);
        }
        let send = async {
            match &mut self.sender {
                Sender::H1(sender) => {
                    let request = request.uri(path).header("host", "test");
                    sender.ready().await?;
                    sender.send_request(request.body(body).unwrap()).await
                }
                Sender::H2(sender) => {
                    let request = request.uri(format!("http://test{path}"));
                    sender.ready().await?;
                    sender.send_request(request.body(body).unwrap()).await
                }
            }
        };
        soon("a response", send).await
    }

    pub(crate) async fn get(&mut self, path: &str) -> Whole {
        let response = self.send("GET", path, Fed::none()).await.unwrap();
        Whole::read(response).await.unwrap()
    }

    /// Another request at the same time, on the same connection; HTTP/2 only.
    pub(crate) fn twin(&self) -> Self {
        let Sender::H2(sender) = &self.sender else {
            panic!("HTTP/1 has no twins");
        };
        Self {
            sender: Sender::H2(sender.clone()),
            address: self.address,
            driver: tokio::spawn(async {}),
        }
    }

    /// Breaks the connection off.
    pub(crate) fn leave(self) {
        self.driver.abort();
    }
}

/// A response that came whole.
#[derive(Debug)]
pub(crate) struct Whole {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) trailers: Option<HeaderMap>,
}

impl Whole {
    pub(crate) async fn read(response: Response<Incoming>) -> hyper::Result<Self> {
        let (head, body) = response.into_parts();
        let body = soon("the body", body.collect()).await?;
        Ok(Self {
            status: head.status.as_u16(),
            headers: head.headers,
            trailers: body.trailers().cloned(),
            body: body.to_bytes(),
        })
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}
