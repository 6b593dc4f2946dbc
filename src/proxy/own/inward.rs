//! A request names a thing as its owner knows it.

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::uri::{PathAndQuery, Uri};
use http::{HeaderValue, Method};
use std::rc::Rc;

use super::claim::Named;
use crate::adapt::{ID, Part, Val, escaped, query_pairs};
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
            let path = outgoing.head.uri.path();
            let taken = pattern.and_then(|pattern| Some((pattern, pattern.take_path(path)?)));
            let Some((pattern, mut taken)) = taken else {
                return false;
            };
            taken.set(ID, &escaped(theirs));
            let query = outgoing.head.uri.query().map(str::to_owned);
            goes_to(outgoing, pattern.fill(&taken), query)
        }
        Part::Query(name) => {
            let pairs = query_pairs(outgoing.head.uri.query().unwrap_or_default());
            let pairs = pairs.map(|(known, value)| {
                let value = if *known == **name {
                    theirs.to_string()
                } else {
                    value
                };
                format!("{}={}", escaped(&known), escaped(&value))
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
            let Some(Ok(val)) = body.map(|body| Val::parse(body)) else {
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
    let taken = pattern.and_then(|pattern| pattern.take_path(outgoing.head.uri.path()));
    let mut taken = taken.unwrap_or_default();
    let id = escaped(&named.id);
    match taken.get(ID) {
        Some(_) => taken.set(ID, &id),
        None => taken.add(ID, &id),
    }
    if !probe.names().all(|name| taken.get(name).is_some()) {
        return None;
    }
    let target = PathAndQuery::try_from(probe.fill(&taken)).ok()?;
    Some(outgoing.again(Method::GET, Uri::from(target)))
}
