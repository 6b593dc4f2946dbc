//! One file under examination: its text, the places in it, and the problems found so far.

use super::problem::Problem;
use super::tree::{Node, Path, Span, Value};

/// The text of a file and its tree as written, before interpolation: places and quotations come
/// from here, so a message can never show what a `${...}` stood for.
pub(super) struct Sheet<'t> {
    text: &'t str,
    line_starts: Vec<usize>,
    pub(super) written: Node,
    pub(super) problems: Vec<Problem>,
    /// Where the problems are: what lies within is not judged again.
    spoiled: Vec<Path>,
}

/// A file with more problems than this is not a configuration; looking for more only costs time.
const ENOUGH: usize = 1000;

impl<'t> Sheet<'t> {
    pub(super) fn new(text: &'t str, written: Node) -> Self {
        let line_starts = std::iter::once(0)
            .chain(text.match_indices('\n').map(|(at, _)| at + 1))
            .collect();
        Self {
            text,
            line_starts,
            written,
            problems: Vec::new(),
            spoiled: Vec::new(),
        }
    }

    /// Notes a problem at the value of a path.
    pub(super) fn at_value(&mut self, path: &Path, message: impl Into<String>, hint: &str) {
        self.note(path, self.written.value_span(path), message.into(), hint);
    }

    /// Notes a problem at the key of a path.
    pub(super) fn at_key(&mut self, path: &Path, message: impl Into<String>, hint: &str) {
        self.note(path, self.written.key_span(path), message.into(), hint);
    }

    /// Notes a problem at a place, unless the path lies within something already told.
    pub(super) fn note(&mut self, path: &Path, span: Span, message: String, hint: &str) {
        if self.problems.len() >= ENOUGH || self.is_spoiled(path) {
            return;
        }
        let (line, column) = self.place(span.start);
        self.spoiled.push(path.clone());
        self.problems.push(Problem {
            line,
            column,
            path: path.to_string(),
            message,
            hint: (!hint.is_empty()).then(|| hint.to_owned()),
        });
    }

    /// Whether a problem was noted at this path or at one that leads to it.
    pub(super) fn is_spoiled(&self, path: &Path) -> bool {
        self.spoiled.iter().any(|spoiled| path.is_within(spoiled))
    }

    /// Whether a problem was noted at this path, above it or below it.
    pub(super) fn is_touched(&self, path: &Path) -> bool {
        self.is_spoiled(path) || self.spoiled.iter().any(|spoiled| spoiled.is_within(path))
    }

    /// Whether a key of the table at a path was refused as unknown: whoever wrote it may have meant another
    /// one, which is not missing then.
    pub(super) fn has_unknown_key(&self, path: &Path) -> bool {
        let Some(Value::Table(table)) = self.written.at(path).map(|node| &node.value) else {
            return false;
        };
        table.keys().any(|key| {
            let path = path.key(key).to_string();
            let mut problems = self.problems.iter();
            problems.any(|p| p.path == path && p.message.starts_with("unknown key"))
        })
    }

    /// The value at a path as written, in backquotes.
    pub(super) fn quote(&self, path: &Path) -> String {
        match self.written.at(path).map(|node| &node.value) {
            Some(Value::Text(text)) => quoted(text),
            Some(Value::Integer(number)) => format!("`{number}`"),
            Some(Value::Float(number)) => format!("`{number:?}`"),
            Some(Value::Flag(flag)) => format!("`{flag}`"),
            Some(other) => other.kind().to_owned(),
            None => "the default".to_owned(),
        }
    }

    /// Where a byte of a text stands in the file; nothing if it is not written there as it is meant, up to
    /// that byte.
    pub(super) fn byte_inside(&self, path: &Path, text: &str, at: usize) -> Option<usize> {
        let span = self.written.at(path)?.span.clone();
        let written = self.text.get(span.clone())?;
        let quotes = ["'''", "\"\"\"", "'", "\""];
        let quotes = quotes.iter().find(|quotes| written.starts_with(**quotes))?;
        let mut inner = written.get(quotes.len()..)?;
        // A line end right behind three quotes is no part of the text.
        if quotes.len() == 3 {
            inner = inner.strip_prefix('\r').unwrap_or(inner);
            inner = inner.strip_prefix('\n').unwrap_or(inner);
        }
        let is_as_meant = inner.starts_with(text.get(..at)?);
        is_as_meant.then(|| span.end - inner.len() + at)
    }

    /// Whether a text is not what is written at its path: something of it has come from outside.
    pub(super) fn is_filled_in(&self, path: &Path, text: &str) -> bool {
        let written = self.written.at(path).map(|node| &node.value);
        !matches!(written, Some(Value::Text(written)) if written == text)
    }

    /// Whether any value may have come from outside.
    pub(super) fn is_interpolated(&self) -> bool {
        self.text.contains("${")
    }

    /// Line and column in characters, both from 1, of a byte of the text.
    pub(super) fn place(&self, byte: usize) -> (usize, usize) {
        let byte = byte.min(self.text.len());
        let line = self.line_starts.partition_point(|start| *start <= byte);
        let start = self.line_starts.get(line.saturating_sub(1)).copied();
        let before = self.text.get(start.unwrap_or(0)..byte).unwrap_or("");
        (line, before.chars().count() + 1)
    }
}

/// A text in backquotes on one line, shortened when it is long.
pub(super) fn quoted(text: &str) -> String {
    const LONGEST: usize = 80;
    let mut shown: String = text
        .chars()
        .take(LONGEST)
        .flat_map(char::escape_debug)
        .collect();
    shown = shown.replace("\\\"", "\"").replace("\\'", "'");
    let dots = if text.chars().nth(LONGEST).is_some() {
        "…"
    } else {
        ""
    };
    format!("`{shown}{dots}`")
}
