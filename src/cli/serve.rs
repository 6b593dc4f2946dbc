//! `figshift serve`.

use std::future::Future;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::Path;

use tokio::signal::unix::{SignalKind, signal};
use tracing::field::display;

use super::Exit;
use crate::app::{App, StartError};
use crate::config;
use crate::telemetry::init_logs;

/// Threads of the control plane: a slow scrape must not hold up a reload.
const CONTROL_THREADS: usize = 2;

/// Runs the proxy until it is told to end.
pub(super) fn run(file: &Path) -> Exit {
    on_control_runtime(serve(file))
}

/// Runs a command on the runtime of the control plane.
pub(super) fn on_control_runtime(command: impl Future<Output = Exit>) -> Exit {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(CONTROL_THREADS)
        .thread_name("control")
        .enable_all()
        .build();
    match runtime {
        Ok(runtime) => runtime.block_on(command),
        Err(error) => say(&format!("cannot start: {error}"), Exit::Unreachable),
    }
}

/// The exit code for a house that could not be started.
pub(super) fn exit_of(error: &StartError) -> Exit {
    match error {
        StartError::Open(_) => Exit::BadInput,
        StartError::Listen { .. } | StartError::Machine(_) => Exit::Unreachable,
    }
}

async fn serve(file: &Path) -> Exit {
    // A broken file is told of by `App::start`; the logs have to be there before it.
    let log = config::load(file)
        .map(|loaded| loaded.config.log)
        .unwrap_or_default();
    let logs = match init_logs(log.level.as_deref(), log.format, io::stderr().is_terminal()) {
        Ok(logs) => logs,
        Err(error) => return say(&error.to_string(), Exit::BadInput),
    };
    let app = match App::start(file, Some(logs)).await {
        Ok(app) => app,
        Err(error) => {
            return say(&error.to_string(), exit_of(&error));
        }
    };
    let socket = app
        .socket
        .as_ref()
        .map(|file| display(file.path().display()));
    tracing::info!(http = %app.http, admin = %app.admin, socket, "Serving");
    match until_told(&app).await {
        Ok(signal) => tracing::info!(signal, "Ending: running requests may finish"),
        Err(error) => tracing::error!(%error, "Ending: signals cannot be received"),
    }
    app.stop().await;
    Exit::Done
}

/// Reloads on SIGHUP; gives the name of the signal that ends the house.
async fn until_told(app: &App) -> io::Result<&'static str> {
    let mut hangup = signal(SignalKind::hangup())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    loop {
        tokio::select! {
            _ = hangup.recv() => app.reload().await,
            _ = terminate.recv() => return Ok("SIGTERM"),
            _ = interrupt.recv() => return Ok("SIGINT"),
        }
    }
}

pub(super) fn say(problem: &str, exit: Exit) -> Exit {
    match writeln!(io::stderr(), "{}", problem.trim_end()) {
        Ok(()) => exit,
        Err(_) => Exit::Unreachable,
    }
}
