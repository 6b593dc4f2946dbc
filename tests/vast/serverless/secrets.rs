//! No secret leaves: neither to a worker nor into any text.

use super::stand::{ONCE, admin, house, metrics, post};
use crate::support::logs::{listen_to_logs, logs};
use crate::support::origin::Origin;
use crate::support::serverless::{ENDPOINT_KEY, Engine, SIGNATURE, Say, Work, Worker};
use crate::support::vast::KEY;

/// What the client shows to its own service.
const CREDENTIALS: [&str; 7] = [
    "authorization: Bearer the-token-of-a-client",
    "cookie: sid=the-cookie-of-a-client",
    "proxy-authorization: Basic the-login-of-a-client",
    "x-api-key: the-api-key-of-a-client",
    "proxy-connection: keep-alive",
    "x-forwarded-for: 198.51.100.77",
    "forwarded: for=198.51.100.77",
];

#[tokio::test]
async fn a_stranger_learns_nothing_of_a_client_and_nobody_reads_a_key() {
    listen_to_logs(tracing::Level::TRACE);
    let worker = Worker::new(&[
        Work::Answer,
        Work::Empty("401 Unauthorized"),
        Work::Answer,
        Work::Events,
        Work::Empty("422 Unprocessable Entity"),
        Work::Reset,
        Work::Empty("500 Internal Server Error"),
        Work::Answer,
    ]);
    let dead = Origin::dead();
    let engine = Engine::new(&[
        worker.ready(),
        worker.ready(),
        Say::Garbage,
        worker.ready(),
        Say::ErrorMsg("no worker for endpoint-key-battery-staple"),
        worker.ready(),
        Say::Ready(dead.url()),
        worker.ready(),
        Say::Ready("https://user:endpoint-key-battery-staple@10.0.0.1".to_owned()),
        worker.ready(),
    ]);
    let old = Origin::saying("old");
    let house = house(&engine, &old, "", "backend_header = true").await;
    let mut said = String::new();
    for n in 0..8 {
        let mut lines = CREDENTIALS.to_vec();
        if n % 2 == 0 {
            lines.push(ONCE);
        }
        let answer = post(&house, &lines).await;
        let id = answer.get("x-request-id").unwrap();
        said += &admin(&house, &format!("/api/v1/requests/{id}")).await;
        said += &format!("{:?}{}", answer.head, answer.text());
    }
    assert!(worker.count() >= 8, "{}", worker.count());
    let told = worker.all_text().replace(SIGNATURE, "");
    for secret in [
        KEY,
        ENDPOINT_KEY,
        "of-a-client",
        "query-secret",
        "198.51.100.77",
        "Authorization",
        "authorization",
        "cookie",
        "roxy-",
        "orwarded",
    ] {
        assert!(!told.contains(secret), "a worker was told {secret:?}");
    }
    // The engine had the endpoint's key, and nothing else of anybody.
    for call in engine.vast.calls() {
        let text = format!(
            "{:?}{}",
            call.seen.head,
            String::from_utf8_lossy(&call.seen.body)
        );
        assert!(!text.contains("of-a-client") && !text.contains("198.51.100.77"));
        if call.place == crate::support::vast::Place::Route {
            assert!(
                !text.contains(KEY),
                "the engine has no use for the account's key"
            );
            assert!(!call.seen.target().contains('?'));
        }
    }
    said += &metrics(&house).await;
    for target in [
        "/health",
        "/api/v1/state",
        "/api/v1/routes/all",
        "/api/v1/config",
    ] {
        said += &admin(&house, target).await;
    }
    said += &format!("{:?}", house.app.publisher.current());
    assert!(said.contains("figshift_serverless_route_total{backend=\"new\",result=\"ready\"}"));
    let logs = logs();
    assert!(
        logs.contains("A Serverless engine gives no worker"),
        "they are listened to"
    );
    for secret in [KEY, ENDPOINT_KEY, SIGNATURE, "of-a-client"] {
        assert!(!said.contains(secret), "it is shown: {secret:?}");
        let line = logs.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "it is logged: {secret:?}");
    }
    house.stop().await;
}

#[tokio::test]
async fn the_figures_are_there_and_name_no_worker() {
    let worker = Worker::new(&[Work::Answer]);
    let engine = Engine::new(&[Say::Waiting, worker.ready()]);
    let old = Origin::saying("old");
    let house = house(&engine, &old, "cost = 12", "").await;
    assert_eq!(post(&house, &[]).await.status, 200);
    let text = metrics(&house).await;
    for line in [
        "figshift_serverless_route_total{backend=\"new\",result=\"ready\"} 1",
        "figshift_serverless_route_total{backend=\"new\",result=\"waiting\"} 1",
        "figshift_serverless_route_total{backend=\"new\",result=\"error\"} 0",
        "figshift_serverless_worker_total{backend=\"new\",outcome=\"answered\"} 1",
        "figshift_serverless_retries_total{backend=\"new\",reason=\"busy\"} 0",
        "figshift_serverless_queue_total{backend=\"new\",outcome=\"waited\"} 1",
        "figshift_serverless_waiting{backend=\"new\"} 0",
        "figshift_serverless_cost_units_total{backend=\"new\"} 12",
        "figshift_serverless_key_ready{backend=\"new\"} 1",
        "figshift_serverless_wait_seconds_bucket{backend=\"new\",le=\"0.5\"} 0",
        "figshift_serverless_wait_seconds_count{backend=\"new\"} 1",
        "figshift_upstream_connects_total{backend=\"new\",endpoint=\"serverless:shop-llm\"} 1",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
    assert!(!text.contains(&worker.origin.address.to_string()));
    house.stop().await;
}
