//! Sending plain requests to the port of TLS.

use http::StatusCode;
use http::header::HeaderValue;
use http::request::Parts;

use super::admit::host_name;
use super::problem::Problem;
use crate::stats::Fault;

/// The method and the body stay as they are.
pub(super) const STATUS: StatusCode = StatusCode::PERMANENT_REDIRECT;

/// Where a request is sent; the usual port needs not be said.
pub(super) fn location(head: &Parts, host: Option<&HeaderValue>, port: u16) -> Option<HeaderValue> {
    const USUAL: u16 = 443;
    let name = host_name(host);
    if name.is_empty() {
        return None;
    }
    let path = head.uri.path_and_query().map(|path| path.as_str());
    // `OPTIONS *` has none.
    let path = path.filter(|path| path.starts_with('/')).unwrap_or("/");
    let location = match port {
        USUAL => format!("https://{name}{path}"),
        port => format!("https://{name}:{port}{path}"),
    };
    HeaderValue::from_str(&location).ok()
}

/// What is said to a request that came without TLS.
pub(super) fn problem() -> Problem {
    Problem::of_fault(
        Fault::Redirect,
        "This is served over TLS only: see Location",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_path_and_query_stay() {
        for (uri, host, port, expected) in [
            ("/a?b=c", "x.test", 443, Some("https://x.test/a?b=c")),
            ("/", "x.test:8080", 8443, Some("https://x.test:8443/")),
            ("/", "[::1]:80", 443, Some("https://[::1]/")),
            ("//evil", "x.test", 443, Some("https://x.test//evil")),
            ("*", "x.test", 443, Some("https://x.test/")),
            ("/", "", 443, None),
        ] {
            let head = http::Request::builder().uri(uri).body(()).unwrap();
            let host = HeaderValue::from_static(host);
            let found = location(&head.into_parts().0, Some(&host), port);
            let found = found.as_ref().map(|found| found.to_str().unwrap());
            assert_eq!(found, expected, "{uri} {host:?}");
        }
    }
}
