//! Where each request on an HTTP/1.1 connection begins and ends, by the strict rules, followed
//! beside the engine. The engine takes what RFC 9112 lets a server take, and hides it: a length
//! beside chunks is dropped, a second equal length is, too, and a bare LF ends a line. Whoever
//! stands before us may have read the same bytes as something else, so we want none of it.

use http::header::{CONTENT_LENGTH, HeaderMap, TRANSFER_ENCODING};
use memchr::memchr;

/// As much of a line is kept while its end has not come. What counts is shorter; a length that is
/// padded to more is a flaw.
const KEPT: usize = 64;

/// Of the size of a chunk; no number has more, but padding could.
const MOST_DIGITS: usize = 16;

/// Why a request on a connection cannot be trusted to begin or end where it seems to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// A line ends in LF without CR.
    BareLf,
    /// There are `Content-Length` and `Transfer-Encoding`.
    TwoFramings,
    /// There is more than one `Content-Length`, or it is not a plain number.
    Length,
    /// A name is a framing header's but for its underscore, which some backends take for a dash.
    Lookalike,
    /// The target has a fragment.
    Fragment,
    /// A chunk or trailer is not as it must be.
    Chunk,
}

impl Flaw {
    /// What is wrong, for the sender.
    pub fn detail(self) -> &'static str {
        match self {
            Self::BareLf => "A line of the request ends in LF without CR",
            Self::TwoFramings => "Content-Length and Transfer-Encoding must not stand together",
            Self::Length => "Content-Length must stand once and be a plain number",
            Self::Lookalike => "A header is named like one of framing, with an underscore",
            Self::Fragment => "A request target must not have a fragment",
            Self::Chunk => "The request body is not properly chunked",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    /// Before a request, or in its first line.
    Start,
    /// In the header lines.
    Fields,
    /// In a body with so many bytes to come.
    Body(u64),
    /// In the line of a chunk's size.
    Size,
    /// In a chunk with so many bytes to come.
    Data(u64),
    /// Behind a chunk.
    DataEnd,
    /// In the trailer lines.
    Trailers,
    /// Behind a flaw: nothing can be told any more.
    Lost,
}

/// A line, or of a long one that came in parts its beginning.
#[derive(Clone, Copy)]
struct Line<'b> {
    /// Without its end.
    text: &'b [u8],
    whole: bool,
    crlf: bool,
}

/// A line that came in parts.
#[derive(Debug)]
struct Parts {
    kept: [u8; KEPT],
    /// How much has come; more than is kept, if it is long.
    came: usize,
    last: u8,
}

impl Parts {
    fn keep(&mut self, part: &[u8]) {
        let Some(last) = part.last() else {
            return;
        };
        self.last = *last;
        if let Some(room) = self.kept.get_mut(self.came..) {
            let fits = room.len().min(part.len());
            room[..fits].copy_from_slice(&part[..fits]);
        }
        self.came = self.came.saturating_add(part.len());
    }
}

/// See the module.
#[derive(Debug)]
pub struct Framing {
    at: At,
    parts: Parts,
    length: Option<u64>,
    chunked: bool,
    heads: u32,
    flaw: Option<Flaw>,
}

impl Default for Framing {
    fn default() -> Self {
        Self {
            at: At::Start,
            parts: Parts {
                kept: [0; KEPT],
                came: 0,
                last: 0,
            },
            length: None,
            chunked: false,
            heads: 0,
            flaw: None,
        }
    }
}

impl Framing {
    /// Follows these bytes and says how many of them may be handed on. Those of a flawed head are,
    /// so that the engine reads it and it gets an answer; those of a flawed body are not.
    pub fn follow(&mut self, bytes: &[u8]) -> usize {
        let mut rest = bytes;
        while !rest.is_empty() {
            match self.at {
                At::Lost => break,
                At::Body(left) | At::Data(left) => rest = self.skip(left, rest),
                At::Start | At::Fields => rest = self.follow_line(rest),
                At::Size | At::DataEnd | At::Trailers => {
                    let sound = bytes.len() - rest.len();
                    rest = self.follow_line(rest);
                    if self.at == At::Lost {
                        return sound;
                    }
                }
            }
        }
        bytes.len()
    }

    /// Whether all that has come is whole requests.
    pub fn is_between(&self) -> bool {
        self.at == At::Start && self.parts.came == 0
    }

    /// The first flaw, with the number of whole heads before it.
    pub fn flaw(&self) -> Option<(u32, Flaw)> {
        Some((self.heads, self.flaw?))
    }

    fn fail(&mut self, flaw: Flaw) {
        self.flaw = Some(flaw);
        self.at = At::Lost;
    }

