//! The far end: an origin that speaks one protocol, with a behaviour for each path.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use http_body::{Body, Frame};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use super::near::Exec;
use super::tls::{self, Socket};
use crate::support::noise;

/// What an origin speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Far {
    H1,
    H2,
    H1Tls,
    H2Tls,
}

impl Far {
    pub(crate) const ALL: [Self; 4] = [Self::H1, Self::H2, Self::H1Tls, Self::H2Tls];

    pub(crate) fn is_h2(self) -> bool {
        matches!(self, Self::H2 | Self::H2Tls)
    }

    fn scheme(self) -> &'static str {
        match self {
            Self::H1 | Self::H2 => "http",
            Self::H1Tls | Self::H2Tls => "https",
        }
    }

    fn acceptor(self) -> Option<TlsAcceptor> {
        match self {
            Self::H1 | Self::H2 => None,
            Self::H1Tls => Some(tls::acceptor("http/1.1")),
            Self::H2Tls => Some(tls::acceptor("h2")),
        }
    }

    /// As a line of a backend's table.
    pub(crate) fn lines(self) -> &'static str {
        match self {
            Self::H1 => "protocol = \"h1\"\n",
            Self::H2 => "protocol = \"h2\"\n",
            // The endpoint chooses.
            Self::H1Tls | Self::H2Tls => "",
        }
    }
}

/// What an origin has seen.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) requests: Mutex<Vec<Head>>,
    pub(crate) connections: AtomicUsize,
    pub(crate) open: AtomicI64,
    /// Bytes of `/bytes`.
    pub(crate) sent: AtomicUsize,
    /// Responses that nobody wanted to the end.
    pub(crate) dropped: AtomicUsize,
}

/// A request head as it came.
#[derive(Debug, Clone)]
pub(crate) struct Head {
    pub(crate) uri: String,
    pub(crate) headers: HeaderMap,
}

/// See the module.
pub(crate) struct Origin {
    pub(crate) address: SocketAddr,
    scheme: &'static str,
    pub(crate) seen: Arc<Seen>,
    killed: watch::Sender<u32>,
}

impl Origin {
    pub(crate) async fn start(far: Far) -> Self {
        Self::with(far, None).await
    }

    /// With a limit of streams for each connection.
    pub(crate) async fn with(far: Far, streams: Option<u32>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Seen::default());
        let killed = watch::Sender::new(0);
        let (all, kill) = (Arc::clone(&seen), killed.subscribe());
        let acceptor = far.acceptor();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                socket.set_nodelay(true).unwrap();
                all.connections.fetch_add(1, SeqCst);
                all.open.fetch_add(1, SeqCst);
                let (seen, mut kill) = (Arc::clone(&all), kill.clone());
                kill.mark_unchanged();
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    let socket: Box<dyn Socket> = match acceptor {
                        None => Box::new(socket),
                        Some(acceptor) => Box::new(acceptor.accept(socket).await.unwrap()),
                    };
                    let answers = Arc::clone(&seen);
                    let service = service_fn(move |request| answer(Arc::clone(&answers), request));
                    let io = TokioIo::new(socket);
                    tokio::select! {
                        () = async {
                            let _ = match far.is_h2() {
                                false => hyper::server::conn::http1::Builder::new()
                                    .serve_connection(io, service)
                                    .await,
                                true => hyper::server::conn::http2::Builder::new(Exec)
                                    .max_concurrent_streams(streams)
                                    .serve_connection(io, service)
                                    .await,
                            };
                        } => {}
                        _ = kill.changed() => {}
                    }
                    seen.open.fetch_sub(1, SeqCst);
                });
            }
        });
        Self {
            address,
            scheme: far.scheme(),
            seen,
            killed,
        }
    }

    pub(crate) fn table(&self, name: &str, lines: &str) -> String {
        let url = format!("{}://{}", self.scheme, self.address);
        format!("[backends.{name}]\nendpoints = [{url:?}]\n{lines}\n")
    }

    /// Closes all connections as they stand.
    pub(crate) fn kill(&self) {
        self.killed.send_modify(|kills| *kills += 1);
    }

    pub(crate) fn last(&self) -> Head {
        self.seen.requests.lock().unwrap().last().unwrap().clone()
    }

    pub(crate) fn count(&self) -> usize {
        self.seen.requests.lock().unwrap().len()
    }

    pub(crate) fn connections(&self) -> usize {
        self.seen.connections.load(SeqCst)
    }

    pub(crate) fn dropped(&self) -> usize {
        self.seen.dropped.load(SeqCst)
    }
}

