//! `GET /api/v1/routes/{name}`: one route of the state.

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::state::of_route;
use crate::admin::problem::problem;
use crate::admin::report::Report;
use crate::admin::view::View;

pub(in crate::admin) async fn route(
    State(view): State<View>,
    name: Result<Path<String>, PathRejection>,
) -> Response {
    let report = Report::of(&view);
    let mut routes = report.snapshot.routes.iter();
    // What is no text is no name either.
    let named = name
        .ok()
        .and_then(|Path(name)| routes.find(|route| *route.name == *name));
    match named {
        Some(route) => Json(of_route(&report, route)).into_response(),
        None => {
            let names: Vec<&str> = report.snapshot.routes.iter().map(|r| &*r.name).collect();
            let detail = format!("there is no such route; there are: {}", names.join(", "));
            problem(StatusCode::NOT_FOUND, "No such route", "no_route", detail)
        }
    }
}
