//! Refusals of the admin port.

use axum::http::header::CONTENT_TYPE;
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};

use super::router::PATHS;
use crate::api::Problem;

pub(super) async fn unknown_path(uri: Uri) -> Response {
    let paths: Vec<&str> = PATHS.iter().map(|(_, path)| *path).collect();
    let detail = format!("There is no {}; there are {}", uri.path(), paths.join(", "));
    problem(StatusCode::NOT_FOUND, "Not found", "unknown_path", detail)
}

pub(super) async fn wrong_method(method: Method) -> Response {
    let detail = format!("{method} is not for this path: the header `Allow` names what is");
    problem(
        StatusCode::METHOD_NOT_ALLOWED,
        "Method not allowed",
        "wrong_method",
        detail,
    )
}

pub(super) fn problem(status: StatusCode, title: &str, reason: &str, detail: String) -> Response {
    let body = Problem {
        kind: format!("urn:figshift:problem:{reason}"),
        title: title.to_owned(),
        status: status.as_u16(),
        detail,
        reason: reason.to_owned(),
    };
    let mut answer = (status, axum::Json(body)).into_response();
    let content_type = axum::http::HeaderValue::from_static("application/problem+json");
    answer.headers_mut().insert(CONTENT_TYPE, content_type);
    answer
}
