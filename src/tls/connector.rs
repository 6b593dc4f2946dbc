//! How connections to a backend are made.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};

use super::acceptor::{Pair, authorities, certified};
use super::bad_file::{At, BadFile, Why};
use super::files::{Digest, Files, digest};
use super::trust::{provider, roots};
use super::verify::{Anybody, Pinned};

/// What a backend shall show, and what it is shown.
#[derive(Debug, Clone, Default)]
pub struct Connecting {
    /// Whose signatures are believed.
    pub authorities: Vec<Authority>,
    /// Asked for and expected in place of the endpoint's host.
    pub name: Option<String>,
    /// Digests of certificates or keys; one of them must be shown.
    pub pins: Vec<Digest>,
    /// Our own certificate.
    pub own: Option<Pair>,
    /// Nothing is checked.
    pub insecure: bool,
    /// The protocols that are offered, the best first.
    pub alpn: Vec<Vec<u8>>,
}

/// Whose signatures are believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Authority {
    /// Those whom the system trusts.
    System,
    /// Those in this file.
    File(PathBuf),
}

/// How connections to a backend are made.
#[derive(Debug)]
pub struct Connector {
    /// For rustls.
    pub config: Arc<ClientConfig>,
    /// The same where nothing but HTTP/1.1 will do.
    pub http1: Arc<ClientConfig>,
    /// Asked for and expected in place of the endpoint's host.
    pub name: Option<ServerName<'static>>,
    /// The same for the same settings and files: what was connected by another one has been checked
    /// in another way.
    pub id: u64,
    print: Digest,
}

/// The name of an endpoint's host: `example.com`, `10.0.0.5`, `[2001:db8::5]`.
pub fn server_name(host: &str) -> Option<ServerName<'static>> {
    let bare = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    let bare = bare.unwrap_or(host);
    if let Ok(address) = bare.parse::<IpAddr>() {
        return Some(ServerName::IpAddress(address.into()));
    }
    let bare = bare.strip_suffix('.').unwrap_or(bare);
    ServerName::try_from(bare.to_owned()).ok()
}

impl Connector {
    /// Makes one, or keeps the previous one with its sessions if nothing has changed. `system` are the
    /// authorities of the system, read when first needed.
    ///
    /// # Errors
    ///
    /// Each file that cannot be used.
    pub(super) fn load(
        connecting: &Connecting,
        files: &mut Files,
        system: &mut Option<Arc<RootCertStore>>,
        previous: Option<&Arc<Self>>,
        remarks: &mut Vec<String>,
    ) -> Result<Arc<Self>, Vec<BadFile>> {
        let mut bad = Vec::new();
        let mut trusted = RootCertStore::empty();
        for (index, authority) in connecting.authorities.iter().enumerate() {
            match authority {
                Authority::System => {
                    let system = system.get_or_insert_with(|| Arc::new(roots()));
                    trusted.roots.extend_from_slice(&system.roots);
                }
                Authority::File(path) => {
                    let added = authorities(At::Authority(index), path, files, &mut trusted);
                    bad.extend(added.err());
                }
            }
        }
        let own = connecting.own.as_ref();
        let own = own
            .map(|pair| certified(0, pair, files, remarks))
            .transpose();
        let own = match own {
            Ok(own) if bad.is_empty() => own,
            Ok(_) => return Err(bad),
            Err(files) => {
                bad.extend(files);
                return Err(bad);
            }
        };
        let print = print(connecting, files, &trusted);
        if let Some(same) = previous.filter(|known| known.print == print) {
            return Ok(Arc::clone(same));
        }
        let failed = |error: String| {
            let why = Why::Certificate(error);
            vec![BadFile::new(At::Authority(0), Path::new(""), why)]
        };
        let verifier = verifier(connecting, trusted).map_err(failed)?;
        let builder = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(|error| failed(error.to_string()))?
            .dangerous()
            .with_custom_certificate_verifier(verifier);
        let mut config = match own {
            Some((key, _)) => builder
                .with_client_cert_resolver(Arc::new(rustls::sign::SingleCertAndKey::from(key))),
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols.clone_from(&connecting.alpn);
        let mut http1 = config.clone();
        http1.alpn_protocols = vec![b"http/1.1".to_vec()];
        let [a, b, c, d, e, f, g, h, ..] = print;
        Ok(Arc::new(Self {
            config: Arc::new(config),
            http1: Arc::new(http1),
            name: connecting.name.as_deref().and_then(server_name),
            id: u64::from_be_bytes([a, b, c, d, e, f, g, h]),
            print,
        }))
    }
}

fn verifier(
    connecting: &Connecting,
    trusted: RootCertStore,
) -> Result<Arc<dyn ServerCertVerifier>, String> {
    if connecting.insecure {
        return Ok(Arc::new(Anybody));
    }
    let usual = (!connecting.authorities.is_empty()).then(|| {
        let builder = WebPkiServerVerifier::builder_with_provider(Arc::new(trusted), provider());
        builder.build().map_err(|error| error.to_string())
    });
    let usual = usual.transpose()?;
    match usual {
        Some(usual) if connecting.pins.is_empty() => Ok(usual),
        authorities => Ok(Arc::new(Pinned {
            pins: connecting.pins.clone(),
            authorities,
        })),
    }
}

/// What a connector is made of: the same print is the same connector.
fn print(connecting: &Connecting, files: &Files, trusted: &RootCertStore) -> Digest {
    let mut all = format!("{connecting:?}").into_bytes();
    for anchor in &trusted.roots {
        all.extend_from_slice(&digest(&anchor.subject));
        all.extend_from_slice(&digest(&anchor.subject_public_key_info));
    }
    for path in connecting.own.iter().flat_map(|own| [&own.cert, &own.key]) {
        all.extend(files.digest_of(path));
    }
    digest(&all)
}
