//! A try at a Serverless backend, in either of its ways: at a worker that its engine names, or by the front that
//! Vast.ai runs before them, which is an upstream like others but for its path and for who asks there.

use std::mem;

use http::header::{AUTHORIZATION, COOKIE, HeaderName, HeaderValue};
use http::uri::{PathAndQuery, Uri};
use http::{Response, StatusCode};

use super::answer::Answer;
use super::forward::{Failure, FailureKind, Outgoing, forward};
use super::hire::hire;
use super::lease::Lease;
use super::stranger::tame;
use super::walk::Walk;
use crate::snapshot::Serverless;
use crate::stats::Class;

/// What the client shows to its own service, which is none of the front's business.
static CREDENTIALS: [HeaderName; 4] = [
    AUTHORIZATION,
    COOKIE,
    HeaderName::from_static("x-api-key"),
    HeaderName::from_static("api-key"),
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
    for name in &CREDENTIALS {
        outgoing.head.headers.remove(name);
    }
    outgoing.head.headers.insert(AUTHORIZATION, bearer);
    let sent = forward(walk, outgoing, fresh).await;
    outgoing.head.uri = own_target;
    outgoing.head.headers = own_headers;
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

/// The target below the path of the endpoint.
fn prefixed(prefix: &str, target: &Uri) -> Option<Uri> {
    let rest = target.path_and_query().map_or("/", PathAndQuery::as_str);
    let joint = if rest.starts_with('/') { "" } else { "/" };
    format!("{prefix}{joint}{rest}").parse().ok()
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
        ] {
            let uri = prefixed("/shop-llm", &target.parse().unwrap()).unwrap();
            assert_eq!(uri.to_string(), whole, "{target}");
        }
    }
}
