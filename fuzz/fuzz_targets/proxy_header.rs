//! Any first bytes of a connection are a PROXY header, may become one, or are none; more bytes
//! behind a whole one change nothing, and no header is longer than it may be.
//! Run: `RUSTC_BOOTSTRAP=1 cargo fuzz run proxy_header -- -max_total_time=60`
#![no_main]

use figshift::wire::{LONGEST_PROXY_HEADER, ProxyHeader, read_proxy_header};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    match read_proxy_header(bytes) {
        ProxyHeader::Incomplete => assert!(bytes.len() < LONGEST_PROXY_HEADER),
        whole @ ProxyHeader::Whole { len, .. } => {
            assert!((1..=bytes.len().min(LONGEST_PROXY_HEADER)).contains(&len));
            assert_eq!(read_proxy_header(&bytes[..len]), whole);
            assert_eq!(read_proxy_header(&[bytes, b"GET / "].concat()), whole);
            assert_eq!(read_proxy_header(&bytes[..len - 1]), ProxyHeader::Incomplete);
        }
        ProxyHeader::Invalid => {
            // No byte that comes later heals it.
            let more = [bytes, b"\r\n"].concat();
            assert_eq!(read_proxy_header(&more), ProxyHeader::Invalid);
        }
    }
});
