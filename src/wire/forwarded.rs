//! Who the client is, and saying so to the backend: `X-Forwarded-For|Proto|Host` and `Forwarded`
//! (RFC 7239). What an untrusted peer claims is replaced, what a trusted one claims is kept and
//! extended. Values that depend on the connection alone are made once per connection.

use std::cell::RefCell;
use std::net::IpAddr;

use bytes::Bytes;
use http::header::{FORWARDED, HeaderMap, HeaderName, HeaderValue};

const FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
/// What a client can claim of where its request came from.
pub(super) static CLAIMS: [HeaderName; 4] = [FOR, FORWARDED, PROTO, FORWARDED_HOST];

/// Whose forwarded headers are believed.
pub trait Trust {
    /// Whether this address is trusted.
    fn trusts(&self, address: IpAddr) -> bool;
}

/// The other end of a client connection.
#[derive(Debug)]
pub struct Peer {
    address: IpAddr,
    /// What it has connected by.
    proto: &'static str,
    for_value: HeaderValue,
    /// For the last `Host` on this connection: it rarely changes.
    last: RefCell<Option<Lines>>,
}

/// Room for the lines of a peer, without a host.
const LINES: usize = 256;

/// What is said of a peer that claims nothing, for a `Host`.
#[derive(Debug)]
struct Lines {
    /// A copy, since the head that it came with has memory of its own.
    host: Option<HeaderValue>,
    /// The `Forwarded` line.
    forwarded: HeaderValue,
    /// All lines, as HTTP/1.1 has them.
    ready: Bytes,
}

impl Peer {
    /// A peer at this address that has connected without TLS. An IPv4 address in IPv6 form counts as IPv4.
    pub fn new(address: IpAddr) -> Self {
        let address = address.to_canonical();
        Self {
            address,
            proto: "http",
            for_value: ascii(&address.to_string()),
            last: RefCell::new(None),
        }
    }

    /// The same, connected by TLS.
    pub fn with_tls(address: IpAddr) -> Self {
        Self {
            proto: "https",
            ..Self::new(address)
        }
    }

    /// Whether it has connected by TLS.
    pub fn has_tls(&self) -> bool {
        self.proto == "https"
    }

    /// Whether a client's own connection was by TLS: that of the peer, or, when the peer is trusted, the
    /// one that it tells of.
    pub fn is_secure(&self, headers: &HeaderMap, trusted: bool) -> bool {
        let told = || headers.get(PROTO).map(HeaderValue::as_bytes) == Some(b"https");
        self.has_tls() || trusted && told()
    }

    /// Its address.
    pub fn address(&self) -> IpAddr {
        self.address
    }

    /// The client's address: the peer's, or, when the peer is trusted, the rightmost address of
    /// `X-Forwarded-For` that is not.
    pub fn client(&self, headers: &HeaderMap, trust: &impl Trust) -> IpAddr {
        let mut client = self.address;
        if !trust.trusts(client) {
            return client;
        }
        for value in headers.get_all(FOR).iter().rev() {
            for hop in value.to_str().unwrap_or_default().rsplit(',') {
                let Ok(address) = hop.trim().parse::<IpAddr>() else {
                    return client;
                };
                client = address.to_canonical();
                if !trust.trusts(client) {
                    return client;
                }
            }
        }
        client
    }

    /// Sets the forwarded headers of a request that goes on to a backend. `host` is the client's.
    pub fn set_forwarded(&self, headers: &mut HeaderMap, host: Option<HeaderValue>, trusted: bool) {
        // Room for these and what else a proxy adds, at once and not by doubling.
        headers.reserve(8);
        let forwarded = self.with_lines(host.as_ref(), |lines| lines.forwarded.clone());
        if trusted {
            append(headers, FOR, &self.for_value);
            append(headers, FORWARDED, &forwarded);
            keep_or_set(headers, PROTO, Some(HeaderValue::from_static(self.proto)));
            keep_or_set(headers, FORWARDED_HOST, host);
        } else {
            headers.insert(FOR, self.for_value.clone());
            headers.insert(FORWARDED, forwarded);
            headers.insert(PROTO, HeaderValue::from_static(self.proto));
            match host {
                Some(host) => headers.insert(FORWARDED_HOST, host),
                None => headers.remove(FORWARDED_HOST),
            };
        }
    }

