//! What a message comes with, when it is tried out.

use http::header::{HeaderMap, HeaderName, HeaderValue};

use crate::adapt::Val;

/// What a request is called, if nobody says it.
pub(super) const REQUEST_ID: &str = "0000";

/// What a message comes with.
#[derive(Debug, Default)]
pub(super) struct Given {
    /// What the names of the path stand for, as plain text.
    pub(super) path: Vec<(String, String)>,
    /// The query, as plain text.
    pub(super) query: Vec<(String, String)>,
    pub(super) headers: HeaderMap,
    /// Of the response.
    pub(super) status: Option<u16>,
    /// The body of the request to which it responds.
    pub(super) request: Vec<u8>,
    pub(super) request_id: String,
    /// Seconds of Unix time.
    pub(super) time: u64,
}

impl Given {
    /// As a `.vars.json` says.
    ///
    /// # Errors
    ///
    /// It says something else.
    pub(super) fn of(vars: &Val) -> Result<Self, String> {
        let Val::Obj(fields) = vars else {
            return Err("this is no object".to_owned());
        };
        let mut given = Self {
            request_id: REQUEST_ID.to_owned(),
            ..Self::default()
        };
        for (key, value) in fields.iter() {
            let bad = |what: &str| format!("`{key}` is not {what}");
            match &**key {
                "path" => given.path = texts(value).ok_or_else(|| bad("an object of strings"))?,
                "query" => given.query = texts(value).ok_or_else(|| bad("an object of strings"))?,
                "headers" => {
                    given.headers = headers(value).ok_or_else(|| bad("of header lines"))?
                }
                "status" => given.status = Some(number(value).ok_or_else(|| bad("a status"))?),
                "time" => given.time = number(value).ok_or_else(|| bad("a whole number"))?,
                "request" => value.write(&mut given.request),
                "request_id" => {
                    given.request_id = value.as_str().ok_or_else(|| bad("a string"))?.to_owned();
                }
                _ => {
                    let known = "path, query, headers, status, request, request_id and time";
                    return Err(format!("there is no `{key}`\n    hint: there is {known}"));
                }
            }
        }
        Ok(given)
    }
}

fn texts(value: &Val) -> Option<Vec<(String, String)>> {
    let Val::Obj(fields) = value else {
        return None;
    };
    let pairs = fields.iter();
    let pairs = pairs.map(|(key, value)| Some((key.to_string(), value.as_str()?.to_owned())));
    pairs.collect()
}

fn headers(value: &Val) -> Option<HeaderMap> {
    let mut headers = HeaderMap::new();
    for (name, value) in texts(value)? {
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        headers.append(name, HeaderValue::from_str(&value).ok()?);
    }
    Some(headers)
}

fn number<T: TryFrom<i128>>(value: &Val) -> Option<T> {
    match value {
        Val::Num(number) => T::try_from(number.as_i128()?).ok(),
        _ => None,
    }
}
