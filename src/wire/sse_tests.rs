//! What the scanner sees, also by the letter of the standard.

use proptest::prelude::*;

use super::*;

/// The events of a text in one piece.
fn events(text: &[u8]) -> Vec<Event> {
    let mut scanner = Scanner::new();
    // Byte by byte no two events are completed at once.
    let seen = text.iter().map(|byte| scanner.scan(&[*byte]).first);
    seen.flatten().collect()
}

#[test]
fn events_are_told_from_noise() {
    let cases: [(&str, &[Event]); 26] = [
        ("data: a\n\n", &[Event::Data]),
        ("data:a\r\rdata: b\r\n\r\n", &[Event::Data, Event::Data]),
        ("\u{feff}data: a\n\n", &[Event::Data]),
        ("\u{feff}\n\u{feff}data: a\n\n", &[]),
        ("data: a\n", &[]),
        ("\n\n\r\n\r\r", &[]),
        (": data: a\n\n:\n\n", &[]),
        ("data\n\n", &[]),
        ("data:\n\ndata: \n\ndata:  \n\n", &[]),
        ("data:\ndata: b\n\n", &[Event::Data]),
        ("event: token\n\n", &[]),
        ("event: ping\ndata: {\"type\": \"ping\"}\n\n", &[]),
        ("data: { \"type\" : \"ping\" }\n\n", &[]),
        ("event: ping\nevent: token\ndata: a\n\n", &[Event::Data]),
        ("event: ping\nevent\ndata: a\n\n", &[Event::Data]),
        ("id: 1\nretry: 10\n\nid: 2\ndata: x\n\n", &[Event::Data]),
        ("datum: a\n\ndat: a\n\n data: a\n\nDATA: a\n\n", &[]),
        ("data: [DONE]\n\n", &[Event::Done]),
        (
            "data: [DONE] \n\ndata: [DONE]x\n\n",
            &[Event::Done, Event::Data],
        ),
        ("event: error\ndata: oh\n\n", &[Event::Error(None)]),
        ("event: errors\ndata: oh\n\n", &[Event::Data]),
        (
            "data: {\"error\": {\"message\": \"x\", \"code\": 400}}\n\n",
            &[Event::Error(Some(400))],
        ),
        (
            "data: {\"error\": \"busy\", \"code\":\"503\"}\n\n",
            &[Event::Error(Some(503))],
        ),
        (
            "data: {\"error\": {\"message\": \"\\\"code\\\": 400\", \"code\": null}}\n\n",
            &[Event::Error(None)],
        ),
        (
            "data: {\"error\": null, \"x\": 1}\n\ndata: {\"error\":\"\"}\n\ndata: {\"errors\": 1}\n\n",
            &[Event::Data, Event::Data, Event::Data],
        ),
        (
            "data: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\"}}\n\n",
            &[Event::Error(None)],
        ),
    ];
    for (text, meant) in cases {
        assert_eq!(events(text.as_bytes()), meant, "{text:?}");
    }
}

#[test]
fn a_code_is_a_status_or_nothing() {
    for (code, meant) in [
        ("429", Some(429)),
        ("\"500\"", Some(500)),
        ("200", None),
        ("5000", None),
        ("50", None),
        ("-500", None),
        ("\"rate_limit\"", None),
        ("1, \"code\": 502", Some(502)),
        ("502, \"code\": 400", Some(502)),
        ("99999999", None),
    ] {
        let text = format!("data: {{\"error\": {{\"code\": {code}}}}}\n\n");
        assert_eq!(events(text.as_bytes()), [Event::Error(meant)], "{code}");
        let text = format!("event: error\ndata: \"code\": {code}\n\n");
        assert_eq!(events(text.as_bytes()), [Event::Error(meant)], "{code}");
    }
}

#[test]
fn one_chunk_tells_of_its_first_event_and_of_any_error() {
    let mut scanner = Scanner::new();
    let seen = scanner.scan(b": hi\n\ndata: a\n\ndata: {\"error\":1}\n\ndata: [DONE]\n\ndat");
    assert_eq!(seen.first, Some(Event::Data));
    assert_eq!((seen.error, seen.done), (Some(Event::Error(None)), true));
    assert!(scanner.is_between_events());
    assert_eq!(scanner.scan(b"a: x"), Seen::default());
    assert!(!scanner.is_between_events());
    assert_eq!(scanner.scan(b"\n\n").first, Some(Event::Data));
    assert!(scanner.is_between_events());
}

