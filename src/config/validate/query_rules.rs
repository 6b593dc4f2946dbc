//! What an operation does to a query.

use crate::adapt::query_pairs;
use crate::config::model::QueryRules;
use crate::config::sheet::Sheet;
use crate::config::tree::Path;

use super::bounds::no_doubles;

/// Every parameter, in `remove`.
const ALL: &str = "*";
const REMOVE_ONE: &str = "remove one of the two";
const NAMELESS: (&str, &str) = ("the parameter has no name", "write its name");

/// Checks the rules; `own`: the query of `backend`, which every request gets.
pub(super) fn check(rules: &QueryRules, own: Option<&str>, at: &Path, sheet: &mut Sheet<'_>) {
    renames(rules, &at.key("rename"), sheet);
    removals(rules, &at.key("remove"), sheet);
    let own: Vec<_> = query_pairs(own.unwrap_or_default()).collect();
    for name in rules.set.keys() {
        let path = at.key("set").key(name);
        if name.is_empty() {
            sheet.at_key(&path, NAMELESS.0, NAMELESS.1);
        } else if own.iter().any(|(known, _)| known == name) {
            let message = "this parameter is in the query of `backend` too";
            sheet.at_key(&path, message, REMOVE_ONE);
        }
    }
}

fn renames(rules: &QueryRules, at: &Path, sheet: &mut Sheet<'_>) {
    let is_gone = |name: &String| rules.remove.iter().any(|gone| gone == name || gone == ALL);
    for (from, to) in &rules.rename {
        let path = at.key(from);
        if from.is_empty() {
            sheet.at_key(&path, NAMELESS.0, NAMELESS.1);
        } else if is_gone(from) {
            let message = "this parameter is in `remove` too";
            sheet.at_key(&path, message, REMOVE_ONE);
        } else if rules.set.contains_key(from) {
            let message = "this parameter is in `set` too, which replaces it";
            sheet.at_key(&path, message, REMOVE_ONE);
        } else if to.is_empty() {
            sheet.at_value(&path, NAMELESS.0, NAMELESS.1);
        } else if from == to {
            let hint = "remove it, or write another name";
            sheet.at_value(&path, "it gets the name that it has", hint);
        } else if rules.set.contains_key(to) {
            let message = format!("{} is in `set` too", sheet.quote(&path));
            sheet.at_value(&path, message, REMOVE_ONE);
        }
    }
}

fn removals(rules: &QueryRules, at: &Path, sheet: &mut Sheet<'_>) {
    no_doubles(&rules.remove, at, sheet);
    let takes_all = rules.remove.iter().any(|name| name == ALL);
    for (index, name) in rules.remove.iter().enumerate() {
        let path = at.index(index);
        if name.is_empty() {
            sheet.at_value(&path, NAMELESS.0, NAMELESS.1);
        } else if takes_all && name != ALL {
            let message = format!("{} goes with \"*\" anyway", sheet.quote(&path));
            sheet.at_value(&path, message, REMOVE_ONE);
        } else if rules.set.contains_key(name) {
            let message = format!(
                "{} is in `set` too, which replaces what came anyway",
                sheet.quote(&path)
            );
            sheet.at_value(&path, message, "remove it here");
        }
    }
}
