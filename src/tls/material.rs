//! All that TLS needs in one state of the house, made in one load.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::acceptor::{Acceptor, Listening};
use super::bad_file::BadFile;
use super::connector::{Connecting, Connector};
use super::files::{Digest, Files, digest, read};

/// All that TLS needs in one state of the house.
#[derive(Debug, Default)]
pub struct Material {
    /// For the connections of clients.
    pub acceptor: Option<Arc<Acceptor>>,
    /// For the backends that have endpoints with TLS.
    pub connectors: BTreeMap<String, Arc<Connector>>,
    /// The files that it was made of, as they were then.
    pub files: BTreeMap<PathBuf, Option<Digest>>,
    /// What is odd, but no reason to refuse it.
    pub remarks: Vec<String>,
}

impl Material {
    /// Reads all files and makes what they are for; what is unchanged is taken over from `previous`.
    ///
    /// # Errors
    ///
    /// Each file that cannot be used, with the backend that it is for, if it is for one.
    pub fn load(
        listening: Option<&Listening>,
        backends: &BTreeMap<String, Connecting>,
        previous: &Self,
    ) -> Result<Self, Vec<(Option<String>, BadFile)>> {
        let mut files = Files::default();
        let mut bad = Vec::new();
        let mut remarks = Vec::new();
        let known = previous.acceptor.as_ref();
        let acceptor = listening
            .map(|listening| Acceptor::load(listening, &mut files, known, &mut remarks))
            .transpose()
            .unwrap_or_else(|list| {
                bad.extend(list.into_iter().map(|file| (None, file)));
                None
            });
        let mut connectors = BTreeMap::new();
        let mut system = None;
        for (name, wanted) in backends {
            let known = previous.connectors.get(name);
            if wanted.insecure {
                remarks.push(format!(
                    "backend `{name}` is insecure: whoever answers at its endpoints is believed"
                ));
            }
            match Connector::load(wanted, &mut files, &mut system, known, &mut remarks) {
                Ok(connector) => drop(connectors.insert(name.clone(), connector)),
                Err(list) => bad.extend(list.into_iter().map(|file| (Some(name.clone()), file))),
            }
        }
        if !bad.is_empty() {
            return Err(bad);
        }
        Ok(Self {
            acceptor,
            connectors,
            files: files.digests(),
            remarks,
        })
    }

    /// What a file is now.
    pub fn look(path: &Path) -> Option<Digest> {
        read(path).ok().map(|bytes| digest(&bytes))
    }
}
