//! Whatever a client names as its target, only backends of the file are connected to.

use super::recorder::Recorder;
use super::support::client::Client;
use super::support::house::{Plan, backend_table};
use super::support::origin::Origin;

#[tokio::test]
async fn no_request_leads_anywhere_but_to_a_backend() {
    let recorder = Recorder::start().await;
    // Would answer whoever is led astray.
    let other = Origin::saying("astray");
    let text = format!(
        "[backends.old]\nendpoints = [\"http://{}\"]\n[[routes]]\nname = \"all\"\nprimary = \"old\"\n",
        recorder.address
    );
    let house = Plan::new(text).start().await;
    let at = other.address;
    let mut served = 0;
    for (line, host) in [
        (format!("GET http://{at}/p HTTP/1.1"), at.to_string()),
        (format!("GET http://{at}/p HTTP/1.1"), "a".to_owned()),
        (format!("GET https://{at}/p HTTP/1.1"), at.to_string()),
        ("GET /p HTTP/1.1".to_owned(), at.to_string()),
        (format!("GET //{at}/p HTTP/1.1"), "a".to_owned()),
        (format!("GET /http://{at}/p HTTP/1.1"), "a".to_owned()),
        (format!("GET /@{at}/p HTTP/1.1"), "a".to_owned()),
        (format!("CONNECT {at} HTTP/1.1"), at.to_string()),
        (format!("GET {at} HTTP/1.1"), at.to_string()),
        (format!("GET @{at}/ HTTP/1.1"), "a".to_owned()),
        (format!("GET http://a@{at}/ HTTP/1.1"), "a".to_owned()),
        (format!("OPTIONS http://{at} HTTP/1.1"), at.to_string()),
    ] {
        let mut client: Client = house.client().await;
        client.send(format!("{line}\r\nHost: {host}\r\n\r\n")).await;
        let answer = client.read().await.unwrap();
        assert_ne!(answer.text(), "astray", "{line}");
        served += usize::from(answer.status == 200);
    }
    assert_eq!(other.accepted(), 0);
    house.at_rest().await;
    house.stop().await;
    let (whole, wrong) = recorder.take().await;
    assert!(wrong.is_empty(), "{wrong:?}");
    assert_eq!((whole.len(), served), (8, 8));
}

#[tokio::test]
async fn a_host_chooses_a_route_and_never_an_address() {
    let (one, two) = (Origin::saying("one"), Origin::saying("two"));
    let text = backend_table("one", &[&one], "")
        + &backend_table("two", &[&two], "")
        + "[[routes]]\nname = \"two\"\nprimary = \"two\"\nmatch = { host = \"two.test\" }\n\
           [[routes]]\nname = \"rest\"\nprimary = \"one\"\n";
    let house = Plan::new(text).start().await;
    for (target, host, served) in [
        ("/", "two.test", "two"),
        ("/", "TWO.test.:80", "two"),
        ("/", "one.test", "one"),
        // The target speaks louder than the header, for the route as for the backend.
        ("http://two.test/", "one.test", "two"),
        ("http://one.test/", "two.test", "one"),
    ] {
        let mut client = house.client().await;
        client
            .send(format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n"))
            .await;
        assert_eq!(
            client.read().await.unwrap().text(),
            served,
            "{target} {host}"
        );
    }
    let named = one.seen().pop().unwrap();
    assert_eq!(named.head.all("host"), ["one.test"]);
    house.stop().await;
}
