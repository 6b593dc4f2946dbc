//! Event streams (`text/event-stream`) whose events are looked at and replaced on their way, however
//! the bytes are split. What is not replaced passes byte for byte; what stands between events passes
//! at once.

use std::ops::Range;

use memchr::memchr2;

use super::event::{Event, EventsError, Outcome};

const BOM: &[u8] = b"\xef\xbb\xbf";
/// Bytes of an event beyond its data.
const OTHERS: usize = 16 * 1024;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Data,
    Name,
    Id,
    Other,
}

/// A line of the event that is not complete.
#[derive(Debug, Clone)]
struct Line {
    kind: Kind,
    /// Without its end, in what is held.
    whole: Range<usize>,
    /// Of its value.
    value: Range<usize>,
}

/// What becomes of a line feed after a carriage return.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum AfterReturn {
    /// The last byte was none.
    No,
    /// It belongs to what is held.
    Held,
    /// It belongs to what has passed.
    Passed,
    /// It belongs to what was replaced.
    Gone,
}

/// The state between two chunks of a stream.
#[derive(Debug)]
pub struct Events {
    most: usize,
    at_start: bool,
    after_return: AfterReturn,
    /// The bytes of the event that is not complete.
    held: Vec<u8>,
    lines: Vec<Line>,
    /// Where the line that is not complete begins in what is held.
    line_start: usize,
    /// Bytes of data in complete lines.
    data: usize,
}

impl Events {
    /// At the beginning of a stream whose events have at most `most` bytes of data.
    pub fn new(most: usize) -> Self {
        Self {
            most,
            at_start: true,
            after_return: AfterReturn::No,
            held: Vec::new(),
            lines: Vec::new(),
            line_start: 0,
            data: 0,
        }
    }

