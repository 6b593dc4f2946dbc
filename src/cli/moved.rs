//! What a change did, for the screen.

use serde_json::json;

use super::Exit;
use super::columns::{percent, plain};
use super::print::{print, print_json};
use super::serve::say;
use crate::api::{Applied, State};

/// Half of what a change is for is missing then.
pub(super) const NOT_WRITTEN: &str =
    "warning: it could not be written to the journal, so a restart would undo it";

/// A change that is in force.
#[derive(Debug)]
pub(super) struct Told<'t> {
    pub(super) what: &'t str,
    /// `admin`, `file` or `override`.
    pub(super) by: &'t str,
    /// The one that was named.
    pub(super) route: Option<&'t str>,
    pub(super) applied: &'t Applied,
    /// What came of it, if the house still answers.
    pub(super) state: Option<&'t State>,
    /// Further lines, for people.
    pub(super) notes: Vec<String>,
}

/// Prints before → after and the chain of each route that was meant.
pub(super) fn tell(told: &Told<'_>, as_json: bool) -> Exit {
    let routes = told.state.map(|state| state.routes.as_slice());
    let meant: Vec<_> = routes
        .unwrap_or_default()
        .iter()
        .filter(|route| match told.route {
            Some(name) => route.name == name,
            None => route.candidate.is_some(),
        })
        .collect();
    if as_json {
        return print_json(&json!({
            "what": told.what,
            "by": told.by,
            "epoch": told.applied.epoch,
            "moves": told.applied.moves,
            "persisted": told.applied.persisted,
            "routes": meant,
        }));
    }
    let mut text = String::new();
    if told.applied.moves.is_empty() && told.notes.is_empty() {
        text += "nothing has moved: it was so before\n";
    }
    for moved in &told.applied.moves {
        let (from, to) = (percent(moved.from), percent(moved.to));
        text += &format!("route {}: {from} → {to}\n", moved.route);
    }
    for route in meant {
        text += &format!("  {}: {}\n", route.name, plain(&route.why));
    }
    for note in &told.notes {
        text += &format!("  {note}\n");
    }
    let printed = print(&text);
    if told.applied.persisted {
        return printed;
    }
    say(NOT_WRITTEN, Exit::Partial.after(printed))
}
