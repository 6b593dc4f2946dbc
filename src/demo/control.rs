//! One small listener from which the sample backends are told how to behave, also while they are "dead".

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use http::{StatusCode, Uri};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::sample::SampleBackend;

/// The control endpoint: `/vastai` shows, `/vastai?error_rate=0.5` alters, `/vastai/reset` heals. Every method works, so
/// that plain `curl URL` does.
#[derive(Debug)]
pub struct DemoControl {
    addr: SocketAddr,
    server: JoinHandle<()>,
}

impl DemoControl {
    /// Starts it on a free local port.
    pub async fn start(backends: Vec<SampleBackend>) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let addr = listener.local_addr()?;
        let router = Router::new()
            .route("/", any(list))
            .route("/{backend}", any(alter))
            .route("/{backend}/reset", any(reset))
            .with_state(Arc::from(backends));
        let server = tokio::spawn(async move {
            axum::serve(listener, router).await.ok();
        });
        Ok(Self { addr, server })
    }

    /// Its address as a URL, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }
}

impl Drop for DemoControl {
    fn drop(&mut self) {
        self.server.abort();
    }
}

type Backends = State<Arc<[SampleBackend]>>;

async fn list(State(backends): Backends) -> String {
    backends.iter().map(line).collect()
}

async fn alter(State(backends): Backends, Path(name): Path<String>, uri: Uri) -> Response {
    let Some(backend) = find(&backends, &name) else {
        return missing(&backends);
    };
    let query = uri.query().unwrap_or_default();
    match backend.behaviour().with_query(query) {
        Ok(next) => answer(backend, backend.behave(next).await),
        Err(reason) => (StatusCode::BAD_REQUEST, format!("{reason}\n")).into_response(),
    }
}

async fn reset(State(backends): Backends, Path(name): Path<String>) -> Response {
    match find(&backends, &name) {
        Some(backend) => answer(backend, backend.reset().await),
        None => missing(&backends),
    }
}

fn find<'a>(backends: &'a [SampleBackend], name: &str) -> Option<&'a SampleBackend> {
    backends.iter().find(|backend| backend.name() == name)
}

fn missing(backends: &[SampleBackend]) -> Response {
    let known: Vec<&str> = backends.iter().map(SampleBackend::name).collect();
    let text = format!("no such backend; there are: {}\n", known.join(", "));
    (StatusCode::NOT_FOUND, text).into_response()
}

fn answer(backend: &SampleBackend, done: io::Result<()>) -> Response {
    match done {
        Ok(()) => line(backend).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}

/// The backend and what is in force there, as one line of JSON.
fn line(backend: &SampleBackend) -> String {
    let line =
        json!({"backend": backend.name(), "url": backend.url(), "behaviour": backend.behaviour()});
    format!("{line}\n")
}
