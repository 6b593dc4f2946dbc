//! The files of one load: each is read once, and its digest is kept, so that a change is noticed
//! without keeping a private key in memory for that.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use ring::digest::SHA256;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem};

use super::bad_file::{At, BadFile, Why};

/// SHA-256.
pub type Digest = [u8; 32];

/// The system's list of authorities has 200 KiB.
const LARGEST: u64 = 1024 * 1024;

/// The SHA-256 of some bytes.
pub fn digest(bytes: &[u8]) -> Digest {
    let mut out = [0; 32];
    let digest = ring::digest::digest(&SHA256, bytes);
    out.copy_from_slice(digest.as_ref());
    out
}

/// Files that were read for one load.
#[derive(Debug, Default)]
pub struct Files(BTreeMap<PathBuf, Result<Vec<u8>, Why>>);

impl Files {
    /// The bytes of a file.
    pub(super) fn read(&mut self, at: At, path: &Path) -> Result<&[u8], BadFile> {
        if !self.0.contains_key(path) {
            self.0.insert(path.to_owned(), read(path));
        }
        match &self.0[path] {
            Ok(bytes) => Ok(bytes),
            Err(why) => Err(BadFile::new(at, path, why.clone())),
        }
    }

    /// All certificates in a file, in its order.
    pub(super) fn certificates(
        &mut self,
        at: At,
        path: &Path,
    ) -> Result<Vec<CertificateDer<'static>>, BadFile> {
        let bytes = self.read(at, path)?;
        let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(bytes).collect();
        match found {
            Ok(none) if none.is_empty() => Err(BadFile::new(at, path, Why::NoCertificate)),
            Ok(found) => Ok(found),
            Err(error) => Err(BadFile::new(at, path, Why::Broken(error.to_string()))),
        }
    }

    /// The first private key in a file.
    pub(super) fn key(&mut self, at: At, path: &Path) -> Result<PrivateKeyDer<'static>, BadFile> {
        let bytes = self.read(at, path)?;
        PrivateKeyDer::from_pem_slice(bytes).map_err(|error| {
            let why = match error {
                pem::Error::NoItemsFound => Why::NoKey,
                // Its text may quote the line that it failed at.
                pem::Error::Base64Decode(_) => Why::Broken("it is not Base64".to_owned()),
                pem::Error::MissingSectionEnd { .. } => {
                    Why::Broken("its end is missing".to_owned())
                }
                _ => Why::Broken("its marks are not those of PEM".to_owned()),
            };
            BadFile::new(at, path, why)
        })
    }

    /// What each file was at this load; `None` where it could not be read.
    pub(super) fn digests(&self) -> BTreeMap<PathBuf, Option<Digest>> {
        let files = self.0.iter();
        files
            .map(|(path, bytes)| (path.clone(), bytes.as_ref().ok().map(|bytes| digest(bytes))))
            .collect()
    }

    /// The digest of a file that was read; of none, if it could not be.
    pub(super) fn digest_of(&self, path: &Path) -> Digest {
        match self.0.get(path) {
            Some(Ok(bytes)) => digest(bytes),
            _ => Digest::default(),
        }
    }
}

/// The bytes of a regular file: reading anything else, such as a pipe, could block.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, Why> {
    let unreadable = |error: std::io::Error| Why::Unreadable(error.to_string());
    let file = File::open(path).map_err(unreadable)?;
    if !file.metadata().map_err(unreadable)?.is_file() {
        return Err(Why::Unreadable("it is no file".to_owned()));
    }
    let mut bytes = Vec::new();
    let mut file = file.take(LARGEST + 1);
    file.read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > LARGEST {
        return Err(Why::TooLarge);
    }
    Ok(bytes)
}
