//! Clients that behave, while somebody else does not.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;

use crate::support::client::{Answer, Client};
use crate::support::house::House;

/// No single request may take longer, on a machine that is busy with other tests.
const LONGEST: Duration = Duration::from_secs(2);

/// One that asks again and again on a connection of its own, until the end.
pub(crate) struct Others {
    over: Arc<AtomicBool>,
    served: Arc<AtomicUsize>,
    asking: JoinHandle<()>,
}

impl Others {
    pub(crate) async fn begin(house: &House, target: &'static str) -> Self {
        let (over, served) = (Arc::<AtomicBool>::default(), Arc::<AtomicUsize>::default());
        let (end, count) = (Arc::clone(&over), Arc::clone(&served));
        let mut client: Client = house.client().await;
        let asking = tokio::spawn(async move {
            while !end.load(SeqCst) {
                let since = Instant::now();
                let answer: Answer = client.get(target).await;
                assert_eq!(answer.status, 200);
                assert!(since.elapsed() < LONGEST, "{:?}", since.elapsed());
                count.fetch_add(1, SeqCst);
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        Self {
            over,
            served,
            asking,
        }
    }

    /// How many were served, every one of them in time.
    pub(crate) async fn end(self) -> usize {
        crate::support::eventually("somebody is served", || {
            self.served.load(SeqCst) > 10 || self.asking.is_finished()
        })
        .await;
        self.over.store(true, SeqCst);
        self.asking.await.unwrap();
        self.served.load(SeqCst)
    }
}

/// Asserts that an answer is a problem document of ours.
#[track_caller]
pub(crate) fn assert_problem(answer: &Answer, status: u16, reason: &str) {
    assert_eq!(answer.status, status, "{}", answer.text());
    assert_eq!(answer.reason(), Some(reason));
    assert_eq!(answer.get("content-type"), Some("application/problem+json"));
    let document: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(document["status"], status);
    assert_eq!(document["reason"], reason);
    assert_eq!(document["request_id"], answer.get("x-request-id").unwrap());
}

/// What a scraper sees.
pub(crate) async fn metrics(admin: std::net::SocketAddr) -> String {
    let mut client = Client::new(admin).await;
    client
        .send("GET /metrics HTTP/1.1\r\nhost: localhost\r\n\r\n")
        .await;
    client.read().await.unwrap().text()
}
