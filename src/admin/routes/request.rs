//! `GET /api/v1/requests/{id}`: what became of a request, and why.

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use crate::admin::body;
use crate::admin::explain::explain;
use crate::admin::inquirer::Told;
use crate::admin::problem::problem;
use crate::admin::view::View;
use crate::api::is_request_id;
use crate::recall::{BYPASSED, NOTABLE, SMOOTH};

pub(in crate::admin) async fn request(
    State(view): State<View>,
    id: Result<Path<String>, PathRejection>,
) -> Response {
    let id = match id {
        Ok(Path(id)) if is_request_id(&id) => id,
        _ => {
            return *body::bad(
                "A request id is 1 to 128 visible ASCII characters, percent-encoded",
            );
        }
    };
    match view.inquirer.ask(&id).await {
        Told::Found(found) => Json(explain(id, &found, view.now())).into_response(),
        Told::Unknown => unknown(),
        Told::Silence => silence(),
    }
}

fn unknown() -> Response {
    let detail = format!(
        "No request with this id is remembered. Each worker remembers, since the start, those on \
         their way, the last {SMOOTH} that went smoothly, {BYPASSED} that only bypassed a side, \
         and {NOTABLE} others. The id is what the answer's x-request-id says"
    );
    problem(
        StatusCode::NOT_FOUND,
        "Unknown request",
        "unknown_request",
        detail,
    )
}

fn silence() -> Response {
    let detail = "Not every worker has answered within a second, and the others do not remember \
                  the request; ask again";
    problem(
        StatusCode::SERVICE_UNAVAILABLE,
        "No answer",
        "workers_silent",
        detail.to_owned(),
    )
}
