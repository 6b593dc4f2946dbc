//! `figshift adapter`.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use super::adapters::Adapters;
use super::columns::{Side, columns};
use super::print::print;
use super::serve::say;
use super::{Exit, adapter_run, adapter_test};
use crate::config::model::{DoneMark, Operation};

/// The arguments.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Compile all programs of a file and list the operations.
    ///
    /// Exits with 0 when the file is in order, and with 2 otherwise.
    Check {
        /// The configuration file.
        #[arg(value_name = "FILE", default_value = "figshift.toml")]
        file: PathBuf,
    },
    /// Show what figshift would send in place of one message, which stands on standard input.
    ///
    /// Nothing is sent. On a terminal JSON is set out in lines; else it is what would be sent, byte by byte.
    /// Exits with 0 when there is something to send, with 1 when the message cannot be adapted, with 2
    /// for a broken file or an unknown operation.
    #[command(
        after_help = "Examples:\n  figshift adapter run tgi.generate request < body.json\n  \
                            figshift adapter run tgi.generate error --status 422 --head < error.json"
    )]
    Run(adapter_run::Run),
    /// Compare what operations make of messages with what they should.
    ///
    /// DIR has pairs of files: ADAPTER.OPERATION.DIRECTION[.CASE].in.json, a message, and .out.json in
    /// place of .in.json, what becomes of it; .in.sse and .out.sse for a stream of events. Beside them
    /// may stand .vars.json with path, query, headers, status, request, request_id and time; .head.txt
    /// with the head that would be sent; .fault.txt with the reason why nothing is.
    ///
    /// Exits with 0 when all are the same, with 1 when one differs, with 2 when a file has no counterpart
    /// or means nothing.
    #[command(
        after_help = "Examples:\n  figshift adapter test golden --config figshift.toml\n  \
                            figshift adapter test golden --update && git diff golden"
    )]
    Test(adapter_test::Test),
}

/// Runs a subcommand.
pub(super) fn run(args: &Arguments) -> Exit {
    match &args.command {
        Command::Check { file } => check(file),
        Command::Run(args) => adapter_run::run(args),
        Command::Test(args) => adapter_test::run(args),
    }
}

fn check(file: &Path) -> Exit {
    let adapters = match Adapters::load(file) {
        Ok(adapters) => adapters,
        Err(problems) => return say(&problems.to_string(), Exit::BadInput),
    };
    let rows = adapters.written.iter().flat_map(|(name, adapter)| {
        let operations = adapter.operations.iter();
        operations.map(move |(operation, written)| row(&format!("{name}.{operation}"), written))
    });
    let rows: Vec<_> = rows.collect();
    if rows.is_empty() {
        return print(&format!("{}: no adapters\n", file.display()));
    }
    let head = ["OPERATION", "CLIENT", "BACKEND", "PROGRAMS"];
    print(&columns(head.map(|name| (name, Side::Left)), &rows))
}

fn row(name: &str, operation: &Operation) -> [String; 4] {
    let parts = [
        ("request", operation.request.is_some()),
        ("response", operation.response.is_some()),
        ("error", operation.error.is_some()),
        ("stream", operation.stream.is_some()),
        ("done=drop", operation.done == DoneMark::Drop),
        ("done=add", operation.done == DoneMark::Add),
    ];
    let parts = parts.into_iter().filter(|(_, is_there)| *is_there);
    let parts: Vec<_> = parts.map(|(name, _)| name).collect();
    let backend = operation.backend.as_ref().unwrap_or(&operation.client);
    let parts = match parts.is_empty() {
        true => "-".to_owned(),
        false => parts.join(" "),
    };
    [
        name.to_owned(),
        operation.client.clone(),
        backend.clone(),
        parts,
    ]
}
