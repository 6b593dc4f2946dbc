//! The header that a TCP load balancer puts before a connection: PROXY protocol, version 1 (a line
//! of text) and version 2 (binary).

use std::net::IpAddr;

use ppp::{PartialResult as _, v1, v2};

/// A header is never longer: 107 bytes of version 1; of version 2, the addresses and what is told
/// beside them, which takes some hundred bytes.
pub const LONGEST_PROXY_HEADER: usize = 2048;

/// Of version 1, with its line end.
const LONGEST_LINE: usize = 107;

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
    let begins = |prefix: &[u8]| first.starts_with(prefix) || prefix.starts_with(first);
    if begins(v1::PROTOCOL_PREFIX.as_bytes()) {
        read_line(first)
    } else if begins(v2::PROTOCOL_PREFIX) && !is_too_long(first) {
        read_binary(first)
    } else {
        ProxyHeader::Invalid
    }
}

/// Version 1. The parser is asked for a whole line only: it takes a number that is cut for a wrong one.
fn read_line(first: &[u8]) -> ProxyHeader {
    let Some(end) = first.iter().position(|byte| *byte == b'\n') else {
        return match first.len() < LONGEST_LINE {
            true => ProxyHeader::Incomplete,
            false => ProxyHeader::Invalid,
        };
    };
    let len = end + 1;
    match v1::Header::try_from(&first[..len]) {
        Ok(header) if header.header.len() == len => ProxyHeader::Whole {
            source: match header.addresses {
                v1::Addresses::Tcp4(pair) => Some(pair.source_address.into()),
                v1::Addresses::Tcp6(pair) => Some(pair.source_address.into()),
                v1::Addresses::Unknown => None,
            },
            len,
        },
        _ => ProxyHeader::Invalid,
    }
}

fn read_binary(first: &[u8]) -> ProxyHeader {
    let header = v2::Header::try_from(first);
    if header.is_incomplete() {
        return ProxyHeader::Incomplete;
    }
    let Ok(header) = header else {
        return ProxyHeader::Invalid;
    };
    let source = match header.addresses {
        _ if header.command == v2::Command::Local => None,
        v2::Addresses::IPv4(pair) => Some(pair.source_address.into()),
        v2::Addresses::IPv6(pair) => Some(pair.source_address.into()),
        v2::Addresses::Unix(_) | v2::Addresses::Unspecified => None,
    };
    ProxyHeader::Whole {
        source,
        len: header.len(),
    }
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

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(20_000))]

        /// What is read does not depend on what comes behind it, nor on how it was cut.
        #[test]
        fn a_damaged_header_is_whole_or_none(
            which in 0usize..5,
            cut in 0usize..80,
            damage in proptest::collection::vec((0usize..80, proptest::prelude::any::<u8>()), 0..3),
        ) {
            let v4 = [192, 0, 2, 7, 10, 0, 0, 1, 0x30, 0x39, 0x01, 0xbb];
            let mut bytes = match which {
                0 => b"PROXY TCP4 192.0.2.7 10.0.0.1 12345 443\r\nGET / HTTP/1.1\r\n".to_vec(),
                1 => b"PROXY TCP6 2001:db8::7 ::1 1 2\r\n\r\n".to_vec(),
                2 => b"PROXY UNKNOWN\r\nPROXY".to_vec(),
                3 => binary(1, 0x11, &v4, &[4, 0, 1, 0]),
                _ => binary(1, 0x21, &[7; 36], b""),
            };
            for (at, byte) in damage {
                let at = at % bytes.len();
                bytes[at] = byte;
            }
            bytes.truncate(cut.max(1));
            match read_proxy_header(&bytes) {
                ProxyHeader::Incomplete => {}
                whole @ ProxyHeader::Whole { len, .. } => {
                    assert_eq!(read_proxy_header(&bytes[..len]), whole);
                    assert_eq!(read_proxy_header(&bytes[..len - 1]), ProxyHeader::Incomplete);
                    let more = [&bytes[..], b"GET /"].concat();
                    assert_eq!(read_proxy_header(&more), whole);
                }
                ProxyHeader::Invalid => {
                    let more = [&bytes[..], b"\r\n"].concat();
                    assert_eq!(read_proxy_header(&more), ProxyHeader::Invalid);
                }
            }
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
