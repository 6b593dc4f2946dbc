//! From the control plane's types to those of the API.

use std::time::{Duration, UNIX_EPOCH};

use super::moment::rfc3339;
use crate::api::{JournalEntry, Link, Moved};
use crate::control::{Entry, Force, Move, Stamp};

/// The chain of what is in force.
pub fn links(force: &Force) -> Vec<Link> {
    let links = force.chain.iter();
    links
        .map(|link| {
            let stamp = link.stamp.as_ref();
            Link {
                what: link.what.as_str().to_owned(),
                percent: percent(link.hundredths),
                actor: stamp.map(|stamp| stamp.actor.clone()),
                at: stamp.map(at),
                reason: stamp.and_then(reason),
            }
        })
        .collect()
}

/// A line of the journal.
pub fn entry(entry: &Entry) -> JournalEntry {
    JournalEntry {
        seq: entry.seq,
        epoch: entry.epoch,
        at: at(&entry.stamp),
        actor: entry.stamp.actor.clone(),
        what: entry.what.clone(),
        route: entry.route.clone(),
        hard: entry.hard,
        reason: reason(&entry.stamp),
        moves: moves(&entry.moves),
    }
}

pub(super) fn moves(moves: &[Move]) -> Vec<Moved> {
    let moves = moves.iter();
    moves
        .map(|moved| Moved {
            route: moved.route.clone(),
            from: percent(moved.from),
            to: percent(moved.to),
        })
        .collect()
}

pub(super) fn percent(hundredths: u16) -> f64 {
    f64::from(hundredths) / 100.0
}

pub(super) fn at(stamp: &Stamp) -> String {
    // A time that no clock can show is a line that somebody has edited.
    let time = UNIX_EPOCH.checked_add(Duration::from_millis(stamp.at));
    rfc3339(time.unwrap_or(UNIX_EPOCH))
}

fn reason(stamp: &Stamp) -> Option<String> {
    (!stamp.reason.is_empty()).then(|| stamp.reason.clone())
}
