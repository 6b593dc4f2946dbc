//! A number of bytes with its unit.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::read::{Given, Refusal, Scalar, text_scalar};

/// A number of bytes, written `"64KiB"`, `"1MiB"`, `"10kB"` or a plain number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size(usize);

const UNITS: [(&str, u64); 7] = [
    ("GiB", 1 << 30),
    ("GB", 1_000_000_000),
    ("MiB", 1 << 20),
    ("MB", 1_000_000),
    ("KiB", 1 << 10),
    ("kB", 1_000),
    ("B", 1),
];

impl Size {
    /// So many bytes.
    pub const fn from_bytes(bytes: usize) -> Self {
        Self(bytes)
    }

    /// So many KiB (1024 bytes).
    pub const fn kib(kib: usize) -> Self {
        Self(kib.saturating_mul(1024))
    }

    /// The number of bytes.
    pub const fn bytes(self) -> usize {
        self.0
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.0 as u64;
        let exact = UNITS
            .iter()
            .find(|(_, unit)| bytes > 0 && bytes.is_multiple_of(*unit));
        match exact {
            Some((name, unit)) => write!(f, "{}{name}", bytes / unit),
            None => write!(f, "{bytes}B"),
        }
    }
}

impl Scalar for Size {
    const EXPECTS: &'static str = "a size such as \"64KiB\", or a number of bytes";

    fn read(given: Given<'_>) -> Result<Self, Refusal> {
        match given {
            Given::Integer(number) => usize::try_from(number)
                .map(Self)
                .map_err(|_| Refusal::new("is not a size", "a size is 0 or more bytes")),
            Given::Float(_) => Err(not_one()),
            Given::Text(text) => parse(text.trim()),
        }
    }
}

fn parse(text: &str) -> Result<Size, Refusal> {
    let unit_at = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (digits, unit) = text.split_at(unit_at);
    let unit = unit.trim();
    let factor = match UNITS.iter().find(|(name, _)| *name == unit) {
        Some((_, factor)) => *factor,
        None if unit.is_empty() && !digits.is_empty() => 1,
        None => return Err(not_one()),
    };
    if digits.is_empty() {
        return Err(not_one());
    }
    digits
        .parse::<u64>()
        .ok()
        .and_then(|count| count.checked_mul(factor))
        .and_then(|bytes| usize::try_from(bytes).ok())
        .map(Size)
        .ok_or_else(|| Refusal::new("is too large for a size", "write a smaller number"))
}

fn not_one() -> Refusal {
    Refusal::new(
        "is not a size",
        "write a whole number and a unit (B, kB, KiB, MB, MiB, GB, GiB), such as \"64KiB\"",
    )
}

text_scalar!(Size);

impl JsonSchema for Size {
    fn schema_name() -> Cow<'static, str> {
        "Size".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": ["string", "integer"],
            "format": "figshift-size",
            "minimum": 0,
            "pattern": "^(\\$\\{.*|[0-9]+ *(B|kB|KiB|MB|MiB|GB|GiB)?)$",
            "description": "A number of bytes, with a unit or plain.",
            "examples": ["64KiB", "1MiB", 65536],
        })
    }
}
