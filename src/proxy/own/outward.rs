//! A response names a thing as its client knows it.

use http::HeaderValue;
use http::header::LOCATION;

use super::learn::{has_json, last_segment};
use super::resolve::text_of;
use crate::adapt::{Named, Val, escaped, unescaped};
use crate::proxy::arrival::Arrival;
use crate::snapshot::Ownership;

/// How names become those of the client.
pub(super) enum Outward<'a> {
    /// By what stands before them.
    Prefix(&'a str),
    /// One of them is another one.
    Name {
        /// As its owner knows it.
        theirs: &'a str,
        /// As the client does.
        ours: &'a str,
    },
}

impl Outward<'_> {
    fn of(&self, id: &str) -> Option<String> {
        match self {
            Self::Prefix(prefix) => Some(format!("{prefix}{id}")),
            Self::Name { theirs, ours } => (id == *theirs).then(|| (*ours).to_owned()),
        }
    }

    /// All names of a thing, in its JSON.
    pub(super) fn apply(&self, rule: &Ownership, val: &Val) -> Val {
        let mut renamed = val.clone();
        let places = rule.ids.iter().filter_map(|named| match named {
            Named::Body(place) => Some(place),
            Named::Location | Named::Header(_) => None,
        });
        for place in places.chain(&rule.also) {
            let id = place.get(&renamed).and_then(text_of);
            if let Some(ours) = id.and_then(|id| self.of(&id)) {
                renamed = place.set(renamed, Val::from(ours));
            }
        }
        renamed
    }
}

/// Makes the names in a response those of the client; `val` is its body, if that is JSON.
pub(super) fn rename(
    rule: &Ownership,
    outward: &Outward<'_>,
    arrival: &mut Arrival,
    val: Option<&Val>,
) {
    in_head(rule, outward, arrival);
    let Some(val) = val else {
        return;
    };
    let renamed = outward.apply(rule, val);
    if renamed != *val {
        let mut json = Vec::new();
        renamed.write(&mut json);
        has_json(&mut arrival.response, &json);
        arrival.has_body(json.into());
    }
}

fn in_head(rule: &Ownership, outward: &Outward<'_>, arrival: &mut Arrival) {
    let headers = arrival.response.headers_mut();
    for named in &rule.ids {
        let (name, url) = match named {
            Named::Location => (&LOCATION, true),
            Named::Header(name) => (name, false),
            Named::Body(_) => continue,
        };
        let text = headers.get(name).and_then(|value| value.to_str().ok());
        let ours = text.and_then(|text| match url {
            true => {
                let (before, id) = last_segment(text)?;
                let rest = text.get(before.len() + id.len()..)?;
                let ours = escaped(&outward.of(&unescaped(id))?);
                Some(format!("{before}{ours}{rest}"))
            }
            false => outward.of(text),
        });
        if let Some(Ok(value)) = ours.map(|ours| HeaderValue::from_str(&ours)) {
            headers.insert(name, value);
        }
    }
}
