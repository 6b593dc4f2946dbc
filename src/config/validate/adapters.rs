//! `[adapters.NAME]`, and who uses one.

use crate::adapt::Pattern;
use crate::config::model::{Adapter, Config, DoneMark, Operation, Route, VARIABLES};
use crate::config::scalar::{Duration, Size};
use crate::config::sheet::Sheet;
use crate::config::tree::Path;

use super::bounds::{SECOND, within};
use super::names::{NAME_HINT, hint_of_known, is_name};
use super::{header_rules, patterns, programs, query_rules};

pub(super) fn check(config: &Config, sheet: &mut Sheet<'_>) {
    let at = Path::root().key("adapters");
    for (name, adapter) in &config.adapters {
        let at = at.key(name);
        if !is_name(name) {
            sheet.at_key(&at, "this is not a name for an adapter", NAME_HINT);
            continue;
        }
        let (least, most) = (Size::kib(1), Size::kib(16 * 1024));
        within(adapter.max_body, least, most, &at.key("max_body"), sheet);
        let shortest = Duration::from_millis(1);
        within(
            adapter.deadline,
            shortest,
            SECOND,
            &at.key("deadline"),
            sheet,
        );
        operations(adapter, &at, sheet);
    }
}

/// The adapters of a route's sides.
pub(super) fn of_route(config: &Config, route: &Route, at: &Path, sheet: &mut Sheet<'_>) {
    // With a broken table of adapters nobody can say what exists.
    if sheet.is_spoiled(&Path::root().key("adapters")) {
        return;
    }
    let sides = [
        ("primary", &route.adapters.primary),
        ("candidate", &route.adapters.candidate),
    ];
    for (key, name) in sides {
        let Some(name) = name
            .as_ref()
            .filter(|name| !config.adapters.contains_key(*name))
        else {
            continue;
        };
        let path = at.key(key);
        let add = "add it: [adapters.NAME.operations.NAME] with `client`";
        let hint = hint_of_known(name, config.adapters.keys(), "adapters", add);
        let message = format!("there is no adapter {}", sheet.quote(&path));
        sheet.at_value(&path, message, &hint);
    }
}

fn operations(adapter: &Adapter, at_adapter: &Path, sheet: &mut Sheet<'_>) {
    let at = at_adapter.key("operations");
    let is_lost = sheet.is_touched(&at) || sheet.has_unknown_key(at_adapter);
    if adapter.operations.is_empty() && !is_lost {
        let hint = "add [adapters.NAME.operations.NAME] with `client = \"POST /api/jobs\"`";
        sheet.at_key(&at, "this adapter has no operation", hint);
    }
    let mut in_order: Vec<_> = adapter.operations.iter().collect();
    in_order.sort_by_key(|(name, _)| sheet.written.key_span(&at.key(name)).start);
    let mut known: Vec<(&str, Pattern)> = Vec::new();
    for (name, written) in in_order {
        let at = at.key(name);
        if !is_name(name) {
            sheet.at_key(&at, "this is not a name for an operation", NAME_HINT);
            continue;
        }
        let Some(client) = operation(written, &at, sheet) else {
            continue;
        };
        match known.iter().find(|(_, other)| other.takes_same(&client)) {
            Some((first, _)) => {
                let path = at.key("client");
                let quote = sheet.quote(&path);
                let message = format!("{quote} takes the same requests as operation `{first}`");
                let hint = "remove one of the two, or give it another method or path";
                sheet.at_value(&path, message, hint);
            }
            None => known.push((name, client)),
        }
    }
}

/// Checks one by itself; what its clients send.
fn operation(operation: &Operation, at: &Path, sheet: &mut Sheet<'_>) -> Option<Pattern> {
    let client = patterns::of_clients(&operation.client, &at.key("client"), sheet);
    let backend = backend(operation, client.as_ref(), at, sheet);
    if let Some(program) = &operation.request {
        programs::of_request(program, &at.key("request"), sheet);
    }
    for (key, program) in [
        ("response", &operation.response),
        ("error", &operation.error),
    ] {
        if let Some(program) = program {
            programs::check(program, &VARIABLES, &at.key(key), sheet);
        }
    }
    stream(operation, at, sheet);
    statuses(operation, &at.key("status"), sheet);
    let own = backend.as_ref().and_then(Pattern::query);
    query_rules::check(&operation.query, own, &at.key("query"), sheet);
    header_rules::check(&operation.headers, &at.key("headers"), sheet);
    let path = at.key("response_headers");
    header_rules::check(&operation.response_headers, &path, sheet);
    client
}

fn backend(
    operation: &Operation,
    client: Option<&Pattern>,
    at: &Path,
    sheet: &mut Sheet<'_>,
) -> Option<Pattern> {
    let text = operation.backend.as_ref()?;
    let path = at.key("backend");
    let backend = patterns::read(text, &path, sheet)?;
    if backend.method().is_none() {
        let (message, hint) = patterns::NO_METHOD;
        let message = format!("{} {message}", sheet.quote(&path));
        sheet.at_value(&path, message, hint);
    }
    let is_new = |name: &&str| client.is_some_and(|c| c.names().all(|known| known != *name));
    if let Some(name) = backend.names().find(is_new) {
        let name = match sheet.is_filled_in(&path, text) {
            true => "a name".to_owned(),
            false => format!("`{{{name}}}`"),
        };
        let message = format!("{} has {name}, which `client` has not", sheet.quote(&path));
        let hint = "a name stands for what `client` took by it: use one of its names";
        sheet.at_value(&path, message, hint);
    }
    Some(backend)
}

fn stream(operation: &Operation, at: &Path, sheet: &mut Sheet<'_>) {
    let is_written = |key: &str, sheet: &Sheet<'_>| sheet.written.at(&at.key(key)).is_some();
    if operation.stream.is_some() && !is_written("response", sheet) {
        let message = "it is not said what becomes of an event";
        let hint = "add `response`, which then runs on each event, or remove `stream`";
        sheet.at_key(&at.key("stream"), message, hint);
    }
    if operation.done != DoneMark::Pass && !is_written("stream", sheet) {
        let message = "the `[DONE]` of a stream is not looked for without `stream`";
        let hint = "add `stream = \"event\"` and `response`, or remove `done`";
        sheet.at_key(&at.key("done"), message, hint);
    }
}

fn statuses(operation: &Operation, at: &Path, sheet: &mut Sheet<'_>) {
    for (from, to) in &operation.status {
        let path = at.key(from);
        let number = from.parse().ok().filter(|_| from.len() == 3);
        if !number.is_some_and(|number: u16| (200..=599).contains(&number)) {
            let message = "this is not a status that could be replaced";
            let hint = "write a status from 200 to 599: { \"201\" = 200 }";
            sheet.at_key(&path, message, hint);
        } else if [204, 205, 304].contains(to) {
            let message = format!(
                "{} has no body, and so nothing of the response would pass",
                sheet.quote(&path)
            );
            let hint = "write 200, and let `response` say what clients get";
            sheet.at_value(&path, message, hint);
        } else if number == Some(*to) {
            let hint = "remove it, or write another status";
            sheet.at_value(&path, "it is replaced by itself", hint);
        }
    }
}
