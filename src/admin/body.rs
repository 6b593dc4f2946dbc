//! Reading what is posted. Only `application/json` is taken: a browser asks first before it sends
//! that to a foreign port, and is told no.

use axum::body::{Bytes, to_bytes};
use axum::extract::Request;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use http_body_util::LengthLimitError;
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use super::problem::problem;
use super::view::View;

/// A change is a few words.
const LARGEST: usize = 64 * 1024;
/// Characters of a reason: it is one line of a log.
const LONGEST_REASON: usize = 500;

/// Reads the body.
///
/// # Errors
///
/// The answer that says what is wrong with it.
pub(super) async fn json<T: DeserializeOwned>(
    view: &View,
    request: Request,
) -> Result<T, Box<Response>> {
    let bytes = bytes(view, request).await?;
    serde_json::from_slice(&bytes).map_err(|error| bad(&format!("The body is wrong: {error}")))
}

/// Reads the body as it came.
///
/// # Errors
///
/// The answer that says why it cannot be read.
pub(super) async fn bytes(view: &View, request: Request) -> Result<Bytes, Box<Response>> {
    check_head(request.headers())?;
    let whole = timeout(
        view.patience.reading,
        to_bytes(request.into_body(), LARGEST),
    );
    whole.await.map_err(|_| too_slow())?.map_err(|error| {
        match error.into_inner().is::<LengthLimitError>() {
            true => too_large(),
            false => bad("The body broke off"),
        }
    })
}

fn check_head(headers: &HeaderMap) -> Result<(), Box<Response>> {
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let kind = header(CONTENT_TYPE).and_then(|value| value.split(';').next());
    if !kind.is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json")) {
        let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        let detail = "Send JSON with `Content-Type: application/json`";
        return Err(refuse(status, "Not JSON", "not_json", detail));
    }
    let length = header(CONTENT_LENGTH).and_then(|value| value.parse::<u64>().ok());
    match length {
        Some(length) if length > LARGEST as u64 => Err(too_large()),
        _ => Ok(()),
    }
}

/// A reason that can stand in a journal, a log and on a terminal.
///
/// # Errors
///
/// The answer that says why it cannot.
pub(super) fn reason(given: Option<String>) -> Result<String, Box<Response>> {
    let reason = given.unwrap_or_default();
    if reason.chars().count() > LONGEST_REASON || reason.chars().any(char::is_control) {
        return Err(bad("`reason` takes at most 500 characters, on one line"));
    }
    Ok(reason)
}

/// 400.
pub(super) fn bad(detail: &str) -> Box<Response> {
    refuse(
        StatusCode::BAD_REQUEST,
        "Bad request",
        "bad_request",
        detail,
    )
}

fn too_slow() -> Box<Response> {
    let status = StatusCode::REQUEST_TIMEOUT;
    refuse(
        status,
        "Too slow",
        "too_slow",
        "The body did not come in time",
    )
}

fn too_large() -> Box<Response> {
    let detail = "The body is longer than 64 KiB";
    refuse(
        StatusCode::PAYLOAD_TOO_LARGE,
        "Too large",
        "too_large",
        detail,
    )
}

fn refuse(status: StatusCode, title: &str, reason: &str, detail: &str) -> Box<Response> {
    Box::new(problem(status, title, reason, detail.to_owned()))
}
