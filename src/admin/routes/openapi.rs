//! `GET /api/v1/openapi.json`: this port, for programs.

use axum::Json;

use crate::admin::openapi;

pub(in crate::admin) async fn openapi() -> Json<serde_json::Value> {
    Json(openapi::document())
}
