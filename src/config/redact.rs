//! A file for others to read: as it was written, but for the secrets that stand in it.

use std::collections::BTreeSet;

use serde_json::Value as Json;
use toml::de::DeTable;

use super::scalar::{Credential, Secret, is_hidden};
use super::schema::{self, Schema};
use super::tree::{self, Node, Span, Value};

/// What stands in the place of a secret.
const BLACKED: &str = "redacted";
/// A part of a secret that is shorter tells little.
const LEAST_SECRET: usize = 8;
/// A password that others have made may be a plain word: one that is shorter than this is blacked where it is
/// written and nowhere else.
const LEAST_PASSWORD: usize = 12;

/// The text of a file that is in order, with `"redacted"` in the place of each secret that is written
/// into it, and without secrets in its comments. Where a secret comes from stays: `${NAME}` and
/// `${file:/path}` are not filled in and tell nothing.
pub fn redacted(text: &str) -> String {
    let (table, _) = DeTable::parse_recoverable(text);
    let (root, _) = tree::plant(table);
    let mut search = Search::default();
    search.value(&root, Schema::root(schema::whole()));
    search.comments(text);
    search.edits.sort_by_key(|(span, _)| span.start);
    let mut shown = String::with_capacity(text.len());
    let mut at = 0;
    for (span, instead) in &search.edits {
        if span.start < at {
            continue;
        }
        shown.push_str(text.get(at..span.start).unwrap_or_default());
        shown.push_str(instead);
        at = span.end;
    }
    shown.push_str(text.get(at..).unwrap_or_default());
    // It may stand in a comment, or where it does not belong.
    for secret in &search.secrets {
        shown = shown.replace(secret.as_str(), BLACKED);
    }
    shown
}

/// What was found.
#[derive(Default)]
struct Search {
    /// Secrets as they are meant.
    secrets: BTreeSet<String>,
    /// Places of the text, and what stands there instead.
    edits: Vec<(Span, String)>,
    /// Keys that others have named, in tables of secrets.
    names: BTreeSet<String>,
    /// Keys and plain values: what looks like a comment in there is none.
    places: Vec<Span>,
}

impl Search {
    fn value(&mut self, node: &Node, schema: Schema<'_>) {
        let branch = schema.branch_for(&node.value);
        let branch = branch.unwrap_or(schema);
        match &node.value {
            Value::Table(table) => {
                let format = branch.additional().and_then(|own| own.text("format"));
                let holds_secrets = format.is_some_and(is_hidden);
                for (key, entry) in table {
                    self.places.push(entry.key.clone());
                    if holds_secrets {
                        self.names.insert(key.clone());
                    }
                    if let Some(schema) = branch.property(key) {
                        self.value(&entry.node, schema);
                    }
                }
            }
            Value::List(list) => {
                for node in list {
                    if let Some(schema) = branch.items() {
                        self.value(node, schema);
                    }
                }
            }
            plain => {
                self.places.push(node.span.clone());
                match branch.text("format") {
                    Some(Secret::FORMAT) => self.secret(node, plain, LEAST_SECRET),
                    Some(Credential::FORMAT) => self.secret(node, plain, LEAST_PASSWORD),
                    _ => {}
                }
            }
        }
    }

    /// Blacks a value, and finds what of it, if it is so long at least, must not stand elsewhere.
    fn secret(&mut self, node: &Node, value: &Value, least: usize) {
        if let Value::Text(text) = value {
            if names_its_source(text) {
                return;
            }
            let parts = written_out(text).filter(|part| part.len() >= least);
            self.secrets.extend(parts.map(str::to_owned));
        }
        self.edits
            .push((node.span.clone(), format!("\"{BLACKED}\"")));
    }

    /// Looks for comments that were lines with a secret.
    fn comments(&mut self, text: &str) {
        let mut keys = secret_keys();
        keys.append(&mut self.names);
        self.places.sort_by_key(|place| place.start);
        let mut places = self.places.iter().peekable();
        let mut end = 0;
        for (at, _) in text.match_indices('#') {
            while let Some(place) = places.next_if(|place| place.start <= at) {
                end = end.max(place.end);
            }
            if at < end {
                continue;
            }
            let comment = text.get(at..).and_then(|rest| rest.lines().next());
            let comment = comment.unwrap_or_default();
            end = at + comment.len();
            let told = keys.iter().filter_map(|key| after_key(comment, key)).min();
            if let Some(from) = told {
                self.edits.push((at + from..end, format!(" {BLACKED}")));
            }
        }
    }
}

