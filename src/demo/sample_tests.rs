//! The sample backend and the demo's control, over real sockets.

use serde_json::{Value, json};
use tokio::net::TcpStream;

use super::*;
use crate::demo::DemoControl;
use crate::outbound::near;

fn client() -> reqwest::Client {
    near().build().unwrap()
}

async fn legacy() -> SampleBackend {
    SampleBackend::start("legacy", Behaviour::instant())
        .await
        .unwrap()
}

async fn post(url: String, body: Value) -> reqwest::Response {
    client().post(url).json(&body).send().await.unwrap()
}

#[tokio::test]
async fn json_answers_look_like_a_model_server() {
    let backend = legacy().await;
    let ask = json!({"prompt": "tell me", "max_tokens": 5});
    let url = format!("{}/v1/completions", backend.url());
    let first: Value = post(url.clone(), ask.clone()).await.json().await.unwrap();
    let again: Value = post(url, ask).await.json().await.unwrap();
    assert_eq!(first["object"], "text_completion");
    assert_eq!(first["usage"]["completion_tokens"], 5);
    assert_eq!(first["choices"], again["choices"]);

    let ask = json!({"messages": [{"role": "user", "content": "tell me"}]});
    let chat: Value = post(format!("{}/v1/chat/completions", backend.url()), ask)
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(chat["choices"][0]["message"]["role"], "assistant");
    assert_eq!(backend.requests(), 3);
}

#[tokio::test]
async fn a_stream_carries_every_token_and_then_done() {
    let backend = SampleBackend::start("vastai", Behaviour::healthy(2, 1))
        .await
        .unwrap();
    let ask =
        json!({"messages": [{"role": "user", "content": "hi"}], "max_tokens": 7, "stream": true});
    let response = post(format!("{}/v1/chat/completions", backend.url()), ask).await;
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let text = response.text().await.unwrap();
    let events: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .collect();
    assert_eq!(events.len(), 9, "7 tokens, the finish, the end: {text}");
    assert_eq!(events.last(), Some(&"[DONE]"));
    let first: Value = serde_json::from_str(events[0]).unwrap();
    assert!(first["choices"][0]["delta"]["content"].is_string());
}

#[tokio::test]
async fn a_bad_request_is_the_clients_fault() {
    let backend = legacy().await;
    let response = post(
        format!("{}/v1/completions", backend.url()),
        json!({"messages": []}),
    )
    .await;
    assert_eq!(response.status(), 400);
}

#[tokio::test]
async fn an_error_rate_of_one_fails_all_but_the_health_check() {
    let backend = legacy().await;
    let response = post(
        format!(
            "{}/admin/behave?error_rate=1&error_status=503",
            backend.url()
        ),
        json!({}),
    )
    .await;
    assert_eq!(response.json::<Value>().await.unwrap()["error_rate"], 1.0);
    for _ in 0..5 {
        let response = post(
            format!("{}/v1/completions", backend.url()),
            json!({"prompt": "x"}),
        )
        .await;
        assert_eq!(response.status(), 503);
    }
    let health = client()
        .get(format!("{}/health", backend.url()))
        .send()
        .await
        .unwrap();
    assert_eq!(health.status(), 200);
}

#[tokio::test]
async fn a_crash_refuses_resets_and_comes_back_on_the_same_port() {
    let backend = legacy().await;
    let addr = backend.addr();
    let control = DemoControl::start(vec![backend.clone()]).await.unwrap();
    // A stream that would run for an hour.
    backend
        .behave(Behaviour {
            token_ms: 3_000_000,
            ..Behaviour::instant()
        })
        .await
        .unwrap();
    let ask = json!({"prompt": "x", "stream": true});
    let mut stream = post(format!("{}/v1/completions", backend.url()), ask).await;
    assert!(stream.chunk().await.unwrap().is_some());

    let tell = |what: &str| {
        client()
            .get(format!("{}/legacy{what}", control.url()))
            .send()
    };
    let told: Value = tell("?crash=on").await.unwrap().json().await.unwrap();
    assert_eq!(told["behaviour"]["crash"], true);
    assert!(stream.chunk().await.is_err(), "the open stream is cut");
    assert!(TcpStream::connect(addr).await.is_err(), "nothing listens");

    let told: Value = tell("/reset").await.unwrap().json().await.unwrap();
    assert_eq!(told["behaviour"]["crash"], false);
    let hello = client()
        .get(backend.url())
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert_eq!(hello, "legacy is here\n");
    assert_eq!(backend.addr(), addr);
}

#[tokio::test]
async fn a_stalled_stream_starts_and_never_ends() {
    let backend = legacy().await;
    backend
        .behave(Behaviour {
            stall: true,
            ..Behaviour::instant()
        })
        .await
        .unwrap();
    let ask = json!({"prompt": "x", "max_tokens": 8, "stream": true});
    let mut stream = post(format!("{}/v1/completions", backend.url()), ask).await;
    let mut seen = String::new();
    while seen.matches("data: ").count() < 5 {
        seen.push_str(std::str::from_utf8(&stream.chunk().await.unwrap().unwrap()).unwrap());
    }
    // Only the crash ends it: had it gone on, its end would have come first.
    backend
        .behave(Behaviour {
            crash: true,
            ..Behaviour::instant()
        })
        .await
        .unwrap();
    assert!(stream.chunk().await.is_err());
}

#[tokio::test]
async fn the_control_names_what_it_knows() {
    let control = DemoControl::start(vec![legacy().await]).await.unwrap();
    let missing = client()
        .get(format!("{}/nobody", control.url()))
        .send()
        .await
        .unwrap();
    assert_eq!(missing.status(), 404);
    assert!(missing.text().await.unwrap().contains("legacy"));
    let wrong = client()
        .get(format!("{}/legacy?speed=9", control.url()))
        .send()
        .await
        .unwrap();
    assert_eq!(wrong.status(), 400);
}

#[tokio::test]
async fn the_last_handle_ends_it() {
    let backend = legacy().await;
    let addr = backend.addr();
    drop(backend);
    // The aborted task is gone at its next turn.
    while TcpStream::connect(addr).await.is_ok() {
        tokio::task::yield_now().await;
    }
}
