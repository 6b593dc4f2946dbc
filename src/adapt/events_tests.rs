//! Streams, however they are split.

use std::convert::Infallible;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

type Said = Result<Outcome, Infallible>;

fn rewrite(stream: &str, cut: usize, mut each: impl FnMut(Event<'_>) -> Said) -> String {
    let (mut events, mut out) = (Events::new(1_000), Vec::new());
    for chunk in stream.as_bytes().chunks(cut) {
        events.push(chunk, &mut out, &mut each).unwrap();
    }
    events.end(&mut out, &mut each).unwrap();
    String::from_utf8(out).unwrap()
}

/// Upper case for what is not `[DONE]`.
fn shout(event: Event<'_>) -> Said {
    Ok(match event.data {
        b"[DONE]" => Outcome::Pass,
        b"drop" => Outcome::Drop,
        b"two" => Outcome::Many(vec![b"1".to_vec(), b"2".to_vec()]),
        data => Outcome::One(data.to_ascii_uppercase()),
    })
}

#[test]
fn data_is_replaced_and_all_else_passes() {
    let cases = [
        ("data: a\n\n", "data: A\n\n"),
        ("data:a\n\ndata: [DONE]\n\n", "data: A\n\ndata: [DONE]\n\n"),
        ("data: a\r\n\r\n", "data: A\n\n"),
        ("data: a\r\rdata: b\r\r", "data: A\n\ndata: B\n\n"),
        (
            "data: [DONE]\r\n\r\ndata: a\r\n\r\n",
            "data: [DONE]\r\n\r\ndata: A\n\n",
        ),
        ("data: a\ndata: b\n\n", "data: A\ndata: B\n\n"),
        (
            "event: x\nid: 7\ndata: a\n: c\n\n",
            ": c\nevent: x\nid: 7\ndata: A\n\n",
        ),
        (": ping\n\ndata: a\n\n", ": ping\n\ndata: A\n\n"),
        ("event: ping\n\nretry: 5\n\n", "event: ping\n\nretry: 5\n\n"),
        ("id: 1\ndata: drop\n\ndata: a\n\n", "id: 1\n\ndata: A\n\n"),
        (
            "event: x\ndata: drop\n\ndata: drop\r\n\r\ndata: a\n\n",
            "data: A\n\n",
        ),
        (
            "event: x\nid: 3\nretry: 1\ndata: two\n\n",
            "retry: 1\nevent: x\ndata: 1\n\nevent: x\nid: 3\ndata: 2\n\n",
        ),
        ("\u{feff}data: a\n\n", "\u{feff}data: A\n\n"),
        ("\u{feff}", "\u{feff}"),
        ("data\n\n", "data: \n\n"),
        ("data:  a\n\n", "data:  A\n\n"),
        ("dataset: a\n\n", "dataset: a\n\n"),
        ("data: a", "data: A\n\n"),
        ("data: a\n", "data: A\n\n"),
        ("data: a\n\n: bye", "data: A\n\n: bye"),
        ("data: [DONE]", "data: [DONE]"),
        ("\n\n\r\n\r", "\n\n\r\n\r"),
        ("", ""),
    ];
    for (stream, wanted) in cases {
        for cut in [1, 2, 3, 7, 1_000] {
            assert_eq!(rewrite(stream, cut, shout), wanted, "{stream:?} by {cut}");
        }
    }
}

#[test]
fn an_event_has_a_name_and_its_lines() {
    let mut seen = Vec::new();
    rewrite(
        "event: a\nevent:b\ndata: 1\ndata\ndata: 2\n\ndata:\n\n",
        3,
        |event| {
            seen.push((event.name.to_owned(), event.data.to_vec()));
            Ok(Outcome::Pass)
        },
    );
    assert_eq!(seen[0], ("b".to_owned(), b"1\n\n2".to_vec()));
    assert_eq!(seen[1], (String::new(), Vec::new()));
}

#[test]
fn data_of_several_lines_is_written_as_such() {
    let give = |_: Event<'_>| Ok(Outcome::One(b"a\nb\r\nc\rd\n".to_vec()));
    let wanted = "data: a\ndata: b\ndata: c\ndata: d\ndata: \n\n";
    assert_eq!(rewrite("data: x\n\n", 1, give), wanted);
}

#[test]
fn what_stands_between_events_passes_at_once() {
    let (mut events, mut out) = (Events::new(10), Vec::new());
    events.push(b": ping\n", &mut out, &mut shout).unwrap();
    assert_eq!(out, b": ping\n");
    events.push(b"\ndata: a\n", &mut out, &mut shout).unwrap();
    assert_eq!(out, b": ping\n\n");
    events.push(b"\n", &mut out, &mut shout).unwrap();
    assert_eq!(out, b": ping\n\ndata: A\n\n");
}

#[test]
fn no_event_is_longer_than_allowed() {
    let push = |stream: &[u8]| {
        let (mut events, mut out) = (Events::new(10), Vec::new());
        let mut ends = Ok(());
        for chunk in stream.chunks(100) {
            ends = ends.and_then(|()| events.push(chunk, &mut out, &mut shout));
        }
        assert!(events.held.len() <= 10 + OTHERS + 100);
        ends
    };
    assert!(push(b"data: 0123456789\n\n").is_ok());
    assert_eq!(push(b"data: 01234567890\n\n"), Err(EventsError::TooLong));
    assert_eq!(
        push(b"data: 01234\ndata: 56789\n\n"),
        Err(EventsError::TooLong)
    );
    assert_eq!(push(&b"a".repeat(100_000)), Err(EventsError::TooLong));
    assert_eq!(
        push(&b"data: a\nx\n".repeat(10_000)),
        Err(EventsError::TooLong)
    );
    assert_eq!(push(&b": comment\n".repeat(10_000)), Ok(()));
    assert_eq!(push(&b"id: 1\n".repeat(10_000)), Err(EventsError::TooLong));
}

#[test]
fn who_is_asked_can_fail() {
    let mut out = Vec::new();
    let mut each = |_: Event<'_>| Err("no");
    let ends = Events::new(10).push(b"data: a\n\n", &mut out, &mut each);
    assert_eq!(ends, Err(EventsError::Each("no")));
}

proptest! {
    #[test]
    fn chunks_do_not_matter(
        parts in vec(prop_oneof![
            Just("data: a"), Just("data:two"), Just("data: drop"), Just("id: 1"), Just("event: e"),
            Just(":c"), Just("\n"), Just("\r"), Just("\r\n"), Just("\n\n"), Just("\u{feff}"),
            Just("data: [DONE]"), Just("x"),
        ], 0..40),
        cut in 1_usize..9,
    ) {
        let stream = parts.concat();
        prop_assert_eq!(rewrite(&stream, cut, shout), rewrite(&stream, usize::MAX, shout));
        let pass = |_: Event<'_>| Ok(Outcome::Pass);
        prop_assert_eq!(rewrite(&stream, cut, pass), stream);
    }
}
