//! The patterns of `match`: paths, hosts, methods, headers.

use crate::config::model::Match;
use crate::config::scalar::is_token;
use crate::config::sheet::Sheet;
use crate::config::tree::Path;

use super::super::structure::nearest;
use super::names::is_host;

const METHODS: [&str; 8] = [
    "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE",
];

pub(super) fn check(matches: &Match, at: &Path, sheet: &mut Sheet<'_>) {
    if let Some(host) = &matches.host {
        refuse(host_problem(host), &at.key("host"), sheet);
    }
    if let Some(path) = &matches.path {
        refuse(path_problem(path), &at.key("path"), sheet);
    }
    for (index, method) in matches.methods.iter().enumerate() {
        let path = at.key("methods").index(index);
        if let Some((message, hint)) = method_problem(method) {
            let message = format!("{} {message}", sheet.quote(&path));
            sheet.at_value(&path, message, &hint);
        } else if matches
            .methods
            .iter()
            .take(index)
            .any(|earlier| earlier == method)
        {
            let message = format!("{} is in the list already", sheet.quote(&path));
            sheet.at_value(&path, message, "remove one");
        }
    }
    headers(matches, &at.key("headers"), sheet);
}

type Refused = (&'static str, &'static str);

fn refuse(problem: Option<Refused>, path: &Path, sheet: &mut Sheet<'_>) {
    if let Some((message, hint)) = problem {
        let message = format!("{} {message}", sheet.quote(path));
        sheet.at_value(path, message, hint);
    }
}

fn path_problem(path: &str) -> Option<Refused> {
    if path.is_empty() || !path.starts_with('/') {
        return Some(("is not a path", "begin it with `/`: \"/v1/*\""));
    }
    if path.contains('?') {
        return Some((
            "has a query",
            "routes match the path only: leave out `?` and what follows",
        ));
    }
    if path.contains('#') {
        return Some((
            "has a fragment",
            "clients do not send it: leave out `#` and what follows",
        ));
    }
    if path.contains("//") {
        return Some(("has an empty segment", "write one `/` where there are two"));
    }
    if path.contains(|c: char| c.is_whitespace() || c.is_control() || !c.is_ascii()) {
        return Some((
            "has a character that no request path has",
            "write it percent-encoded, as the client sends it",
        ));
    }
    let is_partial = |segment: &str| segment.contains('*') && segment != "*";
    if path.split('/').any(is_partial) {
        return Some((
            "has a `*` beside other characters",
            "`*` stands for a whole segment: \"/users/*/files\", or at the end for all below: \"/v1/*\"",
        ));
    }
    None
}

fn host_problem(host: &str) -> Option<Refused> {
    let name = host.strip_prefix("*.").unwrap_or(host);
    if name.contains("://") || name.contains('/') {
        return Some((
            "is not a host",
            "write only the host name: \"api.example.com\"",
        ));
    }
    if name.contains('*') {
        return Some((
            "has a `*` in the wrong place",
            "`*.` stands only at the front: \"*.example.com\"",
        ));
    }
    if name.contains(':') && !name.ends_with(']') {
        return Some((
            "has a port",
            "routes match the host without its port: leave out `:` and what follows",
        ));
    }
    if name.bytes().any(|b| b.is_ascii_uppercase()) {
        return Some((
            "has upper case letters",
            "write it in lower case; requests match in any case",
        ));
    }
    if !is_host(name) {
        return Some((
            "is not a host",
            "write a host name: \"api.example.com\", or \"*.example.com\"",
        ));
    }
    None
}

fn method_problem(method: &str) -> Option<(&'static str, String)> {
    if !is_token(method) {
        return Some((
            "is not a method",
            "write names such as \"GET\" or \"POST\"".to_owned(),
        ));
    }
    let upper = method.to_ascii_uppercase();
    if upper == "CONNECT" {
        return Some((
            "cannot be routed",
            "figshift is no tunnel: leave it out".to_owned(),
        ));
    }
    if upper != method {
        return Some((
            "is not in upper case",
            format!("write \"{}\"", known_or_generic(&upper)),
        ));
    }
    // A method of its own is fine (PURGE), one letter off a known one is a slip.
    if METHODS.contains(&method) {
        return None;
    }
    let lower = method.to_ascii_lowercase();
    let known = [
        "get", "head", "post", "put", "patch", "delete", "options", "trace",
    ];
    let near = nearest(&lower, known.into_iter().filter(|known| known.len() > 3))?;
    Some((
        "is not a method",
        format!("did you mean \"{}\"?", near.to_ascii_uppercase()),
    ))
}

/// A hint repeats only well-known methods: another value may have come from the environment.
fn known_or_generic(upper: &str) -> &str {
    METHODS
        .iter()
        .find(|known| **known == upper)
        .copied()
        .unwrap_or("...")
}

fn headers(matches: &Match, at: &Path, sheet: &mut Sheet<'_>) {
    let mut seen: Vec<String> = Vec::new();
    for (name, value) in &matches.headers {
        let path = at.key(name);
        let lower = name.to_ascii_lowercase();
        if !is_token(name) {
            let hint = "a header name takes letters, digits and -_.";
            sheet.at_key(&path, "this is not the name of a header", hint);
        } else if seen.contains(&lower) {
            let hint = "header names match in any case: remove one";
            sheet.at_key(&path, "this header is in the table already", hint);
        }
        seen.push(lower);
        if value.chars().any(|c| c.is_control() && c != '\t') || value.trim() != value {
            let message = format!("{} can be no header's value", sheet.quote(&path));
            sheet.at_value(
                &path,
                message,
                "leave out control characters and outer spaces",
            );
        }
    }
}
