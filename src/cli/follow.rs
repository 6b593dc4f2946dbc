//! `figshift events --follow`.

use std::io::{self, ErrorKind};
use std::time::Duration;

use super::Exit;
use super::ask::{Ask, Begin};
use super::columns::Columns;
use super::events::{HEAD, row};
use super::print::put;
use super::serve::say;
use crate::api::JournalEntry;

/// Between two tries to connect again.
const AGAIN: Duration = Duration::from_secs(1);

/// Shows the last entries and each further one, until Ctrl-C.
pub(super) async fn follow(ask: &Ask, tail: usize, as_json: bool) -> Exit {
    tokio::select! {
        ended = tokio::signal::ctrl_c() => ended.map_or(Exit::Unreachable, |()| Exit::Done),
        exit = show(ask, tail, as_json) => exit,
    }
}

async fn show(ask: &Ask, tail: usize, as_json: bool) -> Exit {
    let mut screen = Screen::new(as_json);
    let mut from = Begin::Tail(tail);
    let mut connected = false;
    let mut waiting = false;
    loop {
        match ask.events(from).await {
            Ok(mut stream) => {
                if !connected && let Err(error) = screen.open() {
                    return end_of(&error);
                }
                (connected, waiting) = (true, false);
                // Without any entry there was none: what comes now is all new.
                if let Begin::Tail(_) = from {
                    from = Begin::After(0);
                }
                while let Some(entry) = stream.next().await {
                    from = Begin::After(entry.seq);
                    if let Err(error) = screen.show(&entry) {
                        return end_of(&error);
                    }
                }
            }
            Err(failed) if !connected || !failed.is_house() => {
                return say(&failed.to_string(), failed.exit());
            }
            Err(_) => {}
        }
        if !waiting {
            let note = format!("{}: the stream broke off; waiting for it", ask.admin);
            say(&note, Exit::Done);
            waiting = true;
        }
        tokio::time::sleep(AGAIN).await;
    }
}

/// The reader of a pipe has seen enough, or there is nowhere to print to.
fn end_of(error: &io::Error) -> Exit {
    match error.kind() {
        ErrorKind::BrokenPipe => Exit::Done,
        _ => Exit::Unreachable,
    }
}

/// Rows of a table, or a document a line.
struct Screen(Option<Columns<6>>);

impl Screen {
    fn new(as_json: bool) -> Self {
        let mut table = Columns::new(HEAD);
        // What most rows need, so that most stand below each other.
        table.fit(&[
            "2025-01-31T09:30:00Z",
            "operator",
            "guard_warning",
            "all",
            "",
            "",
        ]);
        Self((!as_json).then_some(table))
    }

    fn open(&self) -> io::Result<()> {
        self.0.as_ref().map_or(Ok(()), |table| put(&table.head()))
    }

    fn show(&mut self, entry: &JournalEntry) -> io::Result<()> {
        match &mut self.0 {
            Some(table) => put(&table.row(&row(entry))),
            None => put(&(serde_json::to_string(entry)? + "\n")),
        }
    }
}
