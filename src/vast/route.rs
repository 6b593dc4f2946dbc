//! Asking the engine of a Serverless endpoint for a worker: the question, what its answers mean, and
//! how long to wait between two. Nothing here does anything; who asks has the clock and the dice.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use serde::Serialize;
use serde_json::{Map, Number, Value};

use super::worker_url::{BadUrl, WorkerUrl};

/// For how long the engine may take a repeated question for the same request, in seconds: what
/// Vast.ai's own client says.
const REPLAY: f64 = 60.0;
/// Before the second question.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// Bounds of the pauses after that, in seconds.
const SHORTEST: f64 = 0.1;
const LONGEST: f64 = 5.0;

/// What the engine is asked.
#[derive(Serialize)]
pub struct Question<'a> {
    /// Name of the endpoint.
    pub endpoint: &'a str,
    /// The endpoint's own key, which stands in the header too: Vast.ai's own client says it twice.
    pub api_key: &'a str,
    /// The load of the request, in the units of the worker.
    pub cost: f64,
    /// What ties all questions of one request together; 0 at first.
    pub request_idx: &'a Number,
    replay_timeout: f64,
}

impl<'a> Question<'a> {
    /// For a request of that cost.
    pub fn new(endpoint: &'a str, api_key: &'a str, cost: f64, request_idx: &'a Number) -> Self {
        Self {
            endpoint,
            api_key,
            cost,
            request_idx,
            replay_timeout: REPLAY,
        }
    }
}

/// Tells no key.
impl fmt::Debug for Question<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Question")
            .field("endpoint", &self.endpoint)
            .field("cost", &self.cost)
            .field("request_idx", self.request_idx)
            .finish_non_exhaustive()
    }
}

/// What the engine has said.
#[derive(Debug)]
pub enum Told {
    /// There is a worker.
    Ready(Ready),
    /// There is none yet.
    Waiting {
        /// To be said again with the next question.
        request_idx: Option<Number>,
    },
    /// There is one to which nothing may be sent.
    BadWorker {
        /// Why not.
        why: BadUrl,
        /// To be said again with the next question.
        request_idx: Option<Number>,
    },
    /// The key is not, or no longer, good.
    Unauthorized,
    /// It is asked too often.
    Limited,
    /// Anything else is no answer; in few words, without what may be a secret.
    Nothing(&'static str),
}

/// A worker, and what lets a request in there.
pub struct Ready {
    /// Where it is.
    pub worker: WorkerUrl,
    /// The whole answer, unchanged: whoever has it may call the worker.
    pub auth_data: Bytes,
    /// To be said again with a further question.
    pub request_idx: Option<Number>,
}

/// Tells nothing that lets anybody in.
impl fmt::Debug for Ready {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ready")
            .field("worker", &self.worker)
            .finish_non_exhaustive()
    }
}

/// Reads an answer of the engine: there is a worker if and only if it has a `url`.
pub fn read_told(status: u16, body: Vec<u8>, allow_private: bool, allow_http: bool) -> Told {
    match status {
        200..=299 => {}
        401 => return Told::Unauthorized,
        // At Vast.ai's edge it may also be anything else; in JSON it is of the key.
        403 if serde_json::from_slice::<Map<String, Value>>(&body).is_ok() => {
            return Told::Unauthorized;
        }
        429 => return Told::Limited,
        400..=499 => return Told::Nothing("it has refused the question"),
        _ => return Told::Nothing("its status is no success"),
    }
    let Ok(answer) = serde_json::from_slice::<Map<String, Value>>(&body) else {
        return Told::Nothing("its answer is no JSON object");
    };
    let request_idx = match answer.get("request_idx") {
        Some(Value::Number(index)) if index.is_u64() || index.is_i64() => Some(index.clone()),
        _ => None,
    };
    if let Some(url) = answer.get("url") {
        let url = url.as_str().ok_or(BadUrl::Shape);
        return match url.and_then(|url| WorkerUrl::read(url, allow_private, allow_http)) {
            Ok(worker) => Told::Ready(Ready {
                worker,
                auth_data: body.into(),
                request_idx,
            }),
            Err(why) => Told::BadWorker { why, request_idx },
        };
    }
    match answer.get("error_msg").or_else(|| answer.get("error")) {
        None | Some(Value::Null) => Told::Waiting { request_idx },
        Some(Value::String(text)) if text.is_empty() => Told::Waiting { request_idx },
        Some(text) if is_of_key(text) => Told::Unauthorized,
        Some(_) => Told::Nothing("it has told an error in place of a worker"),
    }
}

/// `authenticate_endpoint_apikey: invalid api_key or endpoint NAME not found`, `auth_error` and the like.
fn is_of_key(text: &Value) -> bool {
    let text = text.as_str().unwrap_or_default();
    text.contains("api_key") || text.contains("apikey") || text.contains("auth_error")
}

