//! Health checks look at certificates as requests do.

use std::sync::Arc;

use figshift::snapshot::Endpoint;

use super::far::Far;
use crate::support::eventually;
use crate::support::house::{House, Plan};
use crate::support::tls::Authority;

async fn checked(far: &Far, ca: &Authority, lines: &str) -> House {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca.pem");
    std::fs::write(&path, ca.pem()).unwrap();
    let rest = format!(
        "[backends.old]\nendpoints = [{:?}]\n\
         health = {{ path = \"/well\", interval = \"100ms\", timeout = \"100ms\", healthy = 1, unhealthy = 1 }}\n\
         tls.ca = [{path:?}]\n{lines}\n[[routes]]\nname = \"all\"\nprimary = \"old\"\n",
        far.url()
    );
    Plan::new(rest).start_in(folder).await.unwrap()
}

fn endpoint(house: &House) -> Arc<Endpoint> {
    let snapshot = house.app.publisher.current();
    Arc::clone(&snapshot.backends[0].members[0].endpoint)
}

#[tokio::test]
async fn an_endpoint_is_asked_by_tls() {
    let ca = Authority::new();
    for (alpn, lines) in [
        (&["h2", "http/1.1"][..], "protocol = \"auto\""),
        (&["h2"], "protocol = \"h2\""),
        (&["http/1.1"], "protocol = \"h1\""),
        (&[], "tls.name = \"llm.test\""),
    ] {
        let san = if alpn.is_empty() {
            "llm.test"
        } else {
            "127.0.0.1"
        };
        let far = Far::with(&ca.issue(&[san]), alpn, None).await;
        let house = checked(&far, &ca, lines).await;
        eventually("it is asked", || far.requests().len() >= 3).await;
        assert!(endpoint(&house).fitness.sight().healthy, "{lines}");
        let request = far.requests().remove(0);
        assert_eq!(request.uri.path(), "/well");
        let authority = request.uri.authority().map(ToString::to_string);
        let host = request
            .headers
            .get("host")
            .map(|host| host.to_str().unwrap().to_owned());
        assert_eq!(authority.or(host), Some(far.address.to_string()));
        house.stop().await;
    }
}

#[tokio::test]
async fn who_is_not_believed_is_not_well() {
    let (ca, other) = (Authority::new(), Authority::new());
    let far = Far::new(&other.issue(&["127.0.0.1"])).await;
    let house = checked(&far, &ca, "").await;
    let endpoint = endpoint(&house);
    eventually("it is out", || !endpoint.fitness.sight().healthy).await;
    assert!(far.requests().is_empty());
    // Its checks follow what is believed.
    std::fs::write(house.folder.path().join("ca.pem"), other.pem()).unwrap();
    eventually("it is back", || endpoint.fitness.sight().healthy).await;
    house.stop().await;
}
