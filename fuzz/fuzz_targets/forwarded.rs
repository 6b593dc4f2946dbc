//! Whatever a client claims in its headers: it is told to the backend under its own address, and
//! who it is is one of the addresses that stand there.
//! Run: `RUSTC_BOOTSTRAP=1 cargo fuzz run forwarded -- -max_total_time=60`
#![no_main]

use std::net::{IpAddr, Ipv4Addr};

use figshift::wire::{Peer, Trust};
use http::{HeaderMap, HeaderName, HeaderValue};
use libfuzzer_sys::fuzz_target;

const NAMES: [&str; 4] = [
    "x-forwarded-for",
    "x-forwarded-proto",
    "x-forwarded-host",
    "forwarded",
];
const PEER: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));

struct Private;

impl Trust for Private {
    fn trusts(&self, address: IpAddr) -> bool {
        matches!(address, IpAddr::V4(address) if address.is_private())
    }
}

// Lines of a byte, which header, and its value; the first line is the `Host`.
fuzz_target!(|bytes: &[u8]| {
    let mut lines = bytes.split(|byte| *byte == b'\n');
    let host = lines.next().and_then(|host| HeaderValue::from_bytes(host).ok());
    let mut claimed = HeaderMap::new();
    for line in lines {
        if let [which, value @ ..] = line
            && let Ok(value) = HeaderValue::from_bytes(value)
        {
            let name = NAMES[usize::from(*which) % NAMES.len()];
            claimed.append(HeaderName::from_static(name), value);
        }
    }
    for peer in [Peer::new(PEER), Peer::with_tls(PEER)] {
        let client = peer.client(&claimed, &Private);
        let said = claimed.get_all("x-forwarded-for").iter();
        let said = said.filter_map(|value| value.to_str().ok());
        let mut said = said.flat_map(|value| value.split(','));
        let is_said = |hop: &str| hop.trim().parse::<IpAddr>().map(|ip| ip.to_canonical()) == Ok(client);
        assert!(client == PEER || said.any(is_said));
        let proto = if peer.has_tls() { "https" } else { "http" };

        let mut headers = claimed.clone();
        peer.set_forwarded(&mut headers, host.clone(), false);
        assert_eq!(headers["x-forwarded-for"], "10.0.0.1");
        assert_eq!(headers["x-forwarded-proto"], proto);
        assert_eq!(headers.get("x-forwarded-host"), host.as_ref());

        let mut headers = claimed.clone();
        peer.set_forwarded(&mut headers, host.clone(), true);
        for name in ["x-forwarded-for", "forwarded"] {
            let all: Vec<_> = headers.get_all(name).iter().collect();
            assert_eq!(all.len(), 1);
            let ours = if name == "forwarded" { "for=10.0.0.1;" } else { "10.0.0.1" };
            let has = |line: &[u8]| line.windows(ours.len()).any(|part| part == ours.as_bytes());
            assert!(has(all[0].as_bytes()));
        }
    }
});