/// Whether it is made of nothing but the places where it comes from.
fn names_its_source(text: &str) -> bool {
    let mut rest = text;
    while let Some(inner) = rest.strip_prefix("${") {
        let Some((inside, tail)) = inner.split_once('}') else {
            return false;
        };
        let default = inside.split_once(":-").map_or("", |(_, default)| default);
        if !inside.starts_with("file:") && !default.is_empty() {
            return false;
        }
        rest = tail;
    }
    rest.is_empty()
}

/// What of a secret is written out: itself, or what stands in for a variable that is not set.
fn written_out(text: &str) -> impl Iterator<Item = &str> {
    let defaults = text.split("${").skip(1);
    let defaults = defaults.filter_map(|part| part.split_once('}')?.0.split_once(":-"));
    let defaults = defaults.map(|(_, default)| default);
    std::iter::once(text).chain(defaults)
}

/// Where the value begins, if the comment gives one to the key, or to a key of its table.
fn after_key(comment: &str, key: &str) -> Option<usize> {
    let mut found = comment.match_indices(key);
    found.find_map(|(at, _)| {
        let rest = comment.get(at + key.len()..)?;
        let rest = rest.trim_start_matches([' ', '\t', '"', '\'']);
        let (inner, _) = rest.split_once('=')?;
        let is_dotted = inner.starts_with('.') && !inner.trim().contains(char::is_whitespace);
        let ends = comment.len() - rest.len() + inner.len() + 1;
        (inner.is_empty() || is_dotted).then_some(ends)
    })
}

/// The names of all keys that hold a secret, or a table of them.
fn secret_keys() -> BTreeSet<String> {
    let mut keys = BTreeSet::new();
    collect(schema::whole(), &mut keys);
    keys
}

