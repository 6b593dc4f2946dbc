//! WebSockets over HTTP/2 (RFC 8441): what a client asks by CONNECT is an upgrade to the backend, and
//! the tunnel is one stream among others.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use figshift::stats::{Class, Fault};
use http::{Method, Request, Response};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper::ext::Protocol;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::cut::roll_back;
use super::near::Exec;
use crate::support::house::{House, Plan};
use crate::support::origin::{Do, Origin, Seen, ok, raw, status};
use crate::support::{eventually, noise, soon};

const AGREED: &str = "HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\
                      sec-websocket-accept: x\r\nsec-websocket-protocol: chat\r\n\r\n";

type Tunnel = TokioIo<Upgraded>;

struct Client {
    sender: SendRequest<Empty<Bytes>>,
    /// The same socket again, to end it: the engine keeps it for as long as there are streams.
    socket: std::net::TcpStream,
}

impl Client {
    async fn new(house: &House) -> Self {
        let socket = TcpStream::connect(house.app.http).await.unwrap();
        socket.set_nodelay(true).unwrap();
        let std = socket.into_std().unwrap();
        let twin = std.try_clone().unwrap();
        let socket = TcpStream::from_std(std).unwrap();
        let (sender, mut connection) = handshake(Exec, TokioIo::new(socket)).await.unwrap();
        let offered = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&offered);
        tokio::spawn(async move {
            loop {
                // Nobody is woken when the settings come.
                tokio::select! {
                    _ = &mut connection => return,
                    () = tokio::time::sleep(Duration::from_millis(5)) => {
                        told.store(connection.is_extended_connect_protocol_enabled(), Relaxed);
                    }
                }
            }
        });
        eventually("extended CONNECT is offered", || offered.load(Relaxed)).await;
        Self {
            sender,
            socket: twin,
        }
    }

    async fn send(&mut self, request: http::request::Builder) -> Response<Incoming> {
        let request = request.body(Empty::new()).unwrap();
        let answer = self.sender.send_request(request);
        soon("an answer", answer).await.unwrap()
    }

    async fn ask(&mut self, protocol: &'static str, path: &str) -> Response<Incoming> {
        let request = Request::builder()
            .method(Method::CONNECT)
            .extension(Protocol::from_static(protocol))
            .header("sec-websocket-protocol", "chat")
            .uri(format!("http://test{path}"));
        self.send(request).await
    }

    async fn open(&mut self, path: &str) -> Tunnel {
        let response = self.ask("websocket", path).await;
        assert_eq!(response.status(), 200);
        let upgraded = soon("the tunnel", hyper::upgrade::on(response)).await;
        TokioIo::new(upgraded.unwrap())
    }

    async fn get(&mut self, path: &str) -> Bytes {
        let response = self.send(Request::get(format!("http://test{path}"))).await;
        soon("the body", response.into_body().collect())
            .await
            .unwrap()
            .to_bytes()
    }
}

async fn answers(tunnel: &mut Tunnel, bytes: &[u8]) {
    tunnel.write_all(bytes).await.unwrap();
    let mut got = vec![0; bytes.len()];
    soon("an echo", tunnel.read_exact(&mut got)).await.unwrap();
    assert!(got == bytes, "the echo differs");
}

fn script(seen: &Seen) -> Vec<Do> {
    match seen.target() {
        "/no" => vec![status("403 Forbidden", &[], b"no")],
        "/plain" => vec![ok(b"plain")],
        "/other" => vec![raw(&AGREED.replace("websocket\r", "chat\r")), Do::Stall],
        _ => vec![raw(AGREED), Do::Echo],
    }
}

async fn problem(response: Response<Incoming>) -> (u16, String) {
    let reason = response.headers()["x-figshift-reason"].to_str().unwrap();
    (response.status().as_u16(), reason.to_owned())
}

