//! What an answer means. A success is a good status and JSON that does not say `success: false`; all else is
//! trouble, and the body is asked before the status, since a wrong key can come as a 404.

use std::time::{Duration, SystemTime};

use http::HeaderMap;
use serde_json::Value;

use super::field::{line, text};
use super::trouble::{Trouble, TroubleKind as Kind};
use crate::outbound::{Answer, NoAnswer};

/// A quota ends at midnight UTC, so nobody waits longer.
const DAY: u64 = 24 * 60 * 60;
/// Of what a service says, nobody reads more.
const LONGEST: usize = 200;

/// Reads an answer.
///
/// # Errors
///
/// It is no success.
pub(super) fn read(
    asked: &'static str,
    answer: &Result<Answer, NoAnswer>,
    now: SystemTime,
) -> Result<Value, Trouble> {
    let answer = answer.as_ref().map_err(|none| no_answer(asked, none))?;
    let status = answer.status;
    let body: Option<Value> = serde_json::from_slice(&answer.body).ok();
    let trouble = |kind, said: String| {
        let trouble = Trouble::new(kind, asked, said).with_status(status);
        Err(trouble.with_wait(answer.retry_after))
    };
    let fine = (200..300).contains(&status);
    let Some(body) = body else {
        let said = match is_page(&answer.body) {
            true => "a page instead of JSON".to_owned(),
            false => line(&String::from_utf8_lossy(&answer.body), LONGEST),
        };
        return match status {
            429 => limited(asked, answer, None, said, now),
            _ if fine && answer.body.is_empty() => trouble(Kind::NotJson, "an empty answer".into()),
            _ if fine => trouble(Kind::NotJson, format!("not JSON: {said}")),
            403 => trouble(Kind::Edge, said),
            _ => trouble(by_status(status), elsewhere(&answer.headers, said)),
        };
    };
    let error = text(&body, "error");
    let says_no = body.get("success") == Some(&Value::Bool(false));
    if fine && !says_no {
        return match body {
            Value::Object(_) => Ok(body),
            _ => trouble(Kind::Odd, "not an object".into()),
        };
    }
    let said = said(&body);
    let lower = said.to_ascii_lowercase();
    let is_scope = ["permission", "scope", "not authorized", "not allowed"];
    let is_scope = is_scope.iter().any(|word| lower.contains(word));
    match error.as_deref() {
        Some("search_quota_exceeded" | "rate_limit_exceeded") => {
            limited(asked, answer, error.as_deref(), said, now)
        }
        _ if status == 429 => limited(asked, answer, error.as_deref(), said, now),
        Some("deprecated_endpoint") => trouble(Kind::Retired, said),
        Some("auth_error") if is_scope => trouble(Kind::Scope, said),
        Some("auth_error") => trouble(Kind::Key, said),
        _ if status == 404 && lower.contains("session expired") => trouble(Kind::Key, said),
        _ if status == 403 || status == 401 && is_scope => trouble(Kind::Scope, said),
        _ if fine => trouble(Kind::Refused, said),
        _ => trouble(by_status(status), elsewhere(&answer.headers, said)),
    }
}

fn by_status(status: u16) -> Kind {
    match status {
        300..=399 => Kind::Redirect,
        401 => Kind::Key,
        404 => Kind::NotFound,
        410 => Kind::Retired,
        408 | 500.. => Kind::Down,
        _ => Kind::Refused,
    }
}

fn no_answer(asked: &'static str, none: &NoAnswer) -> Trouble {
    let kind = match none {
        NoAnswer::Late(_) => Kind::Late,
        NoAnswer::Client(_) | NoAnswer::Broken(_) => Kind::Broken,
        NoAnswer::TooLong(_) => Kind::TooLong,
    };
    Trouble::new(kind, asked, none.to_string())
}

/// `auth_error: Invalid user key`, from whatever fields there are.
fn said(body: &Value) -> String {
    let words = ["msg", "message", "detail", "error_msg"];
    let words = words.iter().find_map(|name| text(body, name));
    let both = match (text(body, "error"), words) {
        (Some(error), Some(words)) => format!("{error}: {words}"),
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => "it says no, and not why".to_owned(),
    };
    line(&both, LONGEST)
}

fn limited(
    asked: &'static str,
    answer: &Answer,
    error: Option<&str>,
    said: String,
    now: SystemTime,
) -> Result<Value, Trouble> {
    let is_quota = error == Some("search_quota_exceeded");
    let kind = if is_quota { Kind::Quota } else { Kind::Limited };
    let until_reset = || reset(&answer.headers, now);
    let wait = match is_quota {
        true => until_reset().or_else(|| until_midnight(now)),
        false => answer.retry_after.or_else(until_reset),
    };
    let trouble = Trouble::new(kind, asked, said);
    Err(trouble.with_status(answer.status).with_wait(wait))
}

