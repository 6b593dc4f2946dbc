//! The table of responses: whatever an origin answers, its client gets one whole response or sees
//! that there is none, and what comes next on the same connection is its own answer.

use figshift::stats::Class;

use super::support::client::Cut;
use super::support::house::Plan;
use super::support::origin::{Do, Origin, ok};
use super::table::unescape;

/// One block.
#[derive(Debug, Default)]
struct Row {
    kind: &'static str,
    name: &'static str,
    method: &'static str,
    bytes: Vec<u8>,
    ends: bool,
    want: &'static str,
    reuse: bool,
}

fn rows() -> Vec<Row> {
    let mut kind = "";
    let mut rows = Vec::new();
    for block in include_str!("../smuggling_answers.txt").split("\n\n") {
        let block = block.trim_matches('\n');
        if let Some(title) = block.strip_prefix("== ") {
            kind = title;
        } else if !block.starts_with("# ") {
            rows.push(row(kind, block));
        }
    }
    rows
}

fn row(kind: &'static str, block: &'static str) -> Row {
    let method = "GET";
    let mut row = Row {
        kind,
        method,
        ..Row::default()
    };
    for line in block.lines() {
        let (key, value) = line.split_once(": ").unwrap_or((line, ""));
        match key.trim_end_matches(':') {
            "name" => row.name = value,
            "method" => row.method = value,
            "send" => row.bytes.extend(unescape(value)),
            "ends" => row.ends = true,
            "want" => row.want = value,
            "reuse" => row.reuse = true,
            _ => panic!("no such line: {line}"),
        }
    }
    row
}

/// Says what is not as the row wants it.
async fn run(row: &Row) -> Result<(), String> {
    let (bytes, ends) = (row.bytes.clone(), row.ends);
    let origin = Origin::new(move |seen| match seen.target() {
        "/bad" if ends => vec![Do::Send(bytes.clone()), Do::Close],
        "/bad" => vec![Do::Send(bytes.clone())],
        _ => vec![ok(b"its own")],
    });
    // No second try: it would get the same.
    let house = Plan::alone(&origin, "").start().await;
    let mut client = house.client().await;
    let got = client.request(row.method, "/bad", &[], b"").await;
    let as_wanted = match (&got, row.want) {
        (Ok(answer), "502") => answer.status == 502 && answer.reason() == Some("upstream_reset"),
        // Where the head and the fault come at once, not even the head gets out.
        (Err(Cut::Body(_)), "cut") => true,
        (Err(Cut::Head(part)), "cut") => part.is_empty(),
        (Ok(answer), body) => answer.status < 400 && answer.text() == body,
        _ => false,
    };
    house.at_rest().await;
    let before = origin.accepted();
    // After a response that was cut, the client needs another connection.
    if got.is_err() {
        client = house.client().await;
    }
    let next = client.get("/next").await;
    let reused = origin.accepted() == before;
    let panics = house.panics();
    let cancelled = house.primary().attempts(Class::Cancelled);
    house.stop().await;
    if !as_wanted {
        return Err(format!("{got:?}"));
    }
    if next.text() != "its own" || !client.leftover().is_empty() {
        return Err(format!("the next answer is {next:?}"));
    }
    if reused != row.reuse {
        return Err(format!("reused: {reused}"));
    }
    if panics > 0 || cancelled > 0 {
        return Err(format!("{panics} panics, {cancelled} counted as cancelled"));
    }
    Ok(())
}

#[tokio::test]
async fn no_response_is_read_in_two_ways() {
    let rows = rows();
    assert!(rows.len() >= 30, "{} rows", rows.len());
    let (mut failed, mut refused, mut cut) = (Vec::new(), 0, 0);
    for row in &rows {
        match row.want {
            "502" => refused += 1,
            "cut" => cut += 1,
            _ => {}
        }
        if let Err(what) = run(row).await {
            failed.push(format!("{} / {}: {what}", row.kind, row.name));
        }
    }
    let passed = rows.len() - refused - cut;
    println!(
        "smuggling, responses: {}: {refused} refused, {cut} cut, {passed} passed",
        rows.len()
    );
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
