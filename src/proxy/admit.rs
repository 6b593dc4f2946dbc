//! What a request must fulfil before it is routed.

use http::header::{CONTENT_LENGTH, HOST, HeaderMap, HeaderValue, TRANSFER_ENCODING};
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{Method, Uri, Version};
use hyper::ext::Protocol;

use crate::snapshot::ClientLimits;
use crate::stats::Fault;
use crate::wire::{Flaw, is_grpc, is_host};

/// Why a request goes no further, and what its sender can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) fault: Fault,
    pub(super) detail: &'static str,
    /// Where the next request begins cannot be known for sure, so the connection ends.
    pub(super) closes: bool,
}

const fn bad(detail: &'static str) -> Refusal {
    Refusal {
        fault: Fault::BadRequest,
        detail,
        closes: false,
    }
}

const fn unframed(detail: &'static str) -> Refusal {
    Refusal {
        fault: Fault::BadRequest,
        detail,
        closes: true,
    }
}

const fn unsupported(detail: &'static str) -> Refusal {
    Refusal {
        fault: Fault::Unsupported,
        detail,
        closes: false,
    }
}

/// Checks the head, and brings the target into origin form with the authority in `Host`, which it
/// gives: only HTTP/1.0 may have none.
///
/// # Errors
///
/// The request cannot be carried.
pub(super) fn check(head: &mut Parts, flaw: Option<Flaw>) -> Result<Option<HeaderValue>, Refusal> {
    if let Some(flaw) = flaw {
        return Err(unframed(flaw.detail()));
    }
    if is_websocket(head) {
        if is_grpc(&head.headers) {
            return Err(bad("A WebSocket is no gRPC call"));
        }
        head.method = Method::GET;
    } else if head.method == Method::CONNECT {
        // What comes next may be meant for the tunnel.
        return Err(Refusal {
            closes: true,
            ..unsupported("CONNECT is not supported; figshift is no forward proxy")
        });
    }
    let (hosts, codings) = look(&head.headers);
    let chunked = |coding: &HeaderValue| coding.as_bytes().eq_ignore_ascii_case(b"chunked");
    if matches!(codings, [_, Some(_)]) || !codings[0].is_none_or(chunked) {
        // The engine takes any list that ends in `chunked`; what stands before it would get lost.
        return Err(unframed(
            "Transfer-Encoding must stand once and be `chunked`",
        ));
    }
    let host = match (hosts[0], hosts[1]) {
        (_, Some(_)) => return Err(bad("There is more than one Host header")),
        (Some(host), None) if !is_host(host.as_bytes()) => {
            return Err(bad("The Host header is not a host name"));
        }
        (None, None) if head.version == Version::HTTP_11 => {
            return Err(bad("An HTTP/1.1 request needs a Host header"));
        }
        (None, None) if head.version == Version::HTTP_2 && head.uri.authority().is_none() => {
            return Err(bad("An HTTP/2 request needs an :authority"));
        }
        (host, None) => host.cloned(),
    };
    if head.uri.path() == "*" && head.method != Method::OPTIONS {
        return Err(bad("Only OPTIONS may have the target `*`"));
    }
    if head.version == Version::HTTP_2 {
        check_http2(head, host.as_ref())?;
    }
    if head.uri.authority().is_some() {
        return take_authority(head).map(Some);
    }
    Ok(host)
}

/// What would be another request in HTTP/1.1, and what HTTP/1.1 requests are refused for before they
/// come here.
fn check_http2(head: &Parts, host: Option<&HeaderValue>) -> Result<(), Refusal> {
    if let (Some(authority), Some(host)) = (head.uri.authority(), host)
        && !host
            .as_bytes()
            .eq_ignore_ascii_case(authority.as_str().as_bytes())
    {
        return Err(bad("Host and :authority differ"));
    }
    if head.headers.get_all(CONTENT_LENGTH).iter().nth(1).is_some() {
        return Err(bad(Flaw::Length.detail()));
    }
    if ["content_length", "transfer_encoding"]
        .iter()
        .any(|name| head.headers.contains_key(*name))
    {
        return Err(bad(Flaw::Lookalike.detail()));
    }
    Ok(())
}

