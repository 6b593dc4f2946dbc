//! Headers as the other end sees them: what belongs to one hop stays there, who asked is said on.

use crate::support::client::request;
use crate::support::house::Plan;
use crate::support::origin::{Origin, ok, status};

#[tokio::test]
async fn headers_of_one_hop_stay_there() {
    let origin = Origin::new(|_| {
        vec![status(
            "200 OK",
            &[
                "connection: x-private, keep-alive",
                "x-private: 1",
                "keep-alive: timeout=5",
                "proxy-authenticate: Basic",
                "proxy-connection: keep-alive",
                "x-public: 2",
                "via: 1.1 inner",
            ],
            b"ok",
        )]
    });
    let house = Plan::alone(&origin, "").start().await;
    let mut client = house.client().await;
    let lines = [
        "connection: x-secret, te",
        "x-secret: 1",
        "keep-alive: timeout=9",
        "proxy-authorization: Basic eA==",
        "proxy-connection: keep-alive",
        "te: gzip",
        "upgrade: h2c",
        "x-figshift-side: candidate",
        "x-open: 2",
        "authorization: Bearer x",
    ];
    let answer = client.get_with("/", &lines).await;
    for gone in [
        "x-private",
        "keep-alive",
        "proxy-authenticate",
        "proxy-connection",
    ] {
        assert_eq!(answer.get(gone), None, "{gone}");
    }
    assert_eq!(answer.get("x-public"), Some("2"));
    assert_eq!(answer.head.all("via"), ["1.1 inner", "1.1 figshift"]);
    let seen = &origin.seen()[0].head;
    for gone in [
        "x-secret",
        "keep-alive",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "upgrade",
        "connection",
        "x-figshift-side",
    ] {
        assert_eq!(seen.get(gone), None, "{gone}");
    }
    assert_eq!(seen.get("x-open"), Some("2"));
    assert_eq!(seen.get("authorization"), Some("Bearer x"));
    house.stop().await;
}

#[tokio::test]
async fn connection_close_of_one_side_is_not_told_to_the_other() {
    let origin = Origin::new(|_| {
        vec![
            status("200 OK", &["connection: close"], b"ok"),
            crate::support::origin::Do::Close,
        ]
    });
    let house = Plan::alone(&origin, "").start().await;
    let mut client = house.client().await;
    for _ in 0..5 {
        let answer = client.get("/").await;
        assert_eq!(answer.text(), "ok");
        assert_eq!(answer.get("connection"), None);
    }
    assert_eq!(origin.accepted(), 5);
    origin.set(|_| vec![ok(b"open")]);
    for _ in 0..2 {
        let mut client = house.client().await;
        let answer = client.get_with("/", &["connection: close"]).await;
        assert_eq!(answer.text(), "open");
        assert!(client.is_closed().await);
    }
    assert_eq!(origin.accepted(), 6);
    house.stop().await;
}

#[tokio::test]
async fn who_asked_is_said_to_the_backend() {
    let origin = Origin::saying("ok");
    let house = Plan::alone(&origin, "").start().await;
    let mut client = house.client().await;
    let claims = [
        "x-forwarded-for: 6.6.6.6",
        "x-forwarded-proto: https",
        "x-forwarded-host: evil",
        "forwarded: for=6.6.6.6",
    ];
    let answer = client.get_with("/", &claims).await;
    let seen = &origin.seen()[0].head;
    assert_eq!(seen.all("x-forwarded-for"), ["127.0.0.1"]);
    assert_eq!(seen.all("x-forwarded-proto"), ["http"]);
    assert_eq!(seen.all("x-forwarded-host"), ["test"]);
    assert_eq!(
        seen.all("forwarded"),
        ["for=127.0.0.1;proto=http;host=\"test\""]
    );
    assert_eq!(seen.all("via"), ["1.1 figshift"]);
    let id = seen.get("x-request-id").unwrap();
    assert_eq!(answer.head.all("x-request-id"), [id]);
    house.stop().await;
}

