//! The listener for TLS: whom it is, whom it lets in, and what backends and browsers hear of it.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::near::{Client, Near};
use super::stand::{house, listening, sum, with};
use crate::support::house::{House, Plan};
use crate::support::origin::{Origin, ok, status};
use crate::support::tls::Authority;
use crate::support::{eventually, soon};

#[tokio::test]
async fn both_protocols_are_served_and_backends_hear_of_tls() {
    let origin = Origin::saying("hello");
    let (house, authority) = house(Plan::alone(&origin, ""), "").await;
    let address = house.app.https.unwrap();
    for (alpn, h2) in [
        (&["h2", "http/1.1"][..], true),
        (&["http/1.1"], false),
        (&[], false),
    ] {
        let near = Near::with(&authority, alpn, None);
        let mut client = near.client(address).await;
        assert_eq!(client.is_h2(), h2, "{alpn:?}");
        let answer = client.get("/").await.unwrap();
        assert_eq!((answer.status, answer.text()), (200, "hello"));
        assert_eq!(answer.get("strict-transport-security"), None);
        let seen = origin.seen().pop().unwrap().head;
        assert_eq!(seen.all("x-forwarded-proto"), ["https"]);
        let forwarded = "for=127.0.0.1;proto=https;host=\"localhost\"";
        assert_eq!(seen.all("forwarded"), [forwarded]);
    }
    assert_eq!(house.get("/").await.text(), "hello", "without TLS, too");
    let seen = origin.seen().pop().unwrap().head;
    assert_eq!(seen.all("x-forwarded-proto"), ["http"]);
    assert_eq!(sum(&house, |cell| cell.tls_handshakes.get()), 3);
    assert_eq!(sum(&house, |cell| cell.tls_handshake_failures.get()), 0);
    house.stop().await;
}

#[tokio::test]
async fn the_name_chooses_the_certificate() {
    let origin = Origin::saying("hello");
    let authority = Authority::new();
    let first = authority.issue(&["first.test", "localhost"]);
    let second = authority.issue(&["second.test", "*.wild.test"]);
    let third = authority.issue(&["exact.wild.test"]);
    let house = with(Plan::alone(&origin, ""), &[&first, &second, &third], "").await;
    let address = house.app.https.unwrap();
    let near = Near::new(&authority);
    for (name, whose) in [
        ("first.test", &first),
        ("second.test", &second),
        ("SECOND.test", &second),
        ("a.wild.test", &second),
        ("exact.wild.test", &third),
    ] {
        let stream = near.connect(address, name).await.unwrap();
        let mut client = Client::new(stream).await;
        assert_eq!(client.certificate, whose.der(), "{name}");
        assert_eq!(client.get("/").await.unwrap().status, 200);
    }
    // The first one, which is for another name: the client says no.
    for name in ["unknown.test", "a.b.wild.test"] {
        let refused = near.connect(address, name).await.unwrap_err();
        assert!(
            refused.to_string().contains("not valid for name"),
            "{refused}"
        );
    }
    // No name is sent for an address.
    let refused = near.connect(address, "127.0.0.1").await.unwrap_err();
    assert!(refused.to_string().contains("first.test"), "{refused}");
    house.stop().await;
}

#[tokio::test]
async fn the_second_handshake_is_resumed() {
    let origin = Origin::saying("hello");
    let (house, authority) = house(Plan::alone(&origin, "").workers(2), "").await;
    let address = house.app.https.unwrap();
    let near = Near::new(&authority);
    for visit in 0..4 {
        let mut client = near.client(address).await;
        assert_eq!(client.get("/").await.unwrap().status, 200);
        assert_eq!(client.resumed, visit > 0, "{visit}");
    }
    assert_eq!(sum(&house, |cell| cell.tls_resumed.get()), 3);
    house.stop().await;
}

/// A house that asks clients for certificates, and the authorities of both sides.
async fn asking(origin: &Origin, how: &str) -> (House, Authority, Authority) {
    let (authority, clients) = (Authority::new(), Authority::new());
    let folder = tempfile::tempdir().unwrap();
    let ca = folder.path().join("clients.pem");
    std::fs::write(&ca, clients.pem()).unwrap();
    let own = authority.issue(&["localhost"]);
    let lines = format!("client_auth = {how:?}\nclient_ca = {ca:?}");
    let plan = listening(Plan::alone(origin, ""), &folder, &[&own], &lines);
    (plan.start_in(folder).await.unwrap(), authority, clients)
}

