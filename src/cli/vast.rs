//! `figshift vast`.

use clap::{Args, Subcommand};

use super::{Exit, vast_check, vast_ls};

/// The arguments.
#[derive(Debug, Args)]
pub(super) struct Vast {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show the instances of the account: how they stand, what they cost, where they are reached.
    ///
    /// The accounts are those of the backends with discover.vastai in the file; without a file, the one
    /// whose key is in VAST_API_KEY or in the files of the vastai command, at VAST_URL or Vast.ai itself. Exits with 1 when the key is
    /// missing or refused, with 2 when the file is broken, with 3 when only some of the accounts have
    /// answered, with 4 when the API cannot be reached.
    #[command(
        after_help = "Example:\n  figshift vast ls --json | jq '.[] | select(.state == \"running\")'"
    )]
    Ls(vast_ls::Ls),
    /// Check everything between the key and an answer of every instance, and tell what helps.
    ///
    /// The key and its scopes, label, ports, states, TLS, and the request of `ready`, for all backends
    /// with discover.vastai. Exits with 0 when all is good, with 1 when something is wrong, with 2 when the
    /// file is broken or has no such backend, with 3 when some instances cannot serve now, with 4 when the
    /// API cannot be reached.
    #[command(after_help = "Example:\n  figshift vast check --config figshift.toml")]
    Check(vast_check::Check),
}

/// Runs a subcommand.
pub(super) fn run(args: &Vast) -> Exit {
    match &args.command {
        Command::Ls(args) => vast_ls::run(args),
        Command::Check(args) => vast_check::run(args),
    }
}