    /// Takes the next bytes, and appends to `out` what can be sent on. `each` is asked about every
    /// event that has data.
    ///
    /// # Errors
    /// An event is too long, or what `each` says. The stream cannot go on then.
    pub fn push<E>(
        &mut self,
        bytes: &[u8],
        out: &mut Vec<u8>,
        each: &mut impl FnMut(Event<'_>) -> Result<Outcome, E>,
    ) -> Result<(), EventsError<E>> {
        let mut rest = bytes;
        while let Some(&first) = rest.first() {
            let after_return = std::mem::replace(&mut self.after_return, AfterReturn::No);
            if first == b'\n' && after_return != AfterReturn::No {
                match after_return {
                    AfterReturn::Held => {
                        self.held.push(first);
                        self.line_start = self.held.len();
                    }
                    AfterReturn::Passed => out.push(first),
                    AfterReturn::Gone | AfterReturn::No => {}
                }
                rest = rest.get(1..).unwrap_or_default();
                continue;
            }
            let end = memchr2(b'\r', b'\n', rest);
            let (line, after) = rest.split_at(end.unwrap_or(rest.len()));
            self.held.extend_from_slice(line);
            self.is_short()?;
            rest = after;
            if let Some((&end, after)) = after.split_first() {
                let passes = self.line_ends(Some(end), out, each)?;
                self.after_return = if end == b'\r' {
                    passes
                } else {
                    AfterReturn::No
                };
                rest = after;
            }
        }
        Ok(())
    }

    /// The stream has ended. An event that lacks its empty line is one all the same, as there are
    /// clients that take it.
    ///
    /// # Errors
    /// As [`Events::push`].
    pub fn end<E>(
        &mut self,
        out: &mut Vec<u8>,
        each: &mut impl FnMut(Event<'_>) -> Result<Outcome, E>,
    ) -> Result<(), EventsError<E>> {
        if self.line_start < self.held.len() {
            self.line_ends(None, out, each)?;
        }
        if !self.held.is_empty() {
            self.complete(out, each)?;
        }
        Ok(())
    }

    fn is_short<E>(&self) -> Result<(), EventsError<E>> {
        let is_short =
            self.data <= self.most && self.held.len() <= self.most.saturating_add(OTHERS);
        if is_short {
            Ok(())
        } else {
            Err(EventsError::TooLong)
        }
    }

    /// A line is complete; `None` if the stream ended instead. Says where a line feed belongs.
    fn line_ends<E>(
        &mut self,
        end: Option<u8>,
        out: &mut Vec<u8>,
        each: &mut impl FnMut(Event<'_>) -> Result<Outcome, E>,
    ) -> Result<AfterReturn, EventsError<E>> {
        if std::mem::take(&mut self.at_start) && self.held.starts_with(BOM) {
            self.held.drain(..BOM.len());
            out.extend_from_slice(BOM);
        }
        let whole = self.line_start..self.held.len();
        self.held.extend(end);
        self.line_start = self.held.len();
        if whole.is_empty() {
            return self.complete(out, each);
        }
        let line = self.read(whole);
        if line.kind == Kind::Data {
            self.data += line.value.len() + usize::from(self.data > 0);
            self.is_short()?;
        }
        let is_comment = self.held.get(line.whole.start) == Some(&b':');
        if is_comment && self.lines.is_empty() {
            self.pass(out);
            return Ok(AfterReturn::Passed);
        }
        self.lines.push(line);
        Ok(AfterReturn::Held)
    }

    fn read(&self, whole: Range<usize>) -> Line {
        let line = self.held.get(whole.clone()).unwrap_or_default();
        let colon = memchr::memchr(b':', line);
        let kind = match line.get(..colon.unwrap_or(line.len())) {
            Some(b"data") => Kind::Data,
            Some(b"event") => Kind::Name,
            Some(b"id") => Kind::Id,
            _ => Kind::Other,
        };
        let value = match colon {
            None => whole.end,
            Some(colon) => {
                let has_space = line.get(colon + 1) == Some(&b' ');
                whole.start + colon + 1 + usize::from(has_space)
            }
        };
        Line {
            kind,
            value: value..whole.end,
            whole,
        }
    }

    fn pass(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.held);
        self.clear();
    }

    fn clear(&mut self) {
        self.held.clear();
        self.lines.clear();
        self.line_start = 0;
        self.data = 0;
    }

    /// The event is complete.
    fn complete<E>(
        &mut self,
        out: &mut Vec<u8>,
        each: &mut impl FnMut(Event<'_>) -> Result<Outcome, E>,
    ) -> Result<AfterReturn, EventsError<E>> {
        if !self.lines.iter().any(|line| line.kind == Kind::Data) {
            self.pass(out);
            return Ok(AfterReturn::Passed);
        }
        match self.ask(each).map_err(EventsError::Each)? {
            Outcome::Pass => {
                self.pass(out);
                return Ok(AfterReturn::Passed);
            }
            Outcome::Drop => self.replace(&[], out),
            Outcome::One(data) => self.replace(&[data], out),
            Outcome::Many(all) => self.replace(&all, out),
        }
        self.clear();
        Ok(AfterReturn::Gone)
    }

    fn ask<E>(&self, each: &mut impl FnMut(Event<'_>) -> Result<Outcome, E>) -> Result<Outcome, E> {
        let text = |line: &Line| self.held.get(line.value.clone()).unwrap_or_default();
        let name = self
            .lines
            .iter()
            .rfind(|line| line.kind == Kind::Name)
            .map(text);
        let name = name
            .and_then(|name| std::str::from_utf8(name).ok())
            .unwrap_or_default();
        let mut data = self
            .lines
            .iter()
            .filter(|line| line.kind == Kind::Data)
            .map(text);
        match (data.next(), data.next()) {
            (Some(first), Some(second)) => {
                let mut joined = Vec::with_capacity(self.data);
                joined.extend_from_slice(first);
                for line in std::iter::once(second).chain(data) {
                    joined.push(b'\n');
                    joined.extend_from_slice(line);
                }
                each(Event {
                    name,
                    data: &joined,
                })
            }
            (first, _) => each(Event {
                name,
                data: first.unwrap_or_default(),
            }),
        }
    }

    /// Writes what takes the place of an event, with line feeds as ends of lines.
    fn replace(&self, all: &[Vec<u8>], out: &mut Vec<u8>) {
        let line = |line: &Line| self.held.get(line.whole.clone()).unwrap_or_default();
        let of = |kinds: &'static [Kind]| {
            self.lines
                .iter()
                .filter(|line| kinds.contains(&line.kind))
                .map(line)
        };
        let put = |out: &mut Vec<u8>, line: &[u8]| {
            out.extend_from_slice(line);
            out.push(b'\n');
        };
        let before = out.len();
        let Some((last, others)) = all.split_last() else {
            of(&[Kind::Id, Kind::Other]).for_each(|line| put(out, line));
            if out.len() > before {
                out.push(b'\n');
            }
            return;
        };
        of(&[Kind::Other]).for_each(|line| put(out, line));
        for data in others {
            of(&[Kind::Name]).for_each(|line| put(out, line));
            put_data(data, out);
        }
        of(&[Kind::Name, Kind::Id]).for_each(|line| put(out, line));
        put_data(last, out);
    }
}

/// Lines of data and the empty line after them.
fn put_data(data: &[u8], out: &mut Vec<u8>) {
    let mut rest = data;
    loop {
        let end = memchr2(b'\r', b'\n', rest);
        let (line, after) = rest.split_at(end.unwrap_or(rest.len()));
        out.extend_from_slice(b"data: ");
        out.extend_from_slice(line);
        out.push(b'\n');
        match after {
            [] => break,
            [b'\r', b'\n', after @ ..] | [_, after @ ..] => rest = after,
        }
    }
    out.push(b'\n');
}

#[cfg(test)]
#[path = "events_tests.rs"]
mod tests;
