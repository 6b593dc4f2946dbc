//! An amount of money.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::read::{Given, Refusal, Scalar, deserialize_scalar};

/// Dollars, from 0 to [`Dollars::MOST`].
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Dollars(f64);

impl Dollars {
    /// Beyond it somebody has slipped.
    pub const MOST: f64 = 1_000_000.0;

    /// The amount.
    pub const fn get(self) -> f64 {
        self.0
    }
}

impl fmt::Display for Dollars {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Scalar for Dollars {
    const EXPECTS: &'static str = "an amount in dollars, such as 3.2";

    fn read(given: Given<'_>) -> Result<Self, Refusal> {
        let amount = match given {
            Given::Integer(amount) => amount as f64,
            Given::Float(amount) => amount,
            Given::Text(_) => {
                return Err(Refusal::new(
                    "is a string, not an amount",
                    "write the dollars as a number without quotes, such as 3.2",
                ));
            }
        };
        // NaN is in no range.
        if (0.0..=Self::MOST).contains(&amount) {
            return Ok(Self(amount));
        }
        Err(Refusal::new(
            "is no amount that makes sense",
            "write dollars from 0 to 1000000, such as 3.2",
        ))
    }
}

deserialize_scalar!(Dollars);

impl JsonSchema for Dollars {
    fn schema_name() -> Cow<'static, str> {
        "Dollars".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "number",
            "format": "figshift-dollars",
            "minimum": 0,
            "maximum": Self::MOST,
            "description": "An amount in dollars.",
            "examples": [3.2, 80],
        })
    }
}
