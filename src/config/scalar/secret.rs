//! A text that nobody may see.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::credential::Credential;
use super::read::{Given, Refusal, Scalar, text_scalar};

/// A token. Its `Debug` tells nothing, and it has no `Display`, so it cannot get into a log by accident.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// How the schema marks it.
    pub(in crate::config) const FORMAT: &'static str = "figshift-secret";
    /// Fewer characters could be guessed.
    pub const SHORTEST: usize = 16;

    /// The text, for a comparison or a request. Keep it out of everything that is shown.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Nothing was given: nobody can know it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Whether nobody may see what a key of this `format` has.
pub(in crate::config) fn is_hidden(format: &str) -> bool {
    [Secret::FORMAT, Credential::FORMAT].contains(&format)
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl Scalar for Secret {
    const EXPECTS: &'static str = "a token of at least 16 characters, such as \"${file:/path}\"";

    fn read(given: Given<'_>) -> Result<Self, Refusal> {
        let Given::Text(text) = given else {
            return Err(Refusal::new("is not a string", "put it in quotes"));
        };
        // It travels in a header.
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Refusal::new(
                "has a space or a character beyond ASCII",
                "make one of letters and digits, such as by `openssl rand -hex 32`",
            ));
        }
        if !text.is_empty() && text.len() < Self::SHORTEST {
            return Err(Refusal::new(
                "is shorter than 16 characters",
                "make one that nobody guesses, such as by `openssl rand -hex 32`",
            ));
        }
        Ok(Self(text.to_owned()))
    }
}

text_scalar!(Secret);

impl JsonSchema for Secret {
    fn schema_name() -> Cow<'static, str> {
        "Secret".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "format": Self::FORMAT,
            "description": "A token of at least 16 visible ASCII characters; empty: nobody has it.",
            "examples": ["${file:/run/secrets/figshift-token}"],
        })
    }
}
