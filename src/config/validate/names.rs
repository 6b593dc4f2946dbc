//! The syntax of names, hosts and authorities; which names there are.

use std::collections::BTreeMap;

use crate::config::sheet::Sheet;
use crate::config::tree::Path;

use super::super::structure::nearest;

/// What a name of a backend, a route or another table may be, for hints.
pub(super) const NAME_HINT: &str =
    "use 1 to 63 of a-z, 0-9, - and _, beginning with a letter or digit";

/// For a file without backends.
pub(super) const HOW_TO_ADD_BACKEND: &str = "add it: [backends.NAME] with `endpoints`";

/// Whether a backend, a route or another table may be called so: it becomes a metric label and a word of commands.
pub(super) fn is_name(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    name.len() <= 63
        && name.bytes().next().is_some_and(plain)
        && name.bytes().all(|b| plain(b) || b == b'-' || b == b'_')
}

/// The names in a list of tables, which must differ.
pub(super) struct Names<'c> {
    kind: &'static str,
    list: &'static str,
    seen: BTreeMap<&'c str, usize>,
}

impl<'c> Names<'c> {
    /// None yet; `kind`: what one of them is, `list`: the key of all.
    pub(super) fn of(kind: &'static str, list: &'static str) -> Self {
        let seen = BTreeMap::new();
        Self { kind, list, seen }
    }

    /// Checks the name of one of them, which stands at the path.
    pub(super) fn check(
        &mut self,
        name: &'c str,
        index: usize,
        path: &Path,
        sheet: &mut Sheet<'_>,
    ) {
        if sheet.is_spoiled(path) {
            return;
        }
        let quote = sheet.quote(path);
        if !is_name(name) {
            let message = format!("{quote} is not a name for {}", self.kind);
            sheet.at_value(path, message, NAME_HINT);
        } else if let Some(first) = self.seen.insert(name, index) {
            let message = format!("{quote} is the name of {}[{first}] already", self.list);
            let hint = "metrics and commands tell them apart by name";
            sheet.at_value(path, message, hint);
        }
    }
}

/// The hint for a name that is none of those known, which are called `kind`; `add` says how one is made.
pub(super) fn hint_of_known<'k>(
    name: &str,
    known: impl Iterator<Item = &'k String>,
    kind: &str,
    add: &str,
) -> String {
    let known: Vec<&str> = known.map(String::as_str).collect();
    match nearest(name, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if known.is_empty() => add.to_owned(),
        None => format!("the {kind} are: {}", known.join(", ")),
    }
}

/// Whether it is a host name or an address, without port: an IPv6 address stands in brackets.
pub(super) fn is_host(host: &str) -> bool {
    if let Some(inner) = host.strip_prefix('[') {
        let inner = inner.strip_suffix(']').unwrap_or("");
        return inner.parse::<std::net::Ipv6Addr>().is_ok();
    }
    // A name of digits and dots only is an address, or a slip in one.
    let numeric = |label: &str| !label.is_empty() && label.bytes().all(|b| b.is_ascii_digit());
    if host.rsplit('.').next().is_some_and(numeric) {
        return host.parse::<std::net::Ipv4Addr>().is_ok();
    }
    let host = host.strip_suffix('.').unwrap_or(host);
    host.len() <= 253 && host.split('.').all(is_label)
}

fn is_label(label: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    (1..=63).contains(&label.len())
        && label.bytes().all(plain)
        && !label.starts_with('-')
        && !label.ends_with('-')
}

/// Splits `host`, `host:port`, `[v6]` or `[v6]:port`; the port is what follows the colon.
pub(super) fn split_port(authority: &str) -> (&str, Option<&str>) {
    let after_brackets = authority.rfind(']').map_or(0, |at| at + 1);
    let (head, tail) = authority.split_at(after_brackets);
    match tail.split_once(':') {
        Some((name, port)) if head.is_empty() => (name, Some(port)),
        Some(("", port)) => (head, Some(port)),
        _ => (authority, None),
    }
}

/// Whether it is a port that can be connected to.
pub(super) fn is_port(port: &str) -> bool {
    let digits = port.bytes().all(|b| b.is_ascii_digit());
    digits && port.parse::<u16>().is_ok_and(|port| port > 0)
}
