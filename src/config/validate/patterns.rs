//! Patterns of requests: a method, and a path with names.

use crate::adapt::Pattern;
use crate::config::sheet::Sheet;
use crate::config::tree::Path;

/// Reads one, whatever it has; nothing if it is none, which is told.
pub(super) fn read(text: &str, path: &Path, sheet: &mut Sheet<'_>) -> Option<Pattern> {
    match Pattern::parse(text) {
        Ok(pattern) => Some(pattern),
        Err(bad) => {
            let message = format!("{} {}", sheet.quote(path), bad.message);
            sheet.at_value(path, message, bad.hint);
            None
        }
    }
}

/// Reads one that says which requests of clients are meant, all of them by one method.
pub(super) fn of_clients(text: &str, path: &Path, sheet: &mut Sheet<'_>) -> Option<Pattern> {
    let pattern = read(text, path, sheet)?;
    let (message, hint) = match pattern.method() {
        None => NO_METHOD,
        Some(&http::Method::HEAD) => (
            "takes what GET takes too",
            "write GET: a HEAD is a GET without a body",
        ),
        Some(_) if pattern.has_query() => (
            "has a query",
            "requests are told apart by method and path: leave out `?` and what follows",
        ),
        Some(_) => return Some(pattern),
    };
    let message = format!("{} {message}", sheet.quote(path));
    sheet.at_value(path, message, hint);
    None
}

/// What is wrong with a pattern that needs a method, and what to do.
pub(super) const NO_METHOD: (&str, &str) =
    ("has no method", "write it in front: \"POST /api/jobs\"");

/// Reads one that is a path and nothing else.
pub(super) fn of_path(text: &str, path: &Path, sheet: &mut Sheet<'_>) -> Option<Pattern> {
    let pattern = read(text, path, sheet)?;
    let (message, hint) = if pattern.method().is_some() {
        ("has a method", "write the path only: it is asked by GET")
    } else if pattern.has_query() {
        ("has a query", "leave out `?` and what follows")
    } else {
        return Some(pattern);
    };
    let message = format!("{} {message}", sheet.quote(path));
    sheet.at_value(path, message, hint);
    None
}
