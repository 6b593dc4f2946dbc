//! What responses tell: the id of what was made, who has a thing, whether its work is over. A client gets a response
//! only after what it tells is in the table.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, LOCATION};
use http::{HeaderName, HeaderValue, Method, Response};

use super::ask::{MOST, parsed};
use super::claim::{Claim, Kind, Open, Seek, unix_time};
use super::list;
use super::outward::{Outward, rename};
use super::resolve::{has_it, is_absent, text_of};
use super::stream::Learner;
use crate::adapt::{Fault, Filter, ID, Limits, Named, Spot, Val, unescaped};
use crate::owners::{Learned, Learnt};
use crate::proxy::answer::Answer;
use crate::proxy::arrival::Arrival;
use crate::proxy::dialect::Dialect;
use crate::proxy::failure::Lost;
use crate::proxy::forward::{FailureKind, Outgoing};
use crate::proxy::gather::{Gathered, gather_for};
use crate::proxy::walk::Walk;
use crate::snapshot::Ownership;
use crate::stats::{Looked, Made, Side};
use crate::wire::forget_body;

/// For so long `done` may run.
const LIMITS: Limits = Limits {
    time: std::time::Duration::from_millis(5),
    steps: u64::MAX,
    bytes: 16 * MOST,
};

/// Learns from the response of the running try, as its client will get it.
///
/// # Errors
///
/// It broke, or does not belong together.
///
/// # Cancel safety
///
/// To be dropped only with the request.
pub(in crate::proxy) async fn learn(
    walk: &mut Walk,
    outgoing: &Outgoing,
    raw: http::StatusCode,
    arrival: &mut Arrival,
) -> Result<(), FailureKind> {
    let Some(claim) = walk.claim() else {
        return Ok(());
    };
    let side = walk.side();
    match &claim.kind {
        Kind::Create if raw.is_success() => created(walk, outgoing, side, arrival).await,
        Kind::Create => Ok(()),
        Kind::List if claim.rule.merges && raw.is_success() => {
            list::merge(walk, side, arrival).await
        }
        Kind::List => Ok(()),
        Kind::Use(_) => used(walk, outgoing, side, raw, arrival).await,
    }
}

/// The response to a request that makes something.
async fn created(
    walk: &Walk,
    outgoing: &Outgoing,
    side: Side,
    arrival: &mut Arrival,
) -> Result<(), FailureKind> {
    let Some(claim) = walk.claim() else {
        return Ok(());
    };
    let rule = Arc::clone(&claim.rule);
    let backend = walk.arm(side).backend.name.clone();
    let prefix = rule.prefix_of(&backend).map(str::to_owned);
    let head = from_head(&rule, arrival.response.headers());
    if prefix.is_none()
        && let Some(id) = head.clone()
    {
        note_made(walk, outgoing, &rule, &backend, &id);
        return Ok(());
    }
    let is_stream = (arrival.watch.as_ref()).is_some_and(|watch| watch.is_readable());
    if is_stream && prefix.is_none() {
        let origin = origin(outgoing);
        let learner = Learner::new(
            Arc::clone(walk.owners()),
            rule,
            backend,
            origin,
            walk.worker(),
        );
        if let Some(watch) = &mut arrival.watch {
            watch.learner = Some(Box::new(learner));
        }
        return Ok(());
    }
    let body = match is_readable(outgoing, arrival) {
        true => read(walk, outgoing, arrival).await?,
        false => None,
    };
    let named = body.as_ref().and_then(|(_, val)| from_body(&rule, val));
    let made = match (&body, &named) {
        (_, Some(_)) => Made::Learned,
        (Some(_), None) => Made::NoId,
        (None, None) if prefix.is_some() && head.is_some() => Made::Learned,
        (None, None) if outgoing.gets_no_body(&arrival.response) => Made::NoId,
        (None, None) => Made::Unread,
    };
    match (prefix, named) {
        (Some(prefix), _) => {
            let outward = Outward::Prefix(&prefix);
            rename(&rule, &outward, arrival, body.as_ref().map(|(_, val)| val));
            count(walk, &rule, made);
        }
        (None, Some(id)) => note_made(walk, outgoing, &rule, &backend, &id),
        (None, None) => count(walk, &rule, made),
    }
    Ok(())
}

