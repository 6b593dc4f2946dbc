//! Headers that belong to one hop and must not pass (RFC 9110, 7.6.1). Most messages have none,
//! so one quick look at each name's length decides whether there is anything to do.

use http::header::{
    CONNECTION, EXPECT, HeaderMap, HeaderName, HeaderValue, TE, TRANSFER_ENCODING, UPGRADE,
};

const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");
const PROXY_AUTHENTICATE: HeaderName = http::header::PROXY_AUTHENTICATE;
const PROXY_AUTHORIZATION: HeaderName = http::header::PROXY_AUTHORIZATION;
/// Figshift's own request header; it means nothing further on.
const SIDE: HeaderName = HeaderName::from_static("x-figshift-side");

/// Removes them from a request on its way to a backend. `TE: trailers` is said again, as it holds
/// for our hop too; `Expect` is answered by us.
pub fn remove_from_request(headers: &mut HeaderMap) {
    if !headers.keys().any(may_be_hop) {
        return;
    }
    let trailers = accepts_trailers(headers);
    remove(headers);
    headers.remove(EXPECT);
    headers.remove(PROXY_AUTHORIZATION);
    headers.remove(SIDE);
    if trailers {
        headers.insert(TE, HeaderValue::from_static("trailers"));
    }
}

/// Removes them from a response on its way to the client.
pub fn remove_from_response(headers: &mut HeaderMap) {
    if headers.keys().any(may_be_hop) {
        remove(headers);
        headers.remove(PROXY_AUTHENTICATE);
    }
}

fn accepts_trailers(headers: &HeaderMap) -> bool {
    headers.get_all(TE).iter().any(|value| {
        value.to_str().is_ok_and(|text| {
            text.split(',')
                .any(|coding| coding.trim().eq_ignore_ascii_case("trailers"))
        })
    })
}

fn remove(headers: &mut HeaderMap) {
    while let Some(named) = take_connection_value(headers) {
        for name in named.as_bytes().split(|byte| *byte == b',') {
            if let Ok(name) = HeaderName::from_bytes(name.trim_ascii())
                && !is_framing(&name)
            {
                headers.remove(name);
            }
        }
    }
    for name in [KEEP_ALIVE, PROXY_CONNECTION, TE, TRANSFER_ENCODING, UPGRADE] {
        headers.remove(name);
    }
}

/// One `Connection` line after the other: a header may be there several times.
fn take_connection_value(headers: &mut HeaderMap) -> Option<HeaderValue> {
    match headers.entry(CONNECTION) {
        http::header::Entry::Occupied(mut lines) => {
            let first = lines.get().clone();
            let rest: Vec<_> = lines.iter().skip(1).cloned().collect();
            if rest.is_empty() {
                lines.remove();
            } else {
                let mut rest = rest.into_iter();
                if let Some(next) = rest.next() {
                    lines.insert(next);
                }
                for value in rest {
                    lines.append(value);
                }
            }
            Some(first)
        }
        http::header::Entry::Vacant(_) => None,
    }
}

/// What `Connection` may not name: without these the message means something else.
fn is_framing(name: &HeaderName) -> bool {
    *name == http::header::CONTENT_LENGTH || *name == http::header::HOST
}

fn may_be_hop(name: &HeaderName) -> bool {
    let name = name.as_str();
    match name.len() {
        2 => name == "te",
        6 => name == "expect",
        7 => name == "upgrade",
        10 => name == "connection" || name == "keep-alive",
        15 => name == "x-figshift-side",
        16 => name == "proxy-connection",
        17 => name == "transfer-encoding",
        18 => name == "proxy-authenticate",
        19 => name == "proxy-authorization",
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(
                HeaderName::from_bytes(name.as_bytes()).unwrap(),
                HeaderValue::from_str(value).unwrap(),
            );
        }
        headers
    }

    #[test]
    fn named_and_known_ones_go_and_the_rest_stays() {
        let mut map = headers(&[
            ("connection", "close, X-Secret"),
            ("connection", "x-more ,, content-length"),
            ("x-secret", "1"),
            ("x-more", "1"),
            ("keep-alive", "timeout=5"),
            ("proxy-connection", "keep-alive"),
            ("proxy-authorization", "Basic x"),
            ("te", "gzip, trailers"),
            ("transfer-encoding", "chunked"),
            ("upgrade", "h2c"),
            ("expect", "100-continue"),
            ("x-figshift-side", "candidate"),
            ("content-length", "3"),
            ("authorization", "Bearer x"),
            ("trailer", "x-sum"),
        ]);
        remove_from_request(&mut map);
        let mut left: Vec<_> = map.keys().map(HeaderName::as_str).collect();
        left.sort_unstable();
        assert_eq!(left, ["authorization", "content-length", "te", "trailer"]);
        assert_eq!(map["te"], "trailers");
    }

    #[test]
    fn every_removed_name_is_noticed_by_the_quick_look() {
        for name in [
            CONNECTION,
            KEEP_ALIVE,
            PROXY_CONNECTION,
            PROXY_AUTHENTICATE,
            PROXY_AUTHORIZATION,
            TE,
            TRANSFER_ENCODING,
            UPGRADE,
            EXPECT,
            SIDE,
        ] {
            assert!(may_be_hop(&name), "{name}");
        }
    }

    #[test]
    fn a_response_without_any_is_left_alone() {
        let lines = [("content-type", "text/plain"), ("date", "now")];
        let mut map = headers(&lines);
        remove_from_response(&mut map);
        assert_eq!(map, headers(&lines));
        let mut map = headers(&[("connection", "keep-alive"), ("server", "x")]);
        remove_from_response(&mut map);
        assert_eq!(map, headers(&[("server", "x")]));
    }
}