/// How long to wait after so many answers without a worker, by two draws from 0 to 1: a second, then
/// between 0.1 s and `min(2^n + draw, 5)` s.
pub fn pause(answers: u32, spread: f64, within: f64) -> Duration {
    if answers <= 1 {
        return FIRST_PAUSE;
    }
    let power = f64::from(2u32.saturating_pow(answers.min(8) - 1));
    let longest = (power + spread.clamp(0.0, 1.0)).min(LONGEST);
    Duration::from_secs_f64(SHORTEST + (longest - SHORTEST) * within.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const READY: &str = r#"{"endpoint": "shop-llm", "url": "https://203.0.113.24:40012", "cost": 256.0,
        "reqnum": 184467, "request_idx": 10203040, "signature": "AAECAwQF", "__request_id": "6f1c"}"#;

    fn told(status: u16, body: &str) -> String {
        match read_told(status, body.as_bytes().to_vec(), false, false) {
            Told::Ready(ready) => {
                assert_eq!(&ready.auth_data[..], body.as_bytes(), "not a byte changed");
                format!("ready {} {:?}", ready.worker.address, ready.request_idx)
            }
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn a_url_and_nothing_else_is_a_worker() {
        let ready = "ready 203.0.113.24:40012 Some(Number(10203040))";
        assert_eq!(told(200, READY), ready);
        let waiting = "Waiting { request_idx: Some(Number(10203041)) }";
        let stopped = r#"{"endpoint": "shop-llm", "status": "Stopped", "request_idx": 10203041}"#;
        assert_eq!(told(200, stopped), waiting);
        // What says "ready" in the status has none all the same.
        let none = "Waiting { request_idx: None }";
        for body in [
            r#"{"status": "url https://203.0.113.24:1 is ready"}"#,
            "{}",
            r#"{"request_idx": 1.5}"#,
            r#"{"request_idx": "7", "error_msg": ""}"#,
            r#"{"error_msg": null}"#,
        ] {
            assert_eq!(told(200, body), none, "{body}");
        }
        // With an error beside it, it is a worker still.
        let both = r#"{"url": "https://203.0.113.24:1", "error_msg": "slow"}"#;
        assert!(told(200, both).starts_with("ready"));
    }

    #[test]
    fn a_worker_that_may_not_be_asked_is_none() {
        for (url, why) in [
            (r#""https://10.0.0.1:1""#, "Private"),
            (r#""https://u:p@8.8.8.8:1""#, "UserInfo"),
            (r#""http://8.8.8.8:1""#, "Plain"),
            ("null", "Shape"),
            ("7", "Shape"),
            (r#""""#, "Shape"),
        ] {
            let body = format!(r#"{{"url": {url}, "request_idx": 5}}"#);
            let told = told(200, &body);
            assert!(
                told.starts_with(&format!("BadWorker {{ why: {why}")),
                "{told}"
            );
        }
        // Of two, the last counts, as everybody else reads it.
        let two = r#"{"url": "https://8.8.8.8:1", "url": "https://127.0.0.1:1"}"#;
        assert!(told(200, two).starts_with("BadWorker"));
    }

    #[test]
    fn everything_else_is_no_answer() {
        let invalid = r#"{"error_msg": "authenticate_endpoint_apikey: invalid api_key or endpoint x not found"}"#;
        for (status, body) in [
            (401, ""),
            (401, READY),
            (403, r#"{"error": "x"}"#),
            (200, invalid),
            (200, r#"{"success": false, "error": "auth_error"}"#),
        ] {
            assert_eq!(told(status, body), "Unauthorized", "{status} {body}");
        }
        assert_eq!(told(429, "API requests too frequent"), "Limited");
        for (status, body) in [
            (403, "<html>"),
            (400, r#"{"error": "no such endpoint"}"#),
            (404, READY),
            (302, READY),
            (500, READY),
            (503, ""),
            (200, ""),
            (200, "<html>"),
            (200, "[]"),
            (200, "null"),
            (200, r#"{"url": "https://8.8.8.8:1"} x"#),
            (200, r#"{"url": "https://8.8.8.8:1"}{}"#),
            (200, r#"{"error_msg": "no workers for secret-key"}"#),
            (200, r#"{"error_msg": {"a": 1}}"#),
        ] {
            let told = told(status, body);
            assert!(told.starts_with("Nothing"), "{status} {body}: {told}");
            assert!(!told.contains("secret"), "{told}");
        }
    }

    #[test]
    fn the_pauses_grow_to_five_seconds() {
        for draw in [0.0, 0.5, 1.0] {
            assert_eq!(pause(0, draw, draw), FIRST_PAUSE);
            assert_eq!(pause(1, draw, draw), FIRST_PAUSE);
        }
        let longest = |n| pause(n, 0.5, 1.0).as_millis();
        assert_eq!(
            [2, 3, 4, 9, 4_000_000].map(longest),
            [2500, 4500, 5000, 5000, 5000]
        );
        for n in 2..40 {
            assert_eq!(pause(n, 1.0, 0.0), Duration::from_millis(100));
            assert!(pause(n, f64::NAN, 2.0) <= Duration::from_secs(5));
        }
    }

    #[test]
    fn a_question_is_what_the_engine_reads_and_tells_no_key() {
        let index = Number::from(7);
        let question = Question::new("shop", "a-secret-key", 12.5, &index);
        let text = serde_json::to_string(&question).unwrap();
        let same = r#"{"endpoint":"shop","api_key":"a-secret-key","cost":12.5,"request_idx":7,"replay_timeout":60.0}"#;
        assert_eq!(text, same);
        assert!(!format!("{question:?}").contains("secret"));
        let ready = read_told(200, READY.into(), false, false);
        assert!(!format!("{ready:?}").contains("AAEC"), "{ready:?}");
    }
}