    /// What is to be said in HTTP/1.1 lines, after what was claimed is out of the headers; `None` where
    /// the claims of a trusted peer count, and all of it stands among the headers. `claims` tells whether
    /// anything was claimed.
    pub fn forwarded(
        &self,
        headers: &mut HeaderMap,
        claims: bool,
        host: Option<&HeaderValue>,
        trusted: bool,
    ) -> Option<Bytes> {
        if claims && trusted {
            self.set_forwarded(headers, host.cloned(), true);
            return None;
        }
        if claims {
            for name in &CLAIMS {
                headers.remove(name);
            }
        }
        Some(self.with_lines(host, |lines| lines.ready.clone()))
    }

    fn with_lines<T>(&self, host: Option<&HeaderValue>, tell: impl FnOnce(&Lines) -> T) -> T {
        let mut last = self.last.borrow_mut();
        if let Some(lines) = &*last
            && lines.host.as_ref() == host
        {
            return tell(lines);
        }
        tell(last.insert(self.make_lines(host)))
    }

    /// Written at once: a connection that serves one request pays for it.
    fn make_lines(&self, host: Option<&HeaderValue>) -> Lines {
        let host = host.and_then(|host| HeaderValue::from_bytes(host.as_bytes()).ok());
        let (named, proto) = (
            host.as_ref().map_or(&b""[..], HeaderValue::as_bytes),
            self.proto,
        );
        let mut ready = Vec::with_capacity(LINES + 2 * named.len());
        let mut put = |parts: &[&[u8]]| {
            for part in parts {
                ready.extend_from_slice(part);
            }
            ready.len()
        };
        let address = self.for_value.as_bytes();
        put(&[b"x-forwarded-for: ", address]);
        let start = put(&[b"\r\nforwarded: "]);
        match self.address {
            IpAddr::V4(_) => put(&[b"for=", address]),
            IpAddr::V6(_) => put(&[b"for=\"[", address, b"]\""]),
        };
        put(&[b";proto=", proto.as_bytes()]);
        // Quoted, as a port's colon is no token character; nothing that could end the quotes passes.
        let plain =
            |byte: &u8| (byte.is_ascii_graphic() || *byte == b' ') && !b"\"\\".contains(byte);
        if !named.is_empty() && named.iter().all(plain) {
            put(&[b";host=\"", named, b"\""]);
        }
        let end = put(&[]);
        put(&[b"\r\nx-forwarded-proto: ", proto.as_bytes(), b"\r\n"]);
        if host.is_some() {
            put(&[b"x-forwarded-host: ", named, b"\r\n"]);
        }
        let ready = Bytes::from(ready);
        let forwarded = HeaderValue::from_maybe_shared(ready.slice(start..end));
        Lines {
            forwarded: forwarded.unwrap_or_else(|_| ascii("unknown")),
            ready,
            host,
        }
    }
}

fn append(headers: &mut HeaderMap, name: HeaderName, ours: &HeaderValue) {
    let mut line: Vec<u8> = Vec::new();
    for value in headers.get_all(&name) {
        line.extend_from_slice(value.as_bytes());
        line.extend_from_slice(b", ");
    }
    line.extend_from_slice(ours.as_bytes());
    let line = HeaderValue::from_bytes(&line).unwrap_or_else(|_| ours.clone());
    headers.insert(name, line);
}

fn keep_or_set(headers: &mut HeaderMap, name: HeaderName, value: Option<HeaderValue>) {
    if let (false, Some(value)) = (headers.contains_key(&name), value) {
        headers.insert(name, value);
    }
}

