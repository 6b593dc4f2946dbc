//! What responses tell: the id of what was made, who has a thing, whether its work is over. A client gets a response
//! only after what it tells is in the table.

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, LOCATION};
use http::{HeaderName, HeaderValue, Response, StatusCode};

use super::ask::{MOST, parsed};
use super::claim::{Kind, unix_time};
use super::created::created;
use super::list;
use super::resolve::text_of;
use super::used::used;
use crate::adapt::{Named, Val, unescaped};
use crate::owners::{Learned, Learnt};
use crate::proxy::answer::Answer;
use crate::proxy::arrival::Arrival;
use crate::proxy::dialect::Dialect;
use crate::proxy::forward::{FailureKind, Outgoing};
use crate::proxy::gather::{Gathered, gather_for};
use crate::proxy::walk::Walk;
use crate::snapshot::Ownership;
use crate::stats::Made;
use crate::wire::{forget_body, is_json};

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
    raw: StatusCode,
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

/// Whether a response has a body that is JSON, and is over when that ends.
pub(super) fn is_readable(outgoing: &Outgoing, arrival: &Arrival) -> bool {
    outgoing.dialect == Dialect::Http
        && !outgoing.gets_no_body(&arrival.response)
        && (arrival.response.headers().get(CONTENT_TYPE)).is_some_and(is_json)
}

/// The body of a response, which is still there for its client, if it is JSON of a sensible size.
pub(super) async fn read(
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

/// The id of what was made, if the head of the response tells it.
pub(super) fn from_head(rule: &Ownership, headers: &HeaderMap) -> Option<String> {
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
pub(super) fn origin(outgoing: &Outgoing) -> String {
    format!("{} {}", outgoing.own_method(), outgoing.own_path())
}

/// What came of it, for the books.
pub(super) fn made(learnt: &Learnt) -> Made {
    match learnt {
        Learnt::New | Learnt::Known | Learnt::Moved { .. } => Made::Learned,
        _ => Made::Refused,
    }
}

pub(super) fn learn_id(
    walk: &Walk,
    rule: &Ownership,
    backend: &str,
    id: &str,
    origin: &str,
) -> Learnt {
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

pub(super) fn count(walk: &Walk, rule: &Ownership, made: Made) {
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
