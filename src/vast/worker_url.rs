//! Where a Serverless worker is. The address comes out of a remote answer, so it is looked at before
//! anything is sent there: nobody may make figshift a way into the network behind it.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use http::Uri;
use http::uri::Scheme;

/// The address of a worker that was found good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct WorkerUrl {
    /// Where to connect.
    pub address: SocketAddr,
    /// Whether it speaks TLS.
    pub https: bool,
}

/// Why nothing is sent to an address. The text does not repeat the URL, which may hold a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadUrl {
    /// It is no `http://` or `https://` URL of an address and a port.
    Shape,
    /// It has a user name or a password in it.
    UserInfo,
    /// Its host is a name.
    Name,
    /// It leads into a network that is not public.
    Private,
    /// It is without TLS.
    Plain,
}

impl BadUrl {
    /// What is wrong, with the remedy where there is one.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Shape => "it is no http:// or https:// URL of an IP address and a port",
            Self::UserInfo => "it has a user name in it",
            Self::Name => "its host is a name and no IP address",
            Self::Private => {
                "it leads into a network that is not public; `allow_private = true` in `serverless` allows that"
            }
            Self::Plain => {
                "it is without TLS; start the workers with USE_SSL=true, or allow it by `allow_http = true` in `serverless`"
            }
        }
    }
}

impl fmt::Display for BadUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::error::Error for BadUrl {}

impl WorkerUrl {
    /// Reads a URL as a worker reports it, `https://203.0.113.24:40012`.
    ///
    /// # Errors
    ///
    /// Nothing may be sent there.
    pub fn read(url: &str, allow_private: bool, allow_http: bool) -> Result<Self, BadUrl> {
        let uri: Uri = url.parse().map_err(|_| BadUrl::Shape)?;
        let authority = uri.authority().ok_or(BadUrl::Shape)?;
        let https = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            Some(scheme) if *scheme == Scheme::HTTP => false,
            _ => return Err(BadUrl::Shape),
        };
        if authority.as_str().contains('@') {
            return Err(BadUrl::UserInfo);
        }
        if !matches!(uri.path(), "" | "/") || uri.query().is_some() {
            return Err(BadUrl::Shape);
        }
        let host = authority.host();
        let bare = host.strip_prefix('[');
        let bare = bare.and_then(|host| host.strip_suffix(']'));
        let ip = match bare {
            Some(six) => six.parse().map(IpAddr::V6).map_err(|_| BadUrl::Shape)?,
            None => host.parse().map(IpAddr::V4).map_err(|_| BadUrl::Name)?,
        };
        let port = match (authority.port_u16(), authority.port()) {
            (Some(port), _) => port,
            (None, Some(_)) => return Err(BadUrl::Shape),
            (None, None) if authority.as_str().len() > host.len() => return Err(BadUrl::Shape),
            (None, None) if https => 443,
            (None, None) => 80,
        };
        if port == 0 || is_nowhere(ip) {
            return Err(BadUrl::Shape);
        }
        if !allow_private && !is_public(ip) {
            return Err(BadUrl::Private);
        }
        if !https && !allow_http {
            return Err(BadUrl::Plain);
        }
        Ok(Self {
            address: SocketAddr::new(ip, port),
            https,
        })
    }
}

/// No single machine is there, whatever is allowed.
fn is_nowhere(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(four) => four.octets()[0] == 0 || four.is_multicast() || four.is_broadcast(),
        IpAddr::V6(six) => match within(six) {
            Some(four) if !six.is_loopback() => is_nowhere(IpAddr::V4(four)),
            _ => six.is_unspecified() || six.is_multicast(),
        },
    }
}

/// Whether a connection to an address leaves this machine and its link, and can end at a single machine.
pub(super) fn leads_away(ip: IpAddr) -> bool {
    let is_near = match ip {
        IpAddr::V4(four) => four.is_loopback() || four.is_link_local(),
        IpAddr::V6(six) => match within(six) {
            Some(four) if !six.is_loopback() => four.is_loopback() || four.is_link_local(),
            _ => six.is_loopback() || six.is_unicast_link_local(),
        },
    };
    !is_near && !is_nowhere(ip)
}

/// Whether an address is one of the public network. IPv4 addresses that stand in documents count as such: nobody
/// has them.
fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(four) => is_public_four(four),
        IpAddr::V6(six) => match within(six) {
            Some(four) => is_public_four(four),
            None => is_public_six(six),
        },
    }
}

fn is_public_four(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let special = ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_multicast()
        || a == 0
        // Shared by the customers of a provider.
        || (a == 100 && b & 0xc0 == 64)
        || (a == 192 && b == 0 && c == 0)
        // Benches.
        || (a == 198 && b & 0xfe == 18)
        // Kept for later, and broadcast.
        || a >= 240;
    !special
}

fn is_public_six(ip: Ipv6Addr) -> bool {
    let [first, second, ..] = ip.segments();
    // So far, addresses are given out of this part only.
    let given_out = first & 0xe000 == 0x2000;
    // For protocols (Teredo, where the address within is hidden, benches, ORCHID), and for documents.
    let for_protocols = first == 0x2001 && second < 0x200;
    let for_documents = first == 0x2001 && second == 0xdb8 || first == 0x3fff && second < 0x1000;
    given_out && !for_protocols && !for_documents
}

