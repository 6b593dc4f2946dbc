//! A request names a thing as its owner knows it.

use bytes::Bytes;
use http::HeaderValue;
use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::uri::{PathAndQuery, Uri};
use std::rc::Rc;

use super::again::again;
use super::ask::parsed_by;
use super::claim::Named;
use crate::adapt::{ID, Part, Val, escaped, leads_away, query_pairs};
use crate::proxy::forward::{Outgoing, OutgoingBody};
use crate::snapshot::Ownership;
use crate::wire::{Upload, forget_body};

/// Puts what its owner calls it in the place of what its client does; `body`: what was read of it. Whether that could
/// be done.
pub(super) fn rename(
    outgoing: &mut Outgoing,
    rule: &Ownership,
    named: &Named,
    body: Option<&Bytes>,
) -> bool {
    let (Some(theirs), Some(spot)) = (&named.theirs, rule.uses.get(named.spot)) else {
        return true;
    };
    match &spot.part {
        Part::Path => {
            let pattern = spot.pattern.as_ref();
            let (method, path) = (&outgoing.head.method, outgoing.head.uri.path());
            let taken = pattern.and_then(|pattern| Some((pattern, pattern.take_id(method, path)?)));
            let Some((pattern, mut taken)) = taken else {
                return false;
            };
            if leads_away(theirs) {
                return false;
            }
            taken.set(ID, &escaped(theirs));
            let query = outgoing.head.uri.query().map(str::to_owned);
            goes_to(outgoing, pattern.fill(&taken), query)
        }
        Part::Query(name) => {
            let query = outgoing.head.uri.query().unwrap_or_default();
            let pairs = query.split('&').map(|pair| {
                let is_it = query_pairs(pair).any(|(known, _)| *known == **name);
                match is_it {
                    true => format!("{}={}", escaped(name), escaped(theirs)),
                    false => pair.to_owned(),
                }
            });
            let query = pairs.collect::<Vec<_>>().join("&");
            let path = outgoing.head.uri.path().to_owned();
            goes_to(outgoing, path, Some(query))
        }
        Part::Header(name) => {
            let value = HeaderValue::from_str(theirs);
            let known = value.map(|value| outgoing.head.headers.insert(name, value));
            known.is_ok()
        }
        // It is the client's own, with others beside it.
        Part::Cookie(_) => false,
        Part::Body(place) => {
            let val = body.and_then(|body| parsed_by(&outgoing.head.headers, body));
            let Some(val) = val else {
                return false;
            };
            let mut json = Vec::new();
            place
                .set(val, Val::from(theirs.to_string()))
                .write(&mut json);
            has_body(outgoing, json.into());
            true
        }
    }
}

fn goes_to(outgoing: &mut Outgoing, path: String, query: Option<String>) -> bool {
    let target = match query {
        Some(query) => format!("{path}?{query}"),
        None => path,
    };
    let target = PathAndQuery::try_from(target);
    let known = target.map(|target| outgoing.head.uri = Uri::from(target));
    known.is_ok()
}

fn has_body(outgoing: &mut Outgoing, body: Bytes) {
    let headers = &mut outgoing.head.headers;
    forget_body(headers);
    headers.remove(TRANSFER_ENCODING);
    headers.insert(CONTENT_LENGTH, body.len().into());
    outgoing.upload = Some(Rc::new(Upload::new(None)));
    outgoing.body = OutgoingBody::Whole(body);
}

/// A GET for the thing of a request; `None` if there is no path for that. What else its path names is named there, too.
pub(super) fn get(outgoing: &Outgoing, rule: &Ownership, named: &Named) -> Option<Outgoing> {
    let probe = rule.probe.as_ref()?;
    let spot = rule.uses.get(named.spot)?;
    let pattern = spot.pattern.as_ref();
    let (method, path) = (&outgoing.head.method, outgoing.head.uri.path());
    let taken = pattern.and_then(|pattern| pattern.take_id(method, path));
    let mut taken = taken.unwrap_or_default();
    if leads_away(&named.id) {
        return None;
    }
    let id = escaped(&named.id);
    match taken.get(ID) {
        Some(_) => taken.set(ID, &id),
        None => taken.add(ID, &id),
    }
    if !probe.names().all(|name| taken.get(name).is_some()) {
        return None;
    }
    let target = PathAndQuery::try_from(probe.fill(&taken)).ok()?;
    Some(again(outgoing, Uri::from(target)))
}
