//! The digest of a certificate or a key.

use std::borrow::Cow;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::read::{Given, Refusal, Scalar, text_scalar};

/// A SHA-256, written `"sha256:"` and 64 hexadecimal digits or 44 characters of Base64.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Pin([u8; 32]);

const PREFIX: &str = "sha256:";

impl Pin {
    /// The digest.
    pub fn digest(self) -> [u8; 32] {
        self.0
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(PREFIX)?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl Scalar for Pin {
    const EXPECTS: &'static str = "a SHA-256 such as \"sha256:9f86d0…\"";

    fn read(given: Given<'_>) -> Result<Self, Refusal> {
        let refusal = |message: &str| {
            let hint = "write \"sha256:\" and the digest of the certificate or of its public key, \
                        in hexadecimal or Base64";
            Refusal::new(message, hint)
        };
        let Given::Text(text) = given else {
            return Err(refusal("is not a string"));
        };
        let Some(digest) = text.trim().strip_prefix(PREFIX) else {
            return Err(refusal("does not say which digest it is"));
        };
        let digest = hexadecimal(digest).or_else(|| STANDARD.decode(digest).ok());
        let digest = digest.and_then(|bytes| bytes.try_into().ok());
        digest
            .map(Self)
            .ok_or_else(|| refusal("is not a SHA-256: that has 64 hexadecimal digits"))
    }
}

/// Digits in pairs; colons between them are how openssl shows a digest.
fn hexadecimal(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text.bytes().filter(|byte| *byte != b':').collect();
    if digits.len() != 64 {
        return None;
    }
    let pairs = digits.chunks(2);
    pairs
        .map(|pair| u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}

text_scalar!(Pin);

impl JsonSchema for Pin {
    fn schema_name() -> Cow<'static, str> {
        "Pin".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "format": "figshift-pin",
            "description": "The SHA-256 of a certificate or of its public key (SubjectPublicKeyInfo), in hexadecimal or Base64.",
            "examples": ["sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_say_the_same() {
        let hex = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
        let colons = hex
            .as_bytes()
            .chunks(2)
            .map(|pair| str::from_utf8(pair).unwrap());
        let colons = colons.collect::<Vec<_>>().join(":").to_uppercase();
        let base64 = "n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=";
        let read = |text: &str| Pin::read(Given::Text(&format!("{PREFIX}{text}"))).ok();
        let pin = read(hex).unwrap();
        assert_eq!((read(&colons), read(base64)), (Some(pin), Some(pin)));
        assert_eq!(format!("{pin:?}"), format!("{PREFIX}{hex}"));
        for wrong in [
            "",
            "9f",
            "86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "n4bQ",
            "zz86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
        assert!(Pin::read(Given::Text(hex)).is_err());
        assert!(Pin::read(Given::Integer(1)).is_err());
    }
}
