//! Looks at an event stream (`text/event-stream`) while it passes: chunk by chunk, however the bytes
//! are split, without keeping any of them. It tells data from noise: a comment, an event without
//! data and a ping are signs of life of the connection, not of the one who should answer.

/// Kept of the data of an event, without white space: as much as tells what it is.
const HEAD: usize = 20;
/// Kept of the name of an event.
const NAME: usize = 10;
const BOM: [u8; 3] = [0xef, 0xbb, 0xbf];
const CODE: &[u8] = b"\"code\":";
/// Names of events that only keep a connection warm.
const PINGS: [&[u8]; 4] = [b"ping", b"heartbeat", b"keepalive", b"keep-alive"];

/// What an event is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// An event with data.
    Data,
    /// `[DONE]`: nothing else will come.
    Done,
    /// The sender says that it failed: an event `error`, or data that is an object with `error` as
    /// its first key; with its `code`, if that is a status.
    Error(Option<u16>),
}

/// What a chunk has completed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Seen {
    /// The first event; `None` if there was nothing but comments and pings.
    pub first: Option<Event>,
    /// The last error among them.
    pub error: Option<Event>,
    /// Whether `[DONE]` was among them.
    pub done: bool,
    /// Whether the data of an event grew that is long enough to be no ping.
    pub grows: bool,
}

/// The state between two chunks.
#[derive(Debug, Clone, Default)]
pub struct Scanner {
    line: Line,
    after_cr: bool,
    pending: Pending,
}

/// Where in a line it stands.
#[derive(Debug, Clone, Copy, Default)]
enum Line {
    /// At the beginning of the stream, after so many bytes of a byte order mark.
    Mark(u8),
    /// In the name of a field, of which so many bytes were read and fit one of the known.
    Name { read: u8, data: bool, event: bool },
    /// After the colon: one space is not part of the value.
    Colon(Field),
    /// In the value.
    Value(Field),
    /// In a comment or a field that says nothing here.
    #[default]
    Ignored,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Data,
    Event,
}

impl Line {
    const START: Self = Self::Name {
        read: 0,
        data: true,
        event: true,
    };
}

/// What is known of the event that is not complete.
#[derive(Debug, Clone, Copy, Default)]
struct Pending {
    has_data: bool,
    head: Prefix<HEAD>,
    name: Prefix<NAME>,
    code: Code,
}

/// The first bytes of something, and whether there were more.
#[derive(Debug, Clone, Copy)]
struct Prefix<const N: usize> {
    bytes: [u8; N],
    len: u8,
    more: bool,
}

impl<const N: usize> Default for Prefix<N> {
    fn default() -> Self {
        Self {
            bytes: [0; N],
            len: 0,
            more: false,
        }
    }
}

impl<const N: usize> Prefix<N> {
    fn push(&mut self, byte: u8) {
        match self.bytes.get_mut(usize::from(self.len)) {
            Some(place) => {
                *place = byte;
                self.len += 1;
            }
            None => self.more = true,
        }
    }

    fn get(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }

    fn is(&self, text: &[u8]) -> bool {
        !self.more && self.get() == text
    }

    fn is_full(&self) -> bool {
        usize::from(self.len) == N
    }
}

/// Finds `"code": 503` or `"code": "503"`. Within a string of JSON the pattern cannot stand, since
/// quotes are escaped there.
#[derive(Debug, Clone, Copy, Default)]
struct Code {
    /// Bytes of the pattern that were met.
    met: u8,
    digits: u8,
    value: u16,
    found: Option<u16>,
}

impl Code {
    fn look(&mut self, byte: u8) {
        let met = usize::from(self.met);
        if met < CODE.len() {
            self.met = match byte {
                _ if CODE.get(met) == Some(&byte) => self.met + 1,
                b'"' => 1,
                _ => 0,
            };
        } else if byte.is_ascii_digit() && self.digits < 4 {
            self.digits += 1;
            self.value = self.value * 10 + u16::from(byte - b'0');
        } else if byte != b'"' || self.digits > 0 {
            self.end();
            *self = Self {
                found: self.found,
                met: u8::from(byte == b'"'),
                ..Self::default()
            };
        }
    }

    fn end(&mut self) {
        let is_status = self.digits == 3 && (400..=599).contains(&self.value);
        if self.found.is_none() && is_status {
            self.found = Some(self.value);
        }
    }
}

impl Pending {
    fn data(&mut self, byte: u8) {
        if !byte.is_ascii_whitespace() {
            self.head.push(byte);
            self.code.look(byte);
        }
    }

    /// Whether the rest of its data would tell nothing new.
    fn is_clear(&self) -> bool {
        self.head.is_full() && self.head.more && !self.is_error()
    }