/// A client's first request: with TLS 1.3 it learns only then that it is not let in.
async fn first_request(near: &Near, house: &House) -> Result<u16, String> {
    let stream = near.connect(house.app.https.unwrap(), "localhost").await;
    let mut client = Client::new(stream.map_err(|error| error.to_string())?).await;
    let answer = client.get("/").await;
    answer
        .map(|answer| answer.status)
        .map_err(|error| error.to_string())
}

#[tokio::test]
async fn clients_show_certificates() {
    let origin = Origin::saying("hello");
    for (how, without) in [("required", false), ("optional", true)] {
        let (house, authority, clients) = asking(&origin, how).await;
        let alpn = &["http/1.1"];
        let (good, bad) = (clients.issue(&["me"]), Authority::new().issue(&["me"]));
        let known = Near::with(&authority, alpn, Some(&good));
        assert_eq!(first_request(&known, &house).await, Ok(200));
        let stranger = Near::with(&authority, alpn, Some(&bad));
        assert!(first_request(&stranger, &house).await.is_err());
        let nobody = Near::with(&authority, alpn, None);
        assert_eq!(
            first_request(&nobody, &house).await.is_ok(),
            without,
            "{how}"
        );
        let failures = if without { 1 } else { 2 };
        eventually("the failures are counted", || {
            sum(&house, |cell| cell.tls_handshake_failures.get()) == failures
        })
        .await;
        house.stop().await;
    }
    assert_eq!(origin.count(), 3);
}

#[tokio::test]
async fn a_stalled_handshake_is_ended() {
    let origin = Origin::saying("hello");
    let plan = Plan::alone(&origin, "").listen("handshake = \"300ms\"");
    let (house, authority) = house(plan, "").await;
    let address = house.app.https.unwrap();
    for first in [&b""[..], b"\x16\x03\x01\x02\x00\x01\x00"] {
        let before = sum(&house, |cell| cell.tls_handshake_failures.get());
        let mut stalled = TcpStream::connect(address).await.unwrap();
        stalled.write_all(first).await.unwrap();
        let end = soon("the end", stalled.read_to_end(&mut Vec::new())).await;
        assert!(end.is_ok(), "{end:?}");
        eventually("it is counted", || {
            sum(&house, |cell| cell.tls_handshake_failures.get()) == before + 1
        })
        .await;
    }
    let mut client = Near::new(&authority).client(address).await;
    assert_eq!(client.get("/").await.unwrap().status, 200);
    eventually("they are gone", || house.clients() <= 1).await;
    house.stop().await;
}

#[tokio::test]
async fn what_is_no_tls_is_refused_and_a_look_is_no_failure() {
    let origin = Origin::saying("hello");
    let (house, _) = house(Plan::alone(&origin, ""), "").await;
    let address = house.app.https.unwrap();
    drop(TcpStream::connect(address).await.unwrap());
    let mut plain = TcpStream::connect(address).await.unwrap();
    plain
        .write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
        .await
        .unwrap();
    let mut said = Vec::new();
    let _ = soon("the end", plain.read_to_end(&mut said)).await;
    assert!(!said.starts_with(b"HTTP"), "{said:?}");
    eventually("nobody is left", || house.clients() == 0).await;
    assert_eq!(sum(&house, |cell| cell.tls_handshake_failures.get()), 1);
    assert_eq!(
        (sum(&house, |cell| cell.accepted.get()), origin.count()),
        (2, 0)
    );
    house.stop().await;
}

#[tokio::test]
async fn browsers_hear_that_they_shall_use_tls_only() {
    let origin = Origin::new(|seen| match seen.target() {
        "/own" => vec![status(
            "200 OK",
            &["strict-transport-security: max-age=1"],
            b"",
        )],
        _ => vec![ok(b"hello")],
    });
    let (house, authority) = house(Plan::alone(&origin, ""), "hsts = \"180d\"").await;
    for alpn in [&["h2"][..], &["http/1.1"]] {
        let near = Near::with(&authority, alpn, None);
        let mut client = near.client(house.app.https.unwrap()).await;
        for (path, said) in [("/", "max-age=15552000"), ("/own", "max-age=1")] {
            let answer = client.get(path).await.unwrap();
            let all = answer.headers.get_all("strict-transport-security");
            let all: Vec<_> = all.iter().collect();
            assert_eq!(all, [said], "{path}");
        }
    }
    let plain = house.get("/").await;
    assert_eq!(plain.get("strict-transport-security"), None);
    house.stop().await;
}
