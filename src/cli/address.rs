//! Where a house is asked: at a port, or at a Unix socket.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use http::uri::Authority;
use reqwest::ClientBuilder;

use crate::outbound::near;

/// `host:port`, or `unix:/path`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Address {
    Port(Authority),
    Socket(PathBuf),
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        const EXPECTS: &str = "an admin port is host:port or unix:/path";
        match text.strip_prefix("unix:") {
            Some("") => Err(EXPECTS.to_owned()),
            Some(path) => Ok(Self::Socket(PathBuf::from(path))),
            None => text.parse().map(Self::Port).map_err(|_| EXPECTS.to_owned()),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Port(authority) => authority.fmt(f),
            Self::Socket(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

impl Address {
    /// A client that asks there, by no other way and nowhere else.
    pub(super) fn client(&self) -> ClientBuilder {
        match self {
            Self::Port(_) => near(),
            Self::Socket(path) => near().unix_socket(path.as_path()),
        }
    }

    /// For that client.
    pub(super) fn url(&self, path: &str) -> String {
        match self {
            Self::Port(authority) => format!("http://{authority}{path}"),
            Self::Socket(_) => format!("http://localhost{path}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_or_a_socket() {
        for (text, url) in [
            ("127.0.0.1:9901", "http://127.0.0.1:9901/x"),
            ("[::1]:9901", "http://[::1]:9901/x"),
            ("figshift.internal:9901", "http://figshift.internal:9901/x"),
            ("unix:/run/a b.sock", "http://localhost/x"),
            ("unix:here.sock", "http://localhost/x"),
        ] {
            let address: Address = text.parse().unwrap();
            assert_eq!((&*address.to_string(), &*address.url("/x")), (text, url));
        }
        for wrong in ["", "unix:", "http://a:1", "a b", "/run/admin.sock"] {
            assert!(wrong.parse::<Address>().is_err(), "{wrong}");
        }
    }
}
