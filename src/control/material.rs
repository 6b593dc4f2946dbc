//! From the file to what TLS needs: reads the certificates and keys that a configuration names.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::budget;
use crate::config::model::{Backend, BackendTls, ClientAuth, Listen, Protocol};
use crate::config::scalar::Credential;
use crate::config::{Config, Found, Problems, placed};
use crate::tls::{At, Authority, BadFile, Connecting, Listening, Material, Pair};

/// A file that cannot be used, and for which backend, if for one.
pub(super) type Bad = (Option<String>, BadFile);

/// Reads the files that a configuration names; what is unchanged is taken over.
///
/// # Errors
///
/// Each file that cannot be used.
pub(super) fn load(config: &Config, previous: &Material) -> Result<Arc<Material>, Vec<Bad>> {
    let backends = config.backends.iter();
    let backends =
        backends.filter_map(|(name, backend)| Some((name.clone(), connecting(backend)?)));
    let listening = listening(&config.listen);
    let backends: BTreeMap<_, _> = backends.collect();
    Material::load(listening.as_ref(), &backends, previous).map(Arc::new)
}

/// The problems in the files that a checked file names, at its places; else what is odd about them and
/// about its backends.
///
/// # Errors
///
/// Each file that cannot be used.
pub fn check_files(path: &Path, config: &Config, text: &str) -> Result<Vec<String>, Problems> {
    let material = read_files(path, config, text)?;
    let mut remarks = material.remarks.clone();
    remarks.extend(
        config
            .backends
            .iter()
            .flat_map(|(name, backend)| odd(name, backend)),
    );
    remarks.extend(budget::remarks(config));
    Ok(remarks)
}

/// What TLS needs, made of the files that a checked file names.
///
/// # Errors
///
/// Each file that cannot be used, as a problem at its place.
pub fn read_files(path: &Path, config: &Config, text: &str) -> Result<Arc<Material>, Problems> {
    load(config, &Material::default()).map_err(|bad| problems(path, text, &bad))
}

/// What is in order and will most likely not do what is meant.
fn odd(name: &str, backend: &Backend) -> Vec<String> {
    let mut odd = Vec::new();
    let discover = backend.discover.as_ref();
    if let Some(file) = discover.and_then(|discover| discover.file.as_ref())
        && !file.path.exists()
    {
        let path = file.path.display();
        odd.push(format!(
            "backend `{name}` has no endpoint before {path} is there"
        ));
    }
    let is_rented = discover.is_some_and(|discover| discover.vastai.is_some());
    let says_something = backend
        .ready
        .as_ref()
        .is_some_and(|ready| ready.contains.is_some());
    if is_rented && !says_something && !backend.speaks_tls() {
        odd.push(format!(
            "backend `{name}` takes any web server at an instance's address for ready: ask for what only the \
             service can answer, by `contains` in [backends.{name}.ready]"
        ));
    }
    if let Some(auth) = &backend.auth {
        let given =
            |secret: &Option<_>| secret.as_ref().is_some_and(|s: &Credential| !s.is_empty());
        let own = auth.instances.values();
        let mut own = own.map(|own| given(&own.bearer) || given(&own.basic));
        let shared = given(&auth.bearer) || given(&auth.basic) || !auth.instances.is_empty();
        if !shared || own.any(|given| !given) {
            odd.push(format!(
                "backend `{name}` is shown nothing where a secret in its `auth` is empty"
            ));
        }
    }
    odd
}

/// What is odd is said at each load.
pub(super) fn remark(material: &Material) {
    for remark in &material.remarks {
        tracing::warn!("TLS: {remark}");
    }
}

/// Bad files as problems of the file that names them.
pub(super) fn problems(path: &Path, text: &str, bad: &[Bad]) -> Problems {
    let found: Vec<_> = bad
        .iter()
        .map(|(backend, bad)| Found {
            path: place(backend.as_deref(), bad.at),
            message: bad.to_string(),
            hint: bad.hint().to_owned(),
        })
        .collect();
    placed(text, &path.display().to_string(), &found)
}

fn place(backend: Option<&str>, at: At) -> Vec<String> {
    let owned = |keys: &[&str]| keys.iter().map(|key| (*key).to_owned()).collect();
    let pair =
        |index: usize, key| owned(&["listen", "tls", "certificates", &index.to_string(), key]);
    match (backend, at) {
        (None, At::Cert(index)) => pair(index, "cert"),
        (None, At::Key(index)) => pair(index, "key"),
        (None, At::Authority(_)) => owned(&["listen", "tls", "client_ca"]),
        (Some(name), At::Cert(_)) => owned(&["backends", name, "tls", "cert"]),
        (Some(name), At::Key(_)) => owned(&["backends", name, "tls", "key"]),
        (Some(name), At::Authority(index)) => {
            owned(&["backends", name, "tls", "ca", &index.to_string()])
        }
    }
}

/// What the listener for TLS shall be.
fn listening(listen: &Listen) -> Option<Listening> {
    let tls = listen.tls.as_ref().filter(|_| listen.https.is_some())?;
    let pairs = tls.certificates.iter();
    Some(Listening {
        certificates: pairs
            .map(|pair| Pair {
                cert: pair.cert.clone(),
                key: pair.key.clone(),
            })
            .collect(),
        clients: match (tls.client_auth, &tls.client_ca) {
            (ClientAuth::Optional, Some(ca)) => crate::tls::ClientAuth::Optional(ca.clone()),
            (ClientAuth::Required, Some(ca)) => crate::tls::ClientAuth::Required(ca.clone()),
            _ => crate::tls::ClientAuth::Off,
        },
        alpn: alpn(Protocol::Auto),
    })
}

/// How a backend that has endpoints with TLS is connected to.
fn connecting(backend: &Backend) -> Option<Connecting> {
    backend.speaks_tls().then(|| {
        let none = BackendTls::default();
        let tls = backend.tls.as_ref().unwrap_or(&none);
        terms(tls, alpn(backend.protocol))
    })
}

/// What is offered, the best first.
fn alpn(protocol: Protocol) -> Vec<Vec<u8>> {
    let names: &[&str] = match protocol {
        Protocol::Auto => &["h2", "http/1.1"],
        Protocol::H1 => &["http/1.1"],
        Protocol::H2 => &["h2"],
    };
    names.iter().map(|name| name.as_bytes().to_vec()).collect()
}

fn terms(tls: &BackendTls, alpn: Vec<Vec<u8>>) -> Connecting {
    let named = tls.ca.iter().map(|path| match path.as_str() {
        BackendTls::SYSTEM => Authority::System,
        path => Authority::File(path.into()),
    });
    // A pin alone says whom to believe.
    let by_default = tls.ca.is_empty() && tls.pin.is_empty() && !tls.insecure;
    Connecting {
        authorities: named
            .chain(by_default.then_some(Authority::System))
            .collect(),
        name: tls.name.clone(),
        pins: tls.pin.iter().map(|pin| pin.digest()).collect(),
        own: match (&tls.cert, &tls.key) {
            (Some(cert), Some(key)) => Some(Pair {
                cert: cert.clone(),
                key: key.clone(),
            }),
            _ => None,
        },
        insecure: tls.insecure,
        alpn,
    }
}
