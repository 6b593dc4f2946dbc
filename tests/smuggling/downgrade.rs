//! Requests in HTTP/2 that would be something else in HTTP/1.1, through a house to the recorder.
//! Each is followed by a marker on the next stream of the same connection.

use super::recorder::{Recorder, echo};
use super::strict::Whole;
use super::support::frames::{
    DATA, END_HEADERS, END_STREAM, Frame, GOAWAY, HEADERS, RST_STREAM, Wire, field, frame, status,
};
use super::support::house::Plan;
use super::table::unescape;

const PAYLOAD: u32 = 1;
const MARKER: u32 = 3;

/// One block of the table.
#[derive(Debug, Default)]
struct Row {
    kind: &'static str,
    name: &'static str,
    fields: Vec<u8>,
    /// Bodies as they are cut into frames.
    data: Vec<Vec<u8>>,
    trailers: Option<Vec<u8>>,
    /// `METHOD TARGET = BODY`, or nothing where it is refused.
    want: Option<(&'static str, String, Vec<u8>)>,
    has: Vec<(&'static str, &'static str)>,
    lacks: Vec<&'static str>,
}

/// What became of a stream.
#[derive(Debug, PartialEq, Eq)]
enum Fate {
    Answered(u16, String),
    Reset(u32),
    /// With the connection.
    Gone,
}

fn rows() -> Vec<Row> {
    let mut kind = "";
    let mut rows = Vec::new();
    for block in include_str!("../smuggling_http2.txt").split("\n\n") {
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
    let mut row = Row {
        kind,
        ..Row::default()
    };
    let mut given: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
    let mut plain = true;
    let split = |value: &'static str| {
        let (name, value) = value
            .split_once(" = ")
            .unwrap_or((value.trim_end_matches(" ="), ""));
        (unescape(name), unescape(value))
    };
    for line in block.lines() {
        let (key, value) = line.split_once(": ").unwrap_or((line, ""));
        match key {
            "name" => row.name = value,
            "bare" => plain = false,
            "field" => given.push(split(value)),
            "data" => row.data.push(unescape(value)),
            "trailer" => {
                let (name, value) = split(value);
                let trailers = row.trailers.get_or_insert_default();
                trailers.extend(field(&name, &value));
            }
            "want" if value == "refused" => row.want = None,
            "want" => {
                let (line, body) = value.split_once(" = ").unwrap_or((value, ""));
                let (method, target) = line.split_once(' ').expect(line);
                let target = String::from_utf8(unescape(target)).unwrap();
                row.want = Some((method, target, unescape(body)));
            }
            "has" => row.has.push(value.split_once(": ").expect(line)),
            "lacks" => row.lacks.push(value),
            _ => panic!("no such line: {line}"),
        }
    }
    // What is not given of a plain request stands before the rest.
    let method: &[u8] = if row.data.is_empty() { b"GET" } else { b"POST" };
    let mut all = Vec::new();
    for (name, value) in [
        (&b":method"[..], method),
        (b":scheme", b"http"),
        (b":authority", b"a"),
        (b":path", b"/p"),
    ] {
        let named = given.iter().any(|(given, _)| given == name);
        if plain && !named {
            all.push((name.to_vec(), value.to_vec()));
        }
    }
    all.extend(given);
    row.fields = all
        .iter()
        .flat_map(|(name, value)| field(name, value))
        .collect();
    row
}

impl Row {
    fn frames(&self) -> Vec<u8> {
        let ends = |last: bool| if last { END_STREAM } else { 0 };
        let (data, trailers) = (self.data.len(), self.trailers.is_some());
        let flags = END_HEADERS | ends(data == 0 && !trailers);
        let mut bytes = frame(HEADERS, flags, PAYLOAD, &self.fields);
        for (nth, part) in self.data.iter().enumerate() {
            let flags = ends(nth + 1 == data && !trailers);
            bytes.extend(frame(DATA, flags, PAYLOAD, part));
        }
        if let Some(trailers) = &self.trailers {
            bytes.extend(frame(HEADERS, END_HEADERS | END_STREAM, PAYLOAD, trailers));
        }
        bytes
    }
}

/// Reads until both streams have met their fate.
async fn fates(wire: &mut Wire) -> [Fate; 2] {
    let mut fates = [None, None];
    let mut heads = [0, 0];
    let mut bodies = [String::new(), String::new()];
    while fates.contains(&None) {
        let Some(came) = wire.next().await else {
            break;
        };
        let Frame {
            kind,
            stream,
            ref payload,
            ..
        } = came;
        let at = match stream {
            PAYLOAD => 0,
            MARKER => 1,
            _ => continue,
        };
        match kind {
            RST_STREAM => fates[at] = fates[at].take().or(Some(Fate::Reset(came.code()))),
            // Of trailers there are none.
            HEADERS => heads[at] = status(payload),
            DATA => bodies[at].push_str(std::str::from_utf8(payload).unwrap()),
            GOAWAY => {}
            _ => continue,
        }
        if came.flags & END_STREAM != 0 && matches!(kind, HEADERS | DATA) {
            fates[at] = Some(Fate::Answered(heads[at], std::mem::take(&mut bodies[at])));
        }
    }
    fates.map(|fate| fate.unwrap_or(Fate::Gone))
}

fn judge(row: &Row, fates: &[Fate; 2], whole: &[Whole], wrong: &[String]) -> Result<(), String> {
    let holds = |holds: bool, what: &str| if holds { Ok(()) } else { Err(what.to_owned()) };
    holds(wrong.is_empty(), "the origin got what fits no rule")?;
    let marked = match &fates[1] {
        Fate::Answered(200, said) => {
            holds(*said == echo("GET", "/marker", b""), "another marker")?;
            true
        }
        Fate::Gone => false,
        // Malformed, like everything that comes too late.
        Fate::Answered(..) | Fate::Reset(_) => return Err("the marker met another fate".to_owned()),
    };
    let expected = usize::from(row.want.is_some()) + usize::from(marked);
    holds(
        whole.len() == expected,
        "more or fewer requests at the origin",
    )?;
    let Some((method, target, body)) = &row.want else {
        let refused = match &fates[0] {
            Fate::Answered(status, _) => *status >= 400,
            Fate::Reset(_) | Fate::Gone => true,
        };
        return holds(refused, "not refused");
    };
    holds(marked, "the connection ended")?;
    let said = Fate::Answered(200, echo(method, target, body));
    holds(fates[0] == said, "another answer")?;
    let seen = whole
        .iter()
        .find(|whole| whole.target != "/marker")
        .ok_or("another target")?;
    holds(
        seen.method == *method && seen.target == *target,
        "another line",
    )?;
    holds(seen.body == *body, "another body")?;
    for (name, value) in &row.has {
        holds(seen.all(name) == [value.as_bytes()], name)?;
    }
    for name in &row.lacks {
        holds(seen.all(name).is_empty(), name)?;
    }
    Ok(())
}

#[tokio::test]
async fn no_request_in_http_2_becomes_another_one_in_http_1() {
    let recorder = Recorder::start().await;
    let rows = rows();
    assert!(rows.len() >= 40, "{} rows", rows.len());
    let (mut failed, mut refused, mut ended) = (Vec::new(), 0, 0);
    for row in &rows {
        let text = format!(
            "[backends.old]\nendpoints = [\"http://{}\"]\n[[routes]]\nname = \"all\"\nprimary = \"old\"\n",
            recorder.address
        );
        let house = Plan::new(text).start().await;
        let mut wire = Wire::open(house.app.http).await;
        let marker = super::support::frames::block(&[
            (":method", "GET"),
            (":scheme", "http"),
            (":authority", "marker.test"),
            (":path", "/marker"),
        ]);
        let mut bytes = row.frames();
        bytes.extend(frame(HEADERS, END_HEADERS | END_STREAM, MARKER, &marker));
        wire.send(&bytes).await;
        let fates = fates(&mut wire).await;
        drop(wire);
        house.at_rest().await;
        house.stop().await;
        let (whole, wrong) = recorder.take().await;
        if let Err(what) = judge(row, &fates, &whole, &wrong) {
            let at = format!("{} / {}: {what}", row.kind, row.name);
            failed.push(format!(
                "{at}\n  client: {fates:?}\n  origin: {whole:?} {wrong:?}"
            ));
        }
        refused += usize::from(row.want.is_none());
        ended += usize::from(fates[1] == Fate::Gone);
    }
    println!(
        "smuggling, HTTP/2: {} payloads: {refused} refused (of these {ended} with the connection), {} passed",
        rows.len(),
        rows.len() - refused
    );
    assert!(
        failed.is_empty(),
        "{} rows fail:\n{}",
        failed.len(),
        failed.join("\n")
    );
}