/// The response to a request for a thing that was made before.
async fn used(
    walk: &mut Walk,
    outgoing: &Outgoing,
    side: Side,
    raw: http::StatusCode,
    arrival: &mut Arrival,
) -> Result<(), FailureKind> {
    settle_search(walk, side, raw)?;
    let Some(claim) = walk.claim() else {
        return Ok(());
    };
    let (rule, owners) = (Arc::clone(&claim.rule), Arc::clone(walk.owners()));
    let Some(named) = claim.named() else {
        return Ok(());
    };
    let (id, done, renames) = (named.id.clone(), named.done, named.theirs.clone());
    let backend = walk.arm(side).backend.name.clone();
    let is_whole = is_whole(claim);
    let method = outgoing.own_method().clone();
    let deleted = method == Method::DELETE && raw.is_success();
    let gone = is_absent(raw) && matches!(method, Method::GET | Method::HEAD | Method::DELETE);
    if is_whole && (deleted || gone) {
        // It is not there, or not any more: nobody waits for it.
        if !done && owners.finish(&rule.name, id.as_bytes(), unix_time()) {
            walk.finishes(&rule);
        }
        return Ok(());
    }
    let outward = renames
        .as_deref()
        .map(|theirs| match rule.prefix_of(&backend) {
            Some(prefix) => Outward::Prefix(prefix),
            None => Outward::Name { theirs, ours: &id },
        });
    let reads = raw.is_success() && (rule.reads_answers() || outward.is_some());
    let body = match reads && is_readable(outgoing, arrival) {
        true => read(walk, outgoing, arrival).await?,
        false => None,
    };
    let val = body.map(|(_, val)| val);
    if let Some(outward) = &outward {
        rename(&rule, outward, arrival, val.as_ref());
    }
    let Some(val) = val else {
        return Ok(());
    };
    for place in &rule.also {
        let other = place.get(&val).and_then(text_of);
        let other = other.filter(|other| {
            // Whom something belongs to is said by whoever made it.
            let known = owners.find(&rule.name, other.as_bytes(), unix_time());
            known.is_none_or(|known| *known.backend == *backend)
        });
        if let Some(other) = other {
            learn_id(walk, &rule, &backend, &other, "");
        }
    }
    if let Some(filter) = &rule.done
        && tells_of_work(claim_spot(walk))
    {
        match (says_done(filter, val), done) {
            (true, false) if owners.finish(&rule.name, id.as_bytes(), unix_time()) => {
                walk.finishes(&rule);
            }
            // It goes on after all.
            (false, true) if is_whole && rule.prefixes.is_none() => {
                learn_id(walk, &rule, &backend, &id, &origin(outgoing));
            }
            _ => {}
        }
    }
    Ok(())
}

fn claim_spot(walk: &Walk) -> Option<&Spot> {
    let claim = walk.claim()?;
    claim.rule.uses.get(claim.named()?.spot)
}

/// Whether what is asked for tells of the work as a whole: a part of it, such as a step, does not.
fn tells_of_work(spot: Option<&Spot>) -> bool {
    let pattern = spot.and_then(|spot| spot.pattern.as_ref());
    pattern.is_some_and(|pattern| {
        let mut names = pattern.names();
        names.all(|name| name == ID) || pattern.ends_in(ID)
    })
}

/// Whether a response has a body that is JSON, and is over when that ends.
fn is_readable(outgoing: &Outgoing, arrival: &Arrival) -> bool {
    outgoing.dialect == Dialect::Http
        && !outgoing.gets_no_body(&arrival.response)
        && is_json(arrival.response.headers())
}

/// What a response says of who has the thing that was looked for.
fn settle_search(walk: &mut Walk, side: Side, raw: http::StatusCode) -> Result<(), FailureKind> {
    let Some(claim) = walk.claim() else {
        return Ok(());
    };
    let Open::Seek(seek) = claim.open else {
        // By a hash: what has been changed there is there.
        if claim.named().is_some_and(|named| named.learns) && raw.is_success() {
            walk.remembers(side);
        }
        return Ok(());
    };
    if has_it(raw) {
        walk.found_at(side);
    } else if is_absent(raw) {
        if seek == Seek::Unsure {
            walk.looked(Looked::Unsure);
            return Err(FailureKind::Lost(Lost::Unsure));
        }
        walk.looked(Looked::Nowhere);
    }
    Ok(())
}

