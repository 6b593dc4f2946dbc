//! The arguments, and the way from them to a subcommand.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::config::scalar::Duration;

use super::address::Address;
use super::{
    Exit, adapter, check, completions, connect, demo, drain, events, explain, health, owner, ramp,
    resume, rollback, schema, serve, shift, status, vast,
};

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
    /// running requests first, within listen.drain; a second one cuts them. Sockets named http and
    /// admin are taken from a service manager (LISTEN_FDS), which is also told how it goes
    /// (NOTIFY_SOCKET).
    ///
    /// Exits with 0 when it was told to end and has, whatever was cut; with 2 when the file is broken
    /// and there is no last good one, or the given sockets cannot be used; with 4 when an address, the
    /// state folder or the place of another process cannot be had.
    Serve {
        /// The configuration file.
        #[arg(long, short, value_name = "FILE", default_value = "figshift.toml")]
        config: PathBuf,
        /// Take the place of the one that runs with the same state folder, without losing a request.
        ///
        /// It hands over its sockets and its journal, and ends when this one serves. When this one
        /// cannot start, the old one stays as it is. Where none runs, this is a plain start.
        #[arg(long)]
        takeover: bool,
    },
    /// Check configuration files and tell every problem at once.
    ///
    /// Exits with 0 when all are in order and with 2 otherwise. With --connect, each backend is tried too:
    /// its endpoints are learned, resolved, connected to, shaken hands with and asked, each step with its
    /// time; then 1 says that something does not work, 3 that it does in part, 4 that endpoints cannot be
    /// looked for.
    #[command(
        after_help = "Examples:\n  figshift check figshift.toml\n  figshift check --connect figshift.toml"
    )]
    Check {
        /// The files.
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// Do not look into the certificate and key files that they name, such as on another machine.
        #[arg(long)]
        no_files: bool,
        /// Try the endpoints of all backends: connection, TLS, and the request of `ready` or `health`.
        #[arg(long, conflicts_with = "no_files")]
        connect: bool,
        /// With --connect: print what was found as JSON.
        #[arg(long, requires = "connect")]
        json: bool,
    },
    /// Ask a running proxy whether it is ready, for the health check of a container.
    ///
    /// Exits with 0 when every route can be served, with 1 when not, and with 4 when there is no
    /// answer within 2 s.
    #[command(after_help = "Example:\n  figshift health --admin unix:/run/figshift/admin.sock")]
    Health {
        /// Its admin port, listen.admin in its file; or unix: and the path of its socket.
        #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:9901")]
        admin: Address,
    },
    /// Show what is in force on each route and why, how both sides do, and what happened last.
    ///
    /// Exits with 0 when all is well, with 1 when not, and with 4 when there is no answer; then it
    /// shows what the file, the journal and the file KILL say.
    #[command(after_help = "Example:\n  figshift status --watch")]
    Status(status::Status),
    /// Give the candidate of a route another share.
    ///
    /// The share is in force at once and written into the file, comments kept. Where the file cannot be
    /// edited, the share is set over it until the file names another one. A ramp of the route ends.
    ///
    /// Exits with 0 when it is in force, with 1 while a kill switch is on, while the guard holds traffic
    /// back or the candidate's budget is used up (unless --force), or when --if-epoch is not in force, with 2 when there is no such route, with
    /// 3 when only the file could be edited, with 4 when nothing could be done.
    #[command(
        after_help = "Examples:\n  figshift shift chat 25 --reason \"day three\"\n  figshift shift chat 5 --force --reason \"fixed the driver\""
    )]
    Shift(shift::Shift),
    /// Take traffic back: the candidate of a route, or of all, gets nothing until `resume`.
    ///
    /// No save and no restart undoes it. When the admin port does not answer, the file KILL is written
    /// into the state folder instead. Exits with 0 when it was seen that no new request reaches the
    /// candidate (and, with --hard, that none is left there), with 1 when one did, with 3 when that
    /// could not be seen, --hard not be done, or a restart would undo it, with 4 when nothing could be
    /// done.
    #[command(after_help = "Example:\n  figshift rollback --reason \"p95 doubled\"")]
    Rollback(rollback::Rollback),
    /// End a rollback or a hold of the guard: what was wanted before is in force again.
    ///
    /// That is what the file, the last `shift` or the feature flag says; a ramp that was rolled back or
    /// aborted begins again from 0. Without a route, all rollbacks and holds end and the file KILL is
    /// removed. Exits with 1 when it is refused, with 4 without an answer.
    #[command(after_help = "Example:\n  figshift resume --reason \"new driver\"")]
    Resume(resume::Resume),
    /// Tell the ramp of a route to start, pause, resume, promote or abort.
    ///
    /// The ramp goes up step by step as the guard finds the candidate no worse; `status` shows where it is
    /// and what it waits for. Exits with 0 when the order is in force, with 1 when the ramp is in no state
    /// for it, the file has no ramp for the route, a kill switch is on or --if-epoch is not in force, with
    /// 2 when there is no such route, with 4 without an answer or a journal.
    #[command(
        after_help = "Examples:\n  figshift ramp start chat\n  figshift ramp pause chat --reason \"release freeze\""
    )]
    Ramp(ramp::Ramp),
    /// Show what has moved the traffic, by whom and why.
    ///
    /// When the admin port does not answer, the journal in the state folder is read. With --follow
    /// it has to answer once; when it breaks off later, it is waited for.
    #[command(
        after_help = "Example:\n  figshift events --tail 50\n  figshift events --follow --json | jq .moves"
    )]
    Events(events::Events),
    /// Tell what became of one request, and why: its side, its tries, its times.
    ///
    /// REQUEST_ID is what the answer's header x-request-id says; log lines and backends have it too.
    /// Requests on their way and the last few thousand of each worker are remembered, those with
    /// trouble apart from the rest, until figshift ends. Exits with 0 when it is told, with 1 when no
    /// such request is remembered, with 2 for what is no id, and with 4 when there is no answer.
    #[command(after_help = "Example:\n  \
                            curl -si http://localhost:8080/v1/models | grep -i x-request-id\n  \
                            x-request-id: 7f3c9a01b2d4e6f80000000a3c\n  \
                            figshift explain 7f3c9a01b2d4e6f80000000a3c")]
    Explain(explain::Explain),
    /// Find out whether a backend may be stopped.
    Drain(drain::Drain),
    /// See, import and forget which backend owns a job or another thing that stays where it was made.
    Owner(owner::Owner),
    /// Try out the programs that stand between clients and a backend with another API.
    Adapter(adapter::Arguments),
    /// See what is rented at Vast.ai, and find out why it does not serve.
    Vast(vast::Vast),
    /// Print a script that completes commands and flags in a shell.
    #[command(
        after_help = "Example:\n  figshift completions bash > /etc/bash_completion.d/figshift"
    )]
    Completions {
        /// The shell.
        shell: completions::Shell,
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
        Command::Serve { config, takeover } => serve::run(&config, takeover),
        Command::Check {
            files,
            connect: true,
            json,
            ..
        } => connect::run(&files, json),
        Command::Check {
            files, no_files, ..
        } => check::run(&files, !no_files),
        Command::Health { admin } => health::run(&admin),
        Command::Status(args) => status::run(&args),
        Command::Shift(args) => shift::run(&args),
        Command::Rollback(args) => rollback::run(&args),
        Command::Resume(args) => resume::run(&args),
        Command::Ramp(args) => ramp::run(&args),
        Command::Events(args) => events::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Drain(args) => drain::run(&args),
        Command::Owner(args) => owner::run(&args),
        Command::Adapter(args) => adapter::run(&args),
        Command::Vast(args) => vast::run(&args),
        Command::Completions { shell } => completions::run(shell),
        Command::Schema => schema::run(),
    }
}
