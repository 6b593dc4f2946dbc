//! Stand-ins for Vast.ai Serverless: an engine beside the API that names workers or says why not, and a worker that
//! takes requests in their envelope. Each says what it is told to say, in order, the last of it for ever. Both
//! record all that comes.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use super::origin::{Do, Origin, Seen, raw, status};
use super::vast::{Place, VastAi};

/// Name of the endpoint.
pub(crate) const NAME: &str = "shop-llm";
/// Its first key.
pub(crate) const ENDPOINT_KEY: &str = "endpoint-key-battery-staple";
/// What lets a request into a worker.
pub(crate) const SIGNATURE: &str = "c2lnbmF0dXJlLXRoYXQtbm9ib2R5LW1heS1zZWU=";

/// What the engine says.
#[derive(Debug, Clone)]
pub(crate) enum Say {
    /// There is a worker at this URL.
    Ready(String),
    /// There is none yet.
    Waiting,
    /// 200 with this for `error_msg`.
    ErrorMsg(&'static str),
    /// 401 with JSON, whatever the key.
    Unauthorized,
    /// 429.
    Limited,
    /// 200 that is no JSON.
    Garbage,
    /// Whether there is a worker at this URL, beside more than anybody reads.
    Long(String),
    /// A page, with this status.
    Html(&'static str),
    /// Nothing for this time, then the next thing in the list.
    Slow(Duration),
    /// Nothing, ever.
    Stall,
    /// The connection is reset.
    Reset,
}

struct State {
    key: String,
    say: VecDeque<Say>,
    questions: Vec<Value>,
    given: u64,
}

/// See the module. Ends with its value.
pub(crate) struct Engine {
    pub(crate) vast: VastAi,
    state: Arc<Mutex<State>>,
}

impl Engine {
    pub(crate) fn new(say: &[Say]) -> Self {
        let state = Arc::new(Mutex::new(State {
            key: ENDPOINT_KEY.to_owned(),
            say: say.iter().cloned().collect(),
            questions: Vec::new(),
            given: 0,
        }));
        let vast = VastAi::new();
        let asked = Arc::clone(&state);
        vast.on_route(move |seen| asked.lock().unwrap().answer(seen));
        let engine = Self { vast, state };
        engine.tell_key(ENDPOINT_KEY);
        engine
    }

    /// Says this from now on.
    pub(crate) fn say(&self, say: &[Say]) {
        self.state.lock().unwrap().say = say.iter().cloned().collect();
    }

    /// Takes this key of the endpoint from now on.
    pub(crate) fn take_key(&self, key: &str) {
        self.state.lock().unwrap().key = key.to_owned();
    }

    /// The API tells this key of the endpoint from now on.
    pub(crate) fn tell_key(&self, key: &str) {
        let other =
            json!({"id": 7, "endpoint_name": "other", "api_key": "the-key-of-another-endpoint"});
        let ours =
            json!({"id": 8, "endpoint_name": NAME, "api_key": key, "endpoint_state": "active"});
        self.vast.set_endpoints(vec![other, ours]);
    }

    /// All questions so far, as they came.
    pub(crate) fn questions(&self) -> Vec<Value> {
        self.state.lock().unwrap().questions.clone()
    }

    /// The `request_idx` of all questions so far.
    pub(crate) fn indexes(&self) -> Vec<u64> {
        let questions = self.questions();
        let index = |question: &Value| question["request_idx"].as_u64().unwrap();
        questions.iter().map(index).collect()
    }

    pub(crate) fn asked(&self) -> usize {
        self.state.lock().unwrap().questions.len()
    }

    /// Calls for the key so far.
    pub(crate) fn keys_fetched(&self) -> usize {
        self.vast.count(Place::Endpoints)
    }
}

impl State {
    fn answer(&mut self, seen: &Seen) -> Vec<Do> {
        let question: Value = serde_json::from_slice(&seen.body).unwrap();
        self.questions.push(question.clone());
        let bearer = format!("Bearer {}", self.key);
        let known =
            seen.head.get("authorization") == Some(&*bearer) && question["api_key"] == *self.key;
        if !known || question["endpoint"] != NAME {
            return unauthorized();
        }
        let index = match question["request_idx"].as_u64().unwrap() {
            0 => {
                self.given += 1;
                10_203_039 + self.given
            }
            index => index,
        };
        let mut steps = Vec::new();
        loop {
            match self.next() {
                Say::Slow(time) => steps.push(Do::Pause(time)),
                say => {
                    steps.extend(answer(&say, index));
                    return steps;
                }
            }
        }
    }

    fn next(&mut self) -> Say {
        match self.say.len() {
            0 | 1 => self.say.front().cloned().unwrap_or(Say::Waiting),
            _ => self.say.pop_front().unwrap(),
        }
    }
}

fn unauthorized() -> Vec<Do> {
    let text =
        br#"{"error": "authenticate_endpoint_apikey: invalid api_key or endpoint not found"}"#;
    vec![status(
        "401 Unauthorized",
        &["content-type: application/json"],
        text,
    )]
}

/// The answer of the engine with a worker: with spaces that must come through.
pub(crate) fn auth_data(url: &str, index: u64) -> String {
    format!(
        "{{\"endpoint\": \"{NAME}\",  \"url\": \"{url}\", \"cost\": 256.0, \"reqnum\": 184467,\n \
         \"request_idx\": {index}, \"signature\": \"{SIGNATURE}\", \"__request_id\": \"6f1c1f0e\"}}"
    )
}

fn answer(say: &Say, index: u64) -> Vec<Do> {
    let json = |body: &str| {
        vec![status(
            "200 OK",
            &["content-type: application/json"],
            body.as_bytes(),
        )]
    };
    match say {
        Say::Ready(url) => json(&auth_data(url, index)),
        Say::Waiting => json(&format!(
            "{{\"endpoint\": \"{NAME}\", \"status\": \"Stopped\", \"request_idx\": {index}, \"__request_id\": \"b6a2\"}}"
        )),
        Say::ErrorMsg(text) => json(&json!({"error_msg": text, "request_idx": index}).to_string()),
        Say::Unauthorized => unauthorized(),
        Say::Limited => vec![status("429 Too Many Requests", &[], b"too frequent")],
        Say::Long(url) => {
            let more = format!("{{\"more\": \"{}\", ", "x".repeat(2 << 20));
            json(&auth_data(url, index).replacen('{', &more, 1))
        }
        Say::Garbage => json("{\"url\": \"https://"),
        Say::Html(line) => vec![status(
            line,
            &["content-type: text/html"],
            b"<html>busy</html>",
        )],
        Say::Stall | Say::Slow(_) => vec![Do::Stall],
        Say::Reset => vec![Do::Reset],
    }
}

/// What a worker does with a request.
#[derive(Debug, Clone)]
pub(crate) enum Work {
    /// 200 with a completion.
    Answer,
    /// 200 with an event stream of three events.
    Events,
    /// An event stream that breaks after its first event.
    BrokenEvents,
    /// A head of an event stream, then nothing but a reset.
    NoEvent,
    /// 200 whose body breaks in the middle.
    BrokenBody,
    /// An empty answer with this status line.
    Empty(&'static str),
    /// An answer of the model with this status line and text.
    Model(&'static str, &'static str),
    /// The connection is reset when the request is there.
    Reset,
    /// Nothing, ever.
    Stall,
}

/// See the module. Ends with its value.
pub(crate) struct Worker {
    pub(crate) origin: Origin,
    work: Arc<Mutex<VecDeque<Work>>>,
}

impl Worker {
    pub(crate) fn new(work: &[Work]) -> Self {
        let work: VecDeque<_> = work.iter().cloned().collect();
        let work = Arc::new(Mutex::new(work));
        let told = Arc::clone(&work);
        let origin = Origin::new(move |_| {
            let mut work = told.lock().unwrap();
            let next = match work.len() {
                0 | 1 => work.front().cloned().unwrap_or(Work::Answer),
                _ => work.pop_front().unwrap(),
            };
            steps(&next)
        });
        Self { origin, work }
    }

    /// Does this from now on.
    pub(crate) fn set(&self, work: &[Work]) {
        *self.work.lock().unwrap() = work.iter().cloned().collect();
    }

    pub(crate) fn url(&self) -> String {
        self.origin.url()
    }

    pub(crate) fn ready(&self) -> Say {
        Say::Ready(self.url())
    }

    pub(crate) fn count(&self) -> usize {
        self.origin.count()
    }

    /// All requests so far, as text: heads and bodies.
    pub(crate) fn all_text(&self) -> String {
        let seen = self.origin.seen().into_iter();
        seen.map(|seen| format!("{:?}\n{}\n", seen.head, String::from_utf8_lossy(&seen.body)))
            .collect()
    }
}

/// The completion of [`Work::Answer`].
pub(crate) const COMPLETION: &str = r#"{"choices": [{"text": "from a worker"}]}"#;
/// The events of [`Work::Events`].
pub(crate) const EVENTS: &str = "data: {\"n\": 1}\n\ndata: {\"n\": 2}\n\ndata: [DONE]\n\n";

const EVENTS_HEAD: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";

fn chunk(text: &str) -> String {
    format!("{:x}\r\n{text}\r\n", text.len())
}

fn steps(work: &Work) -> Vec<Do> {
    match work {
        Work::Answer => vec![status(
            "200 OK",
            &["set-cookie: sid=the-cookie-of-a-worker", "x-model: m"],
            COMPLETION.as_bytes(),
        )],
        Work::Events => vec![
            raw(EVENTS_HEAD),
            raw(&chunk("data: {\"n\": 1}\n\n")),
            Do::Pause(Duration::from_millis(20)),
            raw(&chunk("data: {\"n\": 2}\n\n")),
            raw(&chunk("data: [DONE]\n\n")),
            raw("0\r\n\r\n"),
        ],
        Work::BrokenEvents => vec![
            raw(EVENTS_HEAD),
            raw(&chunk("data: {\"n\": 1}\n\n")),
            Do::Pause(Duration::from_millis(50)),
            Do::Reset,
        ],
        Work::NoEvent => vec![
            raw(EVENTS_HEAD),
            Do::Pause(Duration::from_millis(50)),
            Do::Reset,
        ],
        Work::BrokenBody => vec![
            raw("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf"),
            Do::Pause(Duration::from_millis(50)),
            Do::Reset,
        ],
        Work::Empty(line) => vec![status(line, &[], b"")],
        Work::Model(line, text) => vec![status(line, &[], text.as_bytes())],
        Work::Reset => vec![Do::Reset],
        Work::Stall => vec![Do::Stall],
    }
}