/// Whether a request is for a thing as such, and not for something that belongs to it.
fn is_whole(claim: &Claim) -> bool {
    let spot = claim.named().and_then(|n| claim.rule.uses.get(n.spot));
    let pattern = spot.and_then(|spot| spot.pattern.as_ref());
    pattern.is_some_and(|pattern| pattern.ends_in(crate::adapt::ID))
}

fn says_done(filter: &Filter, val: Val) -> bool {
    let said: Result<Val, Fault> = filter.run(val, &[], &LIMITS);
    said.is_ok_and(|said| said.is_true())
}

/// The body of a response, which is still there for its client, if it is JSON of a sensible size.
async fn read(
    walk: &Walk,
    outgoing: &Outgoing,
    arrival: &mut Arrival,
) -> Result<Option<(Bytes, Val)>, FailureKind> {
    if let Answer::Ahead(ahead) = arrival.response.body()
        && ahead.rest.is_none()
    {
        let body = ahead.first.clone();
        return Ok(parsed(arrival, &body).map(|val| (body, val)));
    }
    let upload = outgoing.upload.as_deref();
    match gather_for(walk, arrival, MOST, upload).await? {
        Gathered::Whole(body) => {
            let val = parsed(arrival, &body);
            arrival.has_body(body.clone());
            Ok(val.map(|val| (body, val)))
        }
        Gathered::Begun(read) => {
            arrival.goes_on_after(read);
            Ok(None)
        }
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    let kind = kind.unwrap_or_default().to_ascii_lowercase();
    let essence = kind.split(';').next().unwrap_or_default().trim();
    essence == "application/json" || essence.ends_with("+json")
}

/// The id of what was made, if the head of the response tells it.
fn from_head(rule: &Ownership, headers: &HeaderMap) -> Option<String> {
    let text = |name: &HeaderName| headers.get(name)?.to_str().ok().map(str::to_owned);
    rule.ids.iter().find_map(|named| match named {
        Named::Location => last_segment(&text(&LOCATION)?).map(|(_, id)| unescaped(id)),
        Named::Header(name) => text(name).filter(|id| !id.is_empty()),
        Named::Body(_) => None,
    })
}

/// What stands before the last segment of a URL, and that.
pub(super) fn last_segment(url: &str) -> Option<(&str, &str)> {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let at = path.rfind('/')? + 1;
    let (before, id) = path.split_at_checked(at)?;
    (!id.is_empty()).then_some((before, id))
}

pub(super) fn from_body(rule: &Ownership, val: &Val) -> Option<String> {
    rule.ids.iter().find_map(|named| match named {
        Named::Body(place) => place.get(val).and_then(text_of),
        Named::Location | Named::Header(_) => None,
    })
}

/// What made a thing, in the words of clients.
fn origin(outgoing: &Outgoing) -> String {
    format!("{} {}", outgoing.own_method(), outgoing.own_path())
}

fn note_made(walk: &Walk, outgoing: &Outgoing, rule: &Ownership, backend: &str, id: &str) {
    let learnt = learn_id(walk, rule, backend, id, &origin(outgoing));
    count(walk, rule, made(&learnt));
}

/// What came of it, for the books.
pub(super) fn made(learnt: &Learnt) -> Made {
    match learnt {
        Learnt::New | Learnt::Known | Learnt::Moved { .. } => Made::Learned,
        _ => Made::Refused,
    }
}

fn learn_id(walk: &Walk, rule: &Ownership, backend: &str, id: &str, origin: &str) -> Learnt {
    let learned = Learned {
        rule: &rule.name,
        id: id.as_bytes(),
        backend,
        ttl: rule.ttl,
        origin,
        theirs: None,
    };
    walk.owners().learn(learned, unix_time())
}

fn count(walk: &Walk, rule: &Ownership, made: Made) {
    rule.cells.of(walk.worker().index).made[made as usize].add(1);
    if made != Made::Learned && walk.worker().may_complain() {
        let (rule, made) = (&*rule.name, made.as_str());
        tracing::warn!(
            rule,
            made,
            "Something was made whose id could not be learned"
        );
    }
}

/// Another JSON body for the client.
pub(super) fn has_json(response: &mut Response<Answer>, json: &[u8]) {
    let headers = response.headers_mut();
    let kind = headers.get(CONTENT_TYPE).cloned();
    forget_body(headers);
    headers.insert(CONTENT_LENGTH, json.len().into());
    let json_type = HeaderValue::from_static("application/json");
    headers.insert(CONTENT_TYPE, kind.unwrap_or(json_type));
}
