//! `GET /api/v1/journal?tail=N`: the last transitions, oldest first.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};

use crate::admin::problem::problem;
use crate::admin::view::View;
use crate::admin::{body, words};
use crate::api::Journal;
use crate::control::read_journal;

/// Without `tail`.
const SOME: usize = 50;
/// What a start keeps of a long journal.
pub(super) const MOST: usize = 1_000;

pub(in crate::admin) async fn journal(State(view): State<View>, uri: Uri) -> Response {
    let Some(tail) = tail(uri.query().unwrap_or_default()) else {
        return *body::bad(
            "`tail` takes a number from 1 to 1000, and there is nothing else to ask",
        );
    };
    // Some megabytes at most, but from a disk that may be slow.
    let read = tokio::task::spawn_blocking(move || read_journal(&view.journal, tail)).await;
    match read {
        Ok(Ok(entries)) => {
            let entries = entries.iter().map(words::entry).collect();
            Json(Journal { entries }).into_response()
        }
        Ok(Err(error)) => unreadable(&error.to_string()),
        Err(error) => unreadable(&error.to_string()),
    }
}

fn tail(query: &str) -> Option<usize> {
    let mut tail = SOME;
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=')?;
        tail = (name == "tail").then(|| value.parse().ok()).flatten()?;
    }
    (1..=MOST).contains(&tail).then_some(tail)
}

pub(super) fn unreadable(error: &str) -> Response {
    let detail = format!("The journal cannot be read: {error}");
    problem(
        StatusCode::SERVICE_UNAVAILABLE,
        "No journal",
        "journal",
        detail,
    )
}
