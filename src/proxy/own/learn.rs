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
use super::resolve::{is_absent, text_of};
use super::stream::Learner;
use crate::adapt::{Fault, Filter, Limits, Named, Val, unescaped};
use crate::owners::{Learned, Learnt};
use crate::proxy::answer::Answer;
use crate::proxy::arrival::Arrival;
use crate::proxy::failure::Lost;
use crate::proxy::forward::{FailureKind, Outgoing};
use crate::proxy::gather::{Gathered, gather};
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
        && let Some(id) = head
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
    let bare = outgoing.gets_no_body(&arrival.response);
    let body = match bare {
        true => None,
        false => read(walk, arrival).await?,
    };
    if let Some(prefix) = prefix {
        let outward = Outward::Prefix(&prefix);
        rename(&rule, &outward, arrival, body.as_ref().map(|(_, val)| val));
        count(walk, &rule, Made::Learned);
        return Ok(());
    }
    let Some((_, val)) = body else {
        count(walk, &rule, if bare { Made::NoId } else { Made::Unread });
        return Ok(());
    };
    match from_body(&rule, &val) {
        Some(id) => note_made(walk, outgoing, &rule, &backend, &id),
        None => count(walk, &rule, Made::NoId),
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
    let (id, done) = (named.id.clone(), named.done);
    let deletes = outgoing.own_method() == Method::DELETE && is_whole(claim);
    if is_absent(raw) || (deletes && raw.is_success()) {
        // It is not there, or not any more: nobody waits for it.
        if !done && owners.finish(&rule.name, id.as_bytes(), unix_time()) {
            walk.finishes(&rule);
        }
        return Ok(());
    }
    let renames = named.theirs.clone();
    let reads = raw.is_success() && (rule.reads_answers() && !done || renames.is_some());
    if !reads || outgoing.gets_no_body(&arrival.response) || !is_json(arrival.response.headers()) {
        return Ok(());
    }
    let Some((_, val)) = read(walk, arrival).await? else {
        return Ok(());
    };
    let backend = walk.arm(side).backend.name.clone();
    if let Some(theirs) = renames {
        let outward = match rule.prefix_of(&backend) {
            Some(prefix) => Outward::Prefix(prefix),
            None => Outward::Name {
                theirs: &theirs,
                ours: &id,
            },
        };
        rename(&rule, &outward, arrival, Some(&val));
    }
    for place in &rule.also {
        if let Some(other) = place.get(&val).and_then(text_of) {
            learn_id(walk, &rule, &backend, &other, "");
        }
    }
    if let Some(filter) = &rule.done
        && says_done(filter, val)
        && owners.finish(&rule.name, id.as_bytes(), unix_time())
    {
        walk.finishes(&rule);
    }
    Ok(())
}

/// What a response says of who has the thing that was looked for.
fn settle_search(walk: &mut Walk, side: Side, raw: http::StatusCode) -> Result<(), FailureKind> {
    let Some(claim) = walk.claim() else {
        return Ok(());
    };
    let Open::Seek(seek) = claim.open else {
        if claim.named().is_some_and(|named| named.learns) && raw.is_success() {
            walk.remembers(side);
        }
        return Ok(());
    };
    if raw.as_u16() < 400 {
        walk.looked(match side {
            Side::Primary => Looked::AtPrimary,
            Side::Candidate => Looked::AtCandidate,
        });
        walk.remembers(side);
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
    let spot = claim
        .named()
        .and_then(|named| claim.rule.uses.get(named.spot));
    let pattern = spot.and_then(|spot| spot.pattern.as_ref());
    pattern.is_some_and(|pattern| pattern.ends_in(crate::adapt::ID))
}

fn says_done(filter: &Filter, val: Val) -> bool {
    let said: Result<Val, Fault> = filter.run(val, &[], &LIMITS);
    said.is_ok_and(|said| said.is_true())
}

/// The body of a response, which is still there for its client, if it is JSON of a sensible size.
async fn read(walk: &Walk, arrival: &mut Arrival) -> Result<Option<(Bytes, Val)>, FailureKind> {
    if let Answer::Whole(whole) = arrival.response.body() {
        let body = whole.body.clone();
        return Ok(parsed(arrival, &body).map(|val| (body, val)));
    }
    match gather(walk, arrival, MOST).await? {
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
