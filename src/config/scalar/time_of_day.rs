//! When in the week: a time of the day, and a day.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

use super::read::{Given, Refusal, Scalar, text_scalar};

/// A time of the day, written `"09:00"`; `"24:00"` is the end of the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimeOfDay(u16);

impl TimeOfDay {
    /// The beginning of the day, `"00:00"`.
    pub const START: Self = Self(0);
    /// The end of the day, `"24:00"`.
    pub const END: Self = Self(24 * 60);

    /// So many minutes after midnight; more than a day becomes its end.
    pub const fn from_minutes(minutes: u16) -> Self {
        if minutes > Self::END.0 {
            Self::END
        } else {
            Self(minutes)
        }
    }

    /// Minutes after midnight, 0 to 1440.
    pub const fn minutes(self) -> u16 {
        self.0
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

impl Scalar for TimeOfDay {
    const EXPECTS: &'static str = "a time of the day in quotes, such as \"09:00\"";

    fn read(given: Given<'_>) -> Result<Self, Refusal> {
        let refusal = || {
            Refusal::new(
                "is not a time of the day",
                "write hours and minutes in quotes, from \"00:00\" to \"24:00\": \"09:30\", \"17:00\"",
            )
        };
        let Given::Text(text) = given else {
            return Err(refusal());
        };
        let two_digits = |text: &str| match text.as_bytes() {
            [tens @ b'0'..=b'9', ones @ b'0'..=b'9'] => {
                Some(u16::from(tens - b'0') * 10 + u16::from(ones - b'0'))
            }
            _ => None,
        };
        let (hours, minutes) = text.split_once(':').ok_or_else(refusal)?;
        let hours = two_digits(hours).ok_or_else(refusal)?;
        let minutes = two_digits(minutes).filter(|minutes| *minutes < 60);
        let time = Self(hours * 60 + minutes.ok_or_else(refusal)?);
        if time > Self::END {
            return Err(refusal());
        }
        Ok(time)
    }
}

text_scalar!(TimeOfDay);

impl JsonSchema for TimeOfDay {
    fn schema_name() -> Cow<'static, str> {
        "TimeOfDay".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "format": "figshift-time-of-day",
            "pattern": "^(\\$\\{.*|([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$",
            "description": "A time of the day, hours and minutes, 00:00 to 24:00.",
            "examples": ["09:00", "17:30"],
        })
    }
}

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Day {
    /// Monday.
    Mon,
    /// Tuesday.
    Tue,
    /// Wednesday.
    Wed,
    /// Thursday.
    Thu,
    /// Friday.
    Fri,
    /// Saturday.
    Sat,
    /// Sunday.
    Sun,
}

impl Day {
    /// The days from Monday to Friday.
    pub const WORKING: [Self; 5] = [Self::Mon, Self::Tue, Self::Wed, Self::Thu, Self::Fri];

    /// The day before.
    #[must_use]
    pub fn before(self) -> Self {
        match self {
            Self::Mon => Self::Sun,
            Self::Tue => Self::Mon,
            Self::Wed => Self::Tue,
            Self::Thu => Self::Wed,
            Self::Fri => Self::Thu,
            Self::Sat => Self::Fri,
            Self::Sun => Self::Sat,
        }
    }
}