#[tokio::test]
async fn a_connect_becomes_an_upgrade_and_the_tunnel_a_stream() {
    let origin = Origin::new(script);
    let house = Plan::alone(&origin, "").start().await;
    let mut client = Client::new(&house).await;
    let response = client.ask("websocket", "/echo?a=b").await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["sec-websocket-protocol"], "chat");
    assert_eq!(response.headers()["via"], "1.1 figshift");
    for gone in [
        "sec-websocket-accept",
        "upgrade",
        "connection",
        "content-length",
    ] {
        assert!(!response.headers().contains_key(gone), "{gone}");
    }
    let mut one = TokioIo::new(hyper::upgrade::on(response).await.unwrap());
    let mut two = client.open("/echo").await;
    assert_eq!(client.get("/plain").await, "plain");
    answers(&mut one, b"first").await;
    answers(&mut two, &noise(300_000)).await;
    assert_eq!((house.in_flight(), house.clients()), (2, 1));
    assert_eq!(house.primary().tunnels_open, 2);
    one.shutdown().await.unwrap();
    let mut rest = Vec::new();
    soon("the end", one.read_to_end(&mut rest)).await.unwrap();
    assert!(rest.is_empty());
    eventually("one has ended", || house.primary().tunnels_open == 1).await;
    answers(&mut two, b"still").await;
    assert_eq!(client.get("/plain").await, "plain");
    let seen = origin.seen();
    let keys: Vec<_> = [&seen[0], &seen[1]]
        .map(|seen| {
            let head = &seen.head;
            assert_eq!(seen.method(), "GET");
            assert_eq!(head.all("upgrade"), ["websocket"]);
            assert_eq!(head.all("connection"), ["upgrade"]);
            assert_eq!(head.all("sec-websocket-version"), ["13"]);
            assert_eq!(head.all("host"), ["test"]);
            assert_eq!(head.get("via"), Some("2.0 figshift"));
            assert_eq!(head.all("sec-websocket-key").len(), 1);
            BASE64_STANDARD
                .decode(head.get("sec-websocket-key").unwrap())
                .unwrap()
        })
        .into();
    assert_eq!((keys[0].len(), keys[1].len()), (16, 16));
    assert_ne!(keys[0], keys[1]);
    assert_eq!(seen[0].target(), "/echo?a=b");
    drop(two);
    drop(one);
    house.at_rest().await;
    let counts = house.primary();
    assert_eq!((counts.tunnels, counts.tunnels_open), (2, 0));
    assert_eq!(counts.tunnel_bytes, [300_010, 300_010]);
    assert_eq!(counts.all_requests(), 4);
    assert_eq!(counts.here(Class::Broken) + counts.here(Class::Reset), 0);
    eventually("the backend is left by the tunnels", || origin.open() <= 1).await;
    house.stop().await;
}

#[tokio::test]
async fn much_goes_both_ways_at_once_and_leaves_room_for_others() {
    const PARTS: usize = 30;
    let origin = Origin::new(script);
    let house = Plan::alone(&origin, "").start().await;
    let mut client = Client::new(&house).await;
    let (mut from, mut to) = tokio::io::split(client.open("/echo").await);
    let part = noise(1 << 20);
    let sent = part.clone();
    let sending = tokio::spawn(async move {
        for _ in 0..PARTS {
            to.write_all(&sent).await.unwrap();
        }
        to.shutdown().await.unwrap();
    });
    let mut got = vec![0; part.len()];
    for n in 0..PARTS {
        soon("a part", from.read_exact(&mut got)).await.unwrap();
        assert!(got == part, "part {n} differs");
        if n % 10 == 0 {
            assert_eq!(client.get("/plain").await, "plain");
        }
    }
    assert_eq!(soon("the end", from.read(&mut got)).await.unwrap(), 0);
    sending.await.unwrap();
    house.at_rest().await;
    let all = (PARTS << 20) as u64;
    assert_eq!(house.primary().tunnel_bytes, [all, all]);
    assert_eq!(house.primary().here(Class::Ok), 4);
    house.stop().await;
}

#[tokio::test]
async fn what_does_not_open_a_tunnel_says_so() {
    let origin = Origin::new(script);
    let house = Plan::alone(&origin, "").start().await;
    let mut client = Client::new(&house).await;
    let refused = client.ask("websocket", "/no").await;
    assert_eq!(refused.status(), 403);
    let body = refused.into_body().collect().await.unwrap();
    assert_eq!(body.to_bytes(), "no");
    // A 200 would say that the tunnel is open.
    for path in ["/plain", "/other"] {
        let answer = problem(client.ask("websocket", path).await).await;
        assert_eq!(answer, (502, "upstream_reset".to_owned()), "{path}");
    }
    let seen = origin.count();
    let answer = problem(client.ask("connect-udp", "/echo").await).await;
    assert_eq!(answer, (501, "unsupported".to_owned()));
    let classic = Request::builder().method(Method::CONNECT).uri("test:80");
    let answer = problem(client.send(classic).await).await;
    assert_eq!(answer, (501, "unsupported".to_owned()));
    let call = Request::builder()
        .method(Method::CONNECT)
        .extension(Protocol::from_static("websocket"))
        .header("content-type", "application/grpc")
        .uri("http://test/echo");
    let answer = problem(client.send(call).await).await;
    assert_eq!(answer, (400, "bad_request".to_owned()));
    assert_eq!(origin.count(), seen);
    assert_eq!(house.faults(Fault::Unsupported), 2);
    assert_eq!(client.get("/plain").await, "plain");
    house.at_rest().await;
    assert_eq!(house.primary().tunnels, 0);
    house.stop().await;
}

#[tokio::test]
async fn a_backend_that_speaks_http2_only_is_not_asked() {
    let origin = Origin::new(script);
    let house = Plan::alone(&origin, "protocol = \"h2\"").start().await;
    let mut client = Client::new(&house).await;
    let answer = problem(client.ask("websocket", "/echo").await).await;
    assert_eq!(answer, (501, "unsupported".to_owned()));
    let mut older = house.client().await;
    let lines = ["connection: upgrade", "upgrade: websocket"];
    assert_eq!(older.get_with("/", &lines).await.status, 501);
    assert_eq!(origin.accepted(), 0);
    house.at_rest().await;
    house.stop().await;
}

