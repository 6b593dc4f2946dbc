//! `figshift serve`.

use std::future::Future;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::Path;
use std::sync::Arc;

use tracing::field::display;

use super::signals::{Signals, Told};
use super::{Exit, manager};
use crate::app::{App, Given, StartError};
use crate::config;
use crate::telemetry::init_logs;

/// Threads of the control plane: a slow scrape must not hold up a reload.
const CONTROL_THREADS: usize = 2;

/// Runs the proxy until it is told to end.
pub(super) fn run(file: &Path, takeover: bool) -> Exit {
    // Before there are threads: it takes them out of the environment.
    match Given::by_environment() {
        Ok(given) if takeover && !given.is_empty() => say(
            "--takeover takes the sockets of the one that runs, and the service manager gives others: \
             leave one of them out",
            Exit::BadInput,
        ),
        Ok(given) => on_control_runtime(serve(file, given, takeover)),
        Err(error) => say(
            &format!("cannot use the given sockets: {error}"),
            Exit::BadInput,
        ),
    }
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
        StartError::Listen { .. }
        | StartError::Taken(_)
        | StartError::TakeOver(_)
        | StartError::Machine(_) => Exit::Unreachable,
    }
}

async fn serve(file: &Path, given: Given, takeover: bool) -> Exit {
    // A broken file is told of by `App::start`; the logs have to be there before it.
    let log = config::load(file)
        .map(|loaded| loaded.config.log)
        .unwrap_or_default();
    let logs = match init_logs(log.level.as_deref(), log.format, io::stderr().is_terminal()) {
        Ok(logs) => logs,
        Err(error) => return say(&error.to_string(), Exit::BadInput),
    };
    // From the start, or a signal that comes meanwhile would end the process as it stands.
    let mut signals = match Signals::listen() {
        Ok(signals) => signals,
        Err(error) => return say(&format!("cannot start: {error}"), Exit::Unreachable),
    };
    let started = if takeover {
        App::take_over(file, Some(logs)).await
    } else {
        App::start_with(file, Some(logs), given).await
    };
    let app = match started {
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
    manager::ready();
    let watched = manager::keep_watched(Arc::clone(&app.workers));
    tokio::select! {
        () = watched => {}
        signal = until_told(&app, &mut signals) => {
            tracing::info!(signal, "Ending: running requests may finish");
        }
        () = app.replaced() => tracing::info!("Ending: another process serves now"),
    }
    manager::stopping(app.longest_end());
    let hurry = async {
        let signal = signals.end().await;
        tracing::warn!(signal, "Ending at once");
    };
    app.stop_unless(hurry).await;
    Exit::Done
}

/// Reloads on SIGHUP; gives the name of the signal that ends the house.
async fn until_told(app: &App, signals: &mut Signals) -> &'static str {
    loop {
        match signals.next().await {
            Told::Reload => {
                manager::reloading();
                app.reload().await;
                manager::ready();
            }
            Told::End(signal) => return signal,
        }
    }
}

pub(super) fn say(problem: &str, exit: Exit) -> Exit {
    match writeln!(io::stderr(), "{}", problem.trim_end()) {
        Ok(()) => exit,
        Err(_) => Exit::Unreachable,
    }
}
