//! Asking an endpoint whether it is well, in the way in which requests come to it: with its protocol,
//! and with the same look at its certificate.

use std::error::Error;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{HeaderValue, Method, Request, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, ToSocketAddrs};
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;

use super::near::bottom;

/// So much of an answer is read.
const LONGEST: usize = 64 * 1024;
/// What Vast.ai's base image answers while the service in it is not up, sometimes with status 200.
const PLACEHOLDER: &str = "x-portal-placeholder";

/// What goes wrong on the way.
pub(super) type Failed = Box<dyn Error + Send + Sync>;

/// What is asked.
#[derive(Debug, Clone, Default)]
pub struct Question {
    /// The whole URL.
    pub url: String,
    /// Body and its content type: with one it is a POST, else a GET.
    pub body: Option<(Bytes, HeaderValue)>,
    /// `Authorization`, if it is sent.
    pub authorization: Option<HeaderValue>,
    /// `Host`, in place of the URL's.
    pub host: Option<HeaderValue>,
    /// What is spoken without TLS; with it, the endpoint chooses.
    pub http2: bool,
    /// The answer's body matters.
    pub reads: bool,
}

/// What was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// 100 to 599.
    pub status: u16,
    /// It comes from a stand-in of the service, which is not up.
    pub is_placeholder: bool,
    /// The first 64 KiB, if they were asked for.
    pub body: Vec<u8>,
}

/// Asks by a connection of its own. The caller says how long it waits.
///
/// # Errors
///
/// There is no answer; the text says why.
///
/// # Cancel safety
///
/// Dropping it closes the connection.
pub async fn probe(
    target: impl ToSocketAddrs,
    tls: Option<(Arc<ClientConfig>, ServerName<'static>)>,
    question: &Question,
) -> Result<Reply, String> {
    let asked = async {
        let socket = TcpStream::connect(target).await?;
        match tls {
            None => ask(socket, question.http2, question).await,
            Some((config, name)) => {
                let socket = TlsConnector::from(config).connect(name, socket).await?;
                let http2 = socket.get_ref().1.alpn_protocol() == Some(b"h2");
                ask(socket, http2, question).await
            }
        }
    };
    asked.await.map_err(|error: Failed| bottom(&*error))
}

/// Asks by this connection, and closes it.
pub(super) async fn ask<S>(socket: S, http2: bool, question: &Question) -> Result<Reply, Failed>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    // Ends with the answer, and takes the connection with it.
    let mut driver = JoinSet::new();
    let io = TokioIo::new(socket);
    let mut answer = if http2 {
        let (mut sender, connection) = http2::handshake(TokioExecutor::new(), io).await?;
        driver.spawn(async move { drop(connection.await) });
        sender.send_request(question.request(true)?).await?
    } else {
        let (mut sender, connection) = http1::handshake(io).await?;
        driver.spawn(async move { drop(connection.await) });
        sender.send_request(question.request(false)?).await?
    };
    Ok(Reply {
        status: answer.status().as_u16(),
        is_placeholder: answer.headers().contains_key(PLACEHOLDER),
        body: match question.reads {
            true => beginning(answer.body_mut()).await?,
            false => Vec::new(),
        },
    })
}

async fn beginning(body: &mut Incoming) -> Result<Vec<u8>, hyper::Error> {
    let mut read = Vec::new();
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame?.into_data() {
            let room = LONGEST - read.len();
            read.extend_from_slice(data.get(..room).unwrap_or(&data));
        }
        if read.len() >= LONGEST {
            break;
        }
    }
    Ok(read)
}

impl Question {
    fn request(&self, http2: bool) -> Result<Request<Full<Bytes>>, Failed> {
        let uri: Uri = self.url.parse()?;
        let mut request = Request::builder();
        match (&self.host, uri.authority()) {
            (Some(host), _) => request = request.header(HOST, host),
            (None, Some(authority)) if !http2 => {
                request = request.header(HOST, authority.as_str());
            }
            (None, _) => {}
        }
        if let Some(own) = &self.authorization {
            request = request.header(AUTHORIZATION, own);
        }
        let target = match http2 {
            true => uri,
            false => {
                let target = uri.path_and_query();
                target.map_or("/", |target| target.as_str()).parse()?
            }
        };
        let body = match &self.body {
            None => Full::default(),
            Some((body, kind)) => {
                request = request.method(Method::POST).header(CONTENT_TYPE, kind);
                Full::new(body.clone())
            }
        };
        Ok(request.uri(target).body(body)?)
    }
}
