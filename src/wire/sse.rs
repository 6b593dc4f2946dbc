//! Looks at an event stream (`text/event-stream`) while it passes: chunk by chunk, however the bytes
//! are split, without keeping any of them. It tells data from noise: a comment, an event without
//! data and a ping are signs of life of the connection, not of the one who should answer.

use memchr::memchr2;

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
    /// It has had more than one line of data.
    has_more: bool,
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

    /// Whether the event that is not complete goes on in further lines of data and is no error and no
    /// ping so far. There are senders who leave out the empty line, and clients who do not miss it.
    pub fn goes_on(&self) -> bool {
        self.pending.has_more && !self.pending.is_error() && !self.pending.is_ping()
    }

    /// Looks at the next bytes.
    pub fn scan(&mut self, bytes: &[u8]) -> Seen {
        let mut seen = Seen::default();
        let mut rest = bytes;
        while !rest.is_empty() {
            if self.skips() {
                let skipped = memchr2(b'\r', b'\n', rest).unwrap_or(rest.len());
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
            Field::Data => {
                self.pending.has_more |= self.pending.has_data;
                self.pending.has_data = true;
            }
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
#[path = "sse_tests.rs"]
mod tests;
