//! The table of requests, through a house to the recorder.

use std::time::Duration;

use tokio::io::AsyncWriteExt as _;

use super::recorder::{Recorder, echo};
use super::strict::Whole;
use super::support::client::{Answer, Client, Cut};
use super::support::house::{House, Plan};
use super::table::{Request, Row, Want, rows};

/// Follows each payload on its connection, and must be read as itself or not at all.
const MARKER: &[u8] = b"GET /marker HTTP/1.1\r\nHost: marker.test\r\n\r\n";
/// So long must a connection stay silent to count as waiting.
const SILENCE: Duration = Duration::from_millis(150);
/// Nobody who has all of a request is silent for so long.
const PATIENCE: Duration = Duration::from_secs(3);

/// How the bytes are cut into packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pace {
    AtOnce,
    Dribbled,
}

/// What a client saw after its payload.
#[derive(Debug, Default)]
struct Seen {
    answers: Vec<Answer>,
    marker: bool,
    closed: bool,
    /// Closed in the middle of an answer.
    half: bool,
    silent: bool,
}

async fn house(recorder: &Recorder) -> House {
    let text = format!(
        "[backends.old]\nendpoints = [\"http://{}\"]\n[[routes]]\nname = \"all\"\nprimary = \"old\"\n",
        recorder.address
    );
    Plan::new(text).start().await
}

/// Sends; a refusal may come before everything is sent.
async fn send(client: &mut Client, bytes: &[u8], pace: Pace) {
    let stream = &mut client.stream;
    match pace {
        Pace::AtOnce => drop(stream.write_all(bytes).await),
        Pace::Dribbled => {
            for byte in bytes {
                if stream.write_all(&[*byte]).await.is_err() {
                    return;
                }
                tokio::task::yield_now().await;
            }
        }
    }
}

/// Reads answers until the marker's, the end, or silence.
async fn read(client: &mut Client, row: &Row) -> Seen {
    let mut seen = Seen::default();
    loop {
        let patience = if row.waits() { SILENCE } else { PATIENCE };
        match tokio::time::timeout(patience, client.read()).await {
            Ok(Ok(answer)) if answer.text() == echo("GET", "/marker", b"") => {
                seen.marker = true;
                return seen;
            }
            Ok(Ok(answer)) => seen.answers.push(answer),
            Ok(Err(cut)) => {
                seen.closed = true;
                seen.half = !matches!(cut, Cut::Head(part) if part.is_empty());
                return seen;
            }
            Err(_) => {
                seen.silent = true;
                return seen;
            }
        }
    }
}

/// Says what is not as the row wants it.
fn judge(row: &Row, seen: &Seen, whole: &[Whole], wrong: &[String]) -> Result<(), String> {
    let holds = |holds: bool, what: &str| if holds { Ok(()) } else { Err(what.to_owned()) };
    holds(wrong.is_empty(), "the origin got what fits no rule")?;
    holds(!seen.half, "half an answer")?;
    // What was refused may have taken the marker with it.
    let refused = row.is_refused() && seen.answers.len() > row.passing().count();
    holds(
        seen.silent == row.waits() || refused,
        "it waits, or does not",
    )?;
    let passing: Vec<&Request> = row.passing().collect();
    let marked = usize::from(seen.marker);
    holds(
        whole.len() == passing.len() + marked,
        "more or fewer requests at the origin",
    )?;
    for (request, whole) in passing.iter().zip(whole) {
        holds(
            request.method == whole.method && request.target == whole.target,
            "another line",
        )?;
        holds(request.body == whole.body, "another body")?;
    }
    if seen.marker {
        let last = whole.last().ok_or("no marker at the origin")?;
        let same = last.target == "/marker" && last.body.is_empty();
        holds(
            same && last.all("host") == [b"marker.test"],
            "another marker",
        )?;
    }
    let (served, others) = seen
        .answers
        .split_at_checked(passing.len())
        .ok_or("no answer")?;
    for (request, answer) in passing.iter().zip(served) {
        let said = echo(&request.method, &request.target, &request.body);
        holds(
            answer.status == 200 && answer.text() == said,
            "another answer",
        )?;
    }
    let refusals = others.iter().all(|answer| answer.status >= 400);
    holds(
        others.is_empty() || (row.is_refused() && refusals),
        "an answer too many",
    )?;
    match row.wants.last() {
        Some(Want::Passes(_)) => holds(seen.marker != row.closes, "open, or closed")?,
        Some(Want::Refused) => holds(seen.closed || !others.is_empty(), "not refused")?,
        _ => {}
    }
    let Some(first) = whole.first() else {
        return Ok(());
    };
    for (name, value) in &row.has {
        holds(first.all(name) == [value.as_bytes()], name)?;
    }
    for name in &row.lacks {
        holds(first.all(name).is_empty(), name)?;
    }
    Ok(())
}

async fn run(pace: Pace) {
    let recorder = Recorder::start().await;
    let rows = rows();
    let (mut refused, mut passed, mut waiting) = (0, 0, 0);
    let mut failed = Vec::new();
    for row in &rows {
        if pace == Pace::Dribbled && row.bytes.len() > 4000 {
            continue;
        }
        let house = house(&recorder).await;
        let mut client = house.client().await;
        send(&mut client, &row.bytes, pace).await;
        send(&mut client, MARKER, pace).await;
        let seen = read(&mut client, row).await;
        drop(client);
        house.at_rest().await;
        house.stop().await;
        let (whole, wrong) = recorder.take().await;
        if let Err(what) = judge(row, &seen, &whole, &wrong) {
            let at = format!("{} / {}: {what}", row.kind, row.name);
            failed.push(format!(
                "{at}\n  client: {seen:?}\n  origin: {whole:?} {wrong:?}"
            ));
        }
        match row.wants.last() {
            Some(Want::Refused) => refused += 1,
            Some(Want::Waits) => waiting += 1,
            _ => passed += 1,
        }
    }
    println!(
        "smuggling, {pace:?}: {} payloads: {refused} refused, {passed} passed, {waiting} waiting",
        refused + passed + waiting
    );
    assert!(
        failed.is_empty(),
        "{} rows fail:\n{}",
        failed.len(),
        failed.join("\n")
    );
}

#[tokio::test]
async fn no_request_is_read_in_two_ways() {
    run(Pace::AtOnce).await;
}

#[tokio::test]
async fn nor_is_one_that_comes_byte_by_byte() {
    run(Pace::Dribbled).await;
}

#[test]
fn the_table_is_long_and_names_each_row_once() {
    let rows = rows();
    assert!(rows.len() >= 150, "{} rows", rows.len());
    let mut names: Vec<_> = rows.iter().map(|row| (row.kind, row.name)).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), rows.len());
}
