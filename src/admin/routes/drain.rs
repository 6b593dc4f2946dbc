//! `GET /api/v1/drain`: which backend may be stopped, and what is in the way of that.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use crate::admin::draining;
use crate::admin::problem::problem;
use crate::admin::view::View;

pub(in crate::admin) async fn drain(State(view): State<View>) -> Response {
    let snapshot = view.publisher.current();
    // A million entries are looked at.
    let told = tokio::task::spawn_blocking(move || draining::of_house(&snapshot)).await;
    match told {
        Ok(told) => Json(told).into_response(),
        Err(error) => broken(&error.to_string()),
    }
}

/// 503.
pub(super) fn broken(error: &str) -> Response {
    let detail = format!("The table of owners cannot be looked at: {error}");
    problem(
        StatusCode::SERVICE_UNAVAILABLE,
        "No answer",
        "owners",
        detail,
    )
}