/// The IPv4 address that an IPv6 address leads to: mapped, compatible, NAT64, 6to4.
fn within(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    let [a, b, c, d, e, f, g, h] = ip.segments();
    let of = |high: u16, low: u16| Ipv4Addr::from(u32::from(high) << 16 | u32::from(low));
    match (a, b, c, d, e, f) {
        (0, 0, 0, 0, 0, 0xffff) | (0x64, 0xff9b, 0, 0, 0, 0) => Some(of(g, h)),
        (0, 0, 0, 0, 0, 0) if g > 0 => Some(of(g, h)),
        (0x2002, ..) => Some(of(b, c)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(url: &str) -> Result<String, BadUrl> {
        WorkerUrl::read(url, false, true).map(|url| url.address.to_string())
    }

    #[test]
    fn a_public_address_with_a_port_is_good() {
        for (url, address) in [
            ("https://203.0.113.24:40012", "203.0.113.24:40012"),
            ("HTTPS://203.0.113.24:40012/", "203.0.113.24:40012"),
            ("https://203.0.113.24", "203.0.113.24:443"),
            ("http://8.8.8.8", "8.8.8.8:80"),
            ("https://[2a01:4f8::1]:40012", "[2a01:4f8::1]:40012"),
            ("https://100.63.255.255:1", "100.63.255.255:1"),
            ("https://172.32.0.1:1", "172.32.0.1:1"),
        ] {
            assert_eq!(read(url).as_deref(), Ok(address), "{url}");
        }
        let plain = WorkerUrl::read("http://8.8.8.8:1", false, false);
        assert_eq!(plain, Err(BadUrl::Plain));
        let good = WorkerUrl::read("https://8.8.8.8:1", false, false).unwrap();
        assert!(good.https);
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for (url, why) in [
            ("", BadUrl::Shape),
            ("203.0.113.24:40012", BadUrl::Shape),
            ("/x", BadUrl::Shape),
            ("ftp://203.0.113.24:1", BadUrl::Shape),
            ("ws://203.0.113.24:1", BadUrl::Shape),
            ("https://203.0.113.24:0", BadUrl::Shape),
            ("https://203.0.113.24:", BadUrl::Shape),
            ("https://203.0.113.24:99999", BadUrl::Shape),
            ("https://203.0.113.24:40012/v1", BadUrl::Shape),
            ("https://203.0.113.24:40012?x=1", BadUrl::Shape),
            ("https://203.0.113.24:40012\r\nx: y", BadUrl::Shape),
            ("https://user:pass@203.0.113.24:1", BadUrl::UserInfo),
            ("https://203.0.113.24@10.0.0.1:1", BadUrl::UserInfo),
            ("https://worker.example.com:1", BadUrl::Name),
            ("https://localhost:1", BadUrl::Name),
            // As some resolvers read it: 127.0.0.1.
            ("https://2130706433:1", BadUrl::Name),
            ("https://0x7f.1:1", BadUrl::Name),
            ("https://0177.0.0.1:1", BadUrl::Name),
            ("https://127.1:1", BadUrl::Name),
            ("https://0.0.0.0:1", BadUrl::Shape),
            ("https://0.1.2.3:1", BadUrl::Shape),
            ("https://[::]:1", BadUrl::Shape),
            ("https://224.0.0.1:1", BadUrl::Shape),
            ("https://255.255.255.255:1", BadUrl::Shape),
            ("https://[ff02::1]:1", BadUrl::Shape),
            ("https://[::ffff:0.0.0.0]:1", BadUrl::Shape),
        ] {
            assert_eq!(read(url), Err(why), "{url}");
            let allowed = WorkerUrl::read(url, true, true);
            assert_eq!(allowed, Err(why), "{url} is refused whatever is allowed");
        }
    }

    #[test]
    fn what_is_not_public_needs_a_word_for_it() {
        for host in [
            "127.0.0.1",
            "127.255.0.3",
            "10.0.0.5",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "100.127.255.255",
            "192.0.0.8",
            "198.18.0.1",
            "240.0.0.1",
            "[::1]",
            "[fc00::1]",
            "[fd12::1]",
            "[fe80::1]",
            "[fec0::1]",
            "[::ffff:10.0.0.1]",
            "[::ffff:127.0.0.1]",
            "[::10.0.0.1]",
            "[64:ff9b::10.0.0.1]",
            "[64:ff9b:1::1]",
            "[2002:0a00:0001::1]",
            "[2001:0:1::1]",
            "[100::1]",
            "[5f00::1]",
            "[4000::1]",
            "[::ffff:0:10.0.0.1]",
            "[64:ff9b:2::1]",
            "[2001:2::1]",
            "[2001:20::1]",
            "[2001:db8::1]",
            "[3fff::1]",
        ] {
            let url = format!("https://{host}:40012");
            assert_eq!(read(&url), Err(BadUrl::Private), "{url}");
            assert!(WorkerUrl::read(&url, true, false).is_ok(), "{url}");
        }
    }
}
