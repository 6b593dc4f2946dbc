//! Trailers: what may come after a body. Some programs add them to the headers, so none may name
//! what frames, routes or vouches for a message.

use http::header::{
    AUTHORIZATION, CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE,
    COOKIE, EXPECT, FORWARDED, HOST, HeaderMap, HeaderName, PROXY_AUTHORIZATION, SET_COOKIE, TE,
    TRAILER, TRANSFER_ENCODING, UPGRADE, VIA,
};

use super::request_id::REQUEST_ID;

/// Never in a trailer (RFC 9110, 6.5.1), and what we say to backends.
static FORBIDDEN: [HeaderName; 20] = [
    AUTHORIZATION,
    CONNECTION,
    CONTENT_ENCODING,
    CONTENT_LENGTH,
    CONTENT_RANGE,
    CONTENT_TYPE,
    COOKIE,
    EXPECT,
    FORWARDED,
    HOST,
    PROXY_AUTHORIZATION,
    SET_COOKIE,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
    VIA,
    REQUEST_ID,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
];

/// Removes what may not stand there.
pub fn remove_from_trailers(trailers: &mut HeaderMap) {
    for name in &FORBIDDEN {
        trailers.remove(name);
    }
    let claims: Vec<_> = trailers
        .keys()
        .filter(|name| is_claim(name))
        .cloned()
        .collect();
    for name in claims {
        trailers.remove(name);
    }
}

/// Says who a client is.
fn is_claim(name: &HeaderName) -> bool {
    name.as_str().starts_with("x-forwarded-") || name.as_str().starts_with("x-figshift-")
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn only_what_is_harmless_stays() {
        let mut trailers = HeaderMap::new();
        for name in [
            "host",
            "content-length",
            "x-forwarded-for",
            "grpc-status",
            "x-sum",
            "via",
        ] {
            trailers.insert(name, HeaderValue::from_static("1"));
        }
        remove_from_trailers(&mut trailers);
        let mut left: Vec<_> = trailers.keys().map(HeaderName::as_str).collect();
        left.sort_unstable();
        assert_eq!(left, ["grpc-status", "x-sum"]);
    }
}
