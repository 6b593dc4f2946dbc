//! A percentage of something, and percentage points: two units that are easily taken for each
//! other, so each has to be written.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::read::{Given, Refusal, Scalar, text_scalar};

/// A percentage of something, written `"5%"`, `"0.1%"`, with up to four decimals; 0 to 10 000 %.
/// It is kept exactly, in millionths of the whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Part(u32);

/// A difference of two percentages, written `"0.1pp"`, with up to four decimals; 0 to 100 points.
/// It is kept exactly, in millionths of the whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Points(u32);

/// Millionths in a percent, or in a percentage point.
const ONE: u32 = 10_000;
const DECIMALS: usize = 4;
const LARGEST_PART: u32 = 10_000 * ONE;
const LARGEST_POINTS: u32 = 100 * ONE;

impl Part {
    /// So many millionths of the whole: 10 000 are 1 %.
    pub const fn from_millionths(millionths: u32) -> Self {
        Self(millionths)
    }

    /// In millionths of the whole.
    pub const fn millionths(self) -> u32 {
        self.0
    }

    /// As a part of 1: 0.05 for `"5%"`. 0 or more; above 1 for more than `"100%"`.
    pub fn as_part(self) -> f64 {
        f64::from(self.0) / 1e6
    }
}

impl Points {
    /// So many millionths of the whole: 10 000 are one percentage point.
    pub const fn from_millionths(millionths: u32) -> Self {
        Self(millionths)
    }

    /// In millionths of the whole.
    pub const fn millionths(self) -> u32 {
        self.0
    }

    /// As a part of 1: 0.001 for `"0.1pp"`. 0 to 1.
    pub fn as_part(self) -> f64 {
        f64::from(self.0) / 1e6
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show(self.0, "%", f)
    }
}

impl fmt::Display for Points {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show(self.0, "pp", f)
    }
}

fn show(millionths: u32, unit: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let (whole, rest) = (millionths / ONE, millionths % ONE);
    if rest == 0 {
        return write!(f, "{whole}{unit}");
    }
    let decimals = format!("{rest:04}");
    write!(f, "{whole}.{}{unit}", decimals.trim_end_matches('0'))
}

impl Scalar for Part {
    const EXPECTS: &'static str = "a percentage in quotes, such as \"5%\" or \"0.1%\"";

    fn read(given: Given<'_>) -> Result<Self, Refusal> {
        let text = match given {
            Given::Text(text) => text.trim(),
            Given::Integer(number) => return Err(no_unit(&format!("\"{number}%\""))),
            Given::Float(_) => return Err(no_unit("\"5%\" is five in a hundred")),
        };
        if text.ends_with("pp") {
            return Err(Refusal::new(
                "is in percentage points, not in percent",
                "only margins of errors are in percentage points: write \"5%\" here",
            ));
        }
        let Some(number) = text.strip_suffix('%') else {
            return Err(no_unit("\"5%\""));
        };
        let shape = "write a number and the percent sign, such as \"5%\" or \"0.1%\"";
        millionths(number, shape, LARGEST_PART, "10000%").map(Self)
    }
}

impl Scalar for Points {
    const EXPECTS: &'static str = "percentage points in quotes, such as \"0.1pp\"";

    fn read(given: Given<'_>) -> Result<Self, Refusal> {
        let text = match given {
            Given::Text(text) => text.trim(),
            Given::Integer(number) => return Err(no_unit(&format!("\"{number}pp\""))),
            Given::Float(_) => return Err(no_unit("\"0.1pp\" is one in a thousand")),
        };
        if text.ends_with('%') {
            return Err(Refusal::new(
                "is in percent, not in percentage points",
                "say \"0.1pp\": an error rate of 0.5 % may then become 0.6 %",
            ));
        }
        let Some(number) = text.strip_suffix("pp") else {
            return Err(no_unit("\"0.1pp\""));
        };
        let shape = "write a number and `pp`, such as \"0.1pp\"";
        millionths(number, shape, LARGEST_POINTS, "100pp").map(Self)
    }
}

fn no_unit(example: &str) -> Refusal {
    Refusal::new(
        "has no unit",
        format!("add the unit, and quotes around both: {example}"),
    )
}

/// Reads `12.5` exactly; a number that came through a float would not be.
fn millionths(number: &str, shape: &str, largest: u32, shown: &str) -> Result<u32, Refusal> {
    let number = number.trim_end();
    let (whole, decimals) = number.split_once('.').unwrap_or((number, "0"));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !is_number(whole) || !is_number(decimals) {
        return Err(Refusal::new("is not a number with its unit", shape));
    }
    if decimals.len() > DECIMALS {
        return Err(Refusal::new(
            "has more than four decimals",
            "the finest step is 0.0001",
        ));
    }
    let digits = format!("{whole}{decimals:0<DECIMALS$}");
    let read = digits
        .parse()
        .ok()
        .filter(|millionths| *millionths <= largest);
    read.ok_or_else(|| {
        let hint = format!("the most that can be written is \"{shown}\"");
        Refusal::new("is too much", hint)
    })
}

text_scalar!(Part);
text_scalar!(Points);

impl JsonSchema for Part {
    fn schema_name() -> Cow<'static, str> {
        "Part".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "format": "figshift-part",
            "pattern": "^(\\$\\{.*|[0-9]+(\\.[0-9]{1,4})? *%)$",
            "description": "A percentage, with the percent sign and at most four decimals.",
            "examples": ["5%", "0.1%"],
        })
    }
}

impl JsonSchema for Points {
    fn schema_name() -> Cow<'static, str> {
        "Points".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "format": "figshift-points",
            "pattern": "^(\\$\\{.*|[0-9]+(\\.[0-9]{1,4})? *pp)$",
            "description": "Percentage points, with `pp` and at most four decimals: 0.1pp more than 0.5 % is 0.6 %.",
            "examples": ["0.1pp", "0.5pp"],
        })
    }
}
