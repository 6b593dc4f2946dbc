//! What is wrong with a file of certificates or keys.

use std::fmt;
use std::path::{Path, PathBuf};

/// A file that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadFile {
    /// Whose name stood where.
    pub at: At,
    /// Which.
    pub file: PathBuf,
    /// Why.
    pub why: Why,
}

/// For what a file was named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// The certificate of that pair.
    Cert(usize),
    /// The key of that pair.
    Key(usize),
    /// That authority.
    Authority(usize),
}

/// Why a file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// It is not there, or may not be read.
    Unreadable(String),
    /// Nobody has that many certificates in a file.
    TooLarge,
    /// It has no certificate in PEM form.
    NoCertificate,
    /// It has no private key in PEM form.
    NoKey,
    /// What stands between the marks of PEM is none.
    Broken(String),
    /// The certificate is not one that can be used.
    Certificate(String),
    /// The key is not one that can be used.
    Key(String),
    /// The key is not that of this certificate.
    OtherKey(PathBuf),
}

impl BadFile {
    pub(super) fn new(at: At, file: &Path, why: Why) -> Self {
        Self {
            at,
            file: file.to_owned(),
            why,
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match &self.why {
            Why::Unreadable(_) => "check the path and the permissions",
            Why::TooLarge => "check that this is the right file; 1 MiB is the most",
            Why::NoCertificate => {
                "it must hold -----BEGIN CERTIFICATE----- (PEM): the certificate first, then its chain"
            }
            Why::NoKey => {
                "it must hold -----BEGIN PRIVATE KEY----- (PEM, without a passphrase); RSA, ECDSA or Ed25519"
            }
            Why::Broken(_) => "it is cut off or damaged: copy it again",
            Why::Certificate(_) => "it must be an X.509 certificate of version 3",
            Why::Key(_) => "it must be an RSA, ECDSA (P-256, P-384) or Ed25519 key",
            Why::OtherKey(_) => "name the key that the certificate was made for",
        }
    }
}

impl fmt::Display for BadFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.file.display(), self.why)
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(error) => write!(f, "cannot read the file: {error}"),
            Self::TooLarge => f.write_str("the file is larger than 1 MiB"),
            Self::NoCertificate => f.write_str("there is no certificate in it"),
            Self::NoKey => f.write_str("there is no private key in it"),
            Self::Broken(error) => write!(f, "it cannot be read as PEM: {error}"),
            Self::Certificate(error) => write!(f, "the certificate cannot be used: {error}"),
            Self::Key(error) => write!(f, "the key cannot be used: {error}"),
            Self::OtherKey(certificate) => {
                let certificate = certificate.display();
                write!(f, "it is not the key of the certificate in {certificate}")
            }
        }
    }
}

impl std::error::Error for BadFile {}