    fn skip<'b>(&mut self, left: u64, bytes: &'b [u8]) -> &'b [u8] {
        let here = left.min(bytes.len() as u64);
        self.at = match (self.at, left - here) {
            (At::Body(_), 0) => At::Start,
            (At::Body(_), left) => At::Body(left),
            (_, 0) => At::DataEnd,
            (_, left) => At::Data(left),
        };
        // No more than there is.
        bytes.get(here as usize..).unwrap_or_default()
    }

    /// Takes the next line, or what has come of it, and gives back the rest.
    fn follow_line<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        let Some(end) = memchr(b'\n', bytes) else {
            self.parts.keep(bytes);
            return &[];
        };
        let (line, rest) = (&bytes[..end], &bytes[end + 1..]);
        if self.parts.came == 0 && self.at == At::Fields && is_other(line) {
            return rest;
        }
        if self.parts.came == 0 {
            // Most lines come in one piece.
            let text = line.strip_suffix(b"\r");
            self.line(Line {
                text: text.unwrap_or(line),
                whole: true,
                crlf: text.is_some(),
            });
        } else {
            self.parts.keep(line);
            let (kept, came, last) = (self.parts.kept, self.parts.came, self.parts.last);
            self.parts.came = 0;
            let text = kept.get(..came - 1);
            self.line(Line {
                text: text.unwrap_or(&kept),
                whole: text.is_some(),
                crlf: last == b'\r',
            });
        }
        rest
    }

    fn line(&mut self, line: Line<'_>) {
        match self.at {
            At::Start | At::Fields if !line.crlf => self.fail(Flaw::BareLf),
            At::Start if line.text.is_empty() => {}
            At::Start => self.begin(line),
            At::Fields if line.text.is_empty() => self.end_head(),
            At::Fields => self.field(line),
            _ if !line.crlf => self.fail(Flaw::Chunk),
            At::Size => match chunk_size(line) {
                Some(0) => self.at = At::Trailers,
                Some(size) => self.at = At::Data(size),
                None => self.fail(Flaw::Chunk),
            },
            At::DataEnd if line.text.is_empty() => self.at = At::Size,
            At::Trailers if line.text.is_empty() => self.at = At::Start,
            At::Trailers => {}
            _ => self.fail(Flaw::Chunk),
        }
    }

    fn begin(&mut self, line: Line<'_>) {
        self.length = None;
        self.chunked = false;
        self.at = At::Fields;
        let target = memchr(b' ', line.text).and_then(|space| line.text.get(space..));
        // One in the far part of a long line that came in parts is cut off by the engine.
        if target.is_some_and(|target| memchr(b'#', target).is_some()) {
            self.fail(Flaw::Fragment);
        }
    }

    /// A quick look at the first letter, as most fields are others.
    fn field(&mut self, line: Line<'_>) {
        let first = line.text.first().map(u8::to_ascii_lowercase);
        if first == Some(b'c') && is_named(line.text, b"content-length") {
            let length = line.whole.then(|| number(&line.text[15..])).flatten();
            match (length, self.length) {
                (Some(length), None) => self.length = Some(length),
                _ => self.fail(Flaw::Length),
            }
        } else if first == Some(b't') && is_named(line.text, b"transfer-encoding") {
            self.chunked = true;
        } else if matches!(first, Some(b'c' | b't'))
            && (is_named(line.text, b"content_length") || is_named(line.text, b"transfer_encoding"))
        {
            self.fail(Flaw::Lookalike);
        }
    }

    fn end_head(&mut self) {
        if self.chunked && self.length.is_some() {
            return self.fail(Flaw::TwoFramings);
        }
        self.heads = self.heads.saturating_add(1);
        // That the coding is `chunked` and nothing else is looked at where the head is admitted.
        self.at = match self.length {
            _ if self.chunked => At::Size,
            None | Some(0) => At::Start,
            Some(length) => At::Body(length),
        };
    }
}

/// Whether a response says in one way only where it ends. Where it does not, the engine chooses one
/// and hands the other on.
pub fn response_is_framed(headers: &HeaderMap) -> bool {
    let mut lengths = headers.get_all(CONTENT_LENGTH).iter();
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    match (lengths.next(), codings.next()) {
        (None, None) => true,
        (Some(length), None) => lengths.next().is_none() && number(length.as_bytes()).is_some(),
        (None, Some(coding)) => {
            codings.next().is_none() && coding.as_bytes().eq_ignore_ascii_case(b"chunked")
        }
        _ => false,
    }
}

/// A quick look that most lines of a head pass: a proper one of a field that is not about framing.
fn is_other(line: &[u8]) -> bool {
    match line {
        [first, .., b'\r'] => !matches!(first.to_ascii_lowercase(), b'c' | b't'),
        _ => false,
    }
}

/// Whether the field has this name, in any case.
fn is_named(field: &[u8], name: &[u8]) -> bool {
    let parts = field.split_at_checked(name.len());
    parts.is_some_and(|(start, rest)| {
        rest.first() == Some(&b':') && start.eq_ignore_ascii_case(name)
    })
}

/// Decimal digits with space around them.
fn number(text: &[u8]) -> Option<u64> {
    let text = text.trim_ascii();
    let digits = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    digits.then(|| std::str::from_utf8(text).ok()?.parse().ok())?
}

/// Hexadecimal digits, then space or an extension. Of a long line, all of it but the extension must have
/// been kept: what cannot be seen could be more digits.
fn chunk_size(line: Line<'_>) -> Option<u64> {
    let digits = line.text.iter().take_while(|byte| byte.is_ascii_hexdigit());
    let (digits, rest) = line.text.split_at(digits.count());
    let rest = rest.trim_ascii_start();
    let ends = rest.is_empty() && line.whole;
    if digits.len() > MOST_DIGITS || !(ends || rest.starts_with(b";")) {
        return None;
    }
    u64::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
#[path = "framing_tests.rs"]
mod tests;
