//! Where a sticky key is read from.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::read::{Given, Refusal, Scalar, text_scalar};

/// Where a sticky key is read from, written `"header:x-user-id"`, `"cookie:sid"`, `"query:user"`, `"client_ip"`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StickyKey {
    /// The value of this request header (lower case).
    Header(String),
    /// The value of this cookie.
    Cookie(String),
    /// The value of this query parameter.
    Query(String),
    /// The client's address.
    ClientIp,
}

impl fmt::Display for StickyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header(name) => write!(f, "header:{name}"),
            Self::Cookie(name) => write!(f, "cookie:{name}"),
            Self::Query(name) => write!(f, "query:{name}"),
            Self::ClientIp => f.write_str("client_ip"),
        }
    }
}

impl Scalar for StickyKey {
    const EXPECTS: &'static str =
        "a sticky key: \"header:NAME\", \"cookie:NAME\", \"query:NAME\" or \"client_ip\"";

    fn read(given: Given<'_>) -> Result<Self, Refusal> {
        let Given::Text(text) = given else {
            return Err(not_one());
        };
        if text == "client_ip" {
            return Ok(Self::ClientIp);
        }
        let (kind, name) = text.split_once(':').ok_or_else(not_one)?;
        match kind {
            "header" if is_token(name) => Ok(Self::Header(name.to_ascii_lowercase())),
            "cookie" if is_token(name) => Ok(Self::Cookie(name.to_owned())),
            "query" if is_parameter(name) => Ok(Self::Query(name.to_owned())),
            "header" => Err(bad_name("header", "letters, digits and -_.")),
            "cookie" => Err(bad_name("cookie", "letters, digits and -_.")),
            "query" => Err(bad_name("query parameter", "anything but spaces and &=#")),
            _ => Err(not_one()),
        }
    }
}

/// A token of RFC 9110, which header and cookie names are.
pub(in crate::config) fn is_token(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}

fn is_parameter(name: &str) -> bool {
    let refused = |c: char| c.is_whitespace() || c.is_control() || "&=#".contains(c);
    !name.is_empty() && !name.contains(refused)
}

fn bad_name(what: &str, takes: &str) -> Refusal {
    Refusal::new(
        format!("does not name a valid {what}"),
        format!("a {what} name is not empty and takes {takes}"),
    )
}

fn not_one() -> Refusal {
    Refusal::new(
        "is not a sticky key",
        "write \"header:NAME\", \"cookie:NAME\", \"query:NAME\" or \"client_ip\"",
    )
}

text_scalar!(StickyKey);

impl JsonSchema for StickyKey {
    fn schema_name() -> Cow<'static, str> {
        "StickyKey".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "format": "figshift-sticky",
            "pattern": "^(\\$\\{.*|client_ip|(header|cookie|query):.+)$",
            "description": "Where the key of a user is read from.",
            "examples": ["header:x-user-id", "cookie:sid", "query:user", "client_ip"],
        })
    }
}
