//! gRPC: how a call ended stands behind a status of 200.

use bytes::Bytes;
use figshift::stats::{Class, Fault};
use http::{HeaderMap, HeaderValue};
use http_body::Frame;

use super::far::{Far, Origin};
use super::near::{Client, Fed, Near, Whole};
use crate::support::eventually;
use crate::support::house::{House, Plan};

const CALL: [(&str, &str); 2] = [("content-type", "application/grpc"), ("te", "trailers")];

/// The trailers of a call that ended with this code; 99 for none.
pub(super) fn call(code: usize) -> Option<HeaderMap> {
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from(code as u64));
    (code != 99).then_some(trailers)
}

/// A house over one origin that does not say what it speaks.
async fn house(origin: &Origin) -> House {
    let table = origin.table("old", "");
    let route = "[[routes]]\nname = \"all\"\nmatch = { path = \"/*\" }\nprimary = \"old\"\n";
    Plan::new(format!("{table}{route}")).start().await
}

async fn calls(client: &mut Client, path: &str) -> Whole {
    let body = Fed::whole(b"message".to_vec());
    let response = client.send_with("POST", path, &CALL, body).await.unwrap();
    Whole::read(response).await.unwrap()
}

#[tokio::test]
async fn how_a_call_ended_is_its_class() {
    let origin = Origin::start(Far::H2).await;
    let house = house(&origin).await;
    let mut client = Client::new(Near::H2, house.app.http).await;
    for (code, class) in [
        (0, Class::Ok),
        (3, Class::ClientError),
        (8, Class::Capacity),
        (13, Class::ServerError),
        (14, Class::ServerError),
        (99, Class::ServerError),
    ] {
        let before = house.primary().attempts(class);
        let whole = calls(&mut client, &format!("/grpc/{code}")).await;
        assert_eq!((whole.status, &whole.body[..]), (200, &b"message"[..]));
        let told = whole
            .trailers
            .map(|trailers| trailers["grpc-status"].clone());
        let code_told = told.map(|told| told.to_str().unwrap().to_owned());
        assert_eq!(code_told, (code != 99).then(|| code.to_string()));
        eventually("it is counted", || {
            house.primary().attempts(class) == before + 1
        })
        .await;
    }
    // All in the head.
    let before = house.primary().attempts(Class::ServerError);
    let whole = calls(&mut client, "/grpc-refused/14").await;
    assert_eq!(whole.get("grpc-status"), Some("14"));
    eventually("it is counted", || {
        house.primary().attempts(Class::ServerError) == before + 1
    })
    .await;
    house.stop().await;
}

#[tokio::test]
async fn messages_pass_both_ways_while_the_call_goes_on() {
    let origin = Origin::start(Far::H2).await;
    let house = house(&origin).await;
    let mut client = Client::new(Near::H2, house.app.http).await;
    let (feed, body) = Fed::new();
    let response = client
        .send_with("POST", "/grpc/0", &CALL, body)
        .await
        .unwrap();
    let mut back = response.into_body();
    for _ in 0..10 {
        use http_body_util::BodyExt as _;
        feed.send(Ok(Frame::data(Bytes::from_static(b"m"))))
            .await
            .unwrap();
        let frame = crate::support::soon("a message", back.frame()).await;
        assert_eq!(frame.unwrap().unwrap().into_data().unwrap(), "m");
    }
    drop(feed);
    house.stop().await;
}

#[tokio::test]
async fn what_figshift_answers_by_itself_is_the_end_of_a_call() {
    let dead = Origin::start(Far::H2).await;
    let table = "[backends.old]\nendpoints = [\"http://127.0.0.1:1\"]\n";
    let route = "[[routes]]\nname = \"all\"\nmatch = { path = \"/here/*\" }\nprimary = \"old\"\n";
    let house = Plan::new(format!("{table}{route}")).start().await;
    let mut client = Client::new(Near::H2, house.app.http).await;
    for (path, code, reason) in [
        ("/here/x", "14", Fault::Connect.as_str()),
        ("/nowhere", "12", Fault::NoRoute.as_str()),
    ] {
        let whole = calls(&mut client, path).await;
        assert_eq!(whole.status, 200, "{path}");
        assert_eq!(whole.get("content-type"), Some("application/grpc"));
        assert_eq!(whole.get("grpc-status"), Some(code), "{path}");
        assert_eq!(whole.get("x-figshift-reason"), Some(reason));
        assert!(whole.get("grpc-message").unwrap().len() > 10);
        assert!(whole.body.is_empty());
    }
    assert_eq!(dead.count(), 0);
    house.stop().await;
}

#[tokio::test]
async fn a_call_that_is_refused_by_status_falls_back() {
    let (old, new) = (Origin::start(Far::H2).await, Origin::start(Far::H2).await);
    let text = format!(
        "{}{}[[routes]]\nname = \"all\"\nprimary = \"old\"\ncandidate = \"new\"\npercent = 100\n\
         fallback_on = [\"503\"]\nidempotent = true\n",
        old.table("old", ""),
        new.table("new", "")
    );
    let house = Plan::new(text).start().await;
    let mut client = Client::new(Near::H2, house.app.http).await;
    // The path is the same for both, and so is the refusal: it is tried once on each.
    let whole = calls(&mut client, "/grpc-refused/14").await;
    assert_eq!(whole.get("grpc-status"), Some("14"));
    assert_eq!((new.count(), old.count()), (1, 1));
    house.stop().await;
}

#[tokio::test]
async fn calls_that_fail_in_their_trailers_open_the_breaker() {
    let origin = Origin::start(Far::H2).await;
    let house = house(&origin).await;
    let mut client = Client::new(Near::H2, house.app.http).await;
    let fitness = || {
        let snapshot = house.app.publisher.current();
        snapshot.backends[0].members[0].endpoint.fitness.sight()
    };
    for n in 1..=5 {
        assert_eq!(fitness().trips, 0, "after {n}");
        let response = client
            .send_with("POST", "/grpc/14", &CALL, Fed::none())
            .await;
        let whole = Whole::read(response.unwrap()).await.unwrap();
        assert_eq!(whole.trailers.unwrap()["grpc-status"], "14");
        eventually("it is counted", || {
            house.primary().attempts(Class::ServerError) == n
        })
        .await;
    }
    assert_eq!(fitness().trips, 1);
    house.stop().await;
}
