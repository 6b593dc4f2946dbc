//! A share with two decimals.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::read::{Given, Refusal, Scalar, deserialize_scalar};

/// A share in hundredths of a percent, 0 to 10 000.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Percent(u16);

impl Percent {
    /// Hundredths of a percent that make the whole.
    pub const WHOLE: u16 = 10_000;

    /// A share in hundredths of a percent; more than the whole becomes the whole.
    pub const fn from_hundredths(hundredths: u16) -> Self {
        if hundredths > Self::WHOLE {
            Self(Self::WHOLE)
        } else {
            Self(hundredths)
        }
    }

    /// The share in hundredths of a percent, 0 to 10 000.
    pub const fn hundredths(self) -> u16 {
        self.0
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.0 / 100, self.0 % 100);
        match (rest, rest % 10) {
            (0, _) => write!(f, "{whole}"),
            (_, 0) => write!(f, "{whole}.{}", rest / 10),
            _ => write!(f, "{whole}.{rest:02}"),
        }
    }
}

impl Scalar for Percent {
    const EXPECTS: &'static str = "a percent from 0 to 100, such as 10 or 12.5";

    fn read(given: Given<'_>) -> Result<Self, Refusal> {
        let number = match given {
            Given::Integer(number) if (0..=100).contains(&number) => {
                return Ok(Self(u16::try_from(number * 100).unwrap_or(Self::WHOLE)));
            }
            Given::Integer(_) => return Err(out_of_range()),
            Given::Float(number) => number,
            Given::Text(_) => {
                return Err(Refusal::new(
                    "is a string, not a percent",
                    "write a number from 0 to 100 without quotes, such as 10 or 12.5",
                ));
            }
        };
        if !(0.0..=100.0).contains(&number) {
            return Err(out_of_range());
        }
        let hundredths = (number * 100.0).round();
        // 12.34 has no exact binary form; a third decimal is at least 0.1 away.
        if (number * 100.0 - hundredths).abs() > 1e-6 {
            return Err(Refusal::new(
                "has more than two decimals",
                "the finest step is 0.01",
            ));
        }
        // In 0..=10000 and whole, so the cast is exact.
        Ok(Self(hundredths as u16))
    }
}

fn out_of_range() -> Refusal {
    Refusal::new(
        "is not a percent",
        "write a number from 0 to 100; 10 means 10 %",
    )
}

deserialize_scalar!(Percent);

/// For flags of commands, where a number is text: `12.5` or `12.5%`.
impl FromStr for Percent {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        let number = text.strip_suffix('%').unwrap_or(text).trim();
        let number = number.parse().map_err(|_| out_of_range())?;
        Self::read(Given::Float(number))
    }
}

impl JsonSchema for Percent {
    fn schema_name() -> Cow<'static, str> {
        "Percent".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "number",
            "format": "figshift-percent",
            "minimum": 0,
            "maximum": 100,
            "description": "A share in percent, 0 to 100, at most two decimals.",
            "examples": [10, 12.5, 0.25],
        })
    }
}
