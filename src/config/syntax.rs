//! What the TOML parser refuses, in our words, and how far its recovery is believed.

use toml::de::Error;

use super::problem::Problem;
use super::sheet::Sheet;

/// A file of noise is no worse for more of them.
const ENOUGH: usize = 1000;

/// The first problem of each line, in order.
pub(super) fn problems(errors: &[Error], sheet: &Sheet<'_>) -> Vec<Problem> {
    let errors = errors.iter().take(ENOUGH);
    let mut list: Vec<Problem> = errors.map(|error| problem(error, sheet)).collect();
    list.sort();
    // What the parser says next about the same line follows from the first.
    list.dedup_by_key(|problem| problem.line);
    list
}

/// Drops the problems in lines from a broken one to the next table: what the parser made of these
/// lines is not what was meant.
pub(super) fn drop_doubtful(list: &mut Vec<Problem>, syntax: &[Problem], text: &str) {
    let tables = table_lines(text);
    let table_of = |line: usize| tables.partition_point(|header| *header <= line);
    let is_doubtful = |problem: &Problem| {
        let before = syntax.partition_point(|broken| broken.line <= problem.line);
        let broken = before.checked_sub(1).and_then(|last| syntax.get(last));
        broken.is_some_and(|broken| table_of(broken.line) == table_of(problem.line))
    };
    list.retain(|problem| !is_doubtful(problem));
}

/// The lines that begin a table.
fn table_lines(text: &str) -> Vec<usize> {
    let lines = text.lines().zip(1..);
    let headers = lines.filter(|(line, _)| line.trim_start().starts_with('['));
    headers.map(|(_, line)| line).collect()
}

fn problem(error: &Error, sheet: &Sheet<'_>) -> Problem {
    let (line, column) = sheet.place(error.span().unwrap_or_default().start);
    let message = error.message();
    let hint = if message.starts_with("duplicate key") {
        "a key or table stands only once: remove one, or use [[routes]] for a list"
    } else if message.contains("key with no value") {
        "write `key = value`"
    } else if message.contains("extra `=`") {
        "write one `=` between key and value"
    } else if message.starts_with("invalid basic string")
        || message.starts_with("invalid literal string")
    {
        "close the string on the same line, with the quote that opened it"
    } else if message.contains("unclosed") || message.contains("missing") {
        "close it on the same line"
    } else if message.contains("string values must be quoted") {
        "put the value in quotes"
    } else {
        ""
    };
    Problem {
        line,
        column,
        path: String::new(),
        message: format!("invalid TOML: {message}"),
        hint: (!hint.is_empty()).then(|| hint.to_owned()),
    }
}