/// The first two `Host` and `Transfer-Encoding` lines, by one look at all names: most requests have few.
fn look(headers: &HeaderMap) -> ([Option<&HeaderValue>; 2], [Option<&HeaderValue>; 2]) {
    let (mut hosts, mut codings) = ([None; 2], [None; 2]);
    for (name, value) in headers {
        let places = match *name {
            HOST => &mut hosts,
            TRANSFER_ENCODING => &mut codings,
            _ => continue,
        };
        if let Some(place) = places.iter_mut().find(|place| place.is_none()) {
            *place = Some(value);
        }
    }
    (hosts, codings)
}

/// What is too long or too many in a head as it came. Its size is the parser's to measure.
pub(super) fn too_much(head: &Parts, limits: &ClientLimits) -> Option<Refusal> {
    let target = head.uri.path_and_query().map_or("", PathAndQuery::as_str);
    let authority = head.uri.authority().map_or(0, |a| a.as_str().len());
    if target.len() + authority > limits.uri {
        Some(Refusal {
            fault: Fault::UriTooLong,
            detail: "The request target is longer than allowed",
            closes: false,
        })
    } else if head.headers.len() > limits.headers {
        Some(Refusal {
            fault: Fault::HeadTooLarge,
            detail: "The request has more header lines than allowed",
            closes: false,
        })
    } else {
        None
    }
}

/// Whether it is a CONNECT for a WebSocket (RFC 8441): what HTTP/2 has for a GET with an upgrade.
fn is_websocket(head: &Parts) -> bool {
    let wanted = head.extensions.get::<Protocol>();
    head.method == Method::CONNECT
        && wanted.is_some_and(|wanted| wanted.as_str().eq_ignore_ascii_case("websocket"))
}

/// The host part of a `Host` header, without a port.
pub(super) fn host_name(host: Option<&HeaderValue>) -> &str {
    let host = host.and_then(|host| host.to_str().ok()).unwrap_or_default();
    // An IPv6 address keeps its brackets and colons.
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    // A name may be written with the dot of the root zone.
    name.strip_suffix('.').unwrap_or(name)
}

