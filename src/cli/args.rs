//! The arguments, and the way from them to a subcommand.

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use http::uri::Authority;

use crate::config::scalar::Duration;

use super::{Exit, check, demo, health, schema, serve};

/// Moves an inference service to Vast.ai without anyone noticing.
///
/// figshift stands in front of a legacy backend and its successor, sends a chosen share of the
/// requests to the new one, and falls back when that one fails. `figshift demo` shows it at work.
#[derive(Debug, Parser)]
#[command(name = "figshift", version, max_term_width = 100)]
#[command(after_help = "Exit codes: 0 done, 1 the answer is no, 2 bad input, \
                        3 inconclusive or partial, 4 unreachable.")]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show the main job on built-in sample backends: split, live reload, failure, fallback.
    Demo {
        /// End by itself after this time, such as 20s.
        #[arg(long = "for", value_name = "TIME", value_parser = time)]
        limit: Option<Duration>,
    },
    /// Run the proxy.
    ///
    /// The file is applied again whenever it is saved, and on SIGHUP. SIGTERM and Ctrl-C finish the
    /// running requests first.
    Serve {
        /// The configuration file.
        #[arg(long, short, value_name = "FILE", default_value = "figshift.toml")]
        config: PathBuf,
    },
    /// Check configuration files and tell every problem at once.
    ///
    /// Exits with 0 when all are in order and with 2 otherwise.
    Check {
        /// The files.
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Ask a running proxy whether it is ready, for the health check of a container.
    ///
    /// Exits with 0 when every route can be served, with 1 when not, and with 4 when there is no
    /// answer within 2 s.
    Health {
        /// Its admin port: listen.admin in its file.
        #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:9901")]
        admin: Authority,
    },
    /// Print the JSON Schema of the configuration file, for editors.
    Schema,
}

fn time(text: &str) -> Result<Duration, String> {
    text.parse()
        .map_err(|refusal: crate::config::scalar::Refusal| refusal.to_string())
}

/// Runs a subcommand.
pub fn run(args: Args) -> Exit {
    match args.command {
        Command::Demo { limit } => demo::run(limit.map(Duration::get)),
        Command::Serve { config } => serve::run(&config),
        Command::Check { files } => check::run(&files),
        Command::Health { admin } => health::run(&admin),
        Command::Schema => schema::run(),
    }
}