#[tokio::test]
async fn claims_of_a_trusted_peer_are_extended() {
    let origin = Origin::saying("ok");
    let plan = Plan::alone(&origin, "").listen("trusted = [\"127.0.0.0/8\"]");
    let house = plan.start().await;
    let mut client = house.client().await;
    let claims = [
        "x-forwarded-for: 6.6.6.6",
        "x-forwarded-proto: https",
        "x-forwarded-host: outer",
        "forwarded: for=6.6.6.6",
        "via: 1.0 edge",
        "x-request-id: mine-1",
    ];
    let answer = client.get_with("/", &claims).await;
    let seen = &origin.seen()[0].head;
    assert_eq!(seen.all("x-forwarded-for"), ["6.6.6.6, 127.0.0.1"]);
    assert_eq!(seen.all("x-forwarded-proto"), ["https"]);
    assert_eq!(seen.all("x-forwarded-host"), ["outer"]);
    assert_eq!(
        seen.all("forwarded"),
        ["for=6.6.6.6, for=127.0.0.1;proto=http;host=\"test\""]
    );
    assert_eq!(seen.all("via"), ["1.0 edge", "1.1 figshift"]);
    assert_eq!(seen.all("x-request-id"), ["mine-1"]);
    assert_eq!(answer.get("x-request-id"), Some("mine-1"));
    house.stop().await;
}

#[tokio::test]
async fn the_host_follows_the_policy_of_the_backend() {
    let origin = Origin::saying("ok");
    let authority = origin.address.to_string();
    for (policy, expected) in [
        ("", "test"),
        ("host = \"preserve\"", "test"),
        ("host = \"endpoint\"", authority.as_str()),
        ("host = \"fixed.test\"", "fixed.test"),
    ] {
        let house = Plan::alone(&origin, policy).start().await;
        let mut client = house.client().await;
        for bytes in [
            request("GET", "/", &[], b""),
            // Not repeatable: its head is moved, not copied.
            request("POST", "/", &[], b"x"),
        ] {
            client.send(bytes).await;
            assert_eq!(client.read().await.unwrap().status, 200);
            let seen = origin.seen().pop().unwrap().head;
            assert_eq!(seen.all("host"), [expected], "{policy}");
            assert_eq!(seen.all("x-forwarded-host"), ["test"]);
        }
        house.stop().await;
    }
}

#[tokio::test]
async fn a_fallback_sends_the_host_of_its_own_side() {
    let (old, new) = (Origin::saying("old"), Origin::dead());
    let rest = format!(
        "[backends.old]\nendpoints = [{:?}]\nhost = \"old.test\"\n\
         [backends.new]\nendpoints = [{:?}]\nhost = \"new.test\"\n\
         [[routes]]\nname = \"all\"\nprimary = \"old\"\ncandidate = \"new\"\npercent = 100\n\
         backend_header = true\n",
        old.url(),
        new.url()
    );
    let house = Plan::new(rest).start().await;
    let mut client = house.client().await;
    for method in ["GET", "POST"] {
        let answer = client.request(method, "/", &[], b"x").await.unwrap();
        assert_eq!(answer.text(), "old", "{method}");
        assert_eq!(answer.get("x-figshift-backend"), Some("old"));
        let seen = origin_head(&old);
        assert_eq!(seen.all("host"), ["old.test"], "{method}");
        assert_eq!(seen.all("via"), ["1.1 figshift"]);
        assert_eq!(seen.all("content-length"), ["1"]);
    }
    house.stop().await;
}

fn origin_head(origin: &Origin) -> crate::support::message::Head {
    origin.seen().pop().unwrap().head
}

#[tokio::test]
async fn a_head_has_a_hundred_fields_at_most() {
    let lines = |n: usize| -> Vec<String> { (0..n).map(|n| format!("x-{n}: 1")).collect() };
    let origin = Origin::new(move |seen| {
        let n = seen.target().trim_start_matches('/').parse().unwrap_or(0);
        let lines = lines(n);
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        vec![status("200 OK", &lines, b"ok")]
    });
    let house = Plan::alone(&origin, "").start().await;
    for (sent, answered, code) in [(90, 90, 200), (120, 0, 431), (0, 120, 502)] {
        let lines: Vec<String> = (0..sent).map(|n| format!("x-{n}: 1")).collect();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let mut client = house.client().await;
        let answer = client.get_with(&format!("/{answered}"), &lines).await;
        assert_eq!(answer.status, code, "{sent} sent, {answered} answered");
    }
    assert_eq!(house.get("/").await.status, 200, "others are served");
}