async fn answer(
    seen: Arc<Seen>,
    request: Request<Incoming>,
) -> Result<Response<Answer>, Infallible> {
    let (head, body) = request.into_parts();
    seen.requests.lock().unwrap().push(Head {
        uri: head.uri.to_string(),
        headers: head.headers.clone(),
    });
    let path = head.uri.path().to_owned();
    let (path, number) = match path.rsplit_once('/') {
        Some((path, number)) if number.parse::<usize>().is_ok() => {
            (path.to_owned(), number.parse().unwrap())
        }
        _ => (path, 0),
    };
    let kind = match path.as_str() {
        "/empty" => Kind::Parts(Vec::new()),
        _ if head.method == http::Method::HEAD => Kind::Parts(Vec::new()),
        "/bytes" => Kind::Noise(number),
        "/echo" => Kind::Echo(body),
        "/trailers" => {
            let mut trailers = HeaderMap::new();
            trailers.insert("x-sum", HeaderValue::from_static("42"));
            let parts = vec![
                Ok(Frame::data(Bytes::from_static(b"with "))),
                Ok(Frame::data(Bytes::from_static(b"trailers"))),
                Ok(Frame::trailers(trailers)),
            ];
            Kind::Parts(parts)
        }
        "/broken" => Kind::Broken(Some(Bytes::from(noise(number))), 3),
        "/stall" => Kind::Stall(Some(Bytes::from_static(b"begun"))),
        // Event streams.
        "/events" => Kind::Parts((0..number).map(|_| Ok(Frame::data(EVENT))).collect()),
        "/events-silent" => Kind::Stall(None),
        "/events-stall" => Kind::Stall(Some(EVENT)),
        "/events-broken" => Kind::Broken(Some(EVENT), 3),
        "/hang" => std::future::pending().await,
        "/grpc" => Kind::Call(super::grpc::call(number), body),
        "/grpc-refused" => Kind::Parts(Vec::new()),
        _ => Kind::Parts(vec![Ok(Frame::data(Bytes::from_static(b"hello")))]),
    };
    let mut response = Response::new(Answer {
        kind,
        seen,
        ended: false,
    });
    let headers = response.headers_mut();
    match path.as_str() {
        _ if path.starts_with("/events") => {
            let events = HeaderValue::from_static("text/event-stream");
            headers.insert("content-type", events);
        }
        // An HTTP/1.1 engine sends only the trailers that are announced.
        "/trailers" | "/echo" => {
            headers.insert("trailer", HeaderValue::from_static("x-sum"));
        }
        "/grpc" => {
            headers.insert("content-type", HeaderValue::from_static("application/grpc"));
        }
        "/grpc-refused" => {
            headers.insert("content-type", HeaderValue::from_static("application/grpc"));
            headers.insert("grpc-status", HeaderValue::from(number as u64));
        }
        "/busy" => *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE,
        _ => {}
    }
    Ok(response)
}

/// A body that ends before its end.
#[derive(Debug)]
pub(crate) struct Snap;

impl std::fmt::Display for Snap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("snapped")
    }
}
impl std::error::Error for Snap {}

type Part = Result<Frame<Bytes>, Snap>;

enum Kind {
    Parts(Vec<Part>),
    /// So many bytes.
    Noise(usize),
    /// What comes goes back, trailers too.
    Echo(Incoming),
    /// A part, which gets some time to go out, and then no proper end.
    Broken(Option<Bytes>, u32),
    /// A part, and then nothing.
    Stall(Option<Bytes>),
    /// What comes goes back, then these trailers.
    Call(Option<HeaderMap>, Incoming),
}

struct Answer {
    kind: Kind,
    seen: Arc<Seen>,
    ended: bool,
}

impl Body for Answer {
    type Data = Bytes;
    type Error = Snap;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Part>> {
        let part = match &mut self.kind {
            Kind::Parts(parts) if parts.is_empty() => Poll::Ready(None),
            Kind::Parts(parts) => Poll::Ready(Some(parts.remove(0))),
            Kind::Noise(0) => Poll::Ready(None),
            Kind::Noise(left) => {
                let len = (*left).min(CHUNK.len());
                *left -= len;
                self.seen.sent.fetch_add(len, SeqCst);
                Poll::Ready(Some(Ok(Frame::data(CHUNK.slice(..len)))))
            }
            Kind::Echo(body) => Pin::new(body).poll_frame(cx).map_err(|_| Snap),
            Kind::Broken(first, turns) => match first.take() {
                Some(first) => Poll::Ready(Some(Ok(Frame::data(first)))),
                None if *turns == 0 => Poll::Ready(Some(Err(Snap))),
                None => {
                    *turns -= 1;
                    cx.waker().wake_by_ref();
                    Poll::Pending
                }
            },
            Kind::Stall(first) => match first.take() {
                Some(first) => Poll::Ready(Some(Ok(Frame::data(first)))),
                None => Poll::Pending,
            },
            Kind::Call(trailers, body) => match Pin::new(body).poll_frame(cx).map_err(|_| Snap) {
                Poll::Ready(None) => Poll::Ready(
                    trailers
                        .take()
                        .map(|trailers| Ok(Frame::trailers(trailers))),
                ),
                part => part,
            },
        };
        self.ended = matches!(part, Poll::Ready(None | Some(Err(_))))
            || matches!(&part, Poll::Ready(Some(Ok(frame))) if frame.is_trailers());
        part
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        if !self.ended && !matches!(self.kind, Kind::Noise(0)) {
            self.seen.dropped.fetch_add(1, SeqCst);
        }
    }
}

/// What `/events` repeats.
pub(crate) const EVENT: Bytes = Bytes::from_static(b"data: {\"token\":\"a\"}\n\n");

/// What `/bytes` repeats.
pub(crate) static CHUNK: std::sync::LazyLock<Bytes> =
    std::sync::LazyLock::new(|| Bytes::from(noise(64 * 1024)));
