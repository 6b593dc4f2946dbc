//! What figshift logs, of all tests of a process.

use std::io::Write;
use std::sync::{Mutex, Once};

use tracing::Level;

static LOGS: Mutex<Vec<u8>> = Mutex::new(Vec::new());

struct Logs;

impl Write for Logs {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        LOGS.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Keeps what is logged from here on up to this level, by whichever test. The first call says how much.
pub(crate) fn listen_to_logs(most: Level) {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        tracing_subscriber::fmt()
            .with_ansi(false)
            .with_max_level(most)
            .with_writer(|| Logs)
            .init();
    });
}

/// All that has been logged.
pub(crate) fn logs() -> String {
    String::from_utf8_lossy(&LOGS.lock().unwrap()).into_owned()
}

/// The lines with this text in them.
pub(crate) fn logged(text: &str) -> Vec<String> {
    let logs = logs();
    let lines = logs.lines().filter(|line| line.contains(text));
    lines.map(str::to_owned).collect()
}
