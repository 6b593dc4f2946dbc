//! All things of both sides in one list: that of the candidate follows that of the primary.

use super::again::again;
use super::ask::ask;
use super::learn::has_json;
use super::outward::Outward;
use super::resolve::{is_asked, may_have};
use crate::adapt::{Place, Val};
use crate::proxy::arrival::Arrival;
use crate::proxy::failure::Lost;
use crate::proxy::forward::{FailureKind, Outgoing};
use crate::proxy::gather::{Gathered, gather};
use crate::proxy::walk::Walk;
use crate::snapshot::Ownership;
use crate::stats::Side;

/// Asks the candidate for its list, before the primary is.
///
/// # Errors
///
/// It has not told it: half a list would read as if things were lost.
pub(super) async fn fetch(walk: &mut Walk, outgoing: &Outgoing) -> Result<(), FailureKind> {
    walk.binds(Side::Primary);
    let mut question = again(outgoing, outgoing.head.uri.clone());
    if !is_asked(walk, Side::Candidate) {
        return Ok(());
    }
    walk.asks();
    let said = Box::pin(ask(walk, &mut question, Side::Candidate, true)).await;
    let val = said.ok().filter(|said| said.status.is_success());
    match val.and_then(|said| said.body) {
        Some(val) => {
            walk.keeps_list(val);
            Ok(())
        }
        // It was never given anything.
        None if !may_have(walk, Side::Candidate) => Ok(()),
        None => Err(FailureKind::Lost(Lost::List)),
    }
}

/// Puts the candidate's list behind that of the primary.
///
/// # Errors
///
/// One of the two has no list where one is looked for.
pub(super) async fn merge(
    walk: &Walk,
    side: Side,
    arrival: &mut Arrival,
) -> Result<(), FailureKind> {
    let (Some(theirs), Some(claim)) = (walk.list(), walk.claim()) else {
        return Ok(());
    };
    if side != Side::Primary {
        return Ok(());
    }
    let rule = std::sync::Arc::clone(&claim.rule);
    let lost = FailureKind::Lost(Lost::List);
    let Gathered::Whole(body) = gather(walk, arrival, super::ask::MOST).await? else {
        return Err(lost);
    };
    let ours = super::ask::parsed(arrival, &body).ok_or(lost)?;
    let place = place(&rule, &ours);
    let place = place.as_ref();
    let (Some(first), Some(second)) = (items(place, &ours), items(place, &theirs)) else {
        return Err(lost);
    };
    let first = named(walk, &rule, Side::Primary, first);
    let second = named(walk, &rule, Side::Candidate, second);
    let all = Val::array(first.into_iter().chain(second));
    let merged = match place {
        Some(place) => place.set(ours.clone(), all),
        None => all,
    };
    let mut json = Vec::new();
    merged.write(&mut json);
    has_json(&mut arrival.response, &json);
    arrival.has_body(json.into());
    Ok(())
}

/// As clients call them.
fn named(walk: &Walk, rule: &Ownership, side: Side, items: &[Val]) -> Vec<Val> {
    let backend = &walk.arm(side).backend.name;
    match rule.prefix_of(backend) {
        Some(prefix) => {
            let outward = Outward::Prefix(prefix);
            items.iter().map(|item| outward.apply(rule, item)).collect()
        }
        None => items.to_vec(),
    }
}

/// Where the list is, if it is not all there is: where the rule says, or the one list in an object.
fn place(rule: &Ownership, val: &Val) -> Option<Place> {
    if let Some(written) = &rule.items {
        return Some(written.clone());
    }
    if val.items().is_some() {
        return None;
    }
    let Val::Obj(fields) = val else {
        return None;
    };
    let mut lists = fields.iter().filter(|(_, val)| val.items().is_some());
    match (lists.next(), lists.next()) {
        (Some((name, _)), None) => Place::parse(&pointer(name)).ok(),
        _ => None,
    }
}

fn items<'v>(place: Option<&Place>, val: &'v Val) -> Option<&'v [Val]> {
    match place {
        Some(place) => place.get(val)?.items(),
        None => val.items(),
    }
}

/// A field as a JSON pointer (RFC 6901).
fn pointer(name: &str) -> String {
    format!("/{}", name.replace('~', "~0").replace('/', "~1"))
}
