//! How connections of clients are accepted.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use rustls::crypto::ring::Ticketer;
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoClientAuth, ProducesTickets, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use rustls::{Error, InconsistentKeys, RootCertStore, ServerConfig};

use super::bad_file::{At, BadFile, Why};
use super::by_name::ByName;
use super::certificate::{names, out_of_time};
use super::files::{Digest, Files, digest};
use super::trust::provider;

/// What a listener shall be.
#[derive(Debug, Clone)]
pub struct Listening {
    /// Its certificates; the first is for clients that ask for no name, or an unknown one.
    pub certificates: Vec<Pair>,
    /// Whether clients show certificates.
    pub clients: ClientAuth,
    /// The protocols that it speaks, the best first.
    pub alpn: Vec<Vec<u8>>,
}

/// A certificate with its chain, and its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// PEM: the certificate, then those that signed it.
    pub cert: PathBuf,
    /// PEM.
    pub key: PathBuf,
}

/// Whether clients show certificates, and who signs them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientAuth {
    /// They are not asked.
    Off,
    /// One that is shown must be signed by these authorities.
    Optional(PathBuf),
    /// Without one there is no connection.
    Required(PathBuf),
}

/// How connections of clients are accepted.
#[derive(Debug)]
pub struct Acceptor {
    /// For rustls.
    pub config: Arc<ServerConfig>,
    /// What it was made of.
    print: Digest,
    /// Whom its tickets speak for: they must not let anybody in whom others have checked.
    clients: Digest,
    ticketer: Arc<dyn ProducesTickets>,
}

impl Acceptor {
    /// Makes one, or keeps the previous one if nothing has changed. Tickets that were given out stay
    /// good, unless whose certificates are believed has changed. `remarks` get what is odd.
    ///
    /// # Errors
    ///
    /// Each file that cannot be used.
    pub fn load(
        listening: &Listening,
        files: &mut Files,
        previous: Option<&Arc<Self>>,
        remarks: &mut Vec<String>,
    ) -> Result<Arc<Self>, Vec<BadFile>> {
        let mut bad = Vec::new();
        let mut by_name = ByName::default();
        for (index, pair) in listening.certificates.iter().enumerate() {
            match certified(index, pair, files, remarks) {
                Ok((key, names)) => by_name.add(&Arc::new(key), &names),
                Err(files) => bad.extend(files),
            }
        }
        let verifier = match verifier(&listening.clients, files) {
            Ok(verifier) => verifier,
            Err(file) => {
                bad.push(file);
                return Err(bad);
            }
        };
        if !bad.is_empty() {
            return Err(bad);
        }
        let (print, clients) = (print(listening, files), clients_print(listening, files));
        if let Some(same) = previous.filter(|known| known.print == print) {
            return Ok(Arc::clone(same));
        }
        let known = previous.filter(|known| known.clients == clients);
        let ticketer = match known.map(|known| Arc::clone(&known.ticketer)) {
            Some(ticketer) => Ok(ticketer),
            None => Ticketer::new(),
        };
        let made = ticketer.and_then(|ticketer| {
            let builder = ServerConfig::builder_with_provider(provider());
            let mut config = builder
                .with_safe_default_protocol_versions()?
                .with_client_cert_verifier(verifier)
                .with_cert_resolver(Arc::new(by_name));
            config.alpn_protocols.clone_from(&listening.alpn);
            config.ticketer = Arc::clone(&ticketer);
            Ok(Arc::new(Self {
                config: Arc::new(config),
                print,
                clients,
                ticketer,
            }))
        });
        made.map_err(|error| vec![cannot(&listening.certificates, &error)])
    }
}

/// The machine refuses, whatever the files say.
fn cannot(certificates: &[Pair], error: &Error) -> BadFile {
    let file = certificates.first().map(|pair| pair.cert.as_path());
    let why = Why::Certificate(error.to_string());
    BadFile::new(At::Cert(0), file.unwrap_or(Path::new("")), why)
}

/// A certificate with its key, and the names that it speaks for.
///
/// # Errors
///
/// One of the two files cannot be used, or neither.
pub(super) fn certified(
    index: usize,
    pair: &Pair,
    files: &mut Files,
    remarks: &mut Vec<String>,
) -> Result<(CertifiedKey, Vec<String>), Vec<BadFile>> {
    let (at, key_at) = (At::Cert(index), At::Key(index));
    let read = (
        files.certificates(at, &pair.cert),
        files.key(key_at, &pair.key),
    );
    let (chain, key) = match read {
        (Ok(chain), Ok(key)) => (chain, key),
        (chain, key) => return Err(chain.err().into_iter().chain(key.err()).collect()),
    };
    let bad = |error| vec![BadFile::new(at, &pair.cert, Why::Certificate(error))];
    let bad_key = |why| vec![BadFile::new(key_at, &pair.key, why)];
    let names = match chain.first() {
        Some(own) => {
            if let Some(wrong) = out_of_time(own, Timestamp::now()) {
                remarks.push(format!(
                    "the certificate in {} {wrong}",
                    pair.cert.display()
                ));
            }
            names(own).map_err(bad)?
        }
        None => Vec::new(),
    };
    let key = CertifiedKey::from_der(chain, key, &provider()).map_err(|error| match error {
        Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
            bad_key(Why::OtherKey(pair.cert.clone()))
        }
        Error::InvalidCertificate(error) => bad(error.to_string()),
        error => bad_key(Why::Key(error.to_string())),
    })?;
    Ok((key, names))
}

/// The authorities in a file.
pub(super) fn authorities(
    at: At,
    path: &Path,
    files: &mut Files,
    roots: &mut RootCertStore,
) -> Result<(), BadFile> {
    for certificate in files.certificates(at, path)? {
        let added = roots.add(certificate);
        added.map_err(|error| BadFile::new(at, path, Why::Certificate(error.to_string())))?;
    }
    Ok(())
}

fn verifier(
    clients: &ClientAuth,
    files: &mut Files,
) -> Result<Arc<dyn ClientCertVerifier>, BadFile> {
    let (path, optional) = match clients {
        ClientAuth::Off => return Ok(Arc::new(NoClientAuth)),
        ClientAuth::Optional(path) => (path, true),
        ClientAuth::Required(path) => (path, false),
    };
    let at = At::Authority(0);
    let mut roots = RootCertStore::empty();
    authorities(at, path, files, &mut roots)?;
    let mut builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider());
    if optional {
        builder = builder.allow_unauthenticated();
    }
    let built = builder.build();
    match built {
        Ok(verifier) => Ok(verifier),
        Err(error) => Err(BadFile::new(at, path, Why::Certificate(error.to_string()))),
    }
}

/// What an acceptor is made of: the same print is the same acceptor.
fn print(listening: &Listening, files: &Files) -> Digest {
    let mut all = format!("{listening:?}").into_bytes();
    for pair in &listening.certificates {
        all.extend(files.digest_of(&pair.cert));
        all.extend(files.digest_of(&pair.key));
    }
    all.extend(clients_print(listening, files));
    digest(&all)
}

fn clients_print(listening: &Listening, files: &Files) -> Digest {
    let mut all = format!("{:?}", listening.clients).into_bytes();
    if let ClientAuth::Optional(path) | ClientAuth::Required(path) = &listening.clients {
        all.extend(files.digest_of(path));
    }
    digest(&all)
}
