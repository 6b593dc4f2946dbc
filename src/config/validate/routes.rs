//! `[[routes]]`.

use crate::config::model::{Config, Match, Route};
use crate::config::scalar::Size;
use crate::config::sheet::Sheet;
use crate::config::tree::Path;

use super::names::{HOW_TO_ADD_BACKEND, Names, hint_of_known};
use super::{adapters, bounds, guard, limits, paths, ramp};

const LARGEST_REPLAY: Size = Size::kib(64 * 1024);

pub(super) fn check(config: &Config, sheet: &mut Sheet<'_>) {
    let at = Path::root().key("routes");
    if config.routes.is_empty() {
        let hint = "add [[routes]] with `name` and `primary`: without a route nothing is served";
        sheet.at_value(&at, "there is no route", hint);
    }
    let mut names = Names::of("a route", "routes");
    for (index, route) in config.routes.iter().enumerate() {
        let at = at.index(index);
        names.check(&route.name, index, &at.key("name"), sheet);
        paths::check(&route.matches, &at.key("match"), sheet);
        // What is wrong inside is told before what is wrong with the whole, which would hide it.
        guard::check(route, &at, sheet);
        ramp::check(route, &at, sheet);
        backends(config, route, &at, sheet);
        adapters::of_route(config, route, &at.key("adapters"), sheet);
        extras(route, &at, sheet);
        reach(config, index, sheet);
    }
}

fn backends(config: &Config, route: &Route, at: &Path, sheet: &mut Sheet<'_>) {
    backend(config, &route.primary, &at.key("primary"), sheet);
    let path = at.key("candidate");
    match &route.candidate {
        Some(candidate) => {
            backend(config, candidate, &path, sheet);
            if *candidate == route.primary {
                let message = format!("{} is the primary too", sheet.quote(&path));
                let hint = "name another backend, or remove `candidate` and `percent`";
                sheet.at_value(&path, message, hint);
            }
        }
        None if !sheet.is_touched(&path) => no_candidate(route, at, sheet),
        None => {}
    }
}

/// Tells the first key that makes no sense without a candidate: what is missing is missing once.
fn no_candidate(route: &Route, at: &Path, sheet: &mut Sheet<'_>) {
    let percent = at.key("percent");
    if route.percent.hundredths() > 0 {
        let message = format!(
            "{} percent go to a candidate, but there is none",
            sheet.quote(&percent)
        );
        let hint = "add `candidate = \"...\"`, or remove `percent`";
        sheet.at_value(&percent, message, hint);
        return;
    }
    let written = |key: &&str| sheet.written.at(&at.key(key)).is_some();
    if let Some(key) = ["ramp", "flag", "guard"].into_iter().find(written) {
        let message = format!("`{key}` is for a candidate, but there is none");
        let hint = format!("add `candidate = \"...\"`, or remove `{key}`");
        sheet.at_key(&at.key(key), message, &hint);
        return;
    }
    if route.adapters.candidate.is_some() {
        let path = at.key("adapters").key("candidate");
        let message = "this is for a candidate, but there is none";
        let hint = "add `candidate = \"...\"` to the route, or remove it here";
        sheet.at_key(&path, message, hint);
    }
}

fn backend(config: &Config, name: &str, path: &Path, sheet: &mut Sheet<'_>) {
    // With a broken table of backends nobody can say what exists.
    if config.backends.contains_key(name) || sheet.is_spoiled(&Path::root().key("backends")) {
        return;
    }
    let hint = hint_of_known(name, config.backends.keys(), "backends", HOW_TO_ADD_BACKEND);
    let message = format!("there is no backend {}", sheet.quote(path));
    sheet.at_value(path, message, &hint);
}

fn extras(route: &Route, at: &Path, sheet: &mut Sheet<'_>) {
    bounds::no_doubles(&route.sticky, &at.key("sticky"), sheet);
    if route.salt.as_deref().is_some_and(str::is_empty) {
        let hint = "write any text, or leave the key out: the route's name is the default";
        sheet.at_value(&at.key("salt"), "the salt is empty", hint);
    }
    if let Some(limit) = &route.rate_limit {
        limits::of_route(limit, &at.key("rate_limit"), sheet);
    }
    let path = at.key("replay_bytes");
    if route.replay_bytes > LARGEST_REPLAY {
        let message = format!("{} is too much memory for one request", sheet.quote(&path));
        sheet.at_value(&path, message, "write at most \"64MiB\"");
    }
    if let Some(every) = route.keep_alive {
        let path = at.key("keep_alive");
        bounds::within(every, bounds::SECOND, bounds::HOUR, &path, sheet);
        if !route.hold {
            let hint = "remove `hold = false`, or `keep_alive`";
            let message = "comments go to a client only while a stream is held";
            sheet.at_key(&path, message, hint);
        }
    }
    let below = route
        .fallback_on
        .ranges()
        .iter()
        .any(|(first, _)| *first < 400);
    if below {
        let hint = "only failures fall back: statuses from 400 to 599";
        let message = "it has statuses that are no failures";
        sheet.at_value(&at.key("fallback_on"), message, hint);
    }
}

/// Tells a route that no request can reach, because an earlier one takes them all.
fn reach(config: &Config, index: usize, sheet: &mut Sheet<'_>) {
    let at = |index: usize| Path::root().key("routes").index(index).key("match");
    let Some(route) = config.routes.get(index) else {
        return;
    };
    if sheet.is_touched(&at(index)) {
        return;
    }
    let earlier = config.routes.iter().enumerate().take(index);
    let mut earlier = earlier.filter(|(index, _)| !sheet.is_touched(&at(*index)));
    let Some((first, _)) = earlier.find(|(_, earlier)| covers(&earlier.matches, &route.matches))
    else {
        return;
    };
    let message = format!("no request reaches this route: routes[{first}] takes them all");
    let path = Path::root().key("routes").index(index);
    let hint = "the first match wins: move this route up, or make its match differ";
    sheet.at_value(&path, message, hint);
}

/// Whether every request that the later match takes is taken by the earlier one: it asks for nothing
/// more, condition by condition.
fn covers(earlier: &Match, later: &Match) -> bool {
    let host = match (&earlier.host, &later.host) {
        (None, _) => true,
        (Some(earlier), Some(later)) => host_covers(earlier, later),
        (Some(_), None) => false,
    };
    let path = match (&earlier.path, &later.path) {
        (None, _) => true,
        (Some(earlier), _) if earlier == "/*" => true,
        (Some(earlier), Some(later)) => path_covers(earlier, later),
        (Some(_), None) => false,
    };
    let methods = earlier.methods.is_empty()
        || !later.methods.is_empty()
            && later
                .methods
                .iter()
                .all(|method| earlier.methods.contains(method));
    let has = |name: &str, value: &str| {
        let mut same = later
            .headers
            .iter()
            .filter(|(other, _)| other.eq_ignore_ascii_case(name));
        same.any(|(_, other)| value == "*" || other == value)
    };
    let headers = earlier.headers.iter().all(|(name, value)| has(name, value));
    host && path && methods && headers
}

fn host_covers(earlier: &str, later: &str) -> bool {
    let below = earlier.strip_prefix('*');
    earlier == later || below.is_some_and(|domain| later.ends_with(domain))
}

fn path_covers(earlier: &str, later: &str) -> bool {
    if earlier == later {
        return true;
    }
    // `/v1/*` takes `/v1`, and all below it. With `*` further up, only the same text is sure.
    let Some(prefix) = earlier
        .strip_suffix("/*")
        .filter(|prefix| !prefix.contains('*'))
    else {
        return false;
    };
    later
        .strip_prefix(prefix)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
