//! The HTTP side of a sample backend.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::{Duration, SystemTime};

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, StatusCode, Uri};
use serde_json::{Value, json};

use super::behaviour::Behaviour;
use super::sample::{Desk, Inner, SampleBackend};
use super::tokens::TokenStream;
use super::words::{Dialect, fingerprint, generate};

const MODEL: &str = "demo-model";
const DEFAULT_TOKENS: u64 = 16;
const MAX_TOKENS: u64 = 4096;

/// What every handler gets.
#[derive(Clone)]
struct Desks {
    desk: Arc<Desk>,
    inner: Weak<Inner>,
}

/// The endpoints.
pub(super) fn router(desk: Arc<Desk>, inner: Weak<Inner>) -> Router {
    Router::new()
        .route("/", get(greet))
        .route("/health", get(health))
        .route("/v1/completions", post(complete_text))
        .route("/v1/chat/completions", post(complete_chat))
        .route("/admin/behave", get(show_behaviour).post(alter_behaviour))
        .with_state(Desks { desk, inner })
}

/// The two shapes of an answer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Text,
    Chat,
}

async fn greet(State(state): State<Desks>) -> Response {
    if let Err(failure) = mood(&state.desk).await {
        return failure;
    }
    format!("{} is here\n", state.desk.name).into_response()
}

async fn health(State(state): State<Desks>) -> Response {
    // Reachable while down only through a connection that is about to be reset.
    if state.desk.behaviour.borrow().crash {
        return (StatusCode::SERVICE_UNAVAILABLE, "down\n").into_response();
    }
    "ok\n".into_response()
}

async fn complete_text(State(state): State<Desks>, body: Bytes) -> Response {
    complete(&state.desk, Shape::Text, &body).await
}

async fn complete_chat(State(state): State<Desks>, body: Bytes) -> Response {
    complete(&state.desk, Shape::Chat, &body).await
}

async fn show_behaviour(State(state): State<Desks>) -> Response {
    let behaviour = state.desk.behaviour.borrow().clone();
    Json(behaviour).into_response()
}