    fn is_error(&self) -> bool {
        let head = self.head.get();
        let empty: [&[u8]; 3] = [b"null", b"false", b"\"\""];
        let named = |rest: &[u8]| {
            let value = rest.strip_prefix(b":").unwrap_or(rest);
            !empty.iter().any(|empty| value.starts_with(empty))
        };
        self.name.is(b"error")
            || head.starts_with(b"{\"type\":\"error\"")
            || head.strip_prefix(b"{\"error\"").is_some_and(named)
    }

    fn is_ping(&self) -> bool {
        self.head.get().is_empty()
            || PINGS.iter().any(|ping| self.name.is(ping))
            || self.head.get().starts_with(b"{\"type\":\"ping\"")
    }

    /// What it was, at the empty line.
    fn complete(mut self) -> Option<Event> {
        if !self.has_data {
            return None;
        }
        if self.is_error() {
            self.code.end();
            return Some(Event::Error(self.code.found));
        }
        if self.head.is(b"[DONE]") {
            return Some(Event::Done);
        }
        (!self.is_ping()).then_some(Event::Data)
    }
}

impl Seen {
    fn add(&mut self, event: Event) {
        self.first.get_or_insert(event);
        match event {
            Event::Data => {}
            Event::Done => self.done = true,
            Event::Error(_) => self.error = Some(event),
        }
    }
}

impl Scanner {
    /// At the beginning of a stream.
    pub fn new() -> Self {
        Self {
            line: Line::Mark(0),
            ..Self::default()
        }
    }

    /// Whether something may be said here by somebody else: no event with data is half told. At the
    /// end of what it has read, a line may be; a line feed ends it.
    pub fn is_between_events(&self) -> bool {
        !self.pending.has_data
    }

    /// Looks at the next bytes.
    pub fn scan(&mut self, bytes: &[u8]) -> Seen {
        let mut seen = Seen::default();
        let mut rest = bytes;
        while !rest.is_empty() {
            if self.skips() {
                let is_end = |byte: &u8| matches!(byte, b'\r' | b'\n');
                let skipped = rest.iter().position(is_end).unwrap_or(rest.len());
                let in_data = skipped > 0 && matches!(self.line, Line::Value(_));
                seen.grows |= in_data && !self.pending.is_ping();
                rest = rest.get(skipped..).unwrap_or_default();
            }
            if let Some((&byte, after)) = rest.split_first() {
                self.take(byte, &mut seen);
                rest = after;
            }
        }
        seen
    }

    /// Whether nothing before the end of the line matters.
    fn skips(&self) -> bool {
        match self.line {
            Line::Ignored => true,
            Line::Value(Field::Data) => self.pending.is_clear(),
            _ => false,
        }
    }

    fn take(&mut self, byte: u8, seen: &mut Seen) {
        if std::mem::replace(&mut self.after_cr, byte == b'\r') && byte == b'\n' {
            return;
        }
        if matches!(byte, b'\r' | b'\n') {
            if let Some(event) = self.line_ends() {
                seen.add(event);
            }
            return;
        }
        self.line = self.step(byte);
    }

    /// The next place in the line after a byte that does not end it.
    fn step(&mut self, byte: u8) -> Line {
        match self.line {
            Line::Mark(met) => match BOM.get(usize::from(met)) {
                Some(mark) if *mark == byte => Line::Mark(met + 1),
                // A whole mark is no part of the line; a part of one makes it none that is known.
                _ if matches!(met, 0 | 3) => {
                    self.line = Line::START;
                    self.step(byte)
                }
                _ => Line::Ignored,
            },
            Line::Name { read, data, event } => {
                let at = usize::from(read);
                if byte == b':' {
                    return match at {
                        4 if data => self.begin(Field::Data),
                        5 if event => self.begin(Field::Event),
                        _ => Line::Ignored,
                    };
                }
                let data = data && b"data".get(at) == Some(&byte);
                let event = event && b"event".get(at) == Some(&byte);
                if data || event {
                    Line::Name {
                        read: read + 1,
                        data,
                        event,
                    }
                } else {
                    Line::Ignored
                }
            }
            Line::Colon(field) if byte == b' ' => Line::Value(field),
            Line::Colon(field) | Line::Value(field) => {
                match field {
                    Field::Data => self.pending.data(byte),
                    Field::Event => self.pending.name.push(byte),
                }
                Line::Value(field)
            }
            Line::Ignored => Line::Ignored,
        }
    }

    fn begin(&mut self, field: Field) -> Line {
        match field {
            Field::Data => self.pending.has_data = true,
            Field::Event => self.pending.name = Prefix::default(),
        }
        Line::Colon(field)
    }

    fn line_ends(&mut self) -> Option<Event> {
        match std::mem::replace(&mut self.line, Line::START) {
            Line::Mark(0 | 3) | Line::Name { read: 0, .. } => {
                std::mem::take(&mut self.pending).complete()
            }
            // A name alone is a field without a value.
            Line::Name {
                read: 4,
                data: true,
                ..
            } => {
                self.pending.has_data = true;
                None
            }
            Line::Name {
                read: 5,
                event: true,
                ..
            } => {
                self.pending.name = Prefix::default();
                None
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
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
}
