//! Sets of HTTP statuses.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer};

use super::read::{Given, Refusal, Scalar, text_scalar};

/// A set of HTTP statuses, written `["502", "503", "500-599"]`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StatusSet(Vec<(u16, u16)>);

/// The statuses that a backend can send.
const LOWEST: u16 = 100;
const HIGHEST: u16 = 599;

impl StatusSet {
    /// These single statuses.
    pub fn of(statuses: &[u16]) -> Self {
        Self::from_spans(statuses.iter().map(|status| (*status, *status)).collect())
    }

    /// All statuses from `first` to `last`, both included.
    pub fn range(first: u16, last: u16) -> Self {
        Self::from_spans(vec![(first.min(last), first.max(last))])
    }

    /// Those by which a service answers a request that it need not know. A redirect, 400, 401 and 403 are not
    /// among them: that is how a wall before a service answers.
    pub fn answered() -> Self {
        Self::from_spans(vec![(200, 299), (404, 405)])
    }

    /// Whether the status is in the set.
    pub fn contains(&self, status: u16) -> bool {
        self.0
            .iter()
            .any(|(first, last)| (*first..=*last).contains(&status))
    }

    /// Whether no status is in the set.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The ranges, both ends included, in order, apart from each other.
    pub fn ranges(&self) -> &[(u16, u16)] {
        &self.0
    }

    /// Sorts and joins, so that equal sets are equal however they were written.
    fn from_spans(mut spans: Vec<(u16, u16)>) -> Self {
        spans.sort_unstable();
        let mut joined: Vec<(u16, u16)> = Vec::with_capacity(spans.len());
        for (first, last) in spans {
            match joined.last_mut() {
                Some(open) if first <= open.1.saturating_add(1) => open.1 = open.1.max(last),
                _ => joined.push((first, last)),
            }
        }
        Self(joined)
    }
}

impl fmt::Display for StatusSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (first, last)) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            if first == last {
                write!(f, "{comma}{first}")?;
            } else {
                write!(f, "{comma}{first}-{last}")?;
            }
        }
        Ok(())
    }
}

impl<'de> Deserialize<'de> for StatusSet {
    fn deserialize<D: Deserializer<'de>>(de: D) -> Result<Self, D::Error> {
        let spans = Vec::<Span>::deserialize(de)?;
        let spans = spans.into_iter().map(|span| (span.0, span.1)).collect();
        Ok(Self::from_spans(spans))
    }
}

impl JsonSchema for StatusSet {
    fn schema_name() -> Cow<'static, str> {
        "StatusSet".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "array",
            "items": {
                "type": ["string", "integer"],
                "format": "figshift-status",
                "minimum": LOWEST,
                "maximum": HIGHEST,
                "pattern": "^(\\$\\{.*|[1-5]xx|[1-5][0-9][0-9](-[1-5][0-9][0-9])?)$",
                "examples": ["502", "500-599", "5xx"],
            },
            "description": "A set of HTTP statuses.",
            "examples": [["502", "503", "504"], ["500-599"]],
        })
    }
}

/// One element of the set as written: both ends included.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span(u16, u16);

impl Scalar for Span {
    const EXPECTS: &'static str =
        "a status such as \"502\", a range \"500-599\" or a class \"5xx\"";

    fn read(given: Given<'_>) -> Result<Self, Refusal> {
        let (first, last) = match given {
            Given::Integer(number) => {
                let status = u16::try_from(number).map_err(|_| not_one())?;
                (status, status)
            }
            Given::Float(_) => return Err(not_one()),
            Given::Text(text) => parse(text.trim())?,
        };
        if first < LOWEST || last > HIGHEST {
            return Err(not_one());
        }
        if first > last {
            return Err(Refusal::new(
                "is an empty range of statuses",
                "write the lower status first, such as \"500-599\"",
            ));
        }
        Ok(Self(first, last))
    }
}

fn parse(text: &str) -> Result<(u16, u16), Refusal> {
    let number = |digits: &str| digits.trim().parse::<u16>().map_err(|_| not_one());
    if let Some(class) = text.strip_suffix("xx").or_else(|| text.strip_suffix("XX")) {
        let first = number(class)?.checked_mul(100).ok_or_else(not_one)?;
        return Ok((first, first.saturating_add(99)));
    }
    match text.split_once('-') {
        Some((first, last)) => Ok((number(first)?, number(last)?)),
        None => number(text).map(|status| (status, status)),
    }
}

fn not_one() -> Refusal {
    Refusal::new(
        "is not an HTTP status",
        "write a status from 100 to 599 (\"502\"), a range (\"500-599\") or a class (\"5xx\")",
    )
}

text_scalar!(Span);
