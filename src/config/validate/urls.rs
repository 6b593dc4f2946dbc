//! URLs of services beside the backends, which are asked now and then. They may hold secrets in
//! places where none belongs, so no message quotes them.

use crate::config::sheet::Sheet;
use crate::config::tree::Path;

use super::names::{is_host, is_port, split_port};

const SHAPE: &str = "write \"https://host/path\" or \"http://host:port/path\"";

/// Checks a URL that is asked as it stands.
pub(super) fn whole(url: &str, path: &Path, sheet: &mut Sheet<'_>) {
    if let Err((message, hint)) = judge(url) {
        sheet.at_value(path, message, hint);
    }
}

/// Checks a URL that a path is appended to.
pub(super) fn base(url: &str, path: &Path, sheet: &mut Sheet<'_>) {
    if url.contains('?') {
        let hint = "leave it out: a path is appended";
        sheet.at_value(path, "the URL has a query", hint);
    }
    whole(url, path, sheet);
}

/// Checks a URL that a path is appended to and a key is sent to: by TLS, unless it leads to this machine.
pub(super) fn with_key(url: &str, path: &Path, sheet: &mut Sheet<'_>) {
    base(url, path, sheet);
    let plain = url.split_once("://");
    let plain = plain.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("http"));
    if let Some((_, rest)) = plain
        && !is_here(rest)
    {
        let message = "a key would be sent there without TLS";
        sheet.at_value(path, message, "write \"https://host\"");
    }
}

/// Whether it leads to this machine.
fn is_here(rest: &str) -> bool {
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let host = split_port(authority).0.trim_matches(['[', ']']);
    let address = host.parse::<std::net::IpAddr>();
    host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

fn judge(url: &str) -> Result<(), (&'static str, &'static str)> {
    let Some((scheme, rest)) = url.split_once("://") else {
        return Err(("the URL has no scheme", SHAPE));
    };
    if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
        return Err(("the URL is neither http:// nor https://", SHAPE));
    }
    if !rest.bytes().all(|byte| byte.is_ascii_graphic()) {
        let hint = "percent-encode it, or leave it out";
        return Err(("the URL has a character that no URL takes", hint));
    }
    if rest.contains('#') {
        let hint = "leave out `#` and what follows: it is never sent";
        return Err(("the URL has a fragment", hint));
    }
    let authority = rest.split(['/', '?']).next().unwrap_or(rest);
    if authority.contains('@') {
        let hint = "leave it out; a secret is written as `token = \"${file:/path}\"`";
        return Err(("the URL has a user name in it", hint));
    }
    let (host, port) = split_port(authority);
    if host.is_empty() {
        return Err(("the URL has no host", SHAPE));
    }
    if !is_host(host) {
        let hint = "write a host name, an IPv4 address or an IPv6 address in brackets";
        return Err(("the URL has no valid host", hint));
    }
    if port.is_some_and(|port| !is_port(port)) {
        let hint = "a port is a number from 1 to 65535";
        return Err(("the URL has no valid port", hint));
    }
    Ok(())
}
