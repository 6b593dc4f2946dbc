//! The ways to know an instance by TLS, with an authority of the profile of Vast.ai's.

use std::net::SocketAddr;
use std::path::Path;

use ring::digest::{SHA256, digest};

use crate::stage::{LABEL, PORT, plan, ready, service};
use crate::support::eventually;
use crate::support::house::House;
use crate::support::origin::Origin;
use crate::support::tls::{Authority, Issued, tls_showing};
use crate::support::vast::{Row, VastAi};

/// Where the instance is.
const IP: &str = "127.0.0.1";

/// A house whose only instance is there, known in this way.
async fn house(address: SocketAddr, scheme: &str, tls: &str) -> (VastAi, House) {
    let (vast, old) = (VastAi::new(), Origin::saying("old"));
    vast.put(Row::new(1).label(LABEL).running().at(PORT, address));
    let mut plan = plan(&vast, &old, 100, tls);
    let port = format!("port = {PORT}\n");
    let scheme = format!("{port}scheme = \"{scheme}\"\n");
    plan.rest = plan.rest.replace(&port, &scheme);
    let house = plan.start().await;
    (vast, house)
}

/// Whether the instance gets traffic; if not, why not.
async fn outcome(address: SocketAddr, scheme: &str, tls: &str) -> Result<(), String> {
    let (_vast, house) = house(address, scheme, tls).await;
    let place = ("new".to_owned(), "vastai:1".to_owned());
    let doubt = || house.app.finds.doubts.load().get(&place).cloned();
    eventually("it is known or not", || {
        !ready(&house).is_empty() || doubt().is_some()
    })
    .await;
    let doubt = doubt();
    if doubt.is_none() {
        assert_eq!(house.get("/").await.text(), "new");
    }
    house.stop().await;
    doubt.map_or(Ok(()), Err)
}

fn refuses(outcome: Result<(), String>, part: &str) {
    let why = outcome.expect_err(part);
    assert!(why.contains(part), "{why}");
}

fn file(folder: &Path, name: &str, authorities: &[&Authority]) -> String {
    let path = folder.join(name);
    let text: String = authorities
        .iter()
        .map(|authority| authority.pem())
        .collect();
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

fn pin(bytes: &[u8]) -> String {
    let digest = digest(&SHA256, bytes);
    digest
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[tokio::test]
async fn each_way_accepts_and_refuses_what_it_must() {
    let (root, old_root, stranger) = (
        Authority::like_vast(),
        Authority::like_vast(),
        Authority::new(),
    );
    let folder = tempfile::tempdir().unwrap();
    let ours = file(folder.path(), "vast.pem", &[&old_root, &root]);
    let theirs = file(folder.path(), "other.pem", &[&stranger]);
    let new = service("new");
    let by_ip = root.issue(&[IP]);
    let by_zero = root.issue(&["0.0.0.0"]);
    let by_itself = Issued::by_itself(&["0.0.0.0"]);
    let named = root.issue(&["llm.example.com"]);
    let (ip, zero) = (
        tls_showing(&new, &by_ip).await,
        tls_showing(&new, &by_zero).await,
    );
    let (own, name) = (
        tls_showing(&new, &by_itself).await,
        tls_showing(&new, &named).await,
    );

    // Plain.
    assert_eq!(outcome(new.address, "http", "").await, Ok(()));
    // An authority and the address.
    let ca = format!("tls = {{ ca = [{ours:?}] }}");
    assert_eq!(outcome(ip, "https", &ca).await, Ok(()));
    refuses(outcome(zero, "https", &ca).await, "not valid for");
    refuses(outcome(own, "https", &ca).await, "UnknownIssuer");
    refuses(
        outcome(name, "https", &ca).await,
        "only valid for DnsName(\"llm.example.com\")",
    );
    let other = format!("tls = {{ ca = [{theirs:?}] }}");
    refuses(outcome(ip, "https", &other).await, "UnknownIssuer");
    refuses(outcome(ip, "https", "").await, "UnknownIssuer");
    // It waits for the rest of a request, as plain HTTP is.
    refuses(
        outcome(new.address, "https", &ca).await,
        "no answer within 1 s",
    );
    // An authority and a configured name.
    let ca = format!("tls = {{ ca = [{ours:?}], name = \"0.0.0.0\" }}");
    assert_eq!(outcome(zero, "https", &ca).await, Ok(()));
    refuses(outcome(ip, "https", &ca).await, "not valid for");
    refuses(outcome(own, "https", &ca).await, "UnknownIssuer");
    // A pinned certificate, or its key.
    for digest in [pin(&by_itself.der()), pin(&by_itself.public_key())] {
        let pinned = format!("tls = {{ pin = [\"sha256:{digest}\"] }}");
        assert_eq!(outcome(own, "https", &pinned).await, Ok(()));
        refuses(outcome(ip, "https", &pinned).await, "not pinned");
    }
    // Off.
    for address in [ip, zero, own, name] {
        assert_eq!(
            outcome(address, "https", "tls = { insecure = true }").await,
            Ok(())
        );
    }
}

#[tokio::test]
async fn another_root_in_the_file_is_believed_without_a_restart() {
    let (root, other) = (Authority::like_vast(), Authority::like_vast());
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path(), "vast.pem", &[&other]);
    let new = service("new");
    let address = tls_showing(&new, &root.issue(&[IP])).await;
    let (_vast, house) = house(address, "https", &format!("tls = {{ ca = [{path:?}] }}")).await;
    let doubts = || house.app.finds.doubts.load().len();
    eventually("it is not believed", || doubts() == 1).await;
    file(folder.path(), "vast.pem", &[&other, &root]);
    eventually("it is believed", || ready(&house) == ["vastai:1"]).await;
    assert_eq!(doubts(), 0);
    house.stop().await;
}
