//! The table of contents of the admin port.

use axum::Router;
use axum::http::HeaderValue;
use axum::http::header::CACHE_CONTROL;
use axum::middleware::map_response;
use axum::response::Response;
use axum::routing::get;

use super::problem;
use super::routes::{health, livez, metrics, readyz};
use super::view::View;

/// All paths, for whoever asks for another one.
pub(super) const PATHS: [&str; 4] = ["/metrics", "/livez", "/readyz", "/health"];

/// What is served on the admin port.
pub fn router(view: View) -> Router {
    Router::new()
        .route("/metrics", get(metrics::metrics))
        .route("/livez", get(livez::livez))
        .route("/readyz", get(readyz::readyz))
        .route("/health", get(health::health))
        .fallback(problem::unknown_path)
        .method_not_allowed_fallback(problem::wrong_method)
        .layer(map_response(fresh))
        .with_state(view)
}

/// A figure of some minutes ago is worse than none.
async fn fresh(mut answer: Response) -> Response {
    let no_store = HeaderValue::from_static("no-store");
    answer.headers_mut().insert(CACHE_CONTROL, no_store);
    answer
}
