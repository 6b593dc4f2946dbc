//! Plain requests are sent to the port of TLS.

use figshift::stats::Fault;

use super::near::Near;
use super::stand::{house, sum};
use crate::support::client::request;
use crate::support::house::Plan;
use crate::support::origin::Origin;

#[tokio::test]
async fn what_comes_without_tls_is_sent_there() {
    for (lines, location) in [
        ("redirect_port = 443", "https://test/a?b=c"),
        ("redirect_port = 8443", "https://test:8443/a?b=c"),
    ] {
        let origin = Origin::saying("hello");
        let lines = format!("redirect = true\nhsts = \"1d\"\n{lines}");
        let (house, authority) = house(Plan::alone(&origin, ""), &lines).await;
        for method in ["GET", "POST"] {
            let mut client = house.client().await;
            let answer = client.request(method, "/a?b=c", &[], b"").await.unwrap();
            assert_eq!(answer.status, 308);
            assert_eq!(answer.get("location"), Some(location));
            assert_eq!(answer.get("x-figshift-reason"), Some("redirect"));
            assert_eq!(answer.get("strict-transport-security"), None);
            assert!(answer.get("x-request-id").is_some());
        }
        assert_eq!((house.faults(Fault::Redirect), origin.count()), (2, 0));
        let mut client = Near::new(&authority).client(house.app.https.unwrap()).await;
        assert_eq!(client.get("/").await.unwrap().text(), "hello");
        let mut nameless = house.client().await;
        nameless.send(b"GET / HTTP/1.0\r\n\r\n".to_vec()).await;
        assert_eq!(nameless.read().await.unwrap().status, 400);
        assert_eq!(sum(&house, |cell| cell.tls_handshakes.get()), 1);
        house.stop().await;
        assert_eq!(origin.count(), 1);
    }
}

#[tokio::test]
async fn a_trusted_peer_that_has_ended_tls_is_not_sent_away() {
    let origin = Origin::saying("hello");
    let trusted = Plan::alone(&origin, "").listen("trusted = [\"127.0.0.0/8\"]");
    let (trusting, _) = house(trusted, "redirect = true").await;
    let (other, _) = house(Plan::alone(&origin, ""), "redirect = true").await;
    for (house, proto, status) in [
        (&trusting, "x-forwarded-proto: https", 200),
        (&trusting, "x-forwarded-proto: http", 308),
        (&trusting, "x-other: 1", 308),
        (&other, "x-forwarded-proto: https", 308),
    ] {
        let mut client = house.client().await;
        client.send(request("GET", "/", &[proto], b"")).await;
        assert_eq!(client.read().await.unwrap().status, status, "{proto}");
    }
    trusting.stop().await;
    other.stop().await;
}