#[tokio::test]
async fn a_client_that_leaves_a_stream_or_its_connection_frees_the_backend() {
    let origin = Origin::new(script);
    let house = Plan::alone(&origin, "").start().await;
    let mut client = Client::new(&house).await;
    let mut kept = client.open("/echo").await;
    drop(client.open("/echo").await);
    eventually("one is left", || house.primary().tunnels_open == 1).await;
    answers(&mut kept, b"still").await;
    client.socket.shutdown(std::net::Shutdown::Both).unwrap();
    eventually("the other is left", || house.primary().tunnels_open == 0).await;
    house.at_rest().await;
    eventually("the backend is left", || origin.open() == 0).await;
    let counts = house.primary();
    assert_eq!((counts.all_requests(), counts.here(Class::Broken)), (2, 0));
    house.stop().await;
}

#[tokio::test]
async fn a_backend_that_breaks_ends_the_stream_and_no_other() {
    let origin = Origin::new(script);
    let house = Plan::alone(&origin, "").start().await;
    let mut client = Client::new(&house).await;
    let mut kept = client.open("/echo").await;
    answers(&mut kept, b"first").await;
    origin.set(|_| vec![raw(AGREED), raw("half"), Do::Reset]);
    let mut broken = client.open("/echo").await;
    let mut rest = Vec::new();
    let _ = soon("the end", broken.read_to_end(&mut rest)).await;
    eventually("it is told", || house.primary().here(Class::Broken) == 1).await;
    answers(&mut kept, b"still").await;
    drop(kept);
    drop(broken);
    house.at_rest().await;
    house.stop().await;
}

#[tokio::test]
async fn a_hard_rollback_cuts_the_stream_and_no_other() {
    let (old, new) = (Origin::new(script), Origin::new(script));
    let routes = ["kept", "moved"].map(|name| {
        let percent = if name == "moved" { 100 } else { 0 };
        format!(
            "[[routes]]\nname = \"{name}\"\nmatch = {{ path = \"/{name}\" }}\n\
             primary = \"old\"\ncandidate = \"new\"\npercent = {percent}\n"
        )
    });
    let table = crate::support::house::backend_table;
    let tables = table("old", &[&old], "") + &table("new", &[&new], "");
    let house = Plan::new(tables + &routes.concat()).start().await;
    let mut client = Client::new(&house).await;
    let (mut kept, mut moved) = (client.open("/kept").await, client.open("/moved").await);
    answers(&mut kept, b"kept").await;
    answers(&mut moved, b"moved").await;
    roll_back(&house).await;
    eventually("the backend is left", || new.open() == 0).await;
    let mut rest = Vec::new();
    let _ = soon("the end", moved.read_to_end(&mut rest)).await;
    answers(&mut kept, b"still").await;
    let counts = house.app.publisher.current();
    let side = figshift::stats::Side::Candidate;
    let cut = crate::support::counts::Counts::of(&counts, 1, side);
    assert_eq!(
        (cut.cut, cut.attempts(Class::Cancelled), cut.tunnels_open),
        (1, 1, 0)
    );
    drop(kept);
    house.at_rest().await;
    house.stop().await;
}

#[tokio::test]
async fn an_end_of_the_house_waits_for_the_stream() {
    let origin = Origin::new(script);
    let plan = Plan::alone(&origin, "").listen("drain = \"20s\"");
    let house = plan.clone().start().await;
    let mut client = Client::new(&house).await;
    let mut tunnel = client.open("/echo").await;
    let app = house.app;
    let ending = tokio::spawn(async move { app.stop().await });
    for _ in 0..10 {
        answers(&mut tunnel, b"still here").await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(!ending.is_finished());
    tunnel.shutdown().await.unwrap();
    let mut rest = Vec::new();
    soon("the end", tunnel.read_to_end(&mut rest))
        .await
        .unwrap();
    drop(tunnel);
    soon("the house ends", ending).await.unwrap();

    let house = plan.listen("drain = \"1s\"").start().await;
    let mut client = Client::new(&house).await;
    let mut tunnel = client.open("/echo").await;
    answers(&mut tunnel, b"x").await;
    let since = Instant::now();
    let cells = std::sync::Arc::clone(&house.app.workers);
    house.stop().await;
    let took = since.elapsed();
    assert!(
        took >= Duration::from_secs(1) && took < Duration::from_secs(10),
        "{took:?}"
    );
    let in_flight: i64 = cells.iter().map(|cell| cell.in_flight.get()).sum();
    assert_eq!(in_flight, 0);
    eventually("the backend is left", || origin.open() == 0).await;
}
