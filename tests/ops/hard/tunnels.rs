//! Tunnels of the candidate are cut, and no others.

use std::time::{Duration, Instant};

use figshift::stats::{Class, Side};

use super::stand::{ALL, SIDE, TO_PRIMARY, desk};
use crate::desk::Desk;
use crate::support::client::{Client, request};
use crate::support::origin::{Do, Origin, raw};
use crate::support::{DEADLINE, eventually};

const ASK: [&str; 2] = ["connection: upgrade", "upgrade: chat"];

fn echo() -> Origin {
    let agreed = "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: chat\r\n\r\n";
    Origin::new(move |_| vec![raw(agreed), Do::Echo])
}

async fn open(desk: &Desk, target: &str, lines: &[&str]) -> Client {
    let mut client = desk.house.client().await;
    let lines = [&ASK[..], lines].concat();
    client.send(request("GET", target, &lines, b"")).await;
    assert!(client.read_head().await.first.contains(" 101 "));
    client.send("ping").await;
    assert_eq!(client.read_exactly(4).await, b"ping");
    client
}

/// Waits until `/metrics` has all of these lines: a worker counts right after it has written.
async fn shows(desk: &Desk, lines: &[&str]) {
    let host = format!("host: {}", desk.port());
    let end = Instant::now() + DEADLINE;
    loop {
        let text = desk.raw("GET /metrics", &[&host], "").await.text();
        let has = |line: &&str| text.contains(&format!("figshift_{line}"));
        let Some(missing) = lines.iter().find(|line| !has(line)) else {
            return;
        };
        assert!(Instant::now() < end, "{missing}{text}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_tunnel_is_cut_and_its_neighbours_go_on() {
    let desk = desk(echo(), echo(), 2).await;
    let mut cut = open(&desk, "/all/x", &[]).await;
    let mut neighbours = [
        open(&desk, "/all/x", &[TO_PRIMARY]).await,
        open(&desk, "/side/x", &[]).await,
    ];
    shows(
        &desk,
        &[
            "tunnels_open{route=\"all\",side=\"candidate\",backend=\"new\"} 1\n",
            "tunnels_total{route=\"all\",side=\"candidate\",backend=\"new\"} 1\n",
            "tunnels_open{route=\"all\",side=\"primary\",backend=\"old\"} 1\n",
            "tunnels_open{route=\"safe\",side=\"primary\",backend=\"old\"} 0\n",
            "tunnel_bytes_total{route=\"side\",side=\"candidate\",backend=\"new\",to=\"backend\"} 4\n",
            "tunnel_bytes_total{route=\"side\",side=\"candidate\",backend=\"new\",to=\"client\"} 4\n",
        ],
    )
    .await;
    desk.hard(Some("all")).await;
    assert_eq!(cut.read_to_end().await, None, "it must not look whole");
    eventually("the backend is left", || desk.new.open() == 1).await;
    let books = desk.books(ALL, Side::Candidate);
    assert_eq!((books.cut, books.in_flight, books.tunnels_open), (1, 0, 0));
    assert_eq!(books.attempts(Class::Cancelled), 1);
    assert_eq!(desk.books(SIDE, Side::Candidate).tunnels_open, 1);
    for neighbour in &mut neighbours {
        neighbour.send("still").await;
        assert_eq!(neighbour.read_exactly(5).await, b"still");
    }
    drop(neighbours);
    desk.house.at_rest().await;
    let none = "tunnels_open{route=\"all\",side=\"candidate\",backend=\"new\"} 0\n";
    shows(&desk, &[none]).await;
    assert_eq!(desk.cut(), 1);
    desk.assert_no_blame();
    desk.house.stop().await;
}
