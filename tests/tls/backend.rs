//! Backends with TLS: whom they have to be, and what they are shown. The letters are those of the
//! ways in which Vast.ai's instances can be reached.

use figshift::stats::Fault;

use super::far::Far;
use crate::support::house::{House, Plan};
use crate::support::logs::{listen_to_logs, logged};
use crate::support::tls::{Authority, Issued};
use figshift::tls::digest;

/// A house with one backend; `NAME.pem` are the certificates of these authorities.
async fn before(url: &str, authorities: &[(&str, &Authority)], backend: &str) -> House {
    let folder = tempfile::tempdir().unwrap();
    for (name, authority) in authorities {
        std::fs::write(folder.path().join(name), authority.pem()).unwrap();
    }
    let lines = backend.replace("DIR", folder.path().to_str().unwrap());
    let rest = format!(
        "[backends.old]\nendpoints = [{url:?}]\n{lines}\n[[routes]]\nname = \"all\"\nprimary = \"old\"\n"
    );
    Plan::new(rest).start_in(folder).await.unwrap()
}

fn hex(bytes: &[u8]) -> String {
    let digest = digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whether the backend was taken for whom it has to be.
async fn is_served(house: House) -> bool {
    let answer = house.get("/").await;
    let served = answer.status == 200;
    if served {
        assert_eq!(answer.text(), "secret");
    } else {
        assert_eq!(answer.get("x-figshift-reason"), Some("upstream_connect"));
        assert_eq!((answer.status, house.faults(Fault::Connect)), (502, 1));
    }
    house.stop().await;
    served
}

#[tokio::test]
async fn b_an_authority_and_the_address() {
    let ca = Authority::new();
    let far = Far::new(&ca.issue(&["127.0.0.1"])).await;
    let other = Authority::new();
    let all = [("ca.pem", &ca), ("other.pem", &other)];
    for (files, served) in [
        ("\"DIR/ca.pem\"", true),
        ("\"DIR/other.pem\", \"DIR/ca.pem\"", true),
        ("\"system\", \"DIR/ca.pem\"", true),
        ("\"DIR/other.pem\"", false),
        ("\"system\"", false),
        ("", false),
    ] {
        let house = before(&far.url(), &all, &format!("tls.ca = [{files}]")).await;
        assert_eq!(is_served(house).await, served, "{files}");
    }
    // The certificate is for another address.
    for (san, served) in [
        ("127.0.0.1", true),
        ("127.0.0.2", false),
        ("0.0.0.0", false),
        ("localhost", false),
    ] {
        let far = Far::new(&ca.issue(&[san])).await;
        let house = before(&far.url(), &all, "tls.ca = [\"DIR/ca.pem\"]").await;
        assert_eq!(is_served(house).await, served, "{san}");
        assert_eq!(far.met().len(), usize::from(served));
    }
}

#[tokio::test]
async fn c_an_authority_and_another_name() {
    let ca = Authority::new();
    for (san, name, served) in [
        ("0.0.0.0", "0.0.0.0", true),
        ("llm.test", "llm.test", true),
        ("127.0.0.1", "0.0.0.0", false),
        ("llm.test", "other.test", false),
    ] {
        let far = Far::new(&ca.issue(&[san])).await;
        let lines = format!("tls = {{ ca = [\"DIR/ca.pem\"], name = {name:?} }}");
        let house = before(&far.url(), &[("ca.pem", &ca)], &lines).await;
        assert_eq!(is_served(house).await, served, "{san} {name}");
        if served {
            // A name is asked for, an address is not.
            let asked = (name == "llm.test").then(|| name.to_owned());
            assert_eq!(far.met()[0].name, asked);
        }
    }
}

#[tokio::test]
async fn d_a_pin() {
    listen_to_logs(tracing::Level::INFO);
    let itself = Issued::by_itself(&["whoever"]);
    let far = Far::new(&itself).await;
    let (certificate, key) = (hex(&itself.der()), hex(&itself.public_key()));
    for (pin, served) in [
        (&certificate, true),
        (&key, true),
        (&hex(b"another"), false),
    ] {
        let lines = format!("tls.pin = [\"sha256:{}\", \"sha256:{pin}\"]", hex(b"old"));
        let house = before(&far.url(), &[], &lines).await;
        assert_eq!(is_served(house).await, served, "{pin}");
    }
    // The log says what to pin.
    let why = logged(&far.url()).concat();
    assert!(why.contains("it is not pinned"), "{why}");
    assert!(why.contains(&certificate) && why.contains(&key), "{why}");

    // With an authority, both must hold.
    let (ca, other) = (Authority::new(), Authority::new());
    let issued = ca.issue(&["127.0.0.1"]);
    let far = Far::new(&issued).await;
    let all = [("ca.pem", &ca), ("other.pem", &other)];
    for (file, pinned, served) in [
        ("ca.pem", issued.der().to_vec(), true),
        ("ca.pem", b"another".to_vec(), false),
        ("other.pem", issued.der().to_vec(), false),
    ] {
        let pin = hex(&pinned);
        let lines = format!("tls = {{ ca = [\"DIR/{file}\"], pin = [\"sha256:{pin}\"] }}");
        let house = before(&far.url(), &all, &lines).await;
        assert_eq!(is_served(house).await, served, "{file} {pin}");
    }
}

#[tokio::test]
async fn e_nothing_is_checked_and_that_is_said() {
    listen_to_logs(tracing::Level::INFO);
    let far = Far::new(&Issued::by_itself(&["whoever"])).await;
    assert!(!is_served(before(&far.url(), &[], "").await).await);
    let said = "insecure: whoever answers";
    let before_it = logged(said).len();
    assert!(is_served(before(&far.url(), &[], "tls.insecure = true").await).await);
    assert_eq!(logged(said).len(), before_it + 1);
}

#[tokio::test]
async fn the_log_says_why_a_backend_is_not_believed() {
    listen_to_logs(tracing::Level::INFO);
    let far = Far::new(&Authority::new().issue(&["127.0.0.1"])).await;
    let ca = Authority::new();
    let house = before(&far.url(), &[("ca.pem", &ca)], "tls.ca = [\"DIR/ca.pem\"]").await;
    assert!(!is_served(house).await);
    let lines = logged(&far.url());
    let line = lines.iter().find(|line| line.contains("WARN")).unwrap();
    for part in [
        "invalid peer certificate: UnknownIssuer",
        "backend=\"old\"",
        "not whom",
    ] {
        assert!(line.contains(part), "{line}");
    }
    assert!(far.requests().is_empty());
}

#[tokio::test]
async fn the_house_shows_its_own_certificate() {
    let (ca, clients) = (Authority::new(), Authority::new());
    let far = Far::with(&ca.issue(&["127.0.0.1"]), &["http/1.1"], Some(&clients)).await;
    let folder = tempfile::tempdir().unwrap();
    let own = clients.issue(&["proxy"]).write(folder.path(), "own");
    let with = format!("cert = {:?}, key = {:?}", own.cert, own.key);
    for (own, served) in [(with.as_str(), true), ("", false)] {
        let comma = if own.is_empty() { "" } else { ", " };
        let lines = format!("tls = {{ ca = [\"DIR/ca.pem\"]{comma}{own} }}");
        let house = before(&far.url(), &[("ca.pem", &ca)], &lines).await;
        let answer = house.get("/").await;
        assert_eq!(answer.status == 200, served, "{}", answer.text());
        house.stop().await;
    }
    assert!(far.met().iter().all(|met| met.known));
    assert_eq!((far.met().len(), far.requests().len()), (1, 1));
}

#[tokio::test]
async fn alpn_follows_the_protocol() {
    let ca = Authority::new();
    let issued = ca.issue(&["127.0.0.1"]);
    for (offered, protocol, chosen) in [
        (&["h2", "http/1.1"][..], "auto", Some("h2")),
        (&["http/1.1"], "auto", Some("http/1.1")),
        (&[], "auto", None),
        (&["h2", "http/1.1"], "h1", Some("http/1.1")),
        (&["h2", "http/1.1"], "h2", Some("h2")),
    ] {
        let far = Far::with(&issued, offered, None).await;
        let lines = format!("protocol = {protocol:?}\ntls.ca = [\"DIR/ca.pem\"]");
        let house = before(&far.url(), &[("ca.pem", &ca)], &lines).await;
        for _ in 0..3 {
            assert_eq!(
                house.get("/").await.text(),
                "secret",
                "{offered:?} {protocol}"
            );
        }
        let met = far.met();
        assert_eq!(
            (met.len(), met[0].alpn.as_deref()),
            (1, chosen),
            "{protocol}"
        );
        let version = far.requests()[0].version;
        assert_eq!(version == http::Version::HTTP_2, chosen == Some("h2"));
        if chosen == Some("h2") {
            assert_eq!(far.requests()[0].uri.scheme_str(), Some("https"));
        }
        house.stop().await;
    }
    for offered in [&["http/1.1"][..], &[]] {
        let far = Far::with(&issued, offered, None).await;
        let lines = "protocol = \"h2\"\ntls.ca = [\"DIR/ca.pem\"]";
        let house = before(&far.url(), &[("ca.pem", &ca)], lines).await;
        assert!(!is_served(house).await, "{offered:?}");
        assert!(far.requests().is_empty());
    }
}

#[tokio::test]
async fn sessions_with_backends_are_resumed() {
    let ca = Authority::new();
    let far = Far::with(&ca.issue(&["127.0.0.1"]), &["http/1.1"], None).await;
    let lines = "tls.ca = [\"DIR/ca.pem\"]";
    let house = before(&far.url(), &[("ca.pem", &ca)], lines).await;
    for visit in 1..=3 {
        assert_eq!(house.get("/close").await.status, 200);
        assert_eq!(far.met().len(), visit);
    }
    let resumed: Vec<_> = far.met().iter().map(|met| met.resumed).collect();
    assert_eq!(resumed, [false, true, true]);
    // A reload that changes nothing of it keeps them.
    let rest = format!("{}\nidempotent = true\n", house.plan.rest);
    assert_eq!(house.save(&rest).await.applied, 2);
    assert_eq!(house.get("/close").await.status, 200);
    assert!(far.met()[3].resumed);
    house.stop().await;
}

#[tokio::test]
async fn a_backend_that_stalls_in_the_handshake_is_left() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let lines = "timeouts.connect = \"300ms\"\ntls.insecure = true";
    let house = before(&url, &[], lines).await;
    assert!(!is_served(house).await);
}
