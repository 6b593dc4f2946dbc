//! Under which names the port answers. A page in a browser can make any name lead to this machine
//! (DNS rebinding), but not an IP address or `localhost`; so other names are answered only when the
//! file knows them.

use std::net::{Ipv4Addr, Ipv6Addr};

use axum::http::uri::Authority;

/// Whether the port may be called so. `hosts` are the names in the file.
pub(super) fn is_known(authority: &str, hosts: &[String]) -> bool {
    let Some(host) = host_of(authority) else {
        return false;
    };
    let name = host.strip_suffix('.').unwrap_or(&host);
    let is_address = match name.strip_prefix('[') {
        Some(inner) => inner
            .strip_suffix(']')
            .is_some_and(|inner| inner.parse::<Ipv6Addr>().is_ok()),
        None => name.parse::<Ipv4Addr>().is_ok(),
    };
    let listed = |known: &String| {
        let known = known.strip_suffix('.').unwrap_or(known);
        name.eq_ignore_ascii_case(known)
    };
    is_address || name.eq_ignore_ascii_case("localhost") || hosts.iter().any(listed)
}

/// Whether a page of this origin may ask: only one that this port itself has served, of which there
/// is none so far but a dashboard of one's own on the same name.
pub(super) fn is_own_origin(origin: &str, host: Option<&str>) -> bool {
    let (Some((scheme, origin)), Some(host)) = (origin.split_once("://"), host) else {
        return false;
    };
    let default = match scheme {
        "http" => ":80",
        "https" => ":443",
        _ => return false,
    };
    let bare = |authority: &str| {
        let bare = authority.strip_suffix(default).unwrap_or(authority);
        bare.to_ascii_lowercase()
    };
    host_of(origin).is_some() && bare(origin) == bare(host)
}

/// The name in `name`, `name:port`, `1.2.3.4:port` or `[v6]:port`.
fn host_of(authority: &str) -> Option<String> {
    let parsed: Authority = authority.parse().ok()?;
    let plain = !authority.contains('@') && !parsed.host().is_empty();
    plain.then(|| parsed.host().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_localhost_and_listed_names_are_known() {
        let hosts = ["figshift.internal".to_owned()];
        for known in [
            "127.0.0.1",
            "127.0.0.1:9901",
            "10.1.2.3:9901",
            "[::1]",
            "[::1]:9901",
            "localhost",
            "LOCALHOST:1",
            "localhost.:1",
            "figshift.internal:9901",
            "Figshift.Internal.",
        ] {
            assert!(is_known(known, &hosts), "{known}");
        }
        for strange in [
            "",
            "evil.com",
            "evil.com:9901",
            "localhost.evil.com",
            "127.0.0.1.evil.com",
            "figshift.internal.evil.com",
            "x.figshift.internal",
            "127.0.0.1@evil.com",
            "evil.com@127.0.0.1",
            "2130706433",
            "0x7f.1",
            "[::1",
            "[evil]",
            "a b",
        ] {
            assert!(!is_known(strange, &hosts), "{strange}");
        }
    }

    #[test]
    fn an_origin_is_own_only_with_host_and_port() {
        let own = |origin, host| is_own_origin(origin, Some(host));
        assert!(own("http://127.0.0.1:9901", "127.0.0.1:9901"));
        assert!(own("http://Localhost", "localhost:80"));
        assert!(own("https://figshift.internal", "figshift.internal"));
        assert!(!own("http://127.0.0.1:3000", "127.0.0.1:9901"));
        assert!(!own("http://127.0.0.1", "127.0.0.1:9901"));
        assert!(!own("http://evil.com", "127.0.0.1:9901"));
        assert!(!own("null", "127.0.0.1:9901"));
        assert!(!own("file://", ""));
        assert!(!own("http://", ""));
        assert!(!own("chrome-extension://abc", "abc"));
        assert!(!is_own_origin("http://127.0.0.1", None));
    }
}
