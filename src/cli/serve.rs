//! `figshift serve`.

use std::io::{self, Write as _};
use std::path::Path;

use tokio::signal::unix::{SignalKind, signal};

use super::Exit;
use crate::app::{App, StartError};

/// Threads of the control plane: a slow scrape must not hold up a reload.
const CONTROL_THREADS: usize = 2;

/// Runs the proxy until it is told to end.
pub(super) fn run(file: &Path) -> Exit {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(CONTROL_THREADS)
        .thread_name("control")
        .enable_all()
        .build();
    match runtime {
        Ok(runtime) => runtime.block_on(serve(file)),
        Err(error) => say(&format!("cannot start: {error}"), Exit::Unreachable),
    }
}

async fn serve(file: &Path) -> Exit {
    let app = match App::start(file).await {
        Ok(app) => app,
        Err(error) => {
            let exit = match &error {
                StartError::Open(_) => Exit::BadInput,
                StartError::Listen { .. } | StartError::Machine(_) => Exit::Unreachable,
            };
            return say(&error.to_string(), exit);
        }
    };
    tracing::info!(http = %app.http, admin = %app.admin, "Serving");
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

fn say(problem: &str, exit: Exit) -> Exit {
    match writeln!(io::stderr(), "{}", problem.trim_end()) {
        Ok(()) => exit,
        Err(_) => Exit::Unreachable,
    }
}
