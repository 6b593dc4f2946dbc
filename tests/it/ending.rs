//! The end of a house: not ready first, then no new connections, then nobody's answer is cut before its time.

use std::time::{Duration, Instant};

use crate::support::client::{Client, Cut, request};
use crate::support::eventually;
use crate::support::house::{House, Plan};
use crate::support::origin::{Do, Gate, Origin, ok, raw};

const STREAMS: usize = 100;
const HEAD: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";

/// Answers `/stream` with one event, and with another one and an end when the gate opens.
fn streaming(gate: &Gate) -> Origin {
    let gate = gate.clone();
    Origin::new(move |seen| match seen.target() {
        "/stream" => vec![
            raw(HEAD),
            raw("8\r\ndata: 1\n\r\n"),
            Do::Await(gate.clone()),
            raw("8\r\ndata: 2\n\r\n0\r\n\r\n"),
        ],
        _ => vec![ok(b"ok")],
    })
}

/// Streams that have all begun.
async fn streams(house: &House) -> Vec<Client> {
    let mut clients = Vec::new();
    for _ in 0..STREAMS {
        let mut client = house.client().await;
        client.send(request("GET", "/stream", &[], b"")).await;
        clients.push(client);
    }
    eventually("all stream", || house.in_flight() == STREAMS as i64).await;
    clients
}

async fn readyz(admin: std::net::SocketAddr) -> u16 {
    let mut client = Client::new(admin).await;
    let head = "GET /readyz HTTP/1.1\r\nhost: localhost\r\n\r\n";
    client.send(head).await;
    client.read().await.unwrap().status
}

#[tokio::test]
async fn it_is_not_ready_while_it_still_serves() {
    let origin = Origin::saying("ok");
    let plan = Plan::alone(&origin, "").listen("drain_delay = \"2s\"");
    let house = plan.start().await;
    let (http, admin) = (house.app.http, house.app.admin);
    let mut kept = house.client().await;
    let first = kept.get("/").await;
    assert_eq!((first.text(), first.get("connection")), ("ok".into(), None));
    assert_eq!(readyz(admin).await, 200);
    let begun = Instant::now();
    let clients = async {
        let end = begun + Duration::from_secs(1);
        while readyz(admin).await == 200 {
            assert!(Instant::now() < end, "ready for too long");
        }
        let mut served = 0;
        while begun.elapsed() < Duration::from_millis(1500) {
            let mut client = Client::new(http).await;
            let answer = client.get("/").await;
            assert_eq!(answer.status, 200);
            // As soon as the worker knows.
            if begun.elapsed() > Duration::from_secs(1) {
                assert_eq!(answer.get("connection"), Some("close"));
                assert!(client.is_closed().await);
                served += 1;
            }
            assert_eq!(readyz(admin).await, 503);
        }
        assert!(served > 0);
        let told = kept.get("/").await;
        assert_eq!(told.get("connection"), Some("close"), "the old connection");
        assert!(kept.is_closed().await);
    };
    let (cut, ()) = tokio::join!(house.app.stop(), clients);
    assert_eq!(cut, 0);
    assert!(begun.elapsed() >= Duration::from_secs(2));
    assert!(tokio::net::TcpStream::connect(http).await.is_err());
}

#[tokio::test]
async fn a_hundred_streams_finish() {
    let gate = Gate::default();
    let origin = streaming(&gate);
    let house = Plan::alone(&origin, "").workers(2).start().await;
    let http = house.app.http;
    let clients = streams(&house).await;
    let rest = async {
        let end = Instant::now() + Duration::from_secs(10);
        while tokio::net::TcpStream::connect(http).await.is_ok() {
            assert!(Instant::now() < end, "still listening");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        gate.open();
        for mut client in clients {
            let answer = client.read().await.expect("a whole stream");
            assert_eq!(answer.text(), "data: 1\ndata: 2\n");
        }
    };
    let (cut, ()) = tokio::join!(house.app.stop(), rest);
    assert_eq!(cut, 0);
}

#[tokio::test]
async fn streams_that_are_cut_at_the_deadline_do_not_look_whole() {
    let gate = Gate::default();
    let origin = streaming(&gate);
    let plan = Plan::alone(&origin, "").workers(2);
    let house = plan.listen("drain = \"500ms\"").start().await;
    let clients = streams(&house).await;
    let begun = Instant::now();
    assert_eq!(house.app.stop().await, STREAMS as u64, "cut");
    assert!(begun.elapsed() >= Duration::from_millis(490));
    for mut client in clients {
        match client.read().await {
            Err(Cut::Body(part)) => assert_eq!(part.text(), "data: 1\n"),
            other => panic!("{other:?}"),
        }
    }
    eventually("the backend is left", || origin.left() == STREAMS).await;
}

#[tokio::test]
async fn who_is_in_a_hurry_waits_for_nothing() {
    for delay in ["0s", "10m"] {
        let gate = Gate::default();
        let origin = streaming(&gate);
        let listen = format!("drain_delay = \"{delay}\"\ndrain = \"10m\"");
        let house = Plan::alone(&origin, "").listen(&listen).start().await;
        let mut client = house.client().await;
        client.send(request("GET", "/stream", &[], b"")).await;
        client.read_head().await;
        let begun = Instant::now();
        let hurry = tokio::time::sleep(Duration::from_millis(300));
        assert_eq!(house.app.stop_unless(hurry).await, 1);
        assert!(begun.elapsed() >= Duration::from_millis(290));
        assert!(begun.elapsed() < Duration::from_secs(8), "{delay}");
    }
}

/// A client with a request on its way must not meet a closing connection: one that was active a
/// moment ago gets its next answer, and is told with it.
#[tokio::test]
async fn an_active_client_gets_its_next_answer() {
    let origin = Origin::saying("ok");
    let house = Plan::alone(&origin, "").start().await;
    let (http, mut client) = (house.app.http, house.client().await);
    let mut fresh = house.client().await;
    eventually("both are accepted", || house.clients() == 2).await;
    assert_eq!(client.get("/").await.get("connection"), None);
    let rest = async {
        while tokio::net::TcpStream::connect(http).await.is_ok() {}
        for client in [&mut client, &mut fresh] {
            let answer = client.get("/").await;
            assert_eq!(
                (answer.status, answer.get("connection")),
                (200, Some("close"))
            );
            assert!(client.is_closed().await);
        }
    };
    let (cut, ()) = tokio::join!(house.app.stop(), rest);
    assert_eq!(cut, 0);
}

/// The state folder is free when the end is there, so that a start right after it is not refused.
#[tokio::test]
async fn the_next_house_can_have_the_state_folder_at_once() {
    let origin = Origin::saying("ok");
    let plan = Plan::alone(&origin, "");
    let mut folder = tempfile::tempdir().unwrap();
    for _ in 0..5 {
        let house = plan.clone().start_in(folder).await.unwrap();
        assert_eq!(house.get("/").await.text(), "ok");
        let path = house.path.clone();
        let Err(error) = figshift::app::App::start(&path, None).await else {
            panic!("two houses in one folder");
        };
        assert!(
            error.to_string().contains("in use by another figshift"),
            "{error}"
        );
        assert_eq!(house.get("/").await.text(), "ok");
        folder = house.stop().await;
    }
}
