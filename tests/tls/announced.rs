//! PROXY headers: believed from whom the file names, and from nobody else.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::near::{Client, Near};
use super::stand::{house, sum};
use crate::support::client::request;
use crate::support::house::{House, Plan};
use crate::support::origin::Origin;
use crate::support::{eventually, soon};

const V1: &[u8] = b"PROXY TCP4 192.0.2.7 10.0.0.1 12345 443\r\n";
const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// Version 2 for an IPv6 client, with something beside the addresses.
fn v2(command: u8) -> Vec<u8> {
    let mut addresses = [0u8; 36];
    addresses[..2].copy_from_slice(&[0x20, 0x01]);
    addresses[15] = 9;
    let beside = [0x04, 0, 2, 1, 2];
    let length = (addresses.len() + beside.len()) as u16;
    let head = [0x20 | command, 0x21];
    [SIGNATURE, &head, &length.to_be_bytes(), &addresses, &beside].concat()
}

fn plan(origin: &Origin, nets: &str) -> Plan {
    Plan::alone(origin, "").listen(&format!("proxy_protocol = [{nets}]"))
}

/// Sends these bytes in these pieces, and gives what comes back, up to a first answer or the end.
async fn say(house: &House, pieces: &[&[u8]]) -> String {
    let mut socket = TcpStream::connect(house.app.http).await.unwrap();
    socket.set_nodelay(true).unwrap();
    for piece in pieces {
        // It may have been closed.
        let _ = socket.write_all(piece).await;
        // Most likely read by itself; nothing depends on it.
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let mut said = vec![0; 1024];
    let read = soon("an answer or the end", socket.read(&mut said)).await;
    String::from_utf8_lossy(&said[..read.unwrap_or(0)]).into_owned()
}

fn who(origin: &Origin) -> Vec<String> {
    let heads = origin.seen().into_iter().map(|seen| seen.head);
    heads
        .map(|head| head.get("x-forwarded-for").unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn the_client_is_whom_the_header_names() {
    let origin = Origin::saying("hello");
    let house = plan(&origin, "\"127.0.0.0/8\"").start().await;
    let get = request("GET", "/", &[], b"");
    let (binary, local) = (v2(1), v2(0));
    for header in [V1, &binary, &local, b"PROXY UNKNOWN\r\n"] {
        let whole = [header, &get].concat();
        assert!(say(&house, &[&whole]).await.starts_with("HTTP/1.1 200"));
        // The same in pieces: nothing of the request is lost.
        let pieces: Vec<&[u8]> = whole.chunks(7).collect();
        assert!(say(&house, &pieces).await.starts_with("HTTP/1.1 200"));
    }
    let (named, socket) = (["192.0.2.7", "2001::9"], "127.0.0.1");
    let expected = [
        named[0], named[0], named[1], named[1], socket, socket, socket, socket,
    ];
    assert_eq!(who(&origin), expected);
    let forwarded = origin.seen()[2].head.get("forwarded").unwrap().to_owned();
    assert_eq!(forwarded, "for=\"[2001::9]\";proto=http;host=\"test\"");
    assert_eq!(sum(&house, |cell| cell.proxy_header_failures.get()), 0);
    house.stop().await;
}

#[tokio::test]
async fn it_comes_before_tls_and_before_http2() {
    let origin = Origin::saying("hello");
    let (house, authority) = house(plan(&origin, "\"127.0.0.1\""), "").await;
    for alpn in ["h2", "http/1.1"] {
        let mut socket = TcpStream::connect(house.app.https.unwrap()).await.unwrap();
        socket.write_all(V1).await.unwrap();
        let near = Near::with(&authority, &[alpn], None);
        let stream = near.over(socket, "localhost").await.unwrap();
        let mut client = Client::new(stream).await;
        assert_eq!(client.get("/").await.unwrap().text(), "hello");
    }
    assert_eq!(who(&origin), ["192.0.2.7", "192.0.2.7"]);
    let seen = &origin.seen()[0].head;
    assert_eq!(seen.get("x-forwarded-proto"), Some("https"));
    let mut socket = TcpStream::connect(house.app.http).await.unwrap();
    socket.write_all(V1).await.unwrap();
    socket
        .write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0")
        .await
        .unwrap();
    let mut settings = [0; 9];
    soon("settings", socket.read_exact(&mut settings))
        .await
        .unwrap();
    assert_eq!(settings[3], 4, "a SETTINGS frame");
    house.stop().await;
}

#[tokio::test]
async fn without_the_header_there_is_no_connection() {
    let origin = Origin::saying("hello");
    let mut plan = plan(&origin, "\"127.0.0.0/8\"");
    plan.listen += "\nhandshake = \"300ms\"";
    let house = plan.start().await;
    let get = request("GET", "/", &[], b"");
    let endless = [b"PROXY UNKNOWN ", &[b'a'; 500][..]].concat();
    let huge = [SIGNATURE, b"\x21\x11\xff\xff", &[0; 100]].concat();
    let cases: [&[u8]; 6] = [
        &get,
        b"PROXY TCP4 nonsense\r\n",
        &endless,
        &huge,
        // These come to a stop.
        b"",
        &V1[..20],
    ];
    for (count, first) in cases.iter().enumerate() {
        assert_eq!(say(&house, &[*first]).await, "", "{first:?}");
        let failures = sum(&house, |cell| cell.proxy_header_failures.get());
        assert_eq!(failures, count as u64 + 1, "{first:?}");
    }
    assert_eq!(origin.count(), 0);
    // Who only looks whether somebody listens is no mistake.
    let before = sum(&house, |cell| cell.accepted.get());
    for round in 1..=4 {
        let socket = TcpStream::connect(house.app.http).await.unwrap();
        if round % 2 == 0 {
            socket.set_zero_linger().unwrap();
        }
        drop(socket);
        eventually("it has come and gone", || {
            let accepted = sum(&house, |cell| cell.accepted.get()) - before;
            accepted == round && house.clients() == 0
        })
        .await;
    }
    let failures = sum(&house, |cell| cell.proxy_header_failures.get());
    assert_eq!(failures, cases.len() as u64);
    house.stop().await;
}

/// A load balancer for both families may write IPv4 addresses in IPv6.
#[tokio::test]
async fn an_address_of_ipv4_is_known_in_either_form() {
    let origin = Origin::saying("hello");
    let lines = "proxy_protocol = [\"127.0.0.1\"]\ntrusted = [\"192.0.2.0/24\"]\n\
                 limits = { connections_per_client = 1 }";
    let house = Plan::alone(&origin, "").listen(lines).start().await;
    let mut header = v2(1);
    let mut mapped = [0; 16];
    mapped[10..].copy_from_slice(&[0xff, 0xff, 192, 0, 2, 7]);
    header[16..32].copy_from_slice(&mapped);
    let get = request("GET", "/", &[], b"");
    let mut open = Vec::new();
    for _ in 0..3 {
        let mut socket = TcpStream::connect(house.app.http).await.unwrap();
        socket
            .write_all(&[&header[..], &get].concat())
            .await
            .unwrap();
        let mut said = [0; 12];
        soon("an answer", socket.read_exact(&mut said))
            .await
            .unwrap();
        assert_eq!(&said, b"HTTP/1.1 200");
        // Behind whom is trusted there are many.
        open.push(socket);
    }
    assert_eq!(who(&origin), ["192.0.2.7"; 3]);
    house.stop().await;
}

#[tokio::test]
async fn nobody_else_is_believed() {
    let origin = Origin::saying("hello");
    for nets in ["", "\"10.0.0.0/8\""] {
        let house = plan(&origin, nets).start().await;
        let get = request("GET", "/", &[], b"");
        for header in [V1, &v2(1)] {
            let said = say(&house, &[&[header, &get].concat()]).await;
            assert!(!said.starts_with("HTTP/1.1 200"), "{said}");
        }
        assert_eq!(origin.count(), 0);
        house.stop().await;
    }
}

#[tokio::test]
async fn what_is_trusted_and_sticky_goes_by_the_header() {
    let (old, new) = (Origin::saying("old"), Origin::saying("new"));
    let lines = "proxy_protocol = [\"127.0.0.1\"]\ntrusted = [\"192.0.2.0/24\"]";
    let route = "sticky = [\"client_ip\"]";
    let house = Plan::sides(&old, &new, 50.0, route)
        .listen(lines)
        .start()
        .await;
    let get = request("GET", "/", &["x-forwarded-for: 198.51.100.1"], b"");
    let mut sides = std::collections::BTreeSet::new();
    for n in 0..64 {
        let header = format!("PROXY TCP4 203.0.113.{n} 10.0.0.1 1 2\r\n");
        let mut said = [String::new(), String::new()];
        for said in &mut said {
            *said = say(&house, &[&[header.as_bytes(), &get].concat()]).await;
        }
        let [one, two] = said.map(|said| said.rsplit("\r\n").next().unwrap().to_owned());
        assert_eq!(one, two, "{n}");
        sides.insert(one);
    }
    assert_eq!(sides.len(), 2, "{sides:?}");
    // A trusted client's own word counts, a stranger's does not.
    say(&house, &[&[V1, &get].concat()]).await;
    let last = old.seen().into_iter().chain(new.seen());
    let told: Vec<_> = last
        .map(|seen| seen.head.get("x-forwarded-for").unwrap().to_owned())
        .filter(|told| told.contains("198.51.100.1"))
        .collect();
    assert_eq!(told, ["198.51.100.1, 192.0.2.7"]);
    house.stop().await;
}
