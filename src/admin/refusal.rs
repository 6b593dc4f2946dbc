//! What the controller says to a change, as an answer.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::problem::problem;
use super::view::View;
use super::words;
use crate::api::Applied;
use crate::control::{Actor, Change, Refused, What};

/// Hands a change in and tells what came of it.
pub(super) async fn answer(
    view: &View,
    what: What,
    reason: String,
    if_epoch: Option<u64>,
) -> Response {
    let mut change = Change::new(what, Actor::Operator);
    change.reason = reason;
    change.if_epoch = if_epoch;
    match view.door.ask(change).await {
        Ok(done) => Json(Applied {
            epoch: done.epoch,
            moves: words::moves(&done.moves),
            persisted: done.persisted,
        })
        .into_response(),
        Err(refused) => {
            let (status, title, reason) = kind(&refused);
            problem(status, title, reason, refused.to_string())
        }
    }
}

fn kind(refused: &Refused) -> (StatusCode, &'static str, &'static str) {
    use StatusCode as S;
    match refused {
        Refused::NoRoute(_) => (S::NOT_FOUND, "No such route", "no_route"),
        Refused::Stale { .. } => (S::CONFLICT, "Another change came first", "stale_epoch"),
        Refused::NotDiscovered(_) => (S::CONFLICT, "Nothing to learn", "not_discovered"),
        Refused::NoCandidate(_) => (S::CONFLICT, "No candidate", "no_candidate"),
        Refused::Capped(_) => (S::CONFLICT, "A kill switch is on", "killed"),
        Refused::Held(_) => (S::CONFLICT, "The guard holds", "held"),
        Refused::OverBudget(_) => (S::CONFLICT, "The budget is used up", "over_budget"),
        Refused::NoRamp(_) => (S::CONFLICT, "No ramp", "no_ramp"),
        Refused::Ramp(_) => (S::CONFLICT, "Not now", "ramp"),
        Refused::Disabled => (S::CONFLICT, "Switched off", "disabled"),
        Refused::AllRolledBack => (S::CONFLICT, "All are rolled back", "all_rolled_back"),
        Refused::Journal(_) => (S::SERVICE_UNAVAILABLE, "No journal", "journal"),
        Refused::KillFile(_) => (S::SERVICE_UNAVAILABLE, "KILL stays", "kill_file"),
        Refused::Gone => (S::SERVICE_UNAVAILABLE, "Ending", "ending"),
        Refused::File(_) => (S::INTERNAL_SERVER_ERROR, "Cannot be compiled", "unsound"),
    }
}
