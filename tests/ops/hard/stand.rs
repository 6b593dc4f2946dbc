//! What the tests of hard rollbacks stand on: three routes over the same two backends.

use figshift::policy::Phase;
use figshift::stats::Side;
use serde_json::json;

use crate::desk::Desk;
use crate::support::client::{Client, request};
use crate::support::counts::Counts;
use crate::support::house::{House, Plan, backend_table, bad_attempts};
use crate::support::origin::{Do, Gate, Origin, ok, raw};

pub(super) const ALL: usize = 0;
pub(super) const SIDE: usize = 1;
pub(super) const SAFE: usize = 2;

/// The routes: `all`, `side` and `safe`, over the same two backends, all to the candidate.
const ROUTES: [&str; 3] = [
    "name = \"all\"\nmatch = { path = \"/all/*\" }",
    "name = \"side\"\nmatch = { path = \"/side/*\" }",
    "name = \"safe\"\nmatch = { path = \"/safe/*\" }\nidempotent = true",
];
pub(super) const TO_PRIMARY: &str = "x-figshift-side: primary";

fn rest(backends: &str, routes: &[&str], percent: f64) -> String {
    let routes = routes.iter().map(|route| {
        format!(
            "[[routes]]\n{route}\nprimary = \"old\"\ncandidate = \"new\"\npercent = {percent}\n\
             side_header = true\n"
        )
    });
    backends.to_owned() + &routes.collect::<String>()
}

pub(super) async fn start(backends: &str, percent: f64, workers: usize) -> House {
    let plan = Plan::new(rest(backends, &ROUTES, percent)).workers(workers);
    plan.listen("trusted = [\"127.0.0.1/32\"]").start().await
}

pub(super) async fn desk(old: Origin, new: Origin, workers: usize) -> Desk {
    let backends = backend_table("old", &[&old], "") + &backend_table("new", &[&new], "");
    let house = start(&backends, 100.0, workers).await;
    Desk { old, new, house }
}

/// What both origins do: `stream` until the gate opens, `wait` for ever, else say who they are.
pub(super) fn origin(name: &'static str, gate: &Gate) -> Origin {
    let gate = gate.clone();
    Origin::new(move |seen| match seen.target().rsplit('/').next() {
        Some("stream") => vec![
            raw("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nfirst\r\n"),
            Do::Await(gate.clone()),
            raw("4\r\nlast\r\n0\r\n\r\n"),
        ],
        Some("wait") if name == "new" => vec![Do::Stall],
        _ => vec![ok(name.as_bytes())],
    })
}

/// One worker, and origins as above.
pub(super) async fn usual(gate: &Gate) -> Desk {
    desk(origin("old", gate), origin("new", gate), 1).await
}

/// A stream that runs: its first part has come. The connection has served the candidate before.
pub(super) async fn stream(desk: &Desk, target: &str, lines: &[&str]) -> Client {
    let mut client = desk.house.client().await;
    assert_eq!(client.get("/all/x").await.text(), "new");
    client.send(request("GET", target, lines, b"")).await;
    client.read_head().await;
    assert_eq!(client.read_exactly(10).await, b"5\r\nfirst\r\n");
    client
}

/// Its last part comes, and it ends as it should.
pub(super) async fn ends_well(mut client: Client) {
    let end = b"4\r\nlast\r\n0\r\n\r\n";
    assert_eq!(client.read_exactly(end.len()).await, end);
}

impl Desk {
    pub(super) async fn hard(&self, route: Option<&str>) {
        let body = json!({ "route": route, "hard": true });
        self.post("rollback", &body).await.unwrap();
    }

    pub(super) fn books(&self, route: usize, side: Side) -> Counts {
        Counts::of(&self.house.app.publisher.current(), route, side)
    }

    pub(super) fn cut(&self) -> u64 {
        let routes = [ALL, SIDE, SAFE].into_iter();
        routes.map(|r| self.books(r, Side::Candidate).cut).sum()
    }

    /// Nobody blames the candidate for what was cut.
    pub(super) fn assert_no_blame(&self) {
        for route in [ALL, SIDE, SAFE] {
            assert_eq!(bad_attempts(&self.books(route, Side::Candidate)), 0);
        }
        assert_eq!(self.house.phase(&self.new), Phase::Closed);
    }
}
