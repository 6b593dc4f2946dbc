//! Which of several certificates a client gets: by the name that it asks for (SNI), else the first.

use std::collections::HashMap;
use std::sync::Arc;

use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

type Keys = Vec<Arc<CertifiedKey>>;

/// Certificates by the names that they speak for.
#[derive(Debug, Default)]
pub(super) struct ByName {
    exact: HashMap<Box<str>, Keys>,
    /// `*.example.com`, by what follows the star and its dot.
    wild: HashMap<Box<str>, Keys>,
    first: Keys,
}

impl ByName {
    /// One more certificate. The first one of all is for whom no other fits.
    pub(super) fn add(&mut self, key: &Arc<CertifiedKey>, names: &[String]) {
        if self.first.is_empty() {
            self.first.push(Arc::clone(key));
        }
        for name in names {
            let place = match name.strip_prefix("*.") {
                Some(parent) => self.wild.entry(parent.into()),
                None => self.exact.entry(name.as_str().into()),
            };
            place.or_default().push(Arc::clone(key));
        }
    }

    fn of(&self, name: Option<&str>) -> &Keys {
        let Some(name) = name else { return &self.first };
        let name = name.to_ascii_lowercase();
        let wild = || self.wild.get(name.split_once('.')?.1);
        let found = self.exact.get(&*name).or_else(wild);
        found.unwrap_or(&self.first)
    }
}

impl ResolvesServerCert for ByName {
    /// A name may have several, such as an ECDSA and an RSA one: the first that the client knows.
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let keys = self.of(hello.server_name());
        let schemes = hello.signature_schemes();
        let fits = |key: &&Arc<CertifiedKey>| key.key.choose_scheme(schemes).is_some();
        keys.iter().find(fits).or_else(|| keys.first()).cloned()
    }
}
