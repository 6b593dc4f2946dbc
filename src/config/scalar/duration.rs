//! A span of time with its unit.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::read::{Given, Refusal, Scalar, text_scalar};

/// A span of time, written `"250ms"`, `"2s"`, `"1m30s"`, `"1h"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Duration(std::time::Duration);

/// The units from large to small, in milliseconds. `ms` stands before `m` and `s` when matched.
const UNITS: [(&str, u64); 5] = [
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

/// Beyond a year a span is a slip of the keyboard, and adding it to a clock could overflow.
const LONGEST_MS: u64 = 366 * 86_400_000;

impl Duration {
    /// So many seconds.
    pub const fn from_secs(secs: u64) -> Self {
        Self(std::time::Duration::from_secs(secs))
    }

    /// So many milliseconds.
    pub const fn from_millis(millis: u64) -> Self {
        Self(std::time::Duration::from_millis(millis))
    }

    /// As the standard library's type.
    pub const fn get(self) -> std::time::Duration {
        self.0
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0.as_millis();
        if rest == 0 {
            return f.write_str("0s");
        }
        for (unit, millis) in UNITS {
            let count = rest / u128::from(millis);
            rest %= u128::from(millis);
            if count > 0 {
                write!(f, "{count}{unit}")?;
            }
        }
        Ok(())
    }
}

impl Scalar for Duration {
    const EXPECTS: &'static str =
        "a duration in quotes with its unit, such as \"250ms\", \"2s\" or \"1m30s\"";

    fn read(given: Given<'_>) -> Result<Self, Refusal> {
        match given {
            Given::Text(text) => parse(text),
            Given::Integer(number) => Err(no_unit(
                &format!("\"{number}s\""),
                &format!("\"{number}ms\""),
            )),
            Given::Float(_) => Err(no_unit("\"2s\"", "\"1500ms\"")),
        }
    }
}

fn no_unit(first: &str, second: &str) -> Refusal {
    Refusal::new(
        "is not a duration: it has no unit",
        format!("add the unit and quotes, such as {first} or {second}"),
    )
}

fn parse(text: &str) -> Result<Duration, Refusal> {
    let mut rest = text.trim();
    let mut total: u64 = 0;
    let mut smallest = u64::MAX;
    if rest.is_empty() {
        return Err(not_one());
    }
    while !rest.is_empty() {
        let (count, unit, tail) = part(rest)?;
        if unit >= smallest {
            return Err(Refusal::new(
                "is not a duration: its units are not in order",
                "write each unit once, from large to small: \"1m30s\"",
            ));
        }
        smallest = unit;
        total = count
            .checked_mul(unit)
            .and_then(|millis| total.checked_add(millis))
            .filter(|millis| *millis <= LONGEST_MS)
            .ok_or_else(|| Refusal::new("is too long for a duration", "the longest is \"366d\""))?;
        rest = tail;
    }
    Ok(Duration::from_millis(total))
}

/// Splits one `30s` off the front: the count, the unit in milliseconds, and the rest.
fn part(text: &str) -> Result<(u64, u64, &str), Refusal> {
    let is_digit = |c: char| c.is_ascii_digit();
    let unit_at = text.find(|c| !is_digit(c)).unwrap_or(text.len());
    let (digits, tail) = text.split_at(unit_at);
    let next = tail.find(is_digit).unwrap_or(tail.len());
    let (unit, tail) = tail.split_at(next);
    if digits.is_empty() {
        return Err(not_one());
    }
    if unit.is_empty() {
        return Err(no_unit("\"2s\"", "\"250ms\""));
    }
    if unit == "." {
        return Err(Refusal::new(
            "is not a duration: it has a fraction",
            "use a smaller unit, such as \"1500ms\" for one and a half seconds",
        ));
    }
    let Some((_, millis)) = UNITS.iter().find(|(name, _)| *name == unit) else {
        return Err(Refusal::new(
            "is not a duration: its unit is unknown",
            "the units are ms, s, m, h and d, without spaces: \"1m30s\"",
        ));
    };
    let count = digits
        .parse()
        .map_err(|_| Refusal::new("is too long for a duration", "the longest is \"366d\""))?;
    Ok((count, *millis, tail))
}

fn not_one() -> Refusal {
    Refusal::new(
        "is not a duration",
        "write a number and a unit (ms, s, m, h, d), such as \"250ms\" or \"1m30s\"",
    )
}

text_scalar!(Duration);

impl JsonSchema for Duration {
    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "format": "figshift-duration",
            "pattern": "^(\\$\\{.*|([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?)$",
            "description": "A span of time: numbers with the units ms, s, m, h, d.",
            "examples": ["250ms", "2s", "1m30s", "1h"],
        })
    }
}
