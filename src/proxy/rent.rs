//! A try at a Serverless backend, in either of its ways: at a worker that its engine names, or by the front that
//! Vast.ai runs before them, which is an upstream like others but for its path and for who asks there.

use std::mem;

use http::header::{AUTHORIZATION, COOKIE, FORWARDED, HeaderName, HeaderValue};
use http::uri::Uri;
use http::{Response, StatusCode};

use super::answer::Answer;
use super::forward::{Failure, FailureKind, Outgoing, forward};
use super::hire::hire;
use super::lease::Lease;
use super::stranger::tame;
use super::walk::Walk;
use crate::adapt::decoded;
use crate::snapshot::Serverless;
use crate::stats::Class;

/// What the client shows to its own service, and where it is: none of the front's business.
static PRIVATE: [HeaderName; 10] = [
    AUTHORIZATION,
    COOKIE,
    HeaderName::from_static("x-api-key"),
    HeaderName::from_static("api-key"),
    HeaderName::from_static("x-goog-api-key"),
    FORWARDED,
    HeaderName::from_static("x-forwarded-for"),
    HeaderName::from_static("x-forwarded-host"),
    HeaderName::from_static("x-forwarded-proto"),
    HeaderName::from_static("x-real-ip"),
];
/// The same in a query, without dashes and underscores.
const PRIVATE_IN_QUERY: [&str; 8] = [
    "accesstoken",
    "apikey",
    "authtoken",
    "authorization",
    "key",
    "subscriptionkey",
    "token",
    "xapikey",
];

/// What a try has brought.
type Sent = Result<(Response<Answer>, Lease), Failure>;

/// Makes the running try with a request whose body was read as that needs it. `fresh`: by a connection that nobody has used.
///
/// # Errors
///
/// No response head came that the client may see.
///
/// # Cancel safety
///
/// As for any other try: to be dropped only with the request.
pub(super) async fn rent(walk: &mut Walk, outgoing: &mut Outgoing, fresh: bool) -> Sent {
    let sent = match &walk.backend().serverless {
        Some(terms) if terms.front.is_some() => by_front(walk, outgoing, terms, fresh).await,
        _ => hire(walk, outgoing).await,
    };
    if let Err(failure) = &sent
        && failure.kind == FailureKind::Refused
    {
        // Who lets nobody in is as good as a gateway without anything behind it.
        walk.is_as_good_as(StatusCode::BAD_GATEWAY.as_u16(), Class::ServerError);
    }
    sent
}

/// The request as it is, but for its path and what it shows of who asks. Both are as before afterwards: the other
/// side gets what the client has sent.
async fn by_front(walk: &Walk, outgoing: &mut Outgoing, terms: &Serverless, fresh: bool) -> Sent {
    let unsent = |kind| Failure {
        kind,
        unprocessed: true,
    };
    let key = terms.key.get();
    let bearer = key.and_then(|key| bearer(key.expose()));
    let prefix = terms.front.as_deref().unwrap_or_default();
    let (Some(bearer), Some(target)) = (bearer, prefixed(prefix, &outgoing.head.uri)) else {
        return Err(unsent(FailureKind::Engine));
    };
    let own_target = mem::replace(&mut outgoing.head.uri, target);
    let own_headers = outgoing.head.headers.clone();
    for name in &PRIVATE {
        outgoing.head.headers.remove(name);
    }
    let own_origin = outgoing.origin().take();
    outgoing.head.headers.insert(AUTHORIZATION, bearer);
    let sent = forward(walk, outgoing, fresh).await;
    outgoing.head.uri = own_target;
    outgoing.head.headers = own_headers;
    *outgoing.origin() = own_origin;
    match sent {
        // About our key, and not about the client.
        Ok((response, _))
            if matches!(
                response.status(),
                StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN
            ) =>
        {
            Err(unsent(FailureKind::Refused))
        }
        // It passes on what workers say.
        Ok((mut response, lease)) => {
            tame(response.headers_mut());
            Ok((response, lease))
        }
        Err(failure) => Err(failure),
    }
}

fn bearer(key: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(&format!("Bearer {key}")).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// The target below the path of the endpoint, without keys in its query.
fn prefixed(prefix: &str, target: &Uri) -> Option<Uri> {
    let path = target.path();
    let joint = if path.starts_with('/') { "" } else { "/" };
    let mut whole = format!("{prefix}{joint}{path}");
    let pairs = target.query().unwrap_or_default().split('&');
    for (n, pair) in pairs.filter(|pair| !is_private(pair)).enumerate() {
        whole.push(if n == 0 { '?' } else { '&' });
        whole.push_str(pair);
    }
    whole.parse().ok()
}

/// Whether a pair of a query is a key, or nothing at all.
fn is_private(pair: &str) -> bool {
    let name = pair.split('=').next().unwrap_or_default();
    let mut plain = decoded(name.as_bytes());
    plain.retain(|byte| !matches!(byte, b'-' | b'_' | b'.'));
    plain.make_ascii_lowercase();
    pair.is_empty()
        || PRIVATE_IN_QUERY
            .iter()
            .any(|private| private.as_bytes() == plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_stands_before_the_path() {
        for (target, whole) in [
            (
                "/v1/chat/completions?x=1",
                "/shop-llm/v1/chat/completions?x=1",
            ),
            ("/", "/shop-llm/"),
            ("http://h/a", "/shop-llm/a"),
            ("http://h?b", "/shop-llm/?b"),
            ("/a?api_key=1", "/shop-llm/a"),
            ("/a?x=1&API-Key=2&y&&token=3", "/shop-llm/a?x=1&y"),
            ("/a?%61pi_key=1&monkey=2", "/shop-llm/a?monkey=2"),
            ("/a?include%5B%5D=x", "/shop-llm/a?include%5B%5D=x"),
        ] {
            let uri = prefixed("/shop-llm", &target.parse().unwrap()).unwrap();
            assert_eq!(uri.to_string(), whole, "{target}");
        }
    }
}
