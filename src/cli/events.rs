//! `figshift events`.

use clap::Args;
use serde_json::json;

use super::Exit;
use super::ask::Failed;
use super::columns::{Side, columns, percent, plain};
use super::follow::follow;
use super::print::{print, print_json};
use super::reach::{Reach, Target};
use super::serve::{on_control_runtime, say};
use crate::admin::entry;
use crate::api::{Journal, JournalEntry};
use crate::control::{journal_path, read_journal};

/// Of the table.
pub(super) const HEAD: [(&str, Side); 6] = [
    ("WHEN", Side::Left),
    ("WHO", Side::Left),
    ("WHAT", Side::Left),
    ("ROUTE", Side::Left),
    ("MOVED", Side::Left),
    ("WHY", Side::Left),
];

/// The arguments.
#[derive(Debug, Args)]
pub(super) struct Events {
    /// How many.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=1000))]
    tail: u16,
    /// And each further one as it happens, until Ctrl-C. With --json, one document a line.
    #[arg(long, short)]
    follow: bool,
    #[command(flatten)]
    target: Target,
}

/// Shows the last lines of the journal.
pub(super) fn run(args: &Events) -> Exit {
    let reach = match args.target.reach() {
        Ok(reach) => reach,
        Err(problem) => return say(&problem, Exit::BadInput),
    };
    let tail = usize::from(args.tail);
    on_control_runtime(async {
        if args.follow {
            return follow(&reach.ask, tail, args.target.json).await;
        }
        match journal(&reach, tail).await {
            Ok((source, journal)) if args.target.json => {
                print_json(&json!({ "source": source, "entries": journal.entries }))
            }
            Ok((_, journal)) if journal.entries.is_empty() => print("nothing has happened yet\n"),
            Ok((_, journal)) => print(&table(&journal.entries)),
            Err(failed) => say(&failed.to_string(), failed.exit()),
        }
    })
}

/// The journal, from the house or, when that does not answer, from its state folder.
pub(super) async fn journal(reach: &Reach, tail: usize) -> Result<(&'static str, Journal), Failed> {
    let failed = match reach.ask.journal(tail).await {
        Ok(journal) => return Ok(("admin", journal)),
        Err(failed) if !failed.is_house() => return Err(failed),
        Err(failed) => failed,
    };
    let path = reach.state_dir().map(|folder| journal_path(&folder));
    match path
        .filter(|path| path.exists())
        .map(|path| read_journal(&path, tail))
    {
        Some(Ok(entries)) => {
            let entries = entries.iter().map(entry).collect();
            Ok(("file", Journal { entries }))
        }
        _ => Err(failed),
    }
}

/// Lines of a journal as a table.
pub(super) fn table(entries: &[JournalEntry]) -> String {
    let rows: Vec<_> = entries.iter().map(row).collect();
    columns(HEAD, &rows)
}

pub(super) fn row(entry: &JournalEntry) -> [String; 6] {
    let moves = entry.moves.iter().map(|moved| {
        let (from, to) = (percent(moved.from), percent(moved.to));
        format!("{} {from} → {to}", moved.route)
    });
    let moves = moves.collect::<Vec<_>>().join(", ");
    let what = format!("{}{}", entry.what, if entry.hard { " --hard" } else { "" });
    [
        &*entry.at,
        &entry.actor,
        &what,
        entry.route.as_deref().unwrap_or("all"),
        if moves.is_empty() { "nothing" } else { &moves },
        entry.reason.as_deref().unwrap_or(""),
    ]
    .map(plain)
}
