//! A house with a Serverless candidate, and what is looked at.

use figshift::stats::{Asked, Worked};

use crate::support::client::{Answer, Client};
use crate::support::eventually;
use crate::support::house::{House, Plan, backend_table};
use crate::support::origin::Origin;
use crate::support::serverless::{Engine, NAME};
use crate::support::vast::KEY;

/// A request as a client of the OpenAI API makes it.
pub(crate) const CHAT: &str = "/v1/chat/completions?api_key=query-secret-of-a-client";
/// Its body: with spaces that must come through.
pub(crate) const BODY: &str =
    r#"{"model": "m",  "max_tokens": 256, "messages": [{"role": "user", "content": "hi"}]}"#;
/// What makes a repetition harmless.
pub(crate) const ONCE: &str = "idempotency-key: 1";

/// `[backends.new]` by that engine.
pub(crate) fn backend(engine: &Engine, lines: &str, more: &str) -> String {
    let url = engine.vast.url();
    format!(
        "[backends.new]\n{more}\n[backends.new.serverless]\nendpoint = {NAME:?}\napi_key = {KEY:?}\napi = {url:?}\n\
         engine = {url:?}\nfront = {url:?}\nallow_private = true\nallow_http = true\n{lines}\n"
    )
}

/// A house in which all requests belong to the Serverless candidate, with a primary beside it.
pub(crate) async fn house(engine: &Engine, old: &Origin, lines: &str, route: &str) -> House {
    with(engine, backend_table("old", &[old], ""), lines, "", route).await
}

/// The same with further lines of the backend.
pub(crate) async fn with(
    engine: &Engine,
    old: String,
    lines: &str,
    more: &str,
    route: &str,
) -> House {
    let new = backend(engine, lines, more);
    let route = format!(
        "[[routes]]\nname = \"all\"\nprimary = \"old\"\ncandidate = \"new\"\npercent = 100\n{route}\n"
    );
    let house = Plan::new(format!("{old}{new}{route}")).start().await;
    has_key(&house).await;
    house
}

/// A house that has nothing but the Serverless backend.
pub(crate) async fn alone(engine: &Engine, lines: &str, more: &str) -> House {
    let new = backend(engine, lines, more);
    let route = "[[routes]]\nname = \"all\"\nprimary = \"new\"\n";
    let house = Plan::new(format!("{new}{route}")).start().await;
    has_key(&house).await;
    house
}

pub(crate) async fn has_key(house: &House) {
    eventually("the key is there", || {
        seen(house).has_key && seen(house).is_in
    })
    .await;
}

/// What is known of the Serverless backend.
pub(crate) struct View {
    pub(crate) has_key: bool,
    /// It may be asked.
    pub(crate) is_in: bool,
    pub(crate) waiting: u32,
    /// At once, waited, full, late, left.
    pub(crate) turns: [u64; 5],
    asked: [u64; Asked::COUNT],
    worked: [u64; Worked::COUNT],
    again: [u64; Worked::COUNT],
    pub(crate) cost: u64,
    pub(crate) trips: u64,
}

impl View {
    pub(crate) fn asked(&self, asked: Asked) -> u64 {
        self.asked[asked as usize]
    }
    pub(crate) fn worked(&self, worked: Worked) -> u64 {
        self.worked[worked as usize]
    }
    pub(crate) fn again(&self, worked: Worked) -> u64 {
        self.again[worked as usize]
    }
}

pub(crate) fn seen(house: &House) -> View {
    let snapshot = house.app.publisher.current();
    let mut backends = snapshot.backends.iter();
    let backend = backends.find(|backend| &*backend.name == "new").unwrap();
    let terms = backend.serverless.as_ref().unwrap();
    let sight = backend.members[0].endpoint.fitness.sight();
    let mut view = View {
        has_key: terms.key.get().is_some(),
        is_in: sight.proven,
        waiting: terms.line.waiting(),
        turns: figshift::snapshot::Turn::ALL.map(|turn| terms.line.turns(turn)),
        asked: Default::default(),
        worked: Default::default(),
        again: Default::default(),
        cost: 0,
        trips: sight.trips,
    };
    for cell in terms.cells.iter() {
        for (sum, count) in view.asked.iter_mut().zip(&cell.asked) {
            *sum += count.get();
        }
        for (sum, count) in view.worked.iter_mut().zip(&cell.worked) {
            *sum += count.get();
        }
        for (sum, count) in view.again.iter_mut().zip(&cell.again) {
            *sum += count.get();
        }
        view.cost += cell.cost.get();
    }
    view
}

/// Posts JSON by a connection of its own.
pub(crate) async fn post(house: &House, lines: &[&str]) -> Answer {
    post_body(house, lines, BODY).await
}

pub(crate) async fn post_body(house: &House, lines: &[&str], body: &str) -> Answer {
    let mut all = vec!["content-type: application/json"];
    all.extend(lines);
    let mut client = house.client().await;
    client
        .request("POST", CHAT, &all, body.as_bytes())
        .await
        .unwrap()
}

/// What the admin port exposes.
pub(crate) async fn metrics(house: &House) -> String {
    admin(house, "/metrics").await
}

/// What the admin port answers: one request for each connection.
pub(crate) async fn admin(house: &House, target: &str) -> String {
    let mut client = Client::new(house.app.admin).await;
    let bytes = format!("GET {target} HTTP/1.1\r\nhost: localhost\r\n\r\n");
    client.send(bytes).await;
    let answer = client.read().await.unwrap();
    assert_eq!(answer.status, 200, "{target}");
    answer.text()
}
