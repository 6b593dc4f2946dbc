//! `GET /metrics`: for Prometheus.

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};

use crate::admin::problem::problem;
use crate::admin::view::View;
use crate::telemetry::Metrics;

pub(in crate::admin) async fn metrics(State(view): State<View>) -> Response {
    match view.metrics.text() {
        Ok(text) => ([(CONTENT_TYPE, Metrics::CONTENT_TYPE)], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "The metrics cannot be written");
            let detail = format!("The metrics cannot be written: {error}");
            let status = StatusCode::INTERNAL_SERVER_ERROR;
            problem(status, "Internal error", "metrics", detail)
        }
    }
}
