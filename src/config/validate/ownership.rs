//! `[[ownership]]`.

use crate::adapt::{ID, Named, Pattern, Spot};
use crate::config::model::{Config, IdMode, ListBy, Ownership, WhenUnknown};
use crate::config::scalar::Duration;
use crate::config::sheet::Sheet;
use crate::config::tree::Path;

use super::bounds::{MINUTE, no_doubles, within};
use super::names::Names;
use super::{patterns, prefixes, programs};

const YEAR: Duration = Duration::from_secs(365 * 86_400);
/// What is wrong with values, and what to do.
const NO_SPOT: (&str, &str) = (
    "is no part of a request",
    "write a path with `{id}`: \"/api/jobs/{id}\", or \"query:NAME\", \"header:NAME\", \"cookie:NAME\", \
     \"POST /api/cancel body:.NAME\"",
);
const NO_ID: (&str, &str) = (
    "has no `{id}`",
    "write it where the id stands: \"/api/jobs/{id}\"",
);
const MANY_SEGMENTS: (&str, &str) = (
    "has an id of more than one segment",
    "write `{id}`, which is one",
);
const ANOTHER_NAME: (&str, &str) = (
    "has another name than `{id}`",
    "only the id is known where it is asked for: \"/api/jobs/{id}\"",
);

/// A request that makes something, and where in the file it stands.
type Maker = (usize, usize, Pattern);

pub(super) fn check(config: &Config, sheet: &mut Sheet<'_>) {
    let at = Path::root().key("ownership");
    let mut names = Names::of("a rule", "ownership");
    let mut makers = Vec::new();
    for (index, rule) in config.ownership.iter().enumerate() {
        let at = at.index(index);
        names.check(&rule.name, index, &at.key("name"), sheet);
        create(rule, index, &mut makers, &at.key("create"), sheet);
        ids(rule, &at, sheet);
        uses(rule, &at.key("use"), sheet);
        within(rule.ttl, MINUTE, YEAR, &at.key("ttl"), sheet);
        probe(rule, &at, sheet);
        if let Some(program) = &rule.done {
            programs::check(program, &[], &at.key("done"), sheet);
        }
        list(rule, &at, sheet);
        prefixes::check(config, rule, &at, sheet);
    }
}

fn create(
    rule: &Ownership,
    index: usize,
    makers: &mut Vec<Maker>,
    at: &Path,
    sheet: &mut Sheet<'_>,
) {
    if rule.create.is_empty() {
        let hint = "write the requests that make one: [\"POST /api/jobs\"]";
        sheet.at_value(at, "nothing is made by no request", hint);
    }
    for (place, text) in rule.create.iter().enumerate() {
        let path = at.index(place);
        let Some(pattern) = patterns::of_clients(text, &path, sheet) else {
            continue;
        };
        let mut earlier = makers.iter();
        match earlier.find(|(.., other)| other.takes_same(&pattern)) {
            Some((rule, place, _)) => {
                let quote = sheet.quote(&path);
                let message =
                    format!("{quote} takes the same requests as ownership[{rule}].create[{place}]");
                let hint = "remove one of the two: what a request makes has one owner";
                sheet.at_value(&path, message, hint);
            }
            None => makers.push((index, place, pattern)),
        }
    }
}

/// Where ids are found in responses.
fn ids(rule: &Ownership, at: &Path, sheet: &mut Sheet<'_>) {
    let path = at.key("id");
    if rule.id.is_empty() {
        let hint = "write where it is: [\".job_id\", \"header:location\"]";
        sheet.at_value(&path, "the id is found nowhere", hint);
    }
    for (index, text) in rule.id.iter().enumerate() {
        let path = path.index(index);
        if !text.starts_with("header:") {
            programs::place(text, 0, &path, sheet);
        } else if let Err(bad) = Named::parse(text) {
            tell((bad.message, bad.hint), &path, sheet);
        }
    }
    no_doubles(&rule.id, &path, sheet);
    let path = at.key("also");
    for (index, text) in rule.also.iter().enumerate() {
        let path = path.index(index);
        if text.starts_with("header:") {
            let hint = "further ids are looked for in bodies only: \".steps.id\"";
            tell(("is a header", hint), &path, sheet);
        } else {
            programs::place(text, 0, &path, sheet);
        }
    }
    no_doubles(&rule.also, &path, sheet);
}

/// Where ids are found in requests.
fn uses(rule: &Ownership, at: &Path, sheet: &mut Sheet<'_>) {
    if rule.uses.is_empty() {
        let hint = "write how it is asked for: [\"/api/jobs/{id}\"]";
        sheet.at_value(at, "no later request says which one it means", hint);
    }
    for (index, text) in rule.uses.iter().enumerate() {
        let path = at.index(index);
        // Told first, as it knows more of the place.
        if let Some((before, _)) = text.split_once("body:") {
            programs::place(text, before.len() + "body:".len(), &path, sheet);
        }
        match Spot::parse(text) {
            Ok(_) if text.contains("{id...}") => tell(MANY_SEGMENTS, &path, sheet),
            Ok(_) => {}
            Err(_) if is_unknown(text) => tell(NO_SPOT, &path, sheet),
            Err(bad) => tell((bad.message, bad.hint), &path, sheet),
        }
    }
    no_doubles(&rule.uses, at, sheet);
}

/// Whether it is neither a path nor says what else it is.
fn is_unknown(text: &str) -> bool {
    let kind = text.split_once(':').map_or(text, |(kind, _)| kind);
    !text.contains('/') && !["query", "header", "cookie", "body"].contains(&kind)
}

/// Tells what is wrong with a value, in words that stand behind it.
fn tell((message, hint): (&str, &str), path: &Path, sheet: &mut Sheet<'_>) {
    let message = format!("{} {message}", sheet.quote(path));
    sheet.at_value(path, message, hint);
}

fn probe(rule: &Ownership, at: &Path, sheet: &mut Sheet<'_>) {
    let Some(text) = &rule.probe else {
        return;
    };
    let path = at.key("probe");
    if rule.id_mode == IdMode::Learned && rule.unknown != WhenUnknown::Probe {
        let hint = "remove it, or write `unknown = \"probe\"`";
        sheet.at_key(&path, "nobody is asked with another `unknown`", hint);
    }
    let Some(pattern) = patterns::of_path(text, &path, sheet) else {
        return;
    };
    if pattern.names().all(|name| name != ID) {
        tell(NO_ID, &path, sheet);
    } else if text.contains("{id...}") {
        tell(MANY_SEGMENTS, &path, sheet);
    } else if pattern.names().any(|name| name != ID) {
        tell(ANOTHER_NAME, &path, sheet);
    }
}

fn list(rule: &Ownership, at: &Path, sheet: &mut Sheet<'_>) {
    if let Some(text) = &rule.list_path {
        let path = at.key("list_path");
        let pattern = patterns::of_path(text, &path, sheet);
        if pattern.is_some_and(|pattern| pattern.names().next().is_some()) {
            let hint = "it is the path of one list: \"/api/jobs\"";
            tell(("has a name", hint), &path, sheet);
        }
    }
    let Some(text) = &rule.list_items else {
        return;
    };
    let path = at.key("list_items");
    if rule.list != ListBy::Merge && !sheet.is_spoiled(&at.key("list")) {
        let message = "the list of one side passes as it is, and nothing is looked for in it";
        let hint = "add `list = \"merge\"`, or remove it; `list_path` is for both";
        sheet.at_key(&path, message, hint);
    }
    programs::place(text, 0, &path, sheet);
}
