//! `GET /health`: everything that an operator asks first, on one page. 503 only when some route
//! cannot be served at all.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;

use crate::admin::report::Report;
use crate::admin::view::View;
use crate::api::{Health, HouseStatus};

pub(in crate::admin) async fn health(State(view): State<View>) -> (StatusCode, Json<Health>) {
    let health = Report::of(&view).health();
    let status = match health.status {
        HouseStatus::Ok | HouseStatus::Degraded => StatusCode::OK,
        HouseStatus::Down => StatusCode::SERVICE_UNAVAILABLE,
    };
    (status, Json(health))
}
