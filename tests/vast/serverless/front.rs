//! The front of Vast.ai for clients of the OpenAI API.

use figshift::stats::Reason;

use super::stand::{has_key, post};
use crate::support::house::{House, Plan, backend_table};
use crate::support::origin::{Do, Origin, Seen, ok, status};
use crate::support::vast::KEY;

/// A house before that front.
async fn before(front: &Origin, old: Option<&Origin>, path: &str) -> House {
    let new = format!(
        "[backends.new.serverless]\nendpoint = \"shop-llm\"\nmode = \"openai\"\napi_key = {KEY:?}\nfront = \"{}{path}\"\n",
        front.url()
    );
    let rest = match old {
        Some(old) => format!(
            "{}{new}[[routes]]\nname = \"all\"\nprimary = \"old\"\ncandidate = \"new\"\npercent = 100\n",
            backend_table("old", &[old], "")
        ),
        None => format!("{new}[[routes]]\nname = \"all\"\nprimary = \"new\"\n"),
    };
    let house = Plan::new(rest).start().await;
    has_key(&house).await;
    house
}

fn answers(seen: &Seen) -> Vec<Do> {
    let bearer = format!("Bearer {KEY}");
    match seen.head.all("authorization")[..] == [&*bearer] {
        true => vec![ok(b"front")],
        false => vec![status("401 Unauthorized", &[], b"")],
    }
}

const CREDENTIALS: [&str; 5] = [
    "authorization: Bearer the-token-of-a-client",
    "cookie: sid=the-cookie-of-a-client",
    "x-api-key: the-api-key-of-a-client",
    "x-forwarded-for: 198.51.100.77",
    "x-real-ip: 198.51.100.77",
];

#[tokio::test]
async fn it_is_asked_below_the_endpoints_path_with_the_accounts_key() {
    let front = Origin::new(answers);
    for (path, target) in [("", "/shop-llm"), ("/base/", "/base/shop-llm")] {
        let house = before(&front, None, path).await;
        let answer = post(&house, &CREDENTIALS).await;
        assert_eq!((answer.status, answer.text().as_str()), (200, "front"));
        let seen = front.seen().pop().unwrap();
        assert_eq!(seen.target(), format!("{target}/v1/chat/completions"));
        assert_eq!(
            seen.body,
            super::stand::BODY.as_bytes(),
            "without an envelope"
        );
        let told = format!("{:?}", seen.head.lines);
        for private in ["of-a-client", "198.51.100.77", "127.0.0.1\"", "orwarded"] {
            assert!(!told.contains(private), "{private}: {told}");
        }
        assert_eq!(seen.head.get("host"), Some(&*front.address.to_string()));
        // It carries what no worker could.
        assert_eq!(house.get("/v1/models").await.text(), "front");
        assert_eq!(
            front.seen().pop().unwrap().target(),
            format!("{target}/v1/models")
        );
        house.stop().await;
    }
}

#[tokio::test]
async fn the_other_side_gets_what_the_client_has_sent() {
    let front = Origin::new(|_| vec![status("401 Unauthorized", &[], b"")]);
    let old = Origin::saying("old");
    let house = before(&front, Some(&old), "").await;
    let answer = post(&house, &CREDENTIALS).await;
    assert_eq!((answer.status, answer.text().as_str()), (200, "old"));
    let seen = old.seen().pop().unwrap();
    assert_eq!(seen.target(), super::stand::CHAT);
    assert_eq!(
        seen.head.get("authorization"),
        Some("Bearer the-token-of-a-client")
    );
    assert_eq!(seen.head.get("cookie"), Some("sid=the-cookie-of-a-client"));
    assert_eq!(seen.head.get("x-forwarded-for"), Some("127.0.0.1"));
    assert!(!format!("{:?}", seen.head).contains(KEY));
    assert_eq!(house.candidate().fallbacks(Reason::Refused), 1);
    front.kill().await;
    assert_eq!(post(&house, &CREDENTIALS).await.text(), "old");
    let seen = old.seen().pop().unwrap();
    assert!(format!("{:?}", seen.head).contains("the-token-of-a-client"));
    house.stop().await;
}
