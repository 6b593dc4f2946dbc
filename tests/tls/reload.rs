//! Certificates are replaced while the house runs.

use std::sync::Arc;

use super::far::Far;
use super::near::{Client, Near};
use super::stand::{house, with};
use crate::support::eventually;
use crate::support::house::{House, Plan};
use crate::support::origin::Origin;
use crate::support::tls::{Authority, Issued};

/// Replaces the pair of the listener, key first.
fn replace(house: &House, issued: &Issued) {
    let beside = tempfile::tempdir_in(house.folder.path()).unwrap();
    let files = issued.write(beside.path(), "0");
    for (from, to) in [(files.key, "0.key"), (files.cert, "0.crt")] {
        std::fs::rename(from, house.folder.path().join(to)).unwrap();
    }
}

#[tokio::test]
async fn a_new_certificate_is_shown_to_new_connections() {
    let origin = Origin::saying("hello");
    let (house, authority) = house(Plan::alone(&origin, ""), "").await;
    let address = house.app.https.unwrap();
    let near = Near::new(&authority);
    let mut old = near.client(address).await;
    assert_eq!(old.get("/").await.unwrap().status, 200);
    let next = authority.issue(&["localhost"]);
    let before = house.standing();
    replace(&house, &next);
    let standing = house.judged(&before).await;
    assert_eq!((standing.applied, standing.refused), (2, 0));
    // The running connection does not notice; a new one sees the new certificate.
    assert_eq!(old.get("/").await.unwrap().status, 200);
    let stranger = Near::new(&authority);
    let mut new = stranger.client(address).await;
    assert_eq!(new.certificate, next.der());
    assert_ne!(old.certificate, new.certificate);
    assert_eq!(new.get("/").await.unwrap().status, 200);
    // Tickets from before are still good.
    let again = near.client(address).await;
    assert!(again.resumed);
    house.stop().await;
}

#[tokio::test]
async fn a_bad_certificate_changes_nothing_and_a_good_one_heals() {
    let origin = Origin::saying("hello");
    let (house, authority) = house(Plan::alone(&origin, ""), "").await;
    let address = house.app.https.unwrap();
    let first = Near::new(&authority).client(address).await.certificate;
    let cert = house.folder.path().join("0.crt");
    for (bad, why) in [
        ("nothing".to_owned(), "there is no certificate in it"),
        (authority.pem(), "it is not the key of the certificate in"),
    ] {
        let before = house.standing();
        std::fs::write(&cert, &bad).unwrap();
        let standing = house.judged(&before).await;
        let figshift::control::Outcome::Refused(text) = &standing.last else {
            panic!("{:?}", standing.last);
        };
        assert!(text.contains(why), "{text}");
        assert!(text.contains("listen.tls.certificates[0]."), "{text}");
        assert_eq!(
            Near::new(&authority).client(address).await.certificate,
            first
        );
    }
    let refused = house.standing().refused;
    let before = house.standing();
    let next = authority.issue(&["localhost"]);
    replace(&house, &next);
    let standing = house.judged(&before).await;
    assert_eq!((standing.applied, standing.refused), (2, refused));
    assert_eq!(
        Near::new(&authority).client(address).await.certificate,
        next.der()
    );
    house.stop().await;
}

#[tokio::test]
async fn what_a_backend_must_show_is_read_again() {
    let (one, two) = (Authority::new(), Authority::new());
    let far = Far::new(&one.issue(&["127.0.0.1"])).await;
    let folder = tempfile::tempdir().unwrap();
    let ca = folder.path().join("ca.pem");
    std::fs::write(&ca, one.pem()).unwrap();
    let rest = format!(
        "[backends.old]\nendpoints = [{:?}]\ntls.ca = [{ca:?}]\n[[routes]]\nname = \"all\"\nprimary = \"old\"\n",
        far.url()
    );
    let house = Plan::new(rest).start_in(folder).await.unwrap();
    assert_eq!(house.get("/").await.text(), "secret");
    assert_eq!(house.get("/").await.text(), "secret");
    assert_eq!(far.met().len(), 1, "one connection");
    let endpoint = {
        let snapshot = house.app.publisher.current();
        Arc::clone(&snapshot.backends[0].members[0].endpoint)
    };
    let before = house.standing();
    std::fs::write(&ca, two.pem()).unwrap();
    house.judged(&before).await;
    // What is connected was checked by what is no longer believed.
    assert_eq!(house.get("/").await.status, 502);
    let snapshot = house.app.publisher.current();
    assert!(Arc::ptr_eq(
        &endpoint,
        &snapshot.backends[0].members[0].endpoint
    ));
    eventually("the old connection is closed", || {
        endpoint
            .cells
            .iter()
            .map(|cell| cell.open.get())
            .sum::<i64>()
            == 0
    })
    .await;
    let before = house.standing();
    std::fs::write(&ca, one.pem()).unwrap();
    house.judged(&before).await;
    assert_eq!(house.get("/").await.text(), "secret");
    house.stop().await;
}

#[tokio::test]
async fn the_address_waits_for_a_restart_and_keeps_its_certificates() {
    let origin = Origin::saying("hello");
    let authority = Authority::new();
    let own = authority.issue(&["localhost"]);
    let house = with(Plan::alone(&origin, ""), &[&own], "").await;
    let mut plan = house.plan.clone();
    plan.listen = String::new();
    let text = plan.text(house.folder.path());
    let standing = house.save_text(&text).await;
    assert_eq!(standing.needs_restart, ["listen.https"]);
    let stream = Near::new(&authority);
    let stream = stream.connect(house.app.https.unwrap(), "localhost").await;
    let mut client = Client::new(stream.unwrap()).await;
    assert_eq!(client.get("/").await.unwrap().status, 200);
    house.stop().await;
}

#[tokio::test]
async fn a_connection_keeps_no_old_state() {
    let origin = Origin::saying("hello");
    let (house, authority) = house(Plan::alone(&origin, ""), "").await;
    let near = Near::new(&authority);
    let mut client = near.client(house.app.https.unwrap()).await;
    // No request yet: those are remembered, with their state.
    let old = Arc::downgrade(&house.app.publisher.current());
    let before = house.standing();
    replace(&house, &authority.issue(&["localhost"]));
    house.judged(&before).await;
    eventually("the old state is gone", || old.strong_count() == 0).await;
    assert_eq!(client.get("/").await.unwrap().status, 200);
    house.stop().await;
}
