//! The far end: an origin with TLS, and what it has seen of its clients.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::Response;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::crypto::ring::default_provider;
use rustls::server::WebPkiClientVerifier;
use rustls::{HandshakeKind, RootCertStore, ServerConfig};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::support::tls::{Authority, Issued};

/// What an origin has seen of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Met {
    pub(crate) name: Option<String>,
    pub(crate) alpn: Option<String>,
    pub(crate) resumed: bool,
    /// It has shown a certificate.
    pub(crate) known: bool,
}

/// What an origin has seen.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) met: Vec<Met>,
    pub(crate) requests: Vec<http::request::Parts>,
}

/// See the module.
#[derive(Clone)]
pub(crate) struct Far {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
}

impl Far {
    /// With this certificate, both protocols, and nothing asked of clients.
    pub(crate) async fn new(issued: &Issued) -> Self {
        Self::with(issued, &["h2", "http/1.1"], None).await
    }

    /// With these protocols; clients must be signed by the authority, if there is one.
    pub(crate) async fn with(issued: &Issued, alpn: &[&str], clients: Option<&Authority>) -> Self {
        let provider = Arc::new(default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .unwrap();
        let builder = match clients {
            None => builder.with_no_client_auth(),
            Some(authority) => {
                let mut roots = RootCertStore::empty();
                roots.add(authority.der()).unwrap();
                let verifier =
                    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
                builder.with_client_cert_verifier(verifier.build().unwrap())
            }
        };
        let mut config = builder
            .with_single_cert(vec![issued.der()], issued.key_der())
            .unwrap();
        config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let far = Self {
            address: listener.local_addr().unwrap(),
            seen: Arc::default(),
        };
        tokio::spawn(
            far.clone()
                .serve(listener, TlsAcceptor::from(Arc::new(config))),
        );
        far
    }

    pub(crate) fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    pub(crate) fn met(&self) -> Vec<Met> {
        self.seen.lock().unwrap().met.clone()
    }

    pub(crate) fn requests(&self) -> Vec<http::request::Parts> {
        self.seen.lock().unwrap().requests.clone()
    }

    async fn serve(self, listener: TcpListener, acceptor: TlsAcceptor) {
        while let Ok((socket, _)) = listener.accept().await {
            let (far, acceptor) = (self.clone(), acceptor.clone());
            tokio::spawn(async move {
                // A client that does not trust us leaves in the middle of the handshake.
                let Ok(stream) = acceptor.accept(socket).await else {
                    return;
                };
                let state = stream.get_ref().1;
                let alpn = state.alpn_protocol().map(<[u8]>::to_vec);
                let alpn = alpn.map(|name| String::from_utf8(name).unwrap());
                let h2 = alpn.as_deref() == Some("h2");
                far.seen.lock().unwrap().met.push(Met {
                    name: state.server_name().map(str::to_owned),
                    alpn,
                    resumed: state.handshake_kind() == Some(HandshakeKind::Resumed),
                    known: state.peer_certificates().is_some(),
                });
                let service = service_fn(|request: http::Request<Incoming>| {
                    let close = request.uri().path() == "/close";
                    let head = request.into_parts().0;
                    far.seen.lock().unwrap().requests.push(head);
                    let mut answer = Response::new(Full::new(Bytes::from_static(b"secret")));
                    if close && !h2 {
                        let close = http::HeaderValue::from_static("close");
                        answer.headers_mut().insert("connection", close);
                    }
                    async move { Ok::<_, Infallible>(answer) }
                });
                let io = TokioIo::new(stream);
                if h2 {
                    let builder = http2::Builder::new(TokioExecutor::new());
                    let _ = builder.serve_connection(io, service).await;
                } else {
                    let _ = http1::Builder::new().serve_connection(io, service).await;
                }
            });
        }
    }
}
