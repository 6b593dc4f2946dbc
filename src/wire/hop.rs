//! Headers that belong to one hop and must not pass (RFC 9110, 7.6.1). Most requests have none and
//! most responses just `Connection: keep-alive`, so one look at the names finds what there is, and
//! only that is removed.

use http::header::{
    CONNECTION, EXPECT, HeaderMap, HeaderName, HeaderValue, PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION, TE, TRANSFER_ENCODING, UPGRADE,
};

use super::forwarded::CLAIMS;
use super::request_id::REQUEST_ID;

const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");
/// Goes with an upgrade to h2c, which is not passed on.
const HTTP2_SETTINGS: HeaderName = HeaderName::from_static("http2-settings");
/// Figshift's own request header; it means nothing further on.
const SIDE: HeaderName = HeaderName::from_static("x-figshift-side");
const REASON: HeaderName = HeaderName::from_static("x-figshift-reason");
const BACKEND: HeaderName = HeaderName::from_static("x-figshift-backend");
const OWNER: HeaderName = HeaderName::from_static("x-figshift-owner");

/// In both directions. `Connection` stands first, as it names others.
static BOTH: [HeaderName; 6] = [
    CONNECTION,
    KEEP_ALIVE,
    PROXY_CONNECTION,
    TE,
    TRANSFER_ENCODING,
    UPGRADE,
];
/// `Expect` is answered by us.
static REQUEST: [HeaderName; 4] = [EXPECT, PROXY_AUTHORIZATION, SIDE, HTTP2_SETTINGS];
/// What figshift says of itself nobody else says in its name.
static RESPONSE: [HeaderName; 4] = [PROXY_AUTHENTICATE, REASON, BACKEND, OWNER];

/// Removes them from a request on its way to a backend. `TE: trailers` is said again, as it holds
/// for our hop too. Whether the client claims anything of where the request came from, which the same
/// look at the names tells.
pub fn remove_from_request(headers: &mut HeaderMap) -> bool {
    let found = Found::look(headers, &REQUEST);
    if found.is_none() {
        return found.claims;
    }
    let trailers = found.has(&TE) && accepts_trailers(headers);
    if found.lookalikes {
        remove_lookalikes(headers);
    }
    found.remove(headers);
    if trailers {
        headers.insert(TE, HeaderValue::from_static("trailers"));
    }
    found.claims
}

/// Removes them from a response on its way to the client.
pub fn remove_from_response(headers: &mut HeaderMap) {
    let found = Found::look(headers, &RESPONSE);
    if !found.is_none() {
        found.remove(headers);
    }
}

/// The hop-by-hop headers that a message has, as bits: `BOTH` from bit 0, then those of its direction.
struct Found {
    bits: u16,
    /// There are names with underscores that some backends take for what we say of a client.
    lookalikes: bool,
    /// There are names of what a client can claim of where it is.
    claims: bool,
    own: &'static [HeaderName],
}

impl Found {
    fn look(headers: &HeaderMap, own: &'static [HeaderName]) -> Self {
        let mut found = Self {
            bits: 0,
            lookalikes: false,
            claims: false,
            own,
        };
        for name in headers.keys().filter(|name| may_be_hop(name)) {
            match BOTH.iter().chain(own).position(|hop| hop == name) {
                Some(place) => found.bits |= 1 << place,
                None => {
                    found.claims |= CLAIMS.contains(name);
                    found.lookalikes |= is_lookalike(name);
                }
            }
        }
        found
    }

    fn is_none(&self) -> bool {
        self.bits == 0 && !self.lookalikes
    }

    fn has(&self, name: &HeaderName) -> bool {
        let place = BOTH.iter().position(|hop| hop == name);
        place.is_some_and(|place| self.bits >> place & 1 == 1)
    }

    fn remove(&self, headers: &mut HeaderMap) {
        if self.has(&CONNECTION) {
            remove_connection(headers);
        }
        for (place, name) in BOTH.iter().chain(self.own).enumerate().skip(1) {
            if self.bits >> place & 1 == 1 {
                headers.remove(name);
            }
        }
    }
}

/// Backends that hand headers on as environment variables (CGI, WSGI) make dashes of underscores,
/// and so what a client claims of itself would stand beside what we say of it.
fn is_lookalike(name: &HeaderName) -> bool {
    let claimed = |byte: u8| if byte == b'_' { b'-' } else { byte };
    let name = name.as_str().as_bytes();
    name.contains(&b'_')
        && ["x-forwarded-for", "x-forwarded-host", "x-forwarded-proto"]
            .iter()
            .any(|ours| name.iter().copied().map(claimed).eq(ours.bytes()))
}

fn remove_lookalikes(headers: &mut HeaderMap) {
    let names: Vec<_> = headers
        .keys()
        .filter(|name| is_lookalike(name))
        .cloned()
        .collect();
    for name in names {
        headers.remove(name);
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

/// Removes `Connection`, of which there may be several lines, and what it names.
fn remove_connection(headers: &mut HeaderMap) {
    let http::header::Entry::Occupied(lines) = headers.entry(CONNECTION) else {
        return;
    };
    let (_, lines) = lines.remove_entry_mult();
    let named: Vec<HeaderName> = lines.flat_map(|line| names_in(&line)).collect();
    for name in named {
        headers.remove(name);
    }
}

/// The headers that a line of `Connection` names, without those that are no headers but options.
fn names_in(line: &HeaderValue) -> Vec<HeaderName> {
    line.as_bytes()
        .split(|byte| *byte == b',')
        .map(<[u8]>::trim_ascii)
        .filter(|name| {
            !name.eq_ignore_ascii_case(b"keep-alive") && !name.eq_ignore_ascii_case(b"close")
        })
        .filter_map(|name| HeaderName::from_bytes(name).ok())
        .filter(|name| !is_framing(name))
        .collect()
}

/// What `Connection` may not name: without these the message means something else, or cannot be
/// found again.
fn is_framing(name: &HeaderName) -> bool {
    *name == http::header::CONTENT_LENGTH || *name == http::header::HOST || *name == REQUEST_ID
}

/// A quick look: by length, then by the name.
fn may_be_hop(name: &HeaderName) -> bool {
    let name = name.as_str();
    match name.len() {
        2 => name == "te",
        6 => name == "expect",
        7 => name == "upgrade",
        9 => name == "forwarded",
        10 => name == "connection" || name == "keep-alive",
        14 => name == "http2-settings",
        15 => name == "x-figshift-side" || name.starts_with('x'),
        16 => name == "proxy-connection" || name.starts_with('x'),
        17 => name == "transfer-encoding" || name.starts_with('x'),
        18 => name == "proxy-authenticate" || name.starts_with('x'),
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
            ("http2-settings", "AAMAAABkAAQAAP__"),
            ("x_forwarded_for", "6.6.6.6"),
            ("x-forwarded_proto", "https"),
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
        for name in BOTH.iter().chain(&REQUEST).chain(&RESPONSE).chain(&CLAIMS) {
            assert!(may_be_hop(name), "{name}");
        }
    }

    #[test]
    fn nobody_speaks_of_figshift_in_its_name() {
        let mut map = headers(&[
            ("x-figshift-reason", "no_route"),
            ("x-figshift-backend", "other"),
            ("x-figshift-owner", "other"),
            ("X-Figshift-Owner", "another"),
            ("x-figshift-other", "theirs"),
            ("proxy-authenticate", "Basic"),
            ("server", "x"),
        ]);
        remove_from_response(&mut map);
        let left = [("x-figshift-other", "theirs"), ("server", "x")];
        assert_eq!(map, headers(&left));
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
