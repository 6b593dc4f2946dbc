//! From what is known of a backend to whether it may be stopped. Unknown never reads as drained.

use super::facts::{Drain, DrainState, Facts, Role, RuleSight};
use super::survey::Survey;
use super::words::{count, percent, span};
use crate::owners::{Health, Tally};

/// What may be missing from what is known.
#[derive(Debug, PartialEq, Eq)]
enum Gap {
    /// The table learns by the rule for less time than what it would have to know may live.
    Young { rule: Box<str>, age: u32, ttl: u32 },
    /// The rule keeps no table.
    Kept { rule: Box<str> },
    /// The table has lost something that may live for so many seconds more.
    Blind { left: u32 },
}

/// What is found of a backend by this.
pub(super) fn judge(facts: Facts, survey: &Survey) -> Drain {
    let live: usize = facts.owned.iter().map(|tally| tally.live).sum();
    let gaps = gaps(&facts.rules, &survey.health, survey.now);
    let state = if facts.roles.iter().any(|role| role.share > 0) {
        DrainState::Serving
    } else if live > 0 || facts.in_flight > 0 || facts.tunnels > 0 {
        DrainState::Draining
    } else if !gaps.is_empty() {
        DrainState::Unknown
    } else {
        DrainState::Drained
    };
    let mut because: Vec<String> = facts.roles.iter().filter_map(of_role).collect();
    let is_wanted = !because.is_empty();
    because.extend(
        facts
            .owned
            .iter()
            .filter_map(|tally| of_live(tally, survey)),
    );
    because.extend(of_traffic(&facts));
    because.extend(gaps.iter().map(of_gap));
    because.extend(of_place(&facts, live, state));
    because.extend(notes(&facts));
    Drain {
        safe_to_stop: state == DrainState::Drained && !is_wanted,
        backend: facts.backend,
        state,
        because,
        owned: facts.owned,
        in_flight: facts.in_flight,
        tunnels: facts.tunnels,
    }
}

fn gaps(rules: &[RuleSight], health: &Health, now: u32) -> Vec<Gap> {
    let mut gaps: Vec<Gap> = rules
        .iter()
        .filter_map(|rule| {
            let (name, ttl) = (rule.name.clone(), rule.ttl);
            if rule.keeps_nothing {
                return Some(Gap::Kept { rule: name });
            }
            // A table that takes over a file between two looks knows what is in it at the second look only.
            let since = rule.since.map_or(now, |since| since.max(health.since));
            let is_young = since.saturating_add(ttl) > now;
            is_young.then(|| Gap::Young {
                rule: name,
                age: now.saturating_sub(since),
                ttl,
            })
        })
        .collect();
    if now < health.blind_until {
        let left = health.blind_until - now;
        gaps.push(Gap::Blind { left });
    }
    gaps
}

/// What keeps it from being stopped on a route: new requests, those that fall back, or those of trusted peers.
fn of_role(role: &Role) -> Option<String> {
    let route = &role.route;
    let share = percent(role.share);
    Some(match (role.is_primary, &role.other) {
        (true, None) => {
            format!("it is the only side of route `{route}`: give the route another primary first")
        }
        (true, Some(other)) if role.share > 0 => format!(
            "it is the primary of route `{route}` and gets {share} of its new requests: move them (`figshift shift \
             {route} 100`), then take it out of the route, with `{other}` as primary"
        ),
        (true, Some(other)) => format!(
            "it is the primary of route `{route}`, which takes what falls back: take it out of the route first, with \
             `{other}` as primary"
        ),
        (false, _) if role.share > 0 => format!(
            "route `{route}` gives it {share} of its new requests: `figshift shift {route} 0` first"
        ),
        (false, _) if role.by_name => format!(
            "route `{route}` lets trusted peers send it requests by x-figshift-side: set side_header = false there, \
             or take it out of the route"
        ),
        (false, _) => return None,
    })
}

fn of_live(tally: &Tally, survey: &Survey) -> Option<String> {
    let (rule, live) = (&tally.rule, tally.live);
    let oldest = tally.oldest_live.map(|oldest| {
        let age = span(survey.now.saturating_sub(oldest));
        match live {
            1 => format!(", for {age}"),
            _ => format!(", the oldest for {age}"),
        }
    });
    (live > 0).then(|| {
        format!(
            "{live} of rule `{rule}` {} live there{}: wait until the work is over; `figshift owner list {}` names {}",
            if live == 1 { "is" } else { "are" },
            oldest.unwrap_or_default(),
            tally.backend,
            if live == 1 { "it" } else { "them" },
        )
    })
}

fn of_traffic(facts: &Facts) -> impl Iterator<Item = String> {
    let in_flight = facts.in_flight;
    let requests = (in_flight > 0).then(|| {
        let requests = count(in_flight, "request");
        format!("{requests} on the way to it: wait for the end of them")
    });
    let tunnels = facts.tunnels;
    let tunnels = (tunnels > 0).then(|| {
        let tunnels = count(tunnels, "tunnel");
        format!("{tunnels} open to it: wait until clients and it close them")
    });
    requests.into_iter().chain(tunnels)
}

fn of_gap(gap: &Gap) -> String {
    match gap {
        Gap::Young { rule, age, ttl } => format!(
            "what is rule `{rule}`'s and was made before the table of owners began to learn by it, {} ago, is not known \
             and may live for {}: wait {}, or ask the backend itself",
            span(*age),
            span(*ttl),
            span(ttl.saturating_sub(*age)),
        ),
        Gap::Kept { rule } => format!(
            "rule `{rule}` keeps no table (id_mode = \"prefix\"), so what is live there is not known: ask the backend \
             itself"
        ),
        Gap::Blind { left } => format!(
            "the table of owners has lost, or had no room for, something that may be live: wait {}, or ask the \
             backend itself",
            span(*left),
        ),
    }
}

/// What is the matter with the backend itself.
fn of_place(facts: &Facts, live: usize, state: DrainState) -> impl Iterator<Item = String> {
    let is_lost = match (facts.in_file, facts.roles.is_empty()) {
        _ if live == 0 => None,
        (false, _) => Some(
            "it is not in the file, so nobody can ask for what is live there: put it back into the file and a route",
        ),
        (true, true) => Some(
            "no route leads to it, so nobody can ask for what is live there: make it a side of a route again",
        ),
        (true, false) => None,
    };
    let has_work = matches!(state, DrainState::Draining | DrainState::Unknown);
    let is_out = (facts.is_out && (has_work || live > 0))
        .then_some("none of its endpoints answers: what is live there cannot finish");
    let sentences = is_lost.into_iter().chain(is_out);
    sentences.map(str::to_owned)
}

/// What is no reason by itself.
fn notes(facts: &Facts) -> Vec<String> {
    let mut notes = Vec::new();
    for tally in facts.owned.iter().filter(|tally| tally.done > 0) {
        notes.push(format!(
            "{} of rule `{}` there {} done and may still be asked for: the results go with the backend",
            tally.done,
            tally.rule,
            if tally.done == 1 { "is" } else { "are" },
        ));
    }
    for rule in facts.rules.iter().filter(|rule| rule.missed > 0) {
        let responses = count(rule.missed, "response");
        notes.push(format!(
            "{responses} to requests of rule `{}` that make something had no id that could be learned, since the \
             start: what they have made, on whichever side, is not known",
            rule.name,
        ));
    }
    if facts.rules.is_empty() {
        notes.push("no [[ownership]] rule: jobs that it has would not be known".to_owned());
    }
    notes
}
