//! A started program. It leads a process group of its own and is killed with all of it when dropped.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use super::wait::until;

/// What a failed test shows of each log.
const TAIL: usize = 3000;

#[derive(Debug)]
pub(crate) struct Process {
    name: String,
    child: Child,
    stdout: PathBuf,
    stderr: PathBuf,
}

impl Process {
    /// Starts it; what it prints goes to files in the folder.
    pub(crate) fn start(name: &str, command: &mut Command, folder: &Path) -> Self {
        Self::start_with(name, command, folder, Stdio::null())
    }

    /// The same with something on its standard input.
    pub(crate) fn start_with(
        name: &str,
        command: &mut Command,
        folder: &Path,
        stdin: Stdio,
    ) -> Self {
        use std::os::unix::process::CommandExt as _;
        let [stdout, stderr] = ["out", "err"].map(|end| folder.join(format!("{name}.{end}")));
        let child = command
            .stdin(stdin)
            .stdout(File::create(&stdout).unwrap())
            .stderr(File::create(&stderr).unwrap())
            .process_group(0)
            .spawn()
            .unwrap_or_else(|error| panic!("{name} does not start: {error}: {command:?}"));
        Self {
            name: name.to_owned(),
            child,
            stdout,
            stderr,
        }
    }

    pub(crate) fn stdout(&self) -> String {
        read(&self.stdout)
    }

    pub(crate) fn stderr(&self) -> String {
        read(&self.stderr)
    }

    /// Sends a signal to the program, not to its group.
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// `kill -9`, for it and its children.
    pub(crate) fn kill(&mut self) {
        if self.is_running() {
            // Not yet waited for, so the number is still its own.
            kill_process_group(Pid::from_child(&self.child), Signal::KILL).unwrap();
            self.child.wait().unwrap();
        }
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    pub(crate) async fn ends_within(&mut self, limit: Duration) -> ExitStatus {
        let what = format!("the end of {}", self.name);
        until(&what, limit, async || self.child.try_wait().unwrap()).await
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            for text in [self.stdout(), self.stderr()] {
                let from = text.ceil_char_boundary(text.len().saturating_sub(TAIL));
                let tail = text.get(from..).unwrap_or_default();
                eprintln!("--- {} said:\n{tail}", self.name);
            }
        }
    }
}

fn read(path: &Path) -> String {
    String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned()
}