/// `X-RateLimit-Reset`: seconds since 1970, or milliseconds.
fn reset(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let at = headers.get("x-ratelimit-reset")?.to_str().ok()?;
    let at: f64 = at.trim().parse().ok()?;
    let at = if at > 1e11 { at / 1_000.0 } else { at };
    let at = Duration::try_from_secs_f64(at).ok()?;
    let now = now.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    Some(at.saturating_sub(now).min(Duration::from_secs(DAY)))
}

fn until_midnight(now: SystemTime) -> Option<Duration> {
    let now = now.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    Some(Duration::from_secs(DAY - now.as_secs() % DAY))
}

/// To whom a redirect leads, without its path and query.
fn elsewhere(headers: &HeaderMap, said: String) -> String {
    let to = headers.get(http::header::LOCATION);
    let to = to.and_then(|to| to.to_str().ok()?.parse::<http::Uri>().ok());
    match to.as_ref().and_then(http::Uri::host) {
        Some(host) => format!("it leads to {}", line(host, LONGEST)),
        None => said,
    }
}

fn is_page(body: &[u8]) -> bool {
    let begin = body.trim_ascii_start();
    begin.first() == Some(&b'<')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vast::Blame;

    const PATH: &str = "/api/v1/instances/";

    fn now() -> SystemTime {
        // 2026-11-27T12:00:00Z
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_780_800)
    }

    fn answer(status: u16, headers: &[(&'static str, &'static str)], body: &str) -> Answer {
        let headers = headers.iter().map(|(name, value)| {
            let value = http::HeaderValue::from_static(value);
            (http::HeaderName::from_static(name), value)
        });
        Answer {
            status,
            retry_after: None,
            headers: headers.collect(),
            body: body.into(),
        }
    }

    fn trouble(status: u16, body: &str) -> Trouble {
        read(PATH, &Ok(answer(status, &[], body)), now()).unwrap_err()
    }

    #[test]
    fn only_a_good_status_with_json_that_does_not_say_no_is_a_success() {
        for body in [
            r#"{"success": true}"#,
            r#"{"instances": []}"#,
            r#"{"success": null}"#,
        ] {
            assert!(
                read(PATH, &Ok(answer(200, &[], body)), now()).is_ok(),
                "{body}"
            );
        }
        for (body, kind, said) in [
            ("", Kind::NotJson, "an empty answer"),
            ("[]", Kind::Odd, "not an object"),
            ("null", Kind::Odd, "not an object"),
            (
                "{\"instances\": [{\"id\": 1",
                Kind::NotJson,
                "not JSON: {\"instances\": [{\"id\": 1",
            ),
            (
                "<!doctype html><p>x",
                Kind::NotJson,
                "not JSON: a page instead of JSON",
            ),
            (
                "SSH-2.0\r\n\u{1b}[2J",
                Kind::NotJson,
                "not JSON: SSH-2.0 [2J",
            ),
            (
                r#"{"success": false}"#,
                Kind::Refused,
                "it says no, and not why",
            ),
            (
                r#"{"success": false, "error": "resources_unavailable", "msg": "Required resources"}"#,
                Kind::Refused,
                "resources_unavailable: Required resources",
            ),
            (
                r#"{"success": false, "error": "auth_error"}"#,
                Kind::Key,
                "auth_error",
            ),
            (
                r#"{"success": false, "error": "rate_limit_exceeded", "msg": "slow"}"#,
                Kind::Limited,
                "rate_limit_exceeded: slow",
            ),
        ] {
            let trouble = trouble(200, body);
            assert_eq!(trouble.kind(), kind, "{body}");
            assert_eq!(trouble.to_string(), format!("{PATH}: 200: {said}"));
        }
        let long = trouble(200, &"ä".repeat(5_000)).to_string();
        assert!(long.chars().count() < 250, "{long}");
    }

    #[test]
    fn every_documented_refusal_is_told_apart() {
        for (status, body, kind) in [
            (
                401,
                r#"{"success":false,"error":"auth_error","msg":"Invalid user key"}"#,
                Kind::Key,
            ),
            (
                404,
                r#"{"success":false,"error":"auth_error","msg":"Invalid user key"}"#,
                Kind::Key,
            ),
            (
                404,
                r#"{"success":false,"msg":"Session expired. Log in again."}"#,
                Kind::Key,
            ),
            (401, "", Kind::Key),
            (
                401,
                r#"{"detail":"This key has no permission for instance_read"}"#,
                Kind::Scope,
            ),
            (
                401,
                r#"{"error":"auth_error","msg":"missing scope"}"#,
                Kind::Scope,
            ),
            (403, r#"{"success":false,"error":"forbidden"}"#, Kind::Scope),
            (403, "{}", Kind::Scope),
            (403, "<html><body>403 Forbidden</body></html>", Kind::Edge),
            (403, "", Kind::Edge),
            (
                410,
                r#"{"success": false, "error": "deprecated_endpoint", "msg": "/api/v0/instances/ is deprecated."}"#,
                Kind::Retired,
            ),
            (410, "gone", Kind::Retired),
            (
                400,
                r#"{"error":"invalid_request","msg":"dph_total is not a valid search key"}"#,
                Kind::Refused,
            ),
            (400, r#"{"error":"invalid_token"}"#, Kind::Refused),
            (404, r#"{"error":"not_found"}"#, Kind::NotFound),
            (404, "<html>", Kind::NotFound),
            (429, "API requests too frequent", Kind::Limited),
            (429, "", Kind::Limited),
            (
                429,
                r#"{"detail": "API requests too frequent endpoint threshold=1.0"}"#,
                Kind::Limited,
            ),
            (
                429,
                r#"{"success":false,"error":"rate_limit_exceeded","msg":"slow down"}"#,
                Kind::Limited,
            ),
            (
                429,
                r#"{"success":false,"error":"search_quota_exceeded"}"#,
                Kind::Quota,
            ),
            (308, "", Kind::Redirect),
            (500, r#"{"success":false,"error":"internal"}"#, Kind::Down),
            (502, "<html>", Kind::Down),
            (503, "", Kind::Down),
            (504, "", Kind::Down),
        ] {
            let trouble = trouble(status, body);
            assert_eq!(trouble.kind(), kind, "{status} {body}");
            assert_eq!(trouble.status(), Some(status));
            assert!(!trouble.hint().is_empty() && !trouble.kind().word().is_empty());
        }
        assert_eq!(trouble(403, "{}").blame(), Blame::Operator);
        assert!(!trouble(401, "").may_pass());
        assert!(trouble(429, "").may_pass() && trouble(403, "").may_pass());
        let there = answer(308, &[("location", "https://evil.example/x?api_key=1")], "");
        let redirect = read(PATH, &Ok(there), now()).unwrap_err().to_string();
        assert_eq!(redirect, format!("{PATH}: 308: it leads to evil.example"));
    }

    #[test]
    fn the_wait_of_a_429_is_told() {
        let wait = |retry: Option<u64>, reset: Option<&'static str>, body: &str| {
            let headers: Vec<_> = reset
                .map(|at| ("x-ratelimit-reset", at))
                .into_iter()
                .collect();
            let mut answer = answer(429, &headers, body);
            answer.retry_after = retry.map(Duration::from_secs);
            let trouble = read(PATH, &Ok(answer), now()).unwrap_err();
            trouble.retry_after().map(|wait| wait.as_secs())
        };
        let quota = r#"{"error":"search_quota_exceeded"}"#;
        assert_eq!(wait(None, None, ""), None);
        assert_eq!(wait(Some(7), None, ""), Some(7));
        assert_eq!(wait(Some(7), Some("1795780890"), "{}"), Some(7));
        assert_eq!(wait(None, Some("1795780890"), "{}"), Some(90));
        assert_eq!(wait(None, Some("1795780890.5"), quota), Some(90));
        assert_eq!(wait(None, Some("1795780890000"), quota), Some(90));
        assert_eq!(wait(None, Some("1"), quota), Some(0));
        assert_eq!(wait(None, None, quota), Some(12 * 3600));
        assert_eq!(wait(None, Some("soon"), quota), Some(12 * 3600));
        assert_eq!(wait(None, Some("99999999999"), quota), Some(DAY));
        assert_eq!(wait(None, Some("-1"), ""), None);
    }

    #[test]
    fn no_answer_is_told_without_the_url() {
        for (none, kind) in [
            (NoAnswer::Late(Duration::from_secs(20)), Kind::Late),
            (NoAnswer::Broken("refused".into()), Kind::Broken),
            (NoAnswer::Client("x".into()), Kind::Broken),
            (NoAnswer::TooLong(9), Kind::TooLong),
        ] {
            let trouble = read(PATH, &Err(none.clone()), now()).unwrap_err();
            assert_eq!(trouble.kind(), kind);
            assert_eq!(trouble.to_string(), format!("{PATH}: {none}"));
        }
    }
}
