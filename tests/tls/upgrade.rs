//! Upgrades with TLS on both sides.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::near::Near;
use super::stand::listening;
use crate::support::house::Plan;
use crate::support::origin::{Do, Origin, raw};
use crate::support::tls::{Authority, tls_choosing};
use crate::support::{noise, soon};

const ASK: &[u8] =
    b"GET /chat HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: chat/1\r\n\r\n";
const AGREED: &str =
    "HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: chat/1\r\n\r\n";

/// An endpoint that would choose HTTP/2 is offered HTTP/1.1 only: the other one knows no upgrade.
#[tokio::test]
async fn a_tunnel_goes_through_tls_on_both_sides() {
    let origin = Origin::new(|_| vec![raw(AGREED), Do::Echo]);
    let ca = Authority::new();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, ca.pem()).unwrap();
    let address = tls_choosing(&origin, &ca, "127.0.0.1", &["h2", "http/1.1"]).await;
    let rest = format!(
        "[backends.old]\nendpoints = [\"https://{address}\"]\ntls.ca = [{file:?}]\n\
         [[routes]]\nname = \"all\"\nprimary = \"old\"\n"
    );
    let own = ca.issue(&["localhost"]);
    let plan = listening(Plan::new(rest), &folder, &[&own], "hsts = \"1d\"");
    let house = plan.start_in(folder).await.unwrap();
    let near = Near::with(&ca, &["http/1.1"], None);
    let stream = near.connect(house.app.https.unwrap(), "localhost").await;
    let mut stream = stream.unwrap();
    stream.write_all(ASK).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(soon("the head", stream.read_u8()).await.unwrap());
    }
    assert!(head.starts_with(b"HTTP/1.1 101 "), "{head:?}");
    let sent = noise(300_000);
    let mut back = vec![0; sent.len()];
    let (mut read, mut write) = tokio::io::split(stream);
    let (written, done) = tokio::join!(
        write.write_all(&sent),
        soon("the echo", read.read_exact(&mut back))
    );
    written.unwrap();
    done.unwrap();
    assert!(back == sent, "the echo differs");
    drop((read, write));
    house.at_rest().await;
    house.stop().await;
}
