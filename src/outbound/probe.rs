//! Asking an endpoint whether it is well, in the way in which requests come to it: with its protocol,
//! and with the same look at its certificate.

use std::error::Error;
use std::sync::Arc;

use bytes::Bytes;
use http::header::HOST;
use http::{Request, Uri};
use http_body_util::Empty;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, ToSocketAddrs};
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;

/// Gets a URL by a connection of its own, and gives the status. Without TLS, `http2` says what is
/// spoken; with it, the endpoint chooses. The caller says how long it waits.
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
    http2: bool,
    url: &str,
) -> Result<u16, String> {
    let asked = async {
        let uri: Uri = url.parse()?;
        let socket = TcpStream::connect(target).await?;
        match tls {
            None => ask(socket, http2, uri).await,
            Some((config, name)) => {
                let socket = TlsConnector::from(config).connect(name, socket).await?;
                let http2 = socket.get_ref().1.alpn_protocol() == Some(b"h2");
                ask(socket, http2, uri).await
            }
        }
    };
    asked.await.map_err(|error: Box<dyn Error + Send + Sync>| {
        let mut cause: &dyn Error = &*error;
        while let Some(deeper) = cause.source() {
            cause = deeper;
        }
        cause.to_string()
    })
}

async fn ask<S>(socket: S, http2: bool, uri: Uri) -> Result<u16, Box<dyn Error + Send + Sync>>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    // Ends with the answer, and takes the connection with it.
    let mut driver = JoinSet::new();
    let empty = Empty::<Bytes>::new();
    let io = TokioIo::new(socket);
    let answer = if http2 {
        let (mut sender, connection) = http2::handshake(TokioExecutor::new(), io).await?;
        driver.spawn(async move { drop(connection.await) });
        sender.send_request(Request::get(&uri).body(empty)?).await?
    } else {
        let (mut sender, connection) = http1::handshake(io).await?;
        driver.spawn(async move { drop(connection.await) });
        let target = uri.path_and_query().map_or("/", |target| target.as_str());
        let mut request = Request::get(target);
        if let Some(authority) = uri.authority() {
            request = request.header(HOST, authority.as_str());
        }
        sender.send_request(request.body(empty)?).await?
    };
    Ok(answer.status().as_u16())
}