#[test]
fn a_long_event_grows_and_noise_does_not() {
    let mut scanner = Scanner::new();
    let grows = |scanner: &mut Scanner, text: &str| scanner.scan(text.as_bytes()).grows;
    assert!(!grows(
        &mut scanner,
        ": a comment that is as long as you like\n\ndata: {\"a\":"
    ));
    assert!(grows(&mut scanner, "\"a text of some length\""));
    assert!(grows(&mut scanner, "!"));
    assert!(!grows(&mut scanner, "\n\n"));
    let ping = "event: ping\ndata: {\"type\":\"ping\", \"at\": \"2025-03-04T09:41:12Z\"}\n\n";
    assert!(!grows(&mut scanner, ping));
    assert!(!grows(&mut scanner, ping.split_once('\n').unwrap().1));
}

#[test]
fn an_event_without_an_empty_line_goes_on() {
    let mut scanner = Scanner::new();
    for (text, meant) in [
        ("data: a\n", false),
        ("data: b\n", true),
        ("\n", false),
        ("data: c\n\ndata:", false),
        ("\ndata:\n", false),
        ("data: d", true),
        ("\n\nevent: error\ndata: e\ndata: f\n", false),
    ] {
        scanner.scan(text.as_bytes());
        assert_eq!(scanner.goes_on(), meant, "{text:?}");
    }
}

#[test]
fn it_is_small() {
    assert!(size_of::<Scanner>() <= 64, "{}", size_of::<Scanner>());
}

/// Pieces that make interesting streams.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let pieces: Vec<&[u8]> = vec![
        b"data",
        b": ",
        b":",
        b"\n",
        b"\r",
        b"\r\n",
        b"\n\n",
        b"event",
        b"error",
        b"ping",
        b"[DONE]",
        b"{\"error\"",
        b"\"code\":",
        b"400",
        b" ",
        b"x",
        b"\xef\xbb\xbf",
        b"\xef",
        b"{\"type\":",
        b"null",
        b"data: a\n\n",
        b"a long text that says nothing at all",
    ];
    let piece = prop_oneof![
        9 => proptest::sample::select(pieces).prop_map(<[u8]>::to_vec),
        1 => proptest::collection::vec(any::<u8>(), 0..4),
    ];
    proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

/// The same by the letter of the standard: lines, then fields, then events.
fn by_the_letter(bytes: &[u8]) -> usize {
    let bytes = bytes.strip_prefix(&BOM).unwrap_or(bytes);
    let text = bytes.iter().map(|byte| char::from(*byte));
    let text: String = text
        .collect::<String>()
        .replace("\r\n", "\n")
        .replace('\r', "\n");
    let (mut data, mut dispatched) = (None::<String>, 0);
    // What stands behind the last line end is no line.
    let lines = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
    if text.contains('\n') {
        for line in lines.split('\n') {
            let (name, value) = line.split_once(':').unwrap_or((line, ""));
            match name {
                "" if line.is_empty() => dispatched += usize::from(data.take().is_some()),
                "data" => {
                    let value = value.strip_prefix(' ').unwrap_or(value);
                    data.get_or_insert_default().push_str(value);
                }
                _ => {}
            }
        }
    }
    dispatched
}

proptest! {
    #[test]
    fn the_same_is_seen_however_it_is_split(
        text in stream(),
        cuts in proptest::collection::vec(any::<proptest::sample::Index>(), 0..10),
    ) {
        let whole = events(&text);
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
        cuts.extend([0, text.len()]);
        cuts.sort_unstable();
        let mut scanner = Scanner::new();
        let (mut events, mut at) = (whole.iter(), 0);
        for pair in cuts.windows(2) {
            // As many events as byte by byte, the first of each chunk and the errors among them.
            let part = &text[pair[0]..pair[1]];
            let mut single = Scanner::clone(&scanner);
            let seen = scanner.scan(part);
            let mut first = None;
            for byte in part {
                if let Some(event) = single.scan(&[*byte]).first {
                    prop_assert_eq!(Some(&event), events.next());
                    first.get_or_insert(event);
                    at += 1;
                }
            }
            prop_assert_eq!(seen.first, first);
            prop_assert_eq!(scanner.is_between_events(), single.is_between_events());
        }
        prop_assert_eq!(at, whole.len());
    }

    #[test]
    fn no_more_events_than_the_standard_dispatches(text in stream()) {
        prop_assert!(events(&text).len() <= by_the_letter(&text));
    }

    #[test]
    fn each_event_that_says_something_is_seen(
        texts in proptest::collection::vec("[a-z]{1,40}", 1..8),
        end in proptest::sample::select(vec!["\n", "\r", "\r\n"]),
    ) {
        let event = |text: &String| format!("id: 7{end}: note{end}data: x{text}{end}{end}");
        let stream: String = texts.iter().map(event).collect();
        prop_assert_eq!(events(stream.as_bytes()), vec![Event::Data; texts.len()]);
        prop_assert_eq!(by_the_letter(stream.as_bytes()), texts.len());
    }
}