async fn alter_behaviour(State(state): State<Desks>, uri: Uri, body: Bytes) -> Response {
    let now = state.desk.behaviour.borrow().clone();
    let next = match uri.query() {
        Some(query) => now.with_query(query),
        None => now.with_json(&body),
    };
    let (Ok(next), Some(inner)) = (&next, state.inner.upgrade()) else {
        return refuse(&next.err().unwrap_or_default());
    };
    match (SampleBackend { inner }).behave(next.clone()).await {
        Ok(()) => Json(next).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

/// Counts a request, waits the added delay, and fails as often as was asked for.
async fn mood(desk: &Desk) -> Result<Behaviour, Response> {
    desk.requests.fetch_add(1, Ordering::Relaxed);
    let behaviour = desk.behaviour.borrow().clone();
    pause(behaviour.latency()).await;
    if rand::random::<f64>() >= behaviour.error_rate {
        return Ok(behaviour);
    }
    let status =
        StatusCode::from_u16(behaviour.error_status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    Err(error(status, &format!("{} fails on purpose", desk.name)))
}

async fn complete(desk: &Desk, shape: Shape, body: &[u8]) -> Response {
    let Ok(request) = serde_json::from_slice::<Value>(body) else {
        return refuse("the body is not JSON");
    };
    let Some(prompt) = prompt(&request, shape) else {
        return refuse(if shape == Shape::Chat {
            "`messages` is missing"
        } else {
            "`prompt` is missing"
        });
    };
    let behaviour = match mood(desk).await {
        Ok(behaviour) => behaviour,
        Err(failure) => return failure,
    };
    let count = request["max_tokens"]
        .as_u64()
        .unwrap_or(DEFAULT_TOKENS)
        .clamp(1, MAX_TOKENS);
    let words = generate(&prompt, count as usize, Dialect::of(&desk.name));
    let answer = Answer {
        shape,
        prompt: &prompt,
        words,
        server: &desk.name,
    };
    if request["stream"] == Value::Bool(true) {
        return answer.streamed(&behaviour);
    }
    pause(behaviour.ttft() + behaviour.per_token() * (count as u32 - 1)).await;
    Json(answer.whole()).into_response()
}

/// The text to continue; `None` when the request has none.
fn prompt(request: &Value, shape: Shape) -> Option<String> {
    if shape == Shape::Text {
        let prompt = request.get("prompt")?;
        return Some(
            prompt
                .as_str()
                .map_or_else(|| prompt.to_string(), str::to_owned),
        );
    }
    let turns = request.get("messages")?.as_array()?;
    Some(
        turns
            .iter()
            .map(|turn| turn["content"].to_string())
            .collect::<Vec<_>>()
            .join("\n"),
    )
}

/// One generated answer, not yet in its wire form.
struct Answer<'a> {
    shape: Shape,
    prompt: &'a str,
    words: Vec<String>,
    server: &'a str,
}

impl Answer<'_> {
    /// The envelope of whole answers and of chunks.
    fn envelope(&self, object: &str, choice: &Value) -> Value {
        let created = SystemTime::UNIX_EPOCH
            .elapsed()
            .map_or(0, |age| age.as_secs());
        json!({
            "id": format!("cmpl-{:016x}", fingerprint(self.prompt)),
            "object": object,
            "created": created,
            "model": MODEL,
            "system_fingerprint": self.server,
            "choices": [choice],
        })
    }

    fn whole(&self) -> Value {
        let text = self.words.concat();
        let mut answer = match self.shape {
            Shape::Text => self.envelope(
                "text_completion",
                &json!({"index": 0, "text": text, "finish_reason": "length"}),
            ),
            Shape::Chat => {
                let message = json!({"role": "assistant", "content": text});
                self.envelope(
                    "chat.completion",
                    &json!({"index": 0, "message": message, "finish_reason": "length"}),
                )
            }
        };
        let (asked, said) = (self.prompt.split_whitespace().count(), self.words.len());
        answer["usage"] = json!({"prompt_tokens": asked, "completion_tokens": said, "total_tokens": asked + said});
        answer
    }

    fn chunk(&self, word: Option<&str>) -> Bytes {
        let finish = if word.is_some() {
            Value::Null
        } else {
            json!("length")
        };
        let chunk = match (self.shape, word) {
            (Shape::Text, word) => {
                let choice =
                    json!({"index": 0, "text": word.unwrap_or_default(), "finish_reason": finish});
                self.envelope("text_completion", &choice)
            }
            (Shape::Chat, word) => {
                let delta = word.map_or_else(|| json!({}), |word| json!({"content": word}));
                self.envelope(
                    "chat.completion.chunk",
                    &json!({"index": 0, "delta": delta, "finish_reason": finish}),
                )
            }
        };
        Bytes::from(format!("data: {chunk}\n\n"))
    }

    fn streamed(&self, behaviour: &Behaviour) -> Response {
        let mut events: Vec<Bytes> = self
            .words
            .iter()
            .map(|word| self.chunk(Some(word)))
            .collect();
        events.push(self.chunk(None));
        events.push(Bytes::from_static(b"data: [DONE]\n\n"));
        let mut stream = TokenStream::new(
            events,
            jitter(behaviour.ttft()),
            jitter(behaviour.per_token()),
        );
        if behaviour.stall {
            stream = stream.stalling();
        }
        let mut response = Response::new(Body::new(stream));
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        response
    }
}

fn refuse(reason: &str) -> Response {
    error(StatusCode::BAD_REQUEST, reason)
}

fn error(status: StatusCode, message: &str) -> Response {
    (
        status,
        Json(json!({"error": {"message": message, "code": status.as_u16()}})),
    )
        .into_response()
}

/// Within a quarter above or below: equal latencies would make dull percentiles.
fn jitter(time: Duration) -> Duration {
    time.mul_f64(rand::random_range(0.75..1.25))
}

async fn pause(time: Duration) {
    if !time.is_zero() {
        tokio::time::sleep(jitter(time)).await;
    }
}
