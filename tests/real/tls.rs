//! TLS on both sides: curl by ALPN in both versions of HTTP, and a real nginx that speaks TLS, over
//! HTTP/1.1 and HTTP/2.

use std::fs;
use std::path::Path;
use std::process::Command;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

use super::house::Site;
use super::origin::Origin;
use super::wait::free_port;

/// Writes an authority and what it has signed for the loopback address.
fn certificates(folder: &Path) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
        .distinguished_name
        .push(DnType::CommonName, "authority of a test");
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    let leaf = leaf.signed_by(&key, &authority).unwrap();
    fs::write(folder.join("ca.pem"), authority.pem()).unwrap();
    fs::write(folder.join("leaf.crt"), leaf.pem()).unwrap();
    fs::write(folder.join("leaf.key"), key.serialize_pem()).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs nginx and curl: tests/run"]
async fn curl_and_nginx_speak_tls_in_every_combination() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    certificates(at);
    let tls = format!(
        "ssl_certificate {0}/leaf.crt; ssl_certificate_key {0}/leaf.key;",
        at.display()
    );
    let nginx = Origin::start_with("nginx", at, |port| {
        format!(
            r#"server {{
                listen 127.0.0.1:{port} ssl http2;
                {tls}
                location / {{ return 200 "$server_protocol $http_x_forwarded_proto"; }}
            }}"#
        )
    })
    .await;
    let backend = nginx.url().replace("http://", "https://");
    for (protocol, spoken) in [("h1", "HTTP/1.1"), ("h2", "HTTP/2.0"), ("auto", "HTTP/2.0")] {
        let house = tempfile::tempdir().unwrap();
        let site = Site::new(house.path());
        let https = free_port();
        let text = format!(
            r#"{head}https = "127.0.0.1:{https}"
[listen.tls]
certificates = [{{ cert = "{at}/leaf.crt", key = "{at}/leaf.key" }}]
[backends.nginx]
endpoints = ["{backend}"]
protocol = "{protocol}"
[backends.nginx.tls]
ca = ["{at}/ca.pem"]
[[routes]]
name = "all"
primary = "nginx"
"#,
            head = site.head(),
            at = at.display()
        );
        let house = site.serve_text(&text).await;
        for (client, version) in [("--http1.1", "1.1"), ("--http2", "2")] {
            let mut curl = Command::new("curl");
            curl.args([
                "--silent",
                "--show-error",
                "--fail",
                "--noproxy",
                "*",
                "--max-time",
                "30",
            ])
            .args([client, "--write-out", " %{http_version}", "--cacert"])
            .arg(at.join("ca.pem"))
            .arg(format!("https://127.0.0.1:{https}/"));
            let output = curl.output().unwrap();
            let said = String::from_utf8_lossy(&output.stdout);
            let errors = String::from_utf8_lossy(&output.stderr);
            let expected = format!("{spoken} https {version}");
            assert_eq!(said, expected, "{protocol} {client}: {errors}");
        }
        house.stop().await;
    }
}
