//! TLS for both ends: one authority for all tests, certificates for `test` and 127.0.0.1.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use rustls::crypto::ring::default_provider;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::support::tls::Authority;

/// A socket, with TLS or without.
pub(crate) trait Socket: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Socket for S {}

fn authority() -> &'static Authority {
    static ONE: OnceLock<Authority> = OnceLock::new();
    ONE.get_or_init(Authority::new)
}

/// Writes what a house needs, and gives the lines of `[listen]` and of a backend that say so.
pub(crate) fn lines(folder: &Path) -> (String, String) {
    let own = authority().issue(&["test"]).write(folder, "own");
    let ca = folder.join("ca.pem");
    std::fs::write(&ca, authority().pem()).unwrap();
    let entry = own.entry();
    let listen = format!("https = \"127.0.0.1:0\"\n[listen.tls]\ncertificates = [{entry}]\n");
    (listen, format!("tls.ca = [{ca:?}]\n"))
}

/// Ends TLS as an origin that speaks one protocol.
pub(crate) fn acceptor(alpn: &str) -> TlsAcceptor {
    let issued = authority().issue(&["127.0.0.1"]);
    let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![issued.der()], issued.key_der())
        .unwrap();
    config.alpn_protocols = vec![alpn.as_bytes().to_vec()];
    TlsAcceptor::from(Arc::new(config))
}

/// Begins TLS as a client that speaks one protocol.
pub(crate) async fn connect(alpn: &str, socket: TcpStream) -> Box<dyn Socket> {
    let mut roots = RootCertStore::empty();
    roots.add(authority().der()).unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![alpn.as_bytes().to_vec()];
    let name = ServerName::try_from("test").unwrap();
    let connector = TlsConnector::from(Arc::new(config));
    let stream = connector.connect(name, socket).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(alpn.as_bytes()));
    Box::new(stream)
}
