//! What a request must fulfil before it is routed.

use http::header::{HOST, HeaderValue};
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{Method, Uri, Version};
use hyper::ext::Protocol;

use crate::stats::Fault;
use crate::wire::is_grpc;

/// Why a request goes no further, and what its sender can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) fault: Fault,
    pub(super) detail: &'static str,
}

const fn bad(detail: &'static str) -> Refusal {
    Refusal {
        fault: Fault::BadRequest,
        detail,
    }
}

/// Checks the head, and brings the target into origin form with the authority in `Host`, which it
/// gives: only HTTP/1.0 may have none.
///
/// # Errors
///
/// The request cannot be carried.
pub(super) fn check(head: &mut Parts) -> Result<Option<HeaderValue>, Refusal> {
    if is_websocket(head) {
        if is_grpc(&head.headers) {
            return Err(bad("A WebSocket is no gRPC call"));
        }
        head.method = Method::GET;
    } else if head.method == Method::CONNECT {
        return Err(Refusal {
            fault: Fault::Unsupported,
            detail: "CONNECT is not supported; figshift is no forward proxy",
        });
    }
    take_authority(head)?;
    let mut hosts = head.headers.get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (_, Some(_)) => Err(bad("There is more than one Host header")),
        (Some(host), None) if !is_host(host) => Err(bad("The Host header is not a host name")),
        (None, None) if head.version == Version::HTTP_11 => {
            Err(bad("An HTTP/1.1 request needs a Host header"))
        }
        (host, None) => Ok(host.cloned()),
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

/// Visible bytes without those that end a host in a URL or a list.
const HOST_BYTES: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0x21u8;
    while byte < 0x7f {
        table[byte as usize] = !matches!(
            byte,
            b'/' | b'?' | b'#' | b'@' | b'\\' | b'"' | b'<' | b'>' | b',' | b';'
        );
        byte += 1;
    }
    table
};

fn is_host(host: &HeaderValue) -> bool {
    host.as_bytes()
        .iter()
        .all(|byte| HOST_BYTES[usize::from(*byte)])
}

/// A target in absolute form carries the host with more authority than the header (RFC 9112, 3.2.2).
fn take_authority(head: &mut Parts) -> Result<(), Refusal> {
    let Some(authority) = head.uri.authority() else {
        return Ok(());
    };
    if authority.as_str().contains('@') {
        return Err(bad("A request target must not carry user information"));
    }
    let host = HeaderValue::from_str(authority.as_str())
        .map_err(|_| bad("The authority of the request target is not a host name"))?;
    let path = head
        .uri
        .path_and_query()
        .cloned()
        .unwrap_or_else(|| PathAndQuery::from_static("/"));
    head.headers.insert(HOST, host);
    head.uri = Uri::from(path);
    Ok(())
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
            let result = check(&mut head(method, uri, lines));
            assert_eq!(
                result.err().map(|refusal| refusal.fault),
                fault,
                "{uri} {lines:?}"
            );
        }
        let mut old = head("GET", "/", &[]);
        old.version = Version::HTTP_10;
        assert_eq!(check(&mut old), Ok(None));
    }

    #[test]
    fn absolute_form_becomes_origin_form() {
        let mut head = head("GET", "http://b.test:81/x?y=1", &[("host", "a")]);
        check(&mut head).unwrap();
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
