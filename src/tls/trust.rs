//! Who is trusted: the one TLS provider, and the authorities of the system.

use std::env;
use std::sync::{Arc, Once, OnceLock};

use rustls::crypto::{CryptoProvider, ring};
use rustls::{ClientConfig, RootCertStore};

/// Names of files and folders that replace what the system trusts.
const NAMED: [&str; 2] = ["SSL_CERT_FILE", "SSL_CERT_DIR"];

/// The one provider of cryptography.
pub(super) fn provider() -> Arc<CryptoProvider> {
    static ONE: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    Arc::clone(ONE.get_or_init(|| Arc::new(ring::default_provider())))
}

/// Makes the provider that of the process: a client that is built without one panics.
pub fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // Somebody else has installed one; it is as good.
        drop(ring::default_provider().install_default());
    });
}

/// TLS to services outside. Reads the system's authorities, so it may take some milliseconds.
///
/// # Errors
///
/// The provider speaks no version of TLS.
pub fn outside() -> Result<ClientConfig, rustls::Error> {
    let config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots())
        .with_no_client_auth();
    Ok(config)
}

/// Those that `SSL_CERT_FILE` and `SSL_CERT_DIR` name, else those of the system, else Mozilla's: an
/// empty container has none. Where somebody has named some, no others take their place.
pub(super) fn roots() -> RootCertStore {
    let found = rustls_native_certs::load_native_certs();
    let named = NAMED.iter().any(|name| env::var_os(name).is_some());
    for error in found.errors.iter().filter(|_| named) {
        tracing::error!(%error, "SSL_CERT_FILE or SSL_CERT_DIR cannot be read");
    }
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() && !named {
        tracing::info!(
            "The system trusts no authority: Mozilla's list, which is built in, is used"
        );
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    roots
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn somebody_is_trusted() {
        assert!(!roots().is_empty());
        assert!(webpki_roots::TLS_SERVER_ROOTS.len() > 50);
    }
}
