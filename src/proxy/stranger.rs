//! What a Serverless worker may say in our name. Its machine belongs to a stranger, and what is said by a host
//! holds for all of it: for other services, for later requests, for whatever stands before figshift.

use http::HeaderMap;
use http::header::HeaderName;

/// What belongs to the answer itself.
const OWN: [&str; 14] = [
    "age",
    "cache-control",
    "content-digest",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-length",
    "content-range",
    "content-type",
    "date",
    "etag",
    "last-modified",
    "retry-after",
    "vary",
];

/// How names begin that models and their servers make up.
const MADE_UP: [&str; 2] = ["openai-", "x-"];

/// Of those, what tells a browser or a proxy to do something, or is ours.
const ACTS: [&str; 14] = [
    "x-accel-",
    "x-content-security-",
    "x-content-type-",
    "x-dns-",
    "x-figshift-",
    "x-forwarded-",
    "x-frame-",
    "x-lighttpd-",
    "x-permitted-",
    "x-robots-",
    "x-sendfile",
    "x-ua-",
    "x-webkit-",
    "x-xss-",
];

/// Leaves what belongs to the answer, and nothing that acts.
pub(super) fn tame(headers: &mut HeaderMap) {
    let acts = |name: &&HeaderName| !is_tame(name.as_str());
    let names: Vec<_> = headers.keys().filter(acts).cloned().collect();
    for name in names {
        headers.remove(name);
    }
}

fn is_tame(name: &str) -> bool {
    let begins = |list: &[&str]| list.iter().any(|begin| name.starts_with(begin));
    OWN.contains(&name) || (begins(&MADE_UP) && !begins(&ACTS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_acts_is_not_tame() {
        for name in OWN
            .into_iter()
            .chain(["x-model", "openai-version", "x-ratelimit-reset"])
        {
            assert!(is_tame(name), "{name}");
        }
        for name in [
            "set-cookie",
            "location",
            "content-security-policy",
            "content-location",
            "x-accel-redirect",
            "x-sendfile",
            "x-figshift-reason",
            "server",
            "xylophone",
        ] {
            assert!(!is_tame(name), "{name}");
        }
    }
}
