//! The near end: a client with TLS.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Request};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, HandshakeKind, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::support::soon;
use crate::support::tls::{Authority, Issued};

/// How clients connect; it keeps their sessions.
#[derive(Clone)]
pub(crate) struct Near(Arc<ClientConfig>);

impl Near {
    pub(crate) fn new(authority: &Authority) -> Self {
        Self::with(authority, &["h2", "http/1.1"], None)
    }

    /// With these protocols, and a certificate.
    pub(crate) fn with(authority: &Authority, alpn: &[&str], own: Option<&Issued>) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(authority.der()).unwrap();
        let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let mut config = match own {
            Some(own) => builder
                .with_client_auth_cert(vec![own.der()], own.key_der())
                .unwrap(),
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        Self(Arc::new(config))
    }

    /// Shakes hands under this name.
    pub(crate) async fn connect(
        &self,
        address: SocketAddr,
        name: &str,
    ) -> std::io::Result<TlsStream<TcpStream>> {
        let socket = soon("connect", TcpStream::connect(address)).await?;
        self.over(socket, name).await
    }

    pub(crate) async fn over(
        &self,
        socket: TcpStream,
        name: &str,
    ) -> std::io::Result<TlsStream<TcpStream>> {
        let name = ServerName::try_from(name.to_owned()).unwrap();
        let connector = TlsConnector::from(Arc::clone(&self.0));
        soon("a handshake", connector.connect(name, socket)).await
    }

    pub(crate) async fn client(&self, address: SocketAddr) -> Client {
        Client::new(self.connect(address, "localhost").await.unwrap()).await
    }
}

/// One connection, in what was chosen for it.
pub(crate) struct Client {
    sender: Sender,
    pub(crate) certificate: CertificateDer<'static>,
    pub(crate) resumed: bool,
}

enum Sender {
    H1(http1::SendRequest<Full<Bytes>>),
    H2(http2::SendRequest<Full<Bytes>>),
}

/// A whole answer.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

impl Client {
    pub(crate) async fn new(stream: TlsStream<TcpStream>) -> Self {
        let state = stream.get_ref().1;
        let certificate = state.peer_certificates().unwrap()[0].clone().into_owned();
        let resumed = state.handshake_kind() == Some(HandshakeKind::Resumed);
        let h2 = state.alpn_protocol() == Some(b"h2");
        let io = TokioIo::new(stream);
        let sender = if h2 {
            let made = http2::handshake(TokioExecutor::new(), io).await;
            let (sender, connection) = made.unwrap();
            tokio::spawn(async move { drop(connection.await) });
            Sender::H2(sender)
        } else {
            let (sender, connection) = http1::handshake(io).await.unwrap();
            tokio::spawn(async move { drop(connection.await) });
            Sender::H1(sender)
        };
        Self {
            sender,
            certificate,
            resumed,
        }
    }

    pub(crate) fn is_h2(&self) -> bool {
        matches!(self.sender, Sender::H2(_))
    }

    pub(crate) async fn get(&mut self, path: &str) -> hyper::Result<Answer> {
        let body = Full::new(Bytes::new());
        let asked = async {
            match &mut self.sender {
                Sender::H1(sender) => {
                    sender.ready().await?;
                    let request = Request::get(path).header("host", "localhost");
                    sender.send_request(request.body(body).unwrap()).await
                }
                Sender::H2(sender) => {
                    sender.ready().await?;
                    let request = Request::get(format!("https://localhost{path}"));
                    sender.send_request(request.body(body).unwrap()).await
                }
            }
        };
        let (head, body) = soon("an answer", asked).await?.into_parts();
        Ok(Answer {
            status: head.status.as_u16(),
            headers: head.headers,
            body: soon("a body", body.collect()).await?.to_bytes(),
        })
    }
}
