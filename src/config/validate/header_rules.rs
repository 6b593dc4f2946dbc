//! What an operation does to header lines.

use std::collections::BTreeSet;

use crate::config::model::HeaderRules;
use crate::config::scalar::is_token;
use crate::config::sheet::Sheet;
use crate::config::tree::Path;

type Bad = (&'static str, &'static str);

const REMOVE_ONE: &str = "remove one of the two";

pub(super) fn check(rules: &HeaderRules, at: &Path, sheet: &mut Sheet<'_>) {
    let names = Names {
        removed: rules.remove.iter().map(|name| lower(name)).collect(),
        set: rules.set.keys().map(|name| lower(name)).collect(),
        copied_to: rules.copy.values().map(|name| lower(name)).collect(),
    };
    copies(rules, &names, &at.key("copy"), sheet);
    removals(rules, &names, &at.key("remove"), sheet);
    let mut seen = BTreeSet::new();
    for name in rules.set.keys() {
        key(name, &mut seen, &at.key("set").key(name), sheet);
    }
}

/// The names that rules are about, in lower case.
struct Names {
    removed: BTreeSet<String>,
    set: BTreeSet<String>,
    copied_to: BTreeSet<String>,
}

fn copies(rules: &HeaderRules, names: &Names, at: &Path, sheet: &mut Sheet<'_>) {
    let (mut from, mut into) = (BTreeSet::new(), BTreeSet::new());
    for (source, target) in &rules.copy {
        let path = at.key(source);
        key(source, &mut from, &path, sheet);
        if let Some((message, hint)) = refusal(target) {
            let message = format!("{} {message}", sheet.quote(&path));
            sheet.at_value(&path, message, hint);
            continue;
        }
        let (source, target) = (lower(source), lower(target));
        let (message, hint) = if source == target {
            ("is where it is copied from", "name another header")
        } else if names.set.contains(&target) {
            ("is in `set` too, which replaces the copy", REMOVE_ONE)
        } else if names.removed.contains(&target) {
            ("is in `remove` too, which takes the copy away", REMOVE_ONE)
        } else if names.copied_to.contains(&source) {
            let hint = "all copies are of what came: copy from the header that it comes from";
            ("is copied from a header that is a copy itself", hint)
        } else if !into.insert(target) {
            ("is where another header is copied to", REMOVE_ONE)
        } else {
            continue;
        };
        let message = format!("{} {message}", sheet.quote(&path));
        sheet.at_value(&path, message, hint);
    }
}

fn removals(rules: &HeaderRules, names: &Names, at: &Path, sheet: &mut Sheet<'_>) {
    let mut seen = BTreeSet::new();
    for (index, name) in rules.remove.iter().enumerate() {
        let path = at.index(index);
        let known = lower(name);
        let (message, hint) = if let Some(bad) = refusal(name) {
            bad
        } else if names.set.contains(&known) {
            let hint = "remove it here";
            ("is in `set` too, which replaces what came anyway", hint)
        } else if !seen.insert(known) {
            ("is in the list already", REMOVE_ONE)
        } else {
            continue;
        };
        let message = format!("{} {message}", sheet.quote(&path));
        sheet.at_value(&path, message, hint);
    }
}

/// Checks the name of a header that is a key.
fn key(name: &str, seen: &mut BTreeSet<String>, path: &Path, sheet: &mut Sheet<'_>) {
    if let Some((message, hint)) = refusal(name) {
        sheet.at_key(path, format!("this {message}"), hint);
    } else if !seen.insert(lower(name)) {
        let hint = "header names match in any case: remove one";
        sheet.at_key(path, "this header is in the table already", hint);
    }
}

fn lower(name: &str) -> String {
    name.to_ascii_lowercase()
}

/// Why a header has no place in a rule, to stand behind its name, and what to do.
fn refusal(name: &str) -> Option<Bad> {
    if !is_token(name) {
        return Some((
            "is not the name of a header",
            "a header name takes letters, digits and -_.",
        ));
    }
    // Some take the one for the other.
    let name = lower(name).replace('_', "-");
    match name.as_str() {
        "host" => Some((
            "is what `host` of the backend says",
            "write `host` in the backend's table",
        )),
        "connection" | "keep-alive" | "te" | "trailer" | "transfer-encoding" | "upgrade"
        | "expect" | "http2-settings" => Some((
            "is for one connection, and not for what goes over it",
            "leave it out: figshift says it by itself where it is needed",
        )),
        "content-length" | "content-encoding" => Some((
            "follows from the body",
            "leave it out: figshift says it by itself",
        )),
        "via" | "x-request-id" | "forwarded" | "x-forwarded-for" | "x-forwarded-host"
        | "x-forwarded-proto" => Some((
            "is what figshift says of a request",
            "leave it out, or take another name",
        )),
        _ if name.starts_with("proxy-") => Some((
            "is for one connection, and not for what goes over it",
            "leave it out: it is between a client and its proxy",
        )),
        _ if name.starts_with("x-figshift-") => Some((
            "is what figshift says of itself",
            "leave it out, or take another name",
        )),
        _ => None,
    }
}
