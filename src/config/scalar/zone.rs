//! A time zone by its name. The rules of all zones are part of the program: a container has none.

use std::borrow::Cow;
use std::fmt;
use std::time::SystemTime;

use jiff::Timestamp;
use jiff::civil::Weekday;
use jiff::tz::{TimeZone, db};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::read::{Given, Refusal, Scalar, text_scalar};
use super::{Day, TimeOfDay};

/// A time zone of the IANA database, written `"Europe/Berlin"`, `"UTC"`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone(TimeZone);

impl Zone {
    /// The zone without an offset, `"UTC"`.
    pub const UTC: Self = Self(TimeZone::UTC);

    /// Its name, as the database spells it.
    pub fn name(&self) -> &str {
        self.0.iana_name().unwrap_or("UTC")
    }

    /// The day and the time that a clock on the wall shows there, to the minute. `None` for moments
    /// beyond the year 9999.
    pub fn wall_clock(&self, at: SystemTime) -> Option<(Day, TimeOfDay)> {
        let local = self.0.to_datetime(Timestamp::try_from(at).ok()?);
        let day = match local.weekday() {
            Weekday::Monday => Day::Mon,
            Weekday::Tuesday => Day::Tue,
            Weekday::Wednesday => Day::Wed,
            Weekday::Thursday => Day::Thu,
            Weekday::Friday => Day::Fri,
            Weekday::Saturday => Day::Sat,
            Weekday::Sunday => Day::Sun,
        };
        let minutes =
            u16::try_from(local.hour()).ok()? * 60 + u16::try_from(local.minute()).ok()?;
        Some((day, TimeOfDay::from_minutes(minutes)))
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Scalar for Zone {
    const EXPECTS: &'static str = "the name of a time zone, such as \"Europe/Berlin\" or \"UTC\"";

    fn read(given: Given<'_>) -> Result<Self, Refusal> {
        let Given::Text(text) = given else {
            return Err(unknown(None));
        };
        let zone = db().get(text).ok();
        // `Etc/Unknown` is found, and is no zone.
        let zone = zone.filter(|zone| zone.iana_name().is_some());
        zone.map(Self).ok_or_else(|| unknown(near(text)))
    }
}

fn unknown(near: Option<String>) -> Refusal {
    let hint = match near {
        Some(near) => format!("did you mean \"{near}\"?"),
        None => "write \"UTC\", or an area and a city: \"Europe/Berlin\", \"America/New_York\""
            .to_owned(),
    };
    Refusal::new("is not a time zone", hint)
}

/// The zone that was probably meant: nearly the same name, or its city alone.
fn near(text: &str) -> Option<String> {
    const LONGEST: usize = 40;
    const MOST_SLIPS: usize = 3;
    if text.len() > LONGEST {
        return None;
    }
    let text = text.to_lowercase().replace(' ', "_");
    let slips = |name: &str| {
        let name = name.to_lowercase();
        let city = name.rsplit('/').next().unwrap_or(&name);
        let distance = strsim::damerau_levenshtein(&text, &name);
        let by_city = strsim::damerau_levenshtein(&text, city);
        let most = (text.len() / 4).min(MOST_SLIPS);
        let found = distance.min(by_city);
        (found <= most).then_some(found)
    };
    let names = db().available().map(|name| name.as_str().to_owned());
    let close = names.filter_map(|name| slips(&name).map(|slips| (slips, name)));
    close.min().map(|(_, name)| name)
}

text_scalar!(Zone);

impl JsonSchema for Zone {
    fn schema_name() -> Cow<'static, str> {
        "Zone".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "format": "figshift-zone",
            "description": "The name of a time zone in the IANA database.",
            "examples": ["UTC", "Europe/Berlin", "America/New_York"],
        })
    }
}