/// A target in absolute form carries the host with more authority than the header (RFC 9112, 3.2.2).
fn take_authority(head: &mut Parts) -> Result<HeaderValue, Refusal> {
    let authority = head
        .uri
        .authority()
        .map_or("", http::uri::Authority::as_str);
    if !matches!(head.uri.scheme_str(), Some("http" | "https")) {
        return Err(bad("The request target is neither a path nor an http URL"));
    }
    if authority.contains('@') {
        return Err(bad("A request target must not carry user information"));
    }
    let host = HeaderValue::from_str(authority).ok();
    let host = host.filter(|host| is_host(host.as_bytes())).ok_or(bad(
        "The authority of the request target is not a host name",
    ))?;
    let path = head
        .uri
        .path_and_query()
        .cloned()
        .unwrap_or_else(|| PathAndQuery::from_static("/"));
    head.headers.insert(HOST, host.clone());
    head.uri = Uri::from(path);
    Ok(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(method: &str, uri: &str, lines: &[(&str, &str)]) -> Parts {
        let mut request = http::Request::builder().method(method).uri(uri);
        for (name, value) in lines {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    #[test]
    fn what_is_too_much_is_refused() {
        let limits = ClientLimits {
            uri: 10,
            headers: 2,
            ..crate::snapshot::Snapshot::empty().limits
        };
        let fault = |uri: &str, lines: &[(&str, &str)]| {
            let refusal = too_much(&head("GET", uri, lines), &limits);
            refusal.map(|refusal| refusal.fault)
        };
        let host = [("host", "a"), ("x", "1"), ("x", "2")];
        assert_eq!(fault("/345678?0", &host[..2]), None);
        assert_eq!(fault("/345678?01", &host[..2]), None);
        let long = Some(Fault::UriTooLong);
        assert_eq!(fault("/345678?012", &host[..2]), long);
        assert_eq!(fault("http://abcdefghi/1", &host[..2]), long);
        assert_eq!(fault("/", &host), Some(Fault::HeadTooLarge));
    }

    #[test]
    fn heads_are_checked() {
        for (method, uri, lines, fault) in [
            ("GET", "/", &[("host", "a")][..], None),
            ("GET", "/", &[("host", "[::1]:80")], None),
            ("OPTIONS", "*", &[("host", "a")], None),
            ("GET", "/", &[], Some(Fault::BadRequest)),
            (
                "GET",
                "/",
                &[("host", "a"), ("host", "a")],
                Some(Fault::BadRequest),
            ),
            ("GET", "/", &[("host", "a/b")], Some(Fault::BadRequest)),
            ("GET", "/", &[("host", "")], Some(Fault::BadRequest)),
            ("GET", "*", &[("host", "a")], Some(Fault::BadRequest)),
            ("GET", "a:80", &[("host", "a")], Some(Fault::BadRequest)),
            ("GET", "ftp://a/", &[("host", "a")], Some(Fault::BadRequest)),
            ("GET", "http://a/", &[], Some(Fault::BadRequest)),
            (
                "GET",
                "http://a/",
                &[("host", "a"), ("host", "b")],
                Some(Fault::BadRequest),
            ),
            (
                "POST",
                "/",
                &[("host", "a"), ("transfer-encoding", "Chunked")],
                None,
            ),
            (
                "POST",
                "/",
                &[("host", "a"), ("transfer-encoding", "gzip, chunked")],
                Some(Fault::BadRequest),
            ),
            (
                "GET",
                "http://u:p@a/",
                &[("host", "a")],
                Some(Fault::BadRequest),
            ),
            (
                "CONNECT",
                "a:80",
                &[("host", "a")],
                Some(Fault::Unsupported),
            ),
        ] {
            let result = check(&mut head(method, uri, lines), None);
            assert_eq!(
                result.err().map(|refusal| refusal.fault),
                fault,
                "{uri} {lines:?}"
            );
        }
        let mut old = head("GET", "/", &[]);
        old.version = Version::HTTP_10;
        assert_eq!(check(&mut old, None), Ok(None));
    }

    #[test]
    fn a_flaw_of_the_connection_refuses_and_closes() {
        let mut head = head("GET", "/", &[("host", "a")]);
        let refusal = check(&mut head, Some(Flaw::BareLf)).unwrap_err();
        assert!(refusal.closes && refusal.fault == Fault::BadRequest);
    }

    #[test]
    fn in_http_2_host_and_authority_must_agree() {
        for (host, good) in [(None, true), (Some("A"), true), (Some("b"), false)] {
            let lines: Vec<_> = host.iter().map(|host| ("host", *host)).collect();
            let mut head = head("GET", "http://a/", &lines);
            head.version = Version::HTTP_2;
            assert_eq!(check(&mut head, None).is_ok(), good, "{host:?}");
        }
    }

    #[test]
    fn absolute_form_becomes_origin_form() {
        let mut head = head("GET", "http://b.test:81/x?y=1", &[("host", "a")]);
        check(&mut head, None).unwrap();
        assert_eq!(head.uri, "/x?y=1");
        assert_eq!(head.headers[HOST], "b.test:81");
        assert_eq!(host_name(head.headers.get(HOST)), "b.test");
    }

    #[test]
    fn ports_are_cut_and_addresses_are_not() {
        for (given, name) in [
            ("a:80", "a"),
            ("a", "a"),
            ("[::1]:80", "[::1]"),
            ("[::1]", "[::1]"),
            ("a.b.:80", "a.b"),
        ] {
            let host = HeaderValue::from_str(given).unwrap();
            assert_eq!(host_name(Some(&host)), name);
        }
    }
}
