//! What a stranger's machine may say in our name, and what nobody may ask of it.

use super::stand::{CHAT, alone, house, post};
use crate::support::house::{Plan, two_sides};
use crate::support::origin::{Origin, status};
use crate::support::serverless::{Engine, Say, Work, Worker};

const ACTS: [&str; 20] = [
    "strict-transport-security: max-age=0",
    "clear-site-data: \"*\"",
    "alt-svc: h3=\":443\"",
    "x-figshift-reason: no_route",
    "x-figshift-backend: old",
    "x-accel-redirect: /internal/secrets",
    "access-control-allow-origin: *",
    "refresh: 0; url=https://evil.example",
    "location: https://evil.example",
    "content-location: https://evil.example",
    "content-security-policy: default-src *",
    "nel: {\"report_to\": \"x\"}",
    "report-to: {\"group\": \"x\"}",
    "www-authenticate: Basic realm=\"x\"",
    "proxy-authenticate: Basic realm=\"x\"",
    "set-cookie: sid=1",
    "server: evil",
    "link: <https://evil.example>; rel=preload",
    "service-worker-allowed: /",
    "x-frame-options: ALLOWALL",
];

const TELLS: [&str; 8] = [
    "content-type: application/json",
    "content-language: en",
    "cache-control: no-store",
    "etag: \"1\"",
    "retry-after: 3",
    "openai-processing-ms: 7",
    "x-ratelimit-remaining-tokens: 5",
    "x-model: m",
];

#[tokio::test]
async fn a_worker_says_what_belongs_to_its_answer_and_nothing_else() {
    for line in ["200 OK", "302 Found", "404 Not Found"] {
        let odd = Origin::new(move |_| {
            let lines = [&ACTS[..], &TELLS[..]].concat();
            vec![status(line, &lines, b"x")]
        });
        let engine = Engine::new(&[Say::Ready(odd.url())]);
        let old = Origin::saying("old");
        let house = house(&engine, &old, "", "").await;
        let answer = post(&house, &[]).await;
        assert_eq!(answer.text(), "x", "{line}");
        for act in ACTS {
            let name = act.split(':').next().unwrap();
            assert_eq!(answer.get(name), None, "{line}: {act}");
        }
        for tells in TELLS {
            let (name, value) = tells.split_once(": ").unwrap();
            assert_eq!(answer.get(name), Some(value), "{line}");
        }
        house.stop().await;
    }
}

#[tokio::test]
async fn nobody_gets_to_the_controls_of_a_worker() {
    let worker = Worker::new(&[Work::Answer]);
    let engine = Engine::new(&[worker.ready()]);
    let old = Origin::saying("old");
    let sided = house(&engine, &old, "", "").await;
    let lonely = alone(&engine, "", "").await;
    let json = ["content-type: application/json"];
    for target in [
        "/session/create",
        "/session",
        "/pyworker/update",
        "/SESSION/end",
        "//session/create",
        "/./session/create",
        "/v1/../session/create",
        "/%73ession/create",
        "/%2e/session/create",
        "/v1/%2E%2e/session/create",
        "/%2fsession/create",
        "/v1%2f..%2fsession/create",
        "/v1/..%5csession/create",
        "/session;x/create",
        "/%2573ession/create",
    ] {
        for (house, told) in [(&sided, 200), (&lonely, 404)] {
            let mut client = house.client().await;
            let answer = client.request("POST", target, &json, b"{}").await;
            assert_eq!(answer.unwrap().status, told, "{target}");
        }
    }
    assert_eq!((worker.count(), engine.asked()), (0, 0));
    for target in [CHAT, "/", "/v1/session", "/sessions", "/v1/a%20b"] {
        let mut client = lonely.client().await;
        let answer = client.request("POST", target, &json, b"{}").await;
        assert_eq!(answer.unwrap().status, 200, "{target}");
    }
    sided.stop().await;
    lonely.stop().await;
}

#[tokio::test]
async fn nobody_speaks_in_the_name_of_figshift() {
    let odd = Origin::new(|_| {
        let lines = ["x-figshift-reason: no_route", "x-figshift-backend: new"];
        vec![status("404 Not Found", &lines, b"x")]
    });
    let house = Plan::new(two_sides(&[&odd], &[&odd], "", 0.0, ""))
        .start()
        .await;
    let answer = house.get("/").await;
    assert_eq!((answer.status, answer.reason()), (404, None));
    assert_eq!(answer.get("x-figshift-backend"), None);
    house.stop().await;
}
