//! Asking a house what became of a request.

use figshift::api::{Explanation, Problem, Try, Turn};

use crate::support::client::{Answer, Client};
use crate::support::house::House;

pub(crate) async fn answer(house: &House, id: &str, lines: &[&str]) -> Answer {
    let host = format!("host: {}", house.app.admin);
    let target = format!("/api/v1/requests/{id}");
    let lines: Vec<&str> = [&*host].iter().chain(lines).copied().collect();
    let mut client = Client::new(house.app.admin).await;
    let head = format!("GET {target} HTTP/1.1\r\n{}\r\n\r\n", lines.join("\r\n"));
    client.send(head).await;
    client.read().await.unwrap()
}

/// Of a request that may still be on its way.
pub(crate) async fn explain_now(house: &House, id: &str) -> Explanation {
    let answer = answer(house, id, &[]).await;
    assert_eq!(answer.status, 200, "{id}: {}", answer.text());
    serde_json::from_slice(&answer.body).unwrap()
}

/// Of a request whose books are closed. What holds for every explanation is looked at here.
pub(crate) async fn explain(house: &House, id: &str) -> Explanation {
    house.at_rest().await;
    let told = explain_now(house, id).await;
    assert_eq!((&*told.id, told.running, told.others), (id, false, 0));
    assert!(told.at.starts_with("20") && told.end_ms.is_some());
    let mut times = Vec::new();
    for tried in &told.tries {
        times.extend([Some(tried.began_ms), tried.ended_ms]);
        assert!(tried.class.is_some());
    }
    let ends = [told.head_ms, told.first_byte_ms, told.end_ms];
    for times in [times, ends.to_vec()] {
        let times: Vec<f64> = times.into_iter().flatten().collect();
        assert!(times.is_sorted(), "{told:?}");
    }
    told
}

pub(crate) async fn refused(house: &House, id: &str) -> Problem {
    let answer = answer(house, id, &[]).await;
    assert_eq!(answer.get("content-type"), Some("application/problem+json"));
    let problem: Problem = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(problem.status, answer.status);
    problem
}

/// Sends a request under this id.
pub(crate) async fn send(
    client: &mut Client,
    method: &str,
    id: &str,
    lines: &[&str],
    body: &[u8],
) -> Answer {
    let id = format!("x-request-id: {id}");
    let lines: Vec<&str> = [&*id].iter().chain(lines).copied().collect();
    client.request(method, "/", &lines, body).await.unwrap()
}

pub(crate) async fn get(house: &House, id: &str) -> Answer {
    send(&mut house.client().await, "GET", id, &[], b"").await
}

/// Where a try went, why, and what came of it.
pub(crate) type Went<'t> = (&'t str, String, Turn, Option<&'t str>, Option<&'t str>);

pub(crate) fn went(tried: &Try) -> Went<'_> {
    (
        tried.backend.as_deref().unwrap(),
        tried.endpoint.clone().unwrap(),
        tried.turn,
        tried.reason.as_deref(),
        tried.class.as_deref(),
    )
}

pub(crate) fn all_went(told: &Explanation) -> Vec<Went<'_>> {
    told.tries.iter().map(went).collect()
}
