//! `POST /api/v1/vastai/webhook`: something has happened to an instance. It asks for a signature in place of the
//! token, since it is Vast.ai that calls.

use std::time::SystemTime;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

use crate::admin::body;
use crate::admin::problem::problem;
use crate::admin::view::View;
use crate::api::Notified;
use crate::control::{is_signed, webhook_secrets};

const SIGNATURE: &str = "x-vast-signature-256";
const TIMESTAMP: &str = "x-vast-timestamp";

pub(in crate::admin) async fn webhook(State(view): State<View>, request: Request) -> Response {
    let secrets = webhook_secrets(&view.config.load());
    if secrets.is_empty() {
        let detail = "No backend has a `webhook_secret` in `discover.vastai`";
        let detail = detail.to_owned();
        return problem(StatusCode::NOT_FOUND, "No webhook", "no_webhook", detail);
    }
    let (signature, timestamp) = signed(request.headers());
    let body = match body::bytes(&view, request).await {
        Ok(body) => body,
        Err(answer) => return *answer,
    };
    if !is_signed(&secrets, &signature, &timestamp, &body, SystemTime::now()) {
        let detail = "The signature is not that of a secret in the file, or is too old";
        let status = StatusCode::UNAUTHORIZED;
        return problem(status, "No access", "bad_signature", detail.to_owned());
    }
    tracing::debug!("Vast.ai notifies: instances are looked at");
    view.finds.look.at_once();
    axum::Json(Notified { looks: true }).into_response()
}

fn signed(headers: &HeaderMap) -> (String, String) {
    let text = |name| {
        let value = headers.get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default().to_owned()
    };
    (text(SIGNATURE), text(TIMESTAMP))
}
