//! A compressed body is decoded or refused, in no more memory than is allowed.
//! Run: `RUSTC_BOOTSTRAP=1 cargo fuzz run coding -- -max_total_time=60 -rss_limit_mb=512 -malloc_limit_mb=64`
#![no_main]

use figshift::adapt::decode;
use libfuzzer_sys::fuzz_target;

const CODINGS: [&str; 6] = ["gzip", "deflate", "br", "zstd", "gzip, br", "deflate, zstd"];

fuzz_target!(|input: (u8, &[u8])| {
    let (which, body) = input;
    let coding = CODINGS[usize::from(which) % CODINGS.len()];
    if let Ok(Some(decoded)) = decode(coding, body, 1 << 16) {
        assert!(decoded.len() <= 1 << 16);
    }
});
