//! What somebody else has made for us to show.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::read::{Given, Refusal, Scalar, text_scalar};

/// A token or a password that others ask for, so its length is theirs to choose. Its `Debug` tells nothing, and it
/// has no `Display`, so it cannot get into a log by accident.
#[derive(Clone, PartialEq, Eq)]
pub struct Credential(String);

impl Credential {
    /// How the schema marks it.
    pub(in crate::config) const FORMAT: &'static str = "figshift-credential";

    /// The text, for a request. Keep it out of everything that is shown.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Nothing was given, so nothing is shown.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credential(…)")
    }
}

impl Scalar for Credential {
    const EXPECTS: &'static str = "a token or a password, such as \"${file:/path}\"";

    fn read(given: Given<'_>) -> Result<Self, Refusal> {
        let Given::Text(text) = given else {
            return Err(Refusal::new("is not a string", "put it in quotes"));
        };
        // It travels in a header. Spaces are for passwords of more than one word.
        if !text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
            return Err(Refusal::new(
                "has a control character or one beyond ASCII",
                "choose another one there, of letters, digits, signs and spaces; a file for `${file:...}` has \
                 one line",
            ));
        }
        if text.trim_matches(' ').len() < text.len() {
            return Err(Refusal::new(
                "begins or ends with a space",
                "a header would lose it: take it away, or choose another one there",
            ));
        }
        Ok(Self(text.to_owned()))
    }
}

text_scalar!(Credential);

impl JsonSchema for Credential {
    fn schema_name() -> Cow<'static, str> {
        "Credential".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "format": Self::FORMAT,
            "description": "A token or a password of visible ASCII characters, and spaces within.",
            "examples": ["${file:/run/secrets/portal-token}"],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_into_a_header_is_one() {
        for text in ["", "a", "hunter2", "vastai:pass word", "~!\"#$%&'()"] {
            let read: Credential = text.parse().unwrap();
            assert_eq!((read.expose(), read.is_empty()), (text, text.is_empty()));
            assert_eq!(format!("{read:?}"), "Credential(…)");
        }
        for text in ["ä", "a\nb", "a\n", "\t", " a", "a ", " ", "a\u{7f}"] {
            let refusal = text.parse::<Credential>().unwrap_err();
            assert!(refusal.hint.is_some(), "{text:?}");
        }
    }
}
