//! An authority of a test, and a TLS server with its certificate in front of a mock origin.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CertifiedIssuer, CidrSubnet, DnType,
    GeneralSubtree, IsCa, KeyPair, KeyUsagePurpose, NameConstraints, PublicKeyData as _,
};
use rustls::ServerConfig;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::origin::Origin;

/// Somebody who signs certificates.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(crate) fn new() -> Self {
        Self::with(CertificateParams::new(Vec::new()).unwrap())
    }

    /// Of the profile of Vast.ai's: no further authorities, and IPv4 addresses only.
    pub(crate) fn like_vast() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        let all = GeneralSubtree::IpAddress(CidrSubnet::V4([0; 4], [0; 4]));
        params.name_constraints = Some(NameConstraints {
            permitted_subtrees: vec![all],
            excluded_subtrees: Vec::new(),
        });
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        Self::with(params)
    }

    fn with(mut params: CertificateParams) -> Self {
        let constrained = params.name_constraints.is_some();
        params.is_ca = IsCa::Ca(match constrained {
            true => BasicConstraints::Constrained(0),
            false => BasicConstraints::Unconstrained,
        });
        // One of the same name would be taken for the other, and its signature for a bad one.
        static MADE: AtomicUsize = AtomicUsize::new(0);
        let name = format!("authority {}", MADE.fetch_add(1, SeqCst));
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        Self(CertifiedIssuer::self_signed(params, key).unwrap())
    }

    /// Its certificate, as it stands in a file.
    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    /// Its certificate.
    pub(crate) fn der(&self) -> CertificateDer<'static> {
        self.0.der().clone()
    }

    /// Signs a certificate for these names and addresses.
    pub(crate) fn issue(&self, names: &[&str]) -> Issued {
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        let params = CertificateParams::new(names).unwrap();
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        Issued { certificate, key }
    }

    fn server(&self, name: &str) -> ServerConfig {
        self.issue(&[name]).server()
    }
}

impl Issued {
    /// A server that shows it.
    fn server(&self) -> ServerConfig {
        ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![self.der()], self.key_der())
            .unwrap()
    }
}

/// A certificate and its key.
pub(crate) struct Issued {
    certificate: Certificate,
    key: KeyPair,
}

impl Issued {
    /// Signed by itself.
    pub(crate) fn by_itself(names: &[&str]) -> Self {
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(names).unwrap();
        let certificate = params.self_signed(&key).unwrap();
        Self { certificate, key }
    }

    pub(crate) fn der(&self) -> CertificateDer<'static> {
        self.certificate.der().clone()
    }

    pub(crate) fn key_der(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::try_from(self.key.serialize_der()).unwrap()
    }

    /// The public key, as it stands in the certificate.
    pub(crate) fn public_key(&self) -> Vec<u8> {
        self.key.subject_public_key_info()
    }

    /// Writes `NAME.crt` and `NAME.key`.
    pub(crate) fn write(&self, folder: &Path, name: &str) -> Files {
        let file = |end: &str, text: String| {
            let path = folder.join(format!("{name}.{end}"));
            std::fs::write(&path, text).unwrap();
            path
        };
        Files {
            cert: file("crt", self.certificate.pem()),
            key: file("key", self.key.serialize_pem()),
        }
    }
}

/// Where a certificate and its key are.
#[derive(Debug, Clone)]
pub(crate) struct Files {
    pub(crate) cert: PathBuf,
    pub(crate) key: PathBuf,
}

impl Files {
    /// As it stands in `listen.tls.certificates`.
    pub(crate) fn entry(&self) -> String {
        format!("{{ cert = {:?}, key = {:?} }}", self.cert, self.key)
    }
}

/// Ends TLS under this name and passes what is inside on to the origin, as long as the test runs.
pub(crate) async fn tls_before(origin: &Origin, authority: &Authority, name: &str) -> SocketAddr {
    tls_choosing(origin, authority, name, &[]).await
}

/// The same, choosing the first of these protocols that a client offers.
pub(crate) async fn tls_choosing(
    origin: &Origin,
    authority: &Authority,
    name: &str,
    alpn: &[&str],
) -> SocketAddr {
    let mut config = authority.server(name);
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    tls_by(origin, config).await
}

/// The same, showing this certificate.
pub(crate) async fn tls_showing(origin: &Origin, issued: &Issued) -> SocketAddr {
    tls_by(origin, issued.server()).await
}

async fn tls_by(origin: &Origin, config: ServerConfig) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, origin) = (listener.local_addr().unwrap(), origin.address);
    let acceptor = TlsAcceptor::from(Arc::new(config));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                // A client that does not trust us leaves in the middle of the handshake.
                if let Ok(mut inside) = acceptor.accept(stream).await {
                    let mut plain = TcpStream::connect(origin).await.unwrap();
                    let _ = copy_bidirectional(&mut inside, &mut plain).await;
                }
            });
        }
    });
    address
}
