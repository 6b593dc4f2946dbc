//! The OpenFeature Remote Evaluation Protocol (OFREP), as far as one flag that holds a number needs it.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

use super::said::short;
use crate::config::model::Flag;
use crate::outbound::{Answer, NoAnswer};

/// What the protocol wants to know of whoever asks.
#[derive(Debug, Serialize)]
pub(super) struct Request<'a> {
    context: Context<'a>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Context<'a> {
    /// One for the whole house, or a flag that is rolled out by user would flap.
    targeting_key: &'a str,
    route: &'a str,
}

impl<'a> Request<'a> {
    pub(super) fn of(route: &'a str) -> Self {
        let targeting_key = "figshift";
        Self {
            context: Context {
                targeting_key,
                route,
            },
        }
    }
}

/// Where the flag is evaluated.
pub(super) fn url(flag: &Flag) -> String {
    let base = flag.url.trim_end_matches('/');
    format!("{base}/ofrep/v1/evaluate/flags/{}", flag.key)
}

/// Why there is no value to use.
#[derive(Debug, Clone)]
pub(super) struct Trouble {
    /// What it is; another trouble is worth another line.
    pub(super) what: String,
    /// In the words of the service, which may differ each time.
    details: String,
}

impl Trouble {
    fn new(what: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            details: String::new(),
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.details {
            "" => f.write_str(&self.what),
            details => write!(f, "{}: {details}", self.what),
        }
    }
}

/// The percent that the flag says, 0 to 100.
pub(super) fn read(answer: Result<Answer, NoAnswer>) -> Result<f64, Trouble> {
    let Answer { status, body, .. } =
        answer.map_err(|no_answer| Trouble::new(no_answer.to_string()))?;
    let body = serde_json::from_slice::<Value>(&body);
    match (status, body) {
        (200, Ok(body)) => percent(body.get("value")).map_err(Trouble::new),
        (200, Err(_)) => Err(Trouble::new("the answer is not JSON")),
        (_, body) => Err(refusal(status, &body.unwrap_or_default())),
    }
}

fn percent(value: Option<&Value>) -> Result<f64, String> {
    let kind = match value {
        Some(Value::Number(number)) => {
            let percent = number.as_f64().filter(|n| (0.0..=100.0).contains(n));
            return percent.ok_or_else(|| format!("its value {number} is not from 0 to 100"));
        }
        // By the protocol: whoever asks has a default.
        None | Some(Value::Null) => "has no value: is it switched off?",
        Some(Value::String(_)) => "is a string, not a number",
        Some(Value::Bool(_)) => "is a boolean, not a number",
        Some(Value::Array(_) | Value::Object(_)) => "is an object, not a number",
    };
    Err(format!("the flag {kind}"))
}

fn refusal(status: u16, body: &Value) -> Trouble {
    let text = |name: &str| short(body.get(name).and_then(Value::as_str).unwrap_or_default());
    let code = text("errorCode");
    let what = match (status, &*code) {
        (404, "FLAG_NOT_FOUND") => "there is no such flag".to_owned(),
        (404, "") => "status 404: is it the right `url`?".to_owned(),
        (401 | 403, _) => format!("status {status}: the token is not accepted"),
        (429, _) => "status 429: too many questions".to_owned(),
        (_, "") => format!("status {status}"),
        (_, code) => format!("status {status}, {code}"),
    };
    Trouble {
        what,
        details: text("errorDetails"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(status: u16, body: &str) -> Result<f64, String> {
        let answer = Answer {
            status,
            retry_after: None,
            headers: Default::default(),
            body: body.into(),
        };
        read(Ok(answer)).map_err(|trouble| trouble.to_string())
    }

    #[test]
    fn only_a_number_from_0_to_100_is_a_percent() {
        for (value, percent) in [
            ("0", 0.0),
            ("30", 30.0),
            ("12.34", 12.34),
            ("1e2", 100.0),
            ("-0", 0.0),
        ] {
            let body = format!(
                r#"{{"key": "k", "value": {value}, "reason": "STATIC", "variant": "v", "metadata": {{"x": 1}}}}"#
            );
            assert_eq!(said(200, &body), Ok(percent), "{value}");
        }
        for (value, part) in [
            ("250", "its value 250 is not from 0 to 100"),
            ("-0.01", "not from 0 to 100"),
            ("100.001", "not from 0 to 100"),
            ("1e300", "not from 0 to 100"),
            ("\"30\"", "a string"),
            ("true", "a boolean"),
            ("null", "no value"),
            ("[30]", "an object"),
            ("{\"percent\": 30}", "an object"),
            ("1e999", "not JSON"),
            ("NaN", "not JSON"),
        ] {
            let trouble = said(200, &format!(r#"{{"value": {value}}}"#)).unwrap_err();
            assert!(trouble.contains(part), "{value}: {trouble}");
        }
        for (body, part) in [
            ("", "not JSON"),
            ("<html>", "not JSON"),
            ("30", "no value"),
            (r#"{"key": "k", "reason": "DISABLED"}"#, "no value"),
        ] {
            let trouble = said(200, body).unwrap_err();
            assert!(trouble.contains(part), "{body}: {trouble}");
        }
    }

    #[test]
    fn refusals_are_told_by_what_they_are() {
        let not_found =
            r#"{"key": "k", "errorCode": "FLAG_NOT_FOUND", "errorDetails": "k\nis not here"}"#;
        let trouble = said(404, not_found).unwrap_err();
        assert_eq!(trouble, "there is no such flag: k is not here");
        assert!(
            said(404, "404 page not found")
                .unwrap_err()
                .contains("`url`")
        );
        let invalid = r#"{"errorCode": "INVALID_CONTEXT", "errorDetails": "at 12:00:01"}"#;
        assert_eq!(
            said(400, invalid).unwrap_err(),
            "status 400, INVALID_CONTEXT: at 12:00:01"
        );
        assert!(said(401, "").unwrap_err().contains("token"));
        assert!(said(403, "").unwrap_err().contains("token"));
        assert!(said(429, "").unwrap_err().contains("too many"));
        // A value beside an error is none, and neither is one of a page that redirects.
        for status in [204, 302, 500, 503] {
            let trouble = said(status, r#"{"value": 30}"#).unwrap_err();
            assert_eq!(trouble, format!("status {status}"));
        }
    }

    #[test]
    fn the_key_is_the_end_of_the_path() {
        let flag = |url: &str| Flag {
            url: url.to_owned(),
            ..crate::config::parse(WHOLE, "test.toml", &crate::config::EmptyEnv)
                .unwrap()
                .routes[0]
                .flag
                .clone()
                .unwrap()
        };
        let end = "/ofrep/v1/evaluate/flags/vastai-percent";
        for base in ["http://flags:8016", "https://flags.example.com/tenant/7"] {
            assert_eq!(url(&flag(base)), format!("{base}{end}"));
            assert_eq!(url(&flag(&format!("{base}/"))), format!("{base}{end}"));
        }
        let request = serde_json::to_value(Request::of("chat")).unwrap();
        let context = serde_json::json!({ "targetingKey": "figshift", "route": "chat" });
        assert_eq!(request, serde_json::json!({ "context": context }));
    }

    const WHOLE: &str = r#"
        [listen]
        http = "127.0.0.1:0"
        [backends.a]
        endpoints = ["http://127.0.0.1:1"]
        [backends.b]
        endpoints = ["http://127.0.0.1:2"]
        [[routes]]
        name = "all"
        primary = "a"
        candidate = "b"
        flag = { url = "http://x", key = "vastai-percent" }
    "#;
}
