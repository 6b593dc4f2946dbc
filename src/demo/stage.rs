//! Everything of the demo that stands before the proxy starts.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use super::behaviour::Behaviour;
use super::control::DemoControl;
use super::file::{DemoFile, Folder, free_addresses};
use super::intro::Intro;
use super::sample::SampleBackend;

const HTTP_PORT: u16 = 8080;
const ADMIN_PORT: u16 = 9901;

/// Two backends, their control, and a folder with the file; all gone when dropped.
#[derive(Debug)]
pub struct Stage {
    legacy: SampleBackend,
    vastai: SampleBackend,
    control: DemoControl,
    http: SocketAddr,
    admin: SocketAddr,
    file: PathBuf,
    _folder: Folder,
}

impl Stage {
    /// Starts the backends and writes the file, with the usual ports for the proxy where they are free.
    pub async fn set() -> io::Result<Self> {
        Self::set_for([HTTP_PORT, ADMIN_PORT]).await
    }

    /// The same with other ports for the proxy and its admin side; 0 takes a free one. They are only looked up here,
    /// not held.
    pub async fn set_for(ports: [u16; 2]) -> io::Result<Self> {
        // The successor is a little faster, or nobody would move.
        let legacy = SampleBackend::start("legacy", Behaviour::healthy(40, 4)).await?;
        let vastai = SampleBackend::start("vastai", Behaviour::healthy(30, 3)).await?;
        let control = DemoControl::start(vec![legacy.clone(), vastai.clone()]).await?;
        let [http, admin] = free_addresses(ports)?;
        let folder = Folder::new()?;
        let file = DemoFile {
            http,
            admin,
            legacy: legacy.addr(),
            vastai: vastai.addr(),
        };
        let file = file.write(folder.path())?;
        Ok(Self {
            legacy,
            vastai,
            control,
            http,
            admin,
            file,
            _folder: folder,
        })
    }

    /// The file to start the proxy from.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// The proxy's address as a URL.
    pub fn proxy(&self) -> String {
        format!("http://{}", self.http)
    }

    /// The old backend.
    pub fn legacy(&self) -> &SampleBackend {
        &self.legacy
    }

    /// Its successor.
    pub fn vastai(&self) -> &SampleBackend {
        &self.vastai
    }

    /// What is where.
    pub fn intro(&self) -> Intro {
        Intro {
            proxy: self.proxy(),
            admin: format!("http://{}", self.admin),
            legacy: self.legacy.url(),
            vastai: self.vastai.url(),
            control: self.control.url(),
            file: self.file.clone(),
            figshift: std::env::current_exe().unwrap_or_else(|_| "figshift".into()),
        }
    }
}
