//! Asking an endpoint step by step, for an operator who wants to know where it fails: resolve, connect, handshake,
//! answer, and how long each takes.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::ServerName;
use rustls::{CertificateError, ClientConfig, ProtocolVersion};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::near::bottom;
use super::probe::{Question, Reply, ask};

/// A step on the way to an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// From the name to addresses.
    Resolve,
    /// A TCP connection.
    Connect,
    /// The handshake of TLS.
    Tls,
    /// The question and its answer.
    Answer,
}

/// How long it may take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// To resolve the name, to connect, and for the handshake, each.
    pub connect: Duration,
    /// From the question to the answer.
    pub answer: Duration,
}

/// What can be told apart of a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Not in time.
    Late,
    /// The name has no address.
    NoAddress,
    /// Nobody listens there.
    Refused,
    /// Whoever listens there does not speak TLS.
    NoTls,
    /// The certificate was signed by somebody else.
    Issuer,
    /// The certificate is for another name.
    Name,
    /// The certificate is over, or not valid yet.
    Time,
    /// Neither the certificate nor its key is pinned.
    Pin,
    /// The connection was closed.
    Closed,
    /// Something else.
    Other,
}

/// A step that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stopped {
    /// Which.
    pub step: Step,
    /// Of which kind.
    pub fault: Fault,
    /// In words, on one line.
    pub why: String,
    /// After how long.
    pub after: Duration,
}

/// How far it went.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trip {
    /// The address that was connected to.
    pub address: Option<SocketAddr>,
    /// How many addresses there were, and how long it took to learn them.
    pub resolved: Option<(usize, Duration)>,
    /// How long it took to connect.
    pub connected: Option<Duration>,
    /// What was agreed upon, such as `TLS 1.3, h2`, and how long that took.
    pub secured: Option<(String, Duration)>,
    /// The answer, and how long it took.
    pub answered: Option<(Reply, Duration)>,
    /// Where it stopped, if it did.
    pub stopped: Option<Stopped>,
}

/// Asks a host by a connection of its own, as far as it goes.
///
/// # Cancel safety
///
/// Dropping it closes the connection.
pub async fn trip(
    host: &str,
    port: u16,
    tls: Option<(Arc<ClientConfig>, ServerName<'static>)>,
    question: &Question,
    limits: Limits,
) -> Trip {
    let mut trip = Trip::default();
    trip.stopped = go(&mut trip, host, port, tls, question, limits).await.err();
    trip
}

async fn go(
    trip: &mut Trip,
    host: &str,
    port: u16,
    tls: Option<(Arc<ClientConfig>, ServerName<'static>)>,
    question: &Question,
    limits: Limits,
) -> Result<(), Stopped> {
    let clock = Clock::start(Step::Resolve, limits.connect);
    let addresses = clock.wait(lookup_host((host, port))).await?;
    let addresses =
        addresses.map_err(|error| clock.stopped(Fault::NoAddress, &error.to_string()))?;
    let addresses: Vec<_> = addresses.collect();
    if addresses.is_empty() {
        return Err(clock.stopped(Fault::NoAddress, "it has no address"));
    }
    trip.resolved = Some((addresses.len(), clock.passed()));

    let clock = Clock::start(Step::Connect, limits.connect);
    let socket = clock.wait(TcpStream::connect(&*addresses)).await?;
    let socket = socket.map_err(|error| clock.io(&error))?;
    trip.address = socket.peer_addr().ok();
    trip.connected = Some(clock.passed());

    let Some((config, name)) = tls else {
        return answer(trip, socket, question.http2, question, limits).await;
    };
    let clock = Clock::start(Step::Tls, limits.connect);
    let socket = clock
        .wait(TlsConnector::from(config).connect(name, socket))
        .await?;
    let socket = socket.map_err(|error| clock.handshake(&error))?;
    trip.secured = Some((agreed(&socket), clock.passed()));
    let http2 = socket.get_ref().1.alpn_protocol() == Some(b"h2");
    answer(trip, socket, http2, question, limits).await
}

async fn answer<S>(
    trip: &mut Trip,
    socket: S,
    http2: bool,
    question: &Question,
    limits: Limits,
) -> Result<(), Stopped>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin + 'static,
{
    let clock = Clock::start(Step::Answer, limits.answer);
    let reply = clock.wait(Box::pin(ask(socket, http2, question))).await?;
    let reply = reply.map_err(|error| clock.stopped(Fault::Closed, &bottom(&*error)))?;
    trip.answered = Some((reply, clock.passed()));
    Ok(())
}

fn agreed(socket: &TlsStream<TcpStream>) -> String {
    let (_, tls) = socket.get_ref();
    let version = match tls.protocol_version() {
        Some(ProtocolVersion::TLSv1_3) => "TLS 1.3",
        Some(ProtocolVersion::TLSv1_2) => "TLS 1.2",
        _ => "TLS",
    };
    match tls.alpn_protocol() {
        Some(protocol) => format!("{version}, {}", String::from_utf8_lossy(protocol)),
        None => version.to_owned(),
    }
}

/// One step under way.
struct Clock {
    step: Step,
    begin: Instant,
    limit: Duration,
}

impl Clock {
    fn start(step: Step, limit: Duration) -> Self {
        let begin = Instant::now();
        Self { step, begin, limit }
    }

    fn passed(&self) -> Duration {
        self.begin.elapsed()
    }

    async fn wait<F: Future>(&self, step: F) -> Result<F::Output, Stopped> {
        timeout(self.limit, step).await.map_err(|_| {
            let limit = self.limit.as_secs_f64();
            self.stopped(Fault::Late, &format!("not done within {limit} s"))
        })
    }

    fn stopped(&self, fault: Fault, why: &str) -> Stopped {
        let plain = why.split(|c: char| c.is_control());
        Stopped {
            step: self.step,
            fault,
            why: plain.collect::<Vec<_>>().join(" "),
            after: self.passed(),
        }
    }

    fn io(&self, error: &io::Error) -> Stopped {
        let fault = match error.kind() {
            io::ErrorKind::ConnectionRefused => Fault::Refused,
            io::ErrorKind::ConnectionReset | io::ErrorKind::UnexpectedEof => Fault::Closed,
            io::ErrorKind::TimedOut => Fault::Late,
            _ => Fault::Other,
        };
        self.stopped(fault, &bottom(error))
    }

    fn handshake(&self, error: &io::Error) -> Stopped {
        let inner = error.get_ref();
        let Some(tls) = inner.and_then(|inner| inner.downcast_ref::<rustls::Error>()) else {
            return self.io(error);
        };
        use CertificateError as Bad;
        let fault = match tls {
            rustls::Error::InvalidMessage(_) => Fault::NoTls,
            rustls::Error::InvalidCertificate(bad) => match bad {
                Bad::UnknownIssuer | Bad::BadSignature => Fault::Issuer,
                Bad::NotValidForName | Bad::NotValidForNameContext { .. } => Fault::Name,
                Bad::Expired
                | Bad::ExpiredContext { .. }
                | Bad::NotValidYet
                | Bad::NotValidYetContext { .. } => Fault::Time,
                Bad::Other(_) if tls.to_string().contains("pinned") => Fault::Pin,
                _ => Fault::Other,
            },
            _ => Fault::Other,
        };
        self.stopped(fault, &tls.to_string())
    }
}

impl Step {
    /// One word: `resolve`, `connect`, `tls` or `answer`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Resolve => "resolve",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Answer => "answer",
        }
    }
}
