//! The ways to services outside: TLS, whom it trusts, and proxies. All of that comes from the environment of
//! the process, so each test has a process of its own.

use std::fs;

use figshift::api::FlagState;

use super::served::Served;
use crate::support::DEADLINE;
use crate::support::origin::{Origin, ok, status};
use crate::support::tls::{Authority, tls_before};

const VALUE: &[u8] = br#"{"key": "k", "value": 30}"#;

/// A house on disk whose flag is at this URL.
fn on_disk(url: &str) -> Served {
    let served = Served::on_disk("");
    let flag = format!("[routes.flag]\nurl = {url:?}\nkey = \"k\"\nevery = \"1s\"\n");
    fs::write(&served.file, served.text() + &flag).unwrap();
    served
}

/// Starts it, and waits until it has an answer from its flag or an error.
async fn run(served: &mut Served, env: &[(&str, &str)]) -> FlagState {
    // Nothing of the machine that runs the tests.
    let mut all = vec![
        ("NO_PROXY", ""),
        ("no_proxy", ""),
        ("http_proxy", ""),
        ("https_proxy", ""),
    ];
    all.extend(env);
    served.run(&all).await;
    let end = std::time::Instant::now() + DEADLINE;
    loop {
        let flag = served.state().await.routes.remove(0).flag;
        let known = flag.filter(|flag| flag.says.is_some() || flag.error.is_some());
        if let Some(flag) = known {
            return flag;
        }
        assert!(
            std::time::Instant::now() < end,
            "nothing is known of the flag"
        );
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn only_a_trusted_authority_speaks_for_a_service() {
    let authority = Authority::new();
    let origin = Origin::new(|_| vec![ok(VALUE)]);
    let port = tls_before(&origin, &authority, "localhost").await.port();
    let mut served = on_disk(&format!("https://localhost:{port}"));
    let ours = served.folder.path().join("ours.pem");
    fs::write(&ours, authority.pem()).unwrap();
    let other = served.folder.path().join("other.pem");
    fs::write(&other, Authority::new().pem()).unwrap();

    for env in [
        &[][..],
        &[("SSL_CERT_FILE", other.to_str().unwrap())],
        &[("SSL_CERT_FILE", "/nowhere/ca.pem")],
    ] {
        let error = run(&mut served, env).await.error.unwrap();
        assert!(
            error.contains("invalid peer certificate"),
            "{env:?}: {error}"
        );
        served.kill();
    }
    assert_eq!(origin.count(), 0);
    let flag = run(&mut served, &[("SSL_CERT_FILE", ours.to_str().unwrap())]).await;
    assert_eq!((flag.says, flag.error), (Some(30.0), None));
}

#[tokio::test]
async fn a_certificate_speaks_for_its_name_only() {
    let authority = Authority::new();
    let origin = Origin::new(|_| vec![ok(VALUE)]);
    let port = tls_before(&origin, &authority, "flags.internal")
        .await
        .port();
    let mut served = on_disk(&format!("https://localhost:{port}"));
    let ours = served.folder.path().join("ours.pem");
    fs::write(&ours, authority.pem()).unwrap();
    let error = run(&mut served, &[("SSL_CERT_FILE", ours.to_str().unwrap())])
        .await
        .error;
    let error = error.unwrap();
    assert!(error.contains("not valid for name"), "{error}");
    assert_eq!(origin.count(), 0);
}

#[tokio::test]
async fn the_proxies_of_the_environment_are_used() {
    let proxy = Origin::new(|_| vec![ok(VALUE)]);
    let url = proxy.url();
    let mut served = on_disk("http://flags.invalid:8016");
    let flag = run(&mut served, &[("HTTP_PROXY", &url)]).await;
    assert_eq!(flag.says, Some(30.0));
    let target = "http://flags.invalid:8016/ofrep/v1/evaluate/flags/k";
    assert_eq!(proxy.seen()[0].target(), target);

    proxy.set(|_| vec![status("403 Forbidden", &[], b"")]);
    let mut served = on_disk("https://flags.invalid");
    let flag = run(&mut served, &[("HTTPS_PROXY", &url)]).await;
    assert!(flag.error.is_some());
    let seen = proxy.seen().pop().unwrap();
    assert_eq!(
        (seen.method(), seen.target()),
        ("CONNECT", "flags.invalid:443")
    );
}

#[tokio::test]
async fn this_machine_is_asked_without_a_proxy() {
    let (proxy, flags) = (Origin::saying("no"), Origin::new(|_| vec![ok(VALUE)]));
    let mut served = on_disk(&flags.url());
    let flag = run(&mut served, &[("HTTP_PROXY", &proxy.url())]).await;
    assert_eq!((flag.says, proxy.count()), (Some(30.0), 0));
}
