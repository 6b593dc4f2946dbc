//! A file, a stand-in, and the commands as a user runs them.

use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::origin::{Origin, ok};
use crate::support::vast::{KEY, VastAi};

/// The label of the instances that are meant.
pub(crate) const LABEL: &str = "llm-prod";

/// Where the commands run.
pub(crate) struct Shell {
    pub(crate) api: VastAi,
    pub(crate) folder: TempDir,
    /// `VAST_API_KEY`.
    pub(crate) key: Option<String>,
}

/// What a command has said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) text: String,
}

impl Shell {
    pub(crate) fn new() -> Self {
        Self {
            api: VastAi::new(),
            folder: tempfile::tempdir().unwrap(),
            key: Some(KEY.to_owned()),
        }
    }

    /// Writes the file, with further lines of `discover.vastai` and further tables of the backend.
    pub(crate) fn write(&self, lines: &str, tables: &str) {
        let api = self.api.url();
        self.write_whole(&format!(
            "[backends.rented.discover.vastai]\nlabel = {LABEL:?}\nport = 8000\napi = {api:?}\n{lines}\n{tables}\n"
        ));
    }

    /// Writes the file with these backends, of which one is `rented`.
    pub(crate) fn write_whole(&self, backends: &str) {
        let text = format!(
            "[listen]\nhttp = \"127.0.0.1:0\"\n{backends}\n[[routes]]\nname = \"r\"\nprimary = \"rented\"\n"
        );
        std::fs::write(self.folder.path().join("figshift.toml"), text).unwrap();
    }

    /// Runs figshift in the folder.
    pub(crate) async fn run(&self, arguments: &str) -> Said {
        let mut command = Command::new(env!("CARGO_BIN_EXE_figshift"));
        command
            .args(arguments.split(' '))
            .current_dir(self.folder.path())
            .env_remove("XDG_CONFIG_HOME")
            .env_remove("VAST_API_KEY")
            .env("HOME", self.folder.path())
            .env("VAST_URL", self.api.url());
        if let Some(key) = &self.key {
            command.env("VAST_API_KEY", key);
        }
        let output = tokio::task::spawn_blocking(move || command.output()).await;
        let output = output.unwrap().unwrap();
        let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert!(!text.contains(KEY), "the key is told:\n{text}");
        Said {
            code: output.status.code().unwrap(),
            text,
        }
    }

    pub(crate) async fn check(&self) -> Said {
        self.run("vast check").await
    }

    /// Where the key file of the `vastai` command is.
    pub(crate) fn key_file(&self) -> std::path::PathBuf {
        let folder = self.folder.path().join(".config/vastai");
        std::fs::create_dir_all(&folder).unwrap();
        folder.join("vast_api_key")
    }
}

impl Said {
    /// The exit code, and what must be told.
    #[track_caller]
    pub(crate) fn is(&self, code: i32, parts: &[&str]) {
        for part in parts {
            assert!(
                self.text.contains(part),
                "{part:?} is missing:\n{}",
                self.text
            );
        }
        assert_eq!(self.code, code, "{}", self.text);
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }
}

/// A service that is well.
pub(crate) fn service() -> Origin {
    Origin::new(|_| vec![ok(b"{\"choices\": []}")])
}

/// As it stands in a file.
pub(crate) fn quoted(path: &Path) -> String {
    format!("{:?}", path.display().to_string())
}
