//! A request of our own, made of one of a client.

use http::Method;
use http::header::{
    ACCEPT, CONTENT_TYPE, HeaderName, HeaderValue, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH,
    IF_RANGE, IF_UNMODIFIED_SINCE, RANGE,
};
use http::uri::Uri;

use crate::proxy::dialect::Dialect;
use crate::proxy::forward::{Outgoing, OutgoingBody};
use crate::wire::forget_body;

/// What a client has said of its own request only: it wants a part, or something under a condition.
static NOT_AGAIN: [HeaderName; 7] = [
    CONTENT_TYPE,
    IF_MATCH,
    IF_MODIFIED_SINCE,
    IF_NONE_MATCH,
    IF_RANGE,
    IF_UNMODIFIED_SINCE,
    RANGE,
];
/// What is asked by us is not for a stream.
const ANY_JSON: HeaderValue = HeaderValue::from_static("application/json, */*;q=0.1");

/// A GET of the same client.
pub(super) fn again(outgoing: &Outgoing, target: Uri) -> Outgoing {
    let mut head = outgoing.head.clone();
    head.method = Method::GET;
    head.uri = target;
    forget_body(&mut head.headers);
    for name in &NOT_AGAIN {
        head.headers.remove(name);
    }
    head.headers.insert(ACCEPT, ANY_JSON);
    let (said, body) = (outgoing.said(), OutgoingBody::Empty);
    Outgoing::new(head, said, body, true, Dialect::Http, None, None)
}
