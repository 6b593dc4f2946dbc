//! How the owner of an id is known: `id_mode`, and what goes with each.

use crate::config::model::{Config, IdMode, Ownership};
use crate::config::sheet::Sheet;
use crate::config::tree::Path;

use super::names::{HOW_TO_ADD_BACKEND, hint_of_known};

const LONGEST: usize = 16;
/// What is for owners that are remembered.
const OF_LEARNED: [&str; 5] = ["ttl", "unknown", "probe", "done", "also"];

pub(super) fn check(config: &Config, rule: &Ownership, at: &Path, sheet: &mut Sheet<'_>) {
    if sheet.is_spoiled(&at.key("id_mode")) {
        return;
    }
    let path = at.key("prefixes");
    match rule.id_mode {
        IdMode::Learned if !rule.prefixes.is_empty() => {
            let message = "nothing stands before ids that are remembered";
            let hint = "add `id_mode = \"prefix\"`, or remove it";
            sheet.at_key(&path, message, hint);
        }
        IdMode::Learned => {}
        IdMode::Prefix => {
            for key in OF_LEARNED {
                if sheet.written.at(&at.key(key)).is_some() {
                    let message = "this is for owners that are remembered";
                    let hint = "remove it: with `id_mode = \"prefix\"` the id says whose it is";
                    sheet.at_key(&at.key(key), message, hint);
                }
            }
            if rule.prefixes.is_empty() && !sheet.is_touched(&path) {
                let message = "no backend has a prefix";
                let hint = "add `prefixes = { NAME = \"v1~\" }` with the name of a backend";
                sheet.at_value(&at.key("id_mode"), message, hint);
            }
            prefixes(config, rule, &path, sheet);
        }
    }
}

fn prefixes(config: &Config, rule: &Ownership, at: &Path, sheet: &mut Sheet<'_>) {
    let mut in_order: Vec<_> = rule.prefixes.iter().collect();
    in_order.sort_by_key(|(name, _)| sheet.written.key_span(&at.key(name)).start);
    let mut known: Vec<(&str, &str)> = Vec::new();
    for (name, prefix) in in_order {
        let path = at.key(name);
        backend(config, name, &path, sheet);
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
        if !(1..=LONGEST).contains(&prefix.len()) || !prefix.bytes().all(plain) {
            let message = format!("{} is no prefix", sheet.quote(&path));
            let hint = "write 1 to 16 of A-Z, a-z, 0-9, -, _, . and ~, such as \"v1~\"";
            sheet.at_value(&path, message, hint);
            continue;
        }
        let begins = |other: &str| prefix.starts_with(other) || other.starts_with(&**prefix);
        if let Some((first, _)) = known.iter().find(|(_, other)| begins(other)) {
            let quote = sheet.quote(&path);
            let message = format!("{quote} and the prefix of `{first}` begin with each other");
            let hint = "no id may look as if it were of both: write another one, such as \"v2~\"";
            sheet.at_value(&path, message, hint);
        }
        known.push((name, prefix));
    }
}

fn backend(config: &Config, name: &str, path: &Path, sheet: &mut Sheet<'_>) {
    // With a broken table of backends nobody can say what exists.
    let is_lost = sheet.is_spoiled(&Path::root().key("backends"));
    if is_lost || config.backends.contains_key(name) {
        return;
    }
    let hint = hint_of_known(name, config.backends.keys(), "backends", HOW_TO_ADD_BACKEND);
    sheet.at_key(path, format!("there is no backend `{name}`"), &hint);
}
