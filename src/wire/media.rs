//! What kind of thing a body is said to be.

use http::HeaderValue;

/// `application/json`, or what is written in it: `application/problem+json`.
pub fn is_json(kind: &HeaderValue) -> bool {
    let kind = kind.to_str().unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim();
    let essence = essence.to_ascii_lowercase();
    essence == "application/json" || essence.ends_with("+json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_has_many_names() {
        let is = |kind: &'static str| is_json(&HeaderValue::from_static(kind));
        for kind in [
            "application/json",
            "Application/JSON; charset=utf-8",
            "application/vnd.api+json",
        ] {
            assert!(is(kind), "{kind}");
        }
        for kind in [
            "",
            "text/json",
            "application/jsonl",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=application/json",
            "text/plain;application/json",
        ] {
            assert!(!is(kind), "{kind}");
        }
    }
}
