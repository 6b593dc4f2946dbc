//! The header that a TCP load balancer puts before a connection: PROXY protocol, version 1 (a line
//! of text) and version 2 (binary).

use std::net::IpAddr;

use ppp::{HeaderResult, PartialResult as _, v1, v2};

/// A header is never longer: 107 bytes of version 1; of version 2, the addresses and what is told
/// beside them, which takes some hundred bytes.
pub const LONGEST_PROXY_HEADER: usize = 2048;

/// The length in a version 2 header stands here, behind signature, command and family.
const LENGTH_AT: usize = 14;

/// What the first bytes of a connection say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProxyHeader {
    /// More bytes have to come.
    Incomplete,
    /// A header of so many bytes.
    Whole {
        /// The client's address; `None` where the load balancer speaks for itself, or does not know.
        source: Option<IpAddr>,
        /// Its bytes.
        len: usize,
    },
    /// This is none.
    Invalid,
}

/// Reads a header from the first bytes of a connection.
pub fn read_proxy_header(first: &[u8]) -> ProxyHeader {
    if !begins_like_one(first) || is_too_long(first) {
        return ProxyHeader::Invalid;
    }
    let result = HeaderResult::parse(first);
    if result.is_incomplete() {
        return match first.len() < LONGEST_PROXY_HEADER {
            true => ProxyHeader::Incomplete,
            false => ProxyHeader::Invalid,
        };
    }
    match result {
        HeaderResult::V1(Ok(header)) => ProxyHeader::Whole {
            source: match header.addresses {
                v1::Addresses::Tcp4(pair) => Some(pair.source_address.into()),
                v1::Addresses::Tcp6(pair) => Some(pair.source_address.into()),
                v1::Addresses::Unknown => None,
            },
            len: header.header.len(),
        },
        HeaderResult::V2(Ok(header)) => ProxyHeader::Whole {
            source: match header.addresses {
                _ if header.command == v2::Command::Local => None,
                v2::Addresses::IPv4(pair) => Some(pair.source_address.into()),
                v2::Addresses::IPv6(pair) => Some(pair.source_address.into()),
                v2::Addresses::Unix(_) | v2::Addresses::Unspecified => None,
            },
            len: header.len(),
        },
        HeaderResult::V1(Err(_)) | HeaderResult::V2(Err(_)) => ProxyHeader::Invalid,
    }
}

/// Whether it can be a header, as far as its bytes go.
fn begins_like_one(first: &[u8]) -> bool {
    let begins = |prefix: &[u8]| first.starts_with(prefix) || prefix.starts_with(first);
    begins(v1::PROTOCOL_PREFIX.as_bytes()) || begins(v2::PROTOCOL_PREFIX)
}

/// Whether it says of itself that it is longer than any.
fn is_too_long(first: &[u8]) -> bool {
    match first.get(LENGTH_AT..LENGTH_AT + 2) {
        Some([high, low]) if first.starts_with(v2::PROTOCOL_PREFIX) => {
            let length = usize::from(u16::from_be_bytes([*high, *low]));
            LENGTH_AT + 2 + length > LONGEST_PROXY_HEADER
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(source: Option<&str>, len: usize) -> ProxyHeader {
        let source = source.map(|source| source.parse().unwrap());
        ProxyHeader::Whole { source, len }
    }

    fn binary(command: u8, family: u8, addresses: &[u8], more: &[u8]) -> Vec<u8> {
        let length = (addresses.len() + more.len()) as u16;
        let head = [0x20 | command, family];
        [
            v2::PROTOCOL_PREFIX,
            &head,
            &length.to_be_bytes(),
            addresses,
            more,
        ]
        .concat()
    }

    #[test]
    fn both_versions_are_read() {
        let v4 = [192, 0, 2, 7, 10, 0, 0, 1, 0x30, 0x39, 0x01, 0xbb];
        let mut v6 = [0u8; 36];
        v6[..4].copy_from_slice(&[0x20, 0x01, 0x0d, 0xb8]);
        v6[15] = 7;
        for (header, source) in [
            (
                b"PROXY TCP4 192.0.2.7 10.0.0.1 12345 443\r\n".to_vec(),
                Some("192.0.2.7"),
            ),
            (
                b"PROXY TCP6 2001:db8::7 ::1 12345 443\r\n".to_vec(),
                Some("2001:db8::7"),
            ),
            (b"PROXY UNKNOWN\r\n".to_vec(), None),
            (b"PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n".to_vec(), None),
            (binary(1, 0x11, &v4, b""), Some("192.0.2.7")),
            // With a TLV beside it.
            (binary(1, 0x11, &v4, &[4, 0, 1, 0]), Some("192.0.2.7")),
            (binary(1, 0x21, &v6, b""), Some("2001:db8::7")),
            (binary(0, 0x11, &v4, b""), None),
            (binary(0, 0x00, b"", b""), None),
            (binary(1, 0x00, b"", b""), None),
            (binary(1, 0x31, &[0; 216], b""), None),
        ] {
            let len = header.len();
            for cut in 0..len {
                let part = read_proxy_header(&header[..cut]);
                assert_eq!(part, ProxyHeader::Incomplete, "{cut} of {header:?}");
            }
            assert_eq!(read_proxy_header(&header), whole(source, len), "{header:?}");
            let more = [&header[..], b"GET / HTTP/1.1\r\n"].concat();
            assert_eq!(read_proxy_header(&more), whole(source, len), "{header:?}");
        }
    }

    #[test]
    fn what_is_none_is_refused_at_once() {
        let long = binary(1, 0x11, &[0; 12], &[0; LONGEST_PROXY_HEADER]);
        for first in [
            &b"GET / HTTP/1.1\r\n"[..],
            b"\x16\x03\x01",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            b"PROXY TCP4 192.0.2.7 10.0.0.1 12345\r\n",
            b"PROXY TCP4 2001:db8::7 ::1 1 2\r\n",
            b"PROXY TCP4 192.0.2.7 10.0.0.1 12345 443 \r\n",
            b"PROXY TCP9 192.0.2.7 10.0.0.1 12345 443\r\n",
            &[b'P'; 108],
            &[b"PROXY UNKNOWN ".as_slice(), &[b'a'; 200]].concat(),
            &long,
            &long[..16],
            &binary(2, 0x11, &[0; 12], b""),
            &binary(1, 0x11, &[0; 4], b""),
        ] {
            assert_eq!(read_proxy_header(first), ProxyHeader::Invalid, "{first:?}");
        }
    }
}
