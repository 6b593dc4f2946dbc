//! Where the limits meet what else a connection does: requests in a row, refusals, bodies in parts.

use figshift::stats::Fault;

use super::others::assert_problem;
use crate::support::house::Plan;
use crate::support::origin::{Origin, ok};

/// What an engine pads without an end is not followed to its end by a strict reader.
#[tokio::test]
async fn a_chunk_size_is_not_taken_for_its_beginning() {
    let origin = Origin::saying("ok");
    let house = Plan::alone(&origin, "").start().await;
    let mut client = house.client().await;
    let head = "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n";
    // Longer than any read.
    let padding = "0".repeat(1_000_000);
    client
        .send(format!("{head}{padding}5\r\nhello\r\n0\r\n\r\n"))
        .await;
    assert_problem(&client.read().await.unwrap(), 400, "bad_request");
    house.at_rest().await;
    house.stop().await;
}

#[tokio::test]
async fn what_is_refused_in_a_row_of_requests_harms_no_other() {
    let origin = Origin::new(|_| vec![ok(&[b'a'; 300_000])]);
    let route = "[[routes]]\nname = \"all\"\nprimary = \"old\"\nmatch = { path = \"/here\" }\n";
    let backend = crate::support::house::backend_table("old", &[&origin], "");
    let house = Plan::new(format!("{backend}{route}")).start().await;
    let good = "GET /here HTTP/1.1\r\nhost: a\r\n\r\n";
    let lost = "GET /lost HTTP/1.1\r\nhost: a\r\n\r\n";
    let head = "HEAD /lost HTTP/1.1\r\nhost: a\r\n\r\n";
    let mut client = house.client().await;
    client
        .send(format!(
            "{good}{lost}{head}{good}{lost}{good}GET /\x01 HTTP/1.1\r\n\r\n"
        ))
        .await;
    for status in [200, 404, 0, 200, 404, 200] {
        if status == 0 {
            let head = client.read_head().await;
            assert!(head.first.contains(" 404 "), "{}", head.first);
            continue;
        }
        let answer = client.read().await.unwrap();
        assert_eq!(answer.status, status);
        if status == 200 {
            assert_eq!(answer.body.len(), 300_000);
        }
    }
    assert_problem(&client.read().await.unwrap(), 400, "bad_request");
    assert_eq!(house.faults(Fault::NoRoute), 3);
    house.at_rest().await;
    house.stop().await;
}
