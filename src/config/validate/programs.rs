//! Programs, and places in JSON. What is wrong in them is told at its own place in the file, where that can be
//! found.

use crate::adapt::{Filter, Place, Refused};
use crate::config::model::{REQUEST_VARIABLES, VARIABLES};
use crate::config::sheet::Sheet;
use crate::config::tree::Path;

/// For a program of which nobody knows better.
const WRITE_JQ: &str = "write it in jq: '{id: .job_id, state}'";
/// The same of a place.
const WRITE_PLACE: &str = "write the names that lead to it: \".job.id\", or \"/job/id\"";

/// Checks a program for the body of a request.
pub(super) fn of_request(program: &str, path: &Path, sheet: &mut Sheet<'_>) {
    let Err(mut refused) = Filter::compile(program, &REQUEST_VARIABLES) else {
        return;
    };
    // It would be good for a response.
    if Filter::compile(program, &VARIABLES).is_ok() {
        let hint = "a program for a request has the client's body as `.`, and no response yet";
        refused.hint = Some(hint.to_owned());
    }
    tell(refused, WRITE_JQ, (program, 0), path, sheet);
}

/// Checks a program that may use these variables.
pub(super) fn check(program: &str, variables: &[&str], path: &Path, sheet: &mut Sheet<'_>) {
    if let Err(refused) = Filter::compile(program, variables) {
        tell(refused, WRITE_JQ, (program, 0), path, sheet);
    }
}

/// Checks a place in JSON, which begins at a byte of a value.
pub(super) fn place(value: &str, from: usize, path: &Path, sheet: &mut Sheet<'_>) {
    let place = value.get(from..).unwrap_or_default();
    if !place.starts_with(['.', '/']) {
        let message = format!("{} names no place in JSON", sheet.quote(path));
        sheet.at_value(path, message, WRITE_PLACE);
    } else if let Err(refused) = Place::parse(place) {
        tell(refused, WRITE_PLACE, (value, from), path, sheet);
    }
}

/// Tells of a refusal in a value, from a byte of it on.
fn tell(
    refused: Refused,
    hint: &str,
    (value, from): (&str, usize),
    path: &Path,
    sheet: &mut Sheet<'_>,
) {
    let hint = refused.hint.as_deref().unwrap_or(hint);
    let is_filled_in = sheet.is_filled_in(path, value);
    let message = match is_filled_in {
        // What came from outside may be a secret that was put into the wrong key.
        true => without_quotes(&refused.message),
        false => refused.message,
    };
    let byte = sheet.byte_inside(path, value, from + refused.at);
    match byte.filter(|_| !is_filled_in) {
        Some(byte) => sheet.note(path, byte..byte, message, hint),
        None => {
            let before = value.get(..from).unwrap_or_default().chars().count();
            let (line, column) = (refused.line, before + refused.column);
            let message = format!("line {line}, column {column} of it: {message}");
            sheet.at_value(path, message, hint);
        }
    }
}

/// A text without all from its first backquote to its last one, between which parts of a program stand.
fn without_quotes(text: &str) -> String {
    let (from, to) = (text.find('`'), text.rfind('`'));
    match (from, to) {
        (Some(from), Some(to)) => {
            let (before, after) = (text.get(..from), text.get(to + 1..));
            format!(
                "{}`…`{}",
                before.unwrap_or_default(),
                after.unwrap_or_default()
            )
        }
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use toml::de::DeTable;

    use super::*;
    use crate::config::tree;

    fn told(text: &str, value: &str, at: usize) -> (usize, usize, String, String) {
        let (table, _) = DeTable::parse_recoverable(text);
        let (tree, _) = tree::plant(table);
        let mut sheet = Sheet::new(text, tree);
        let before = value.get(..at).unwrap();
        let refused = Refused {
            at,
            line: before.matches('\n').count() + 1,
            column: before.len() - before.rfind('\n').map_or(0, |end| end + 1) + 1,
            message: "no `x` here".to_owned(),
            hint: None,
        };
        tell(
            refused,
            "take `y`",
            (value, 0),
            &Path::root().key("k"),
            &mut sheet,
        );
        let problem = sheet.problems.remove(0);
        let hint = problem.hint.unwrap();
        (problem.line, problem.column, problem.message, hint)
    }

    fn place_of(text: &str, value: &str, at: usize) -> Option<(usize, usize)> {
        let (line, column, message, _) = told(text, value, at);
        let is_own = message == "no `x` here";
        assert!(is_own || (line, column) == (1, 5), "{message}");
        is_own.then_some((line, column))
    }

    #[test]
    fn a_fault_is_told_where_it_stands_in_the_file() {
        for (text, value, at, place) in [
            ("k = 'a|b'", "a|b", 2, (1, 8)),
            ("k = \"a|b\"", "a|b", 3, (1, 9)),
            ("k = '''a\nb'''", "a\nb", 2, (2, 1)),
            ("k = '''\na\n  b'''", "a\n  b", 4, (3, 3)),
            ("k = \"\"\"\r\na\r\n  b\"\"\"", "a\r\n  b", 5, (3, 3)),
            ("k = 'é|b'", "é|b", 3, (1, 8)),
            ("k = \"a|\\\"b\"", "a|\"b", 1, (1, 7)),
        ] {
            assert_eq!(place_of(text, value, at), Some(place), "{text:?} {at}");
        }
    }

    #[test]
    fn else_the_message_says_where_in_the_program() {
        for (text, value, at) in [
            ("k = \"\\\"a|b\"", "\"a|b", 3),
            ("k = \"\"\"a\\\n  b\"\"\"", "ab", 2),
            ("k = '${P}'", "a|b", 1),
        ] {
            assert_eq!(place_of(text, value, at), None, "{text:?} {at}");
        }
        let (.., message, hint) = told("k = \"a\\nb|c\"", "a\nb|c", 3);
        assert_eq!(message, "line 2, column 2 of it: no `x` here");
        assert_eq!(hint, "take `y`");
    }

    #[test]
    fn what_came_from_outside_is_not_repeated() {
        let (.., message, hint) = told("k = '${P}'", "x", 0);
        assert_eq!(message, "line 1, column 1 of it: no `…` here");
        assert_eq!(hint, "take `y`");
        assert_eq!(without_quotes("`a` is `b`c` or so"), "`…` or so");
        assert_eq!(without_quotes("a ` b"), "a `…` b");
        assert_eq!(without_quotes("so"), "so");
    }
}