/// From text that we made of ASCII; the fallback is never reached, and harmless.
fn ascii(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static("unknown"))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Private;
    impl Trust for Private {
        fn trusts(&self, address: IpAddr) -> bool {
            matches!(address, IpAddr::V4(v4) if v4.is_private())
        }
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn with(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn claims_of_strangers_are_replaced() {
        let mut headers = with(&[
            ("host", "api.test:8080"),
            ("x-forwarded-for", "1.1.1.1"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "evil"),
            ("forwarded", "for=evil"),
        ]);
        let host = headers.get("host").cloned();
        Peer::new(ip("203.0.113.9")).set_forwarded(&mut headers, host, false);
        assert_eq!(headers["x-forwarded-for"], "203.0.113.9");
        assert_eq!(headers["x-forwarded-proto"], "http");
        assert_eq!(headers["x-forwarded-host"], "api.test:8080");
        assert_eq!(
            headers["forwarded"],
            "for=203.0.113.9;proto=http;host=\"api.test:8080\""
        );
    }

    #[test]
    fn claims_of_trusted_peers_are_extended() {
        let mut headers = with(&[
            ("host", "a"),
            ("x-forwarded-for", "1.1.1.1"),
            ("x-forwarded-for", "2.2.2.2"),
            ("x-forwarded-proto", "https"),
        ]);
        let peer = Peer::new(ip("::ffff:10.0.0.1"));
        let host = headers.get("host").cloned();
        peer.set_forwarded(&mut headers, host, true);
        assert_eq!(headers["x-forwarded-for"], "1.1.1.1, 2.2.2.2, 10.0.0.1");
        assert_eq!(headers["x-forwarded-proto"], "https");
        assert_eq!(headers["forwarded"], "for=10.0.0.1;proto=http;host=\"a\"");
    }

    #[test]
    fn ready_lines_say_the_same() {
        let peer = Peer::new(ip("203.0.113.9"));
        for host in [Some(HeaderValue::from_static("a:1")), None] {
            for claims in [
                &[][..],
                &[("forwarded", "for=evil"), ("x-forwarded-for", "1.1.1.1")],
            ] {
                let mut headers = with(claims);
                let ready = peer.forwarded(&mut headers, !claims.is_empty(), host.as_ref(), false);
                assert!(headers.is_empty());
                let ready = String::from_utf8(ready.unwrap().to_vec()).unwrap();
                let mut expected = HeaderMap::new();
                peer.set_forwarded(&mut expected, host.clone(), false);
                for (name, value) in &expected {
                    let line = format!("{name}: {}\r\n", value.to_str().unwrap());
                    assert!(ready.contains(&line), "{ready:?} lacks {line:?}");
                }
                assert_eq!(ready.matches("\r\n").count(), expected.len());
            }
        }
        let mut headers = with(&[("x-forwarded-for", "1.1.1.1")]);
        assert_eq!(peer.forwarded(&mut headers, true, None, true), None);
        assert_eq!(headers["x-forwarded-for"], "1.1.1.1, 203.0.113.9");
    }

    #[test]
    fn the_forwarded_line_follows_the_host() {
        let peer = Peer::new(ip("2001:db8::1"));
        for host in ["a", "b", "a"] {
            let mut headers = with(&[("host", host)]);
            let given = headers.get("host").cloned();
            peer.set_forwarded(&mut headers, given, false);
            let expected = format!("for=\"[2001:db8::1]\";proto=http;host=\"{host}\"");
            assert_eq!(headers["forwarded"], expected.as_str());
        }
    }

    #[test]
    fn a_peer_with_tls_is_told_of() {
        let peer = Peer::with_tls(ip("203.0.113.9"));
        let mut headers = with(&[("x-forwarded-proto", "http")]);
        assert!(peer.is_secure(&headers, false));
        peer.set_forwarded(&mut headers, None, false);
        assert_eq!(headers["x-forwarded-proto"], "https");
        assert_eq!(headers["forwarded"], "for=203.0.113.9;proto=https");
        let plain = Peer::new(ip("203.0.113.9"));
        assert!(plain.is_secure(&headers, true));
        assert!(!plain.is_secure(&headers, false));
    }

    #[test]
    fn the_client_is_the_rightmost_that_is_not_trusted() {
        for (peer, lines, client) in [
            ("203.0.113.9", &["1.1.1.1"][..], "203.0.113.9"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &["6.6.6.6, 1.1.1.1, 10.0.0.2"], "1.1.1.1"),
            ("10.0.0.1", &["6.6.6.6", "1.1.1.1,10.0.0.2"], "1.1.1.1"),
            ("10.0.0.1", &["1.1.1.1, garbage"], "10.0.0.1"),
            ("10.0.0.1", &["10.0.0.3"], "10.0.0.3"),
        ] {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(FOR, HeaderValue::from_static(line));
            }
            assert_eq!(Peer::new(ip(peer)).client(&headers, &Private), ip(client));
        }
    }
}
