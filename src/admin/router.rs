//! The table of contents of the admin port.

use axum::Router;
use axum::http::HeaderValue;
use axum::http::header::CACHE_CONTROL;
use axum::middleware::{from_fn_with_state, map_response};
use axum::response::Response;
use axum::routing::{get, post};

use super::routes::{
    config, drain, events, health, journal, livez, metrics, openapi, owner, owners, ramp, readyz,
    request, resume, rollback, route, shift, state, webhook,
};
use super::view::View;
use super::{access, problem};

/// What begins so asks for the token.
pub(super) const API: &str = "/api/";

/// The one path below that asks for a signature in its place.
pub(super) const WEBHOOK: &str = "/api/v1/vastai/webhook";

/// All methods and paths, for whoever asks for another one, and for the OpenAPI document.
pub(super) const PATHS: [(&str, &str); 21] = [
    ("get", "/metrics"),
    ("get", "/livez"),
    ("get", "/readyz"),
    ("get", "/health"),
    ("get", "/api/v1/state"),
    ("get", "/api/v1/routes/{name}"),
    ("get", "/api/v1/config"),
    ("get", "/api/v1/journal"),
    ("get", "/api/v1/events"),
    ("get", "/api/v1/requests/{id}"),
    ("get", "/api/v1/drain"),
    ("get", "/api/v1/owners"),
    ("get", "/api/v1/owners/{rule}/{id}"),
    ("get", "/api/v1/openapi.json"),
    ("post", "/api/v1/rollback"),
    ("post", "/api/v1/resume"),
    ("post", "/api/v1/shift"),
    ("post", "/api/v1/ramp"),
    ("post", "/api/v1/owners"),
    ("post", WEBHOOK),
    ("delete", "/api/v1/owners/{rule}/{id}"),
];

/// What is served on the admin port, to everybody who reaches it.
pub fn router(view: View) -> Router {
    let guard = from_fn_with_state(view.clone(), access::guard);
    paths(view).layer(guard).layer(map_response(fresh))
}

/// The same, where only the operator can ask: no token, and under any name.
pub fn router_of_operator(view: View) -> Router {
    paths(view).layer(map_response(fresh))
}

fn paths(view: View) -> Router {
    Router::new()
        .route("/metrics", get(metrics::metrics))
        .route("/livez", get(livez::livez))
        .route("/readyz", get(readyz::readyz))
        .route("/health", get(health::health))
        .route("/api/v1/state", get(state::state))
        .route("/api/v1/routes/{name}", get(route::route))
        .route("/api/v1/config", get(config::config))
        .route("/api/v1/journal", get(journal::journal))
        .route("/api/v1/events", get(events::events))
        .route("/api/v1/requests/{id}", get(request::request))
        .route("/api/v1/drain", get(drain::drain))
        .route("/api/v1/owners", get(owners::list).post(owners::learn))
        .route(
            "/api/v1/owners/{rule}/{id}",
            get(owner::show).delete(owner::forget),
        )
        .route("/api/v1/openapi.json", get(openapi::openapi))
        .route("/api/v1/rollback", post(rollback::rollback))
        .route("/api/v1/resume", post(resume::resume))
        .route("/api/v1/shift", post(shift::shift))
        .route("/api/v1/ramp", post(ramp::ramp))
        .route(WEBHOOK, post(webhook::webhook))
        .fallback(problem::unknown_path)
        .method_not_allowed_fallback(problem::wrong_method)
        .with_state(view)
}

/// A figure of some minutes ago is worse than none.
async fn fresh(mut answer: Response) -> Response {
    let no_store = HeaderValue::from_static("no-store");
    answer.headers_mut().insert(CACHE_CONTROL, no_store);
    answer
}
