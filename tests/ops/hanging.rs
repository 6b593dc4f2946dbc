//! Clients that open the admin port and then say nothing more.

use std::time::{Duration, Instant};

use super::desk::Desk;
use crate::support::client::Client;

/// What the port takes before it gives a client up.
const PATIENCE: Duration = Duration::from_secs(10);

#[tokio::test]
async fn who_hangs_is_left_and_a_probe_is_answered_meanwhile() {
    let desk = Desk::open().await;
    let host = format!("host: {}", desk.port());
    let half_head = format!("GET /livez HTTP/1.1\r\n{host}\r\n");
    let half_body = format!(
        "POST /api/v1/rollback HTTP/1.1\r\n{host}\r\ncontent-type: application/json\r\n\
         content-length: 2\r\n\r\n{{"
    );
    let begun = Instant::now();
    let mut hanging = Vec::new();
    for half in ["", &half_head, &half_body].into_iter().cycle().take(200) {
        let mut client = Client::new(desk.port()).await;
        client.send(half).await;
        hanging.push((half, client));
    }
    assert_eq!(desk.raw("GET /readyz", &[&host], "").await.status, 200);
    assert!(begun.elapsed() < PATIENCE, "they still hang");
    for (half, mut client) in hanging {
        match client.read().await {
            Ok(answer) => assert_eq!(answer.status, 408, "{half}"),
            Err(cut) => assert!(!half.contains("POST"), "{half} {cut:?}"),
        }
    }
    assert!(begun.elapsed() >= PATIENCE);
    assert_eq!(desk.in_force(), 2_500);
}