fn collect(schema: &Json, keys: &mut BTreeSet<String>) {
    let properties = schema.get("properties").and_then(Json::as_object);
    for (key, own) in properties.into_iter().flatten() {
        let branches = own.get("anyOf").and_then(Json::as_array);
        let inner = own.get("additionalProperties");
        let mut branches = branches.into_iter().flatten().chain([own]).chain(inner);
        let is_secret = |own: &Json| {
            let target = own.get("$ref").and_then(Json::as_str);
            let target = target.and_then(|name| name.strip_prefix('#'));
            let target = target.and_then(|pointer| schema::whole().pointer(pointer));
            let format = target.unwrap_or(own).get("format");
            format.and_then(Json::as_str).is_some_and(is_hidden)
        };
        if branches.any(is_secret) {
            keys.insert(key.clone());
        }
    }
    let definitions = schema.get("$defs").and_then(Json::as_object);
    for (_, definition) in definitions.into_iter().flatten() {
        collect(definition, keys);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{EmptyEnv, parse};

    const HEAD: &str = "\n[listen]\nhttp = \"127.0.0.1:1\"\n[backends.a]\nendpoints = [] # none # \"yet\n[backends.b]\nendpoints = []\n";

    const ALONE: &str = "[[routes]]\nname = \"z\"\nprimary = \"a\"\n";

    fn shown(text: &str) -> String {
        parse(text, "f.toml", &EmptyEnv).unwrap_or_else(|problems| panic!("{problems}"));
        redacted(text)
    }

    #[test]
    fn every_key_for_a_secret_is_known() {
        let keys = [
            "api_key",
            "basic",
            "bearer",
            "set",
            "token",
            "webhook_secret",
        ];
        assert_eq!(secret_keys(), BTreeSet::from(keys.map(str::to_owned)));
    }

    #[test]
    fn secrets_are_blacked_and_all_else_is_as_written() {
        let route = "\n[[routes]]\nname = \"x\" # the \"name\"\nsalt = \"# token = x\"\nmatch.path = \"/x\"\nprimary = 'a'\ncandidate = \"b\"\n";
        let text = format!(
            "admin = {{ token = \"correct-horse-battery\", hosts = [\"a.b\"] }} # ours\n{HEAD}{route}\
             [routes.ramp]\nsteps = [1,\n 5, # 2\n]\n\
             gate = {{ url = \"http://g/\", token = '''battery-staple-horse''' }}\n\
             [[routes]]\nname = \"y\"\nmatch.path = \"/y\"\nprimary = \"a\"\ncandidate = \"b\"\n\
             [routes.flag]\nurl = \"http://f\"\nkey = \"k\"\n\
             \"token\" = \"\"\"\\\n  staple-horse-correct\"\"\" # until May\n"
        );
        let black = text
            .replace("\"correct-horse-battery\"", "\"redacted\"")
            .replace("'''battery-staple-horse'''", "\"redacted\"")
            .replace("\"\"\"\\\n  staple-horse-correct\"\"\"", "\"redacted\"");
        assert_eq!(shown(&text), black);
        assert_eq!(
            shown(&text.replace('\n', "\r\n")),
            black.replace('\n', "\r\n")
        );
        let with_mark = format!("\u{feff}{text}");
        assert_eq!(shown(&with_mark), format!("\u{feff}{black}"));
        parse(&black.replace("redacted", ""), "f.toml", &EmptyEnv).unwrap();
    }

    #[test]
    fn a_short_password_is_blacked_at_its_place_only() {
        let text = format!(
            "{HEAD}{ALONE}[backends.c]\ndiscover.vastai = {{ ids = [7], port = 1 }}\n\
             auth = {{ bearer = \"a\", instances = {{ 7 = {{ basic = 'endpoints:b' }} }} }} # bearer = a\n\
             [backends.d]\nendpoints = []\nauth.basic = \"${{USER:-vastai}}:pass word\" # backends\n\
             [backends.e.discover.http]\nurl = \"http://i\"\ntoken = \"endpoints\"\n\
             [backends.f.discover.vastai]\nids = [1]\nport = 1\napi_key = \"not-so-short\" # not-so-short\n"
        );
        let black = text
            .replace("bearer = \"a\"", "bearer = \"redacted\"")
            .replace("# bearer = a", "# bearer = redacted")
            .replace("'endpoints:b'", "\"redacted\"")
            .replace("\"${USER:-vastai}:pass word\"", "\"redacted\"")
            .replace("\"endpoints\"", "\"redacted\"")
            .replace("not-so-short", "redacted");
        assert_eq!(shown(&text), black);
    }

    #[test]
    fn what_stands_in_a_header_is_blacked() {
        let text = format!(
            "{HEAD}{ALONE}[adapters.a.operations.o]\nclient = \"GET /a\" # plain\n\
             headers.set = {{ x-key = 'abc', authorization = \"Bearer correct-horse\" }} # not Bearer correct-horse\n\
             headers.copy = {{ x-user = \"x-tenant\" }}\n\
             [adapters.a.operations.o.response_headers.set]\n\"X-Kind\" = \"${{KIND:-new}}\" # x-kind = old\n\
             # X-Kind = \"older\"\n# set.x-old = \"key\"\n# headers.set = {{ x-key = \"d\" }}\n\
             # what is set. Then a = b\n"
        );
        let black = text
            .replace("'abc'", "\"redacted\"")
            .replace("\"Bearer correct-horse\"", "\"redacted\"")
            .replace("Bearer correct-horse", "redacted")
            .replace("\"${KIND:-new}\"", "\"redacted\"")
            .replace("= \"older\"", "= redacted")
            .replace("set.x-old = \"key\"", "set.x-old = redacted")
            .replace("= { x-key = \"d\" }", "= redacted");
        assert_eq!(shown(&text), black);
    }

    #[test]
    fn where_a_secret_comes_from_stays() {
        for source in ["", "${T:-}", "${T:-}${U:-}"] {
            let text = format!("admin.token = \"{source}\"\n{HEAD}{ALONE}");
            assert_eq!(shown(&text), text);
        }
        for source in ["${file:/run/secrets/t}", "${T}"] {
            let text = format!("admin.token = \"{source}\"\n{HEAD}{ALONE}");
            assert_eq!(redacted(&text), text);
        }
        for source in [
            "${T:-correct-horse-battery}",
            "correct-horse-${T:-battery-staple}",
            "$${T}correct-horse-battery",
            "${T:-}correct-horse-battery",
        ] {
            let text = format!("admin.token = \"{source}\"\n{HEAD}{ALONE}");
            let black = format!("admin.token = \"redacted\"\n{HEAD}{ALONE}");
            assert_eq!(shown(&text), black, "{source}");
        }
    }

    #[test]
    fn a_comment_keeps_no_secret() {
        let text = format!(
            "admin.token = \"correct-horse-battery\" # was correct-horse-battery, or battery\n\
             # token = \"an-older-one-of-ours\"\n#'token'='x' # y\n# the token is in the vault\n{HEAD}{ALONE}"
        );
        assert_eq!(
            shown(&text),
            format!(
                "admin.token = \"redacted\" # was redacted, or battery\n\
                 # token = redacted\n#'token'= redacted\n# the token is in the vault\n{HEAD}{ALONE}"
            )
        );
    }
}
