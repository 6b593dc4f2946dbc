//! The scalars of guard and ramp: percentages, percentage points, days, times and zones.

use std::time::{Duration, SystemTime};

use crate::config::model::Schedule;
use crate::config::scalar::{Day, Given, Part, Points, Scalar, TimeOfDay, Zone};

#[test]
fn parts_are_exact() {
    let rows = [
        ("5%", 50_000, "5%"),
        ("0.1%", 1_000, "0.1%"),
        ("0.0001%", 1, "0.0001%"),
        ("12.5 %", 125_000, "12.5%"),
        ("00.10%", 1_000, "0.1%"),
        ("0%", 0, "0%"),
        ("10000%", 100_000_000, "10000%"),
    ];
    for (text, millionths, shown) in rows {
        let part: Part = text.parse().unwrap();
        assert_eq!(
            (part.millionths(), part.to_string().as_str()),
            (millionths, shown)
        );
        assert_eq!(shown.parse::<Part>().unwrap(), part);
    }
    assert_eq!("5%".parse::<Part>().unwrap().as_part(), 0.05);
    assert_eq!("150%".parse::<Part>().unwrap().as_part(), 1.5);
}

#[test]
fn points_are_exact() {
    let rows = [
        ("0.1pp", 1_000, "0.1pp"),
        ("0.5 pp", 5_000, "0.5pp"),
        ("1pp", 10_000, "1pp"),
        ("0.0001pp", 1, "0.0001pp"),
        ("100pp", 1_000_000, "100pp"),
    ];
    for (text, millionths, shown) in rows {
        let points: Points = text.parse().unwrap();
        assert_eq!(
            (points.millionths(), points.to_string().as_str()),
            (millionths, shown)
        );
        assert_eq!(shown.parse::<Points>().unwrap(), points);
    }
    assert_eq!("0.1pp".parse::<Points>().unwrap().as_part(), 0.001);
}

#[test]
fn units_are_not_guessed() {
    fn refused<T: Scalar + std::fmt::Debug>(given: Given<'_>) -> (String, String) {
        let refusal = T::read(given).unwrap_err();
        (refusal.message, refusal.hint.unwrap())
    }
    let rows = [
        ("5", "has no unit"),
        ("", "has no unit"),
        ("0.1pp", "in percentage points, not in percent"),
        ("%", "not a number"),
        ("-1%", "not a number"),
        ("+1%", "not a number"),
        ("1e2%", "not a number"),
        (".5%", "not a number"),
        ("5.%", "not a number"),
        ("1.2.3%", "not a number"),
        ("٣%", "not a number"),
        ("0.00001%", "four decimals"),
        ("10000.0001%", "too much"),
        ("99999999999999999999%", "too much"),
    ];
    for (text, message) in rows {
        let (said, hint) = refused::<Part>(Given::Text(text));
        assert!(said.contains(message), "{text}: {said}");
        assert!(
            hint.contains('%') || hint.contains("0.0001"),
            "{text}: {hint}"
        );
    }
    let (said, hint) = refused::<Points>(Given::Text("0.1%"));
    assert!(said.contains("in percent, not in percentage points"));
    assert!(hint.contains("\"0.1pp\""));
    for (text, message) in [
        ("0.1", "no unit"),
        ("pp", "not a number"),
        ("101pp", "too much"),
    ] {
        assert!(
            refused::<Points>(Given::Text(text)).0.contains(message),
            "{text}"
        );
    }
    assert!(refused::<Part>(Given::Integer(5)).1.contains("\"5%\""));
    assert!(refused::<Part>(Given::Float(0.05)).0.contains("no unit"));
    assert!(refused::<Points>(Given::Integer(1)).1.contains("\"1pp\""));
    assert!(refused::<Points>(Given::Float(0.1)).0.contains("no unit"));
}

#[test]
fn times_of_the_day() {
    for (text, minutes) in [
        ("00:00", 0),
        ("09:05", 545),
        ("23:59", 1439),
        ("24:00", 1440),
    ] {
        let time: TimeOfDay = text.parse().unwrap();
        assert_eq!((time.minutes(), time.to_string().as_str()), (minutes, text));
        assert_eq!(TimeOfDay::from_minutes(minutes), time);
    }
    assert_eq!(TimeOfDay::from_minutes(u16::MAX), TimeOfDay::END);
    let bad = [
        "", "9", "9:00", "09:60", "24:01", "25:00", "99:99", "09:00:00", "0900", "9 pm", "+9:00",
        "é:00",
    ];
    for bad in bad {
        assert!(bad.parse::<TimeOfDay>().is_err(), "{bad}");
    }
    assert!(TimeOfDay::read(Given::Integer(9)).is_err());
}

#[test]
fn days_go_around() {
    let mut day = Day::Mon;
    let mut seen = Vec::new();
    for _ in 0..7 {
        seen.push(day);
        day = day.before();
    }
    assert_eq!(day, Day::Mon);
    assert_eq!(&seen[1..3], [Day::Sun, Day::Sat]);
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 7);
}

#[test]
fn zones_are_known_by_name() {
    for name in [
        "UTC",
        "Europe/Berlin",
        "America/New_York",
        "Asia/Kolkata",
        "Etc/GMT+5",
    ] {
        assert_eq!(name.parse::<Zone>().unwrap().to_string(), name);
    }
    assert_eq!(
        "europe/berlin".parse::<Zone>().unwrap().name(),
        "Europe/Berlin"
    );
    let hints = [
        ("Europe/Berln", "\"Europe/Berlin\""),
        ("Berlin", "\"Europe/Berlin\""),
        ("New York", "\"America/New_York\""),
        ("Etc/Unknown", "an area and a city"),
        ("+02:00", "an area and a city"),
        ("", "an area and a city"),
        (
            "Middle-earth/Rivendell, where the elves of Elrond live",
            "an area and a city",
        ),
    ];
    for (name, hint) in hints {
        let refusal = name.parse::<Zone>().unwrap_err();
        assert!(
            refusal.hint.as_ref().unwrap().contains(hint),
            "{name}: {refusal}"
        );
    }
    assert!(Zone::read(Given::Integer(2)).is_err());
}

/// A moment in UTC, without the arithmetic under test.
fn utc(text: &str) -> SystemTime {
    let seconds = text.parse::<jiff::Timestamp>().unwrap().as_second();
    SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(seconds).unwrap())
}

fn schedule(days: &[Day], from: &str, to: &str, zone: &str) -> Schedule {
    Schedule {
        days: days.to_vec(),
        from: from.parse().unwrap(),
        to: to.parse().unwrap(),
        zone: zone.parse().unwrap(),
    }
}

#[track_caller]
fn assert_allows(schedule: &Schedule, moments: &[(&str, bool)]) {
    for (moment, allowed) in moments {
        assert_eq!(schedule.allows(utc(moment)), *allowed, "{moment}");
    }
}

#[test]
fn hours_of_some_days() {
    // 2026-03-02 is a Monday; Berlin is one hour ahead.
    let hours = schedule(&[Day::Mon, Day::Tue], "09:00", "17:00", "Europe/Berlin");
    assert_allows(
        &hours,
        &[
            ("2026-03-02T07:59:59Z", false),
            ("2026-03-02T08:00:00Z", true),
            ("2026-03-02T15:59:59Z", true),
            ("2026-03-02T16:00:00Z", false),
            ("2026-03-03T12:00:00Z", true),
            ("2026-03-04T12:00:00Z", false),
            ("2026-03-08T12:00:00Z", false),
        ],
    );
}

#[test]
fn by_default_all_of_each_working_day() {
    assert_allows(
        &Schedule::default(),
        &[
            ("2026-03-01T23:59:59Z", false),
            ("2026-03-02T00:00:00Z", true),
            ("2026-03-06T23:59:59Z", true),
            ("2026-03-07T00:00:00Z", false),
        ],
    );
    let all = [
        Day::Mon,
        Day::Tue,
        Day::Wed,
        Day::Thu,
        Day::Fri,
        Day::Sat,
        Day::Sun,
    ];
    let always = schedule(&all, "00:00", "24:00", "Asia/Kolkata");
    let start = utc("2026-03-01T00:00:00Z");
    for minutes in (0..14 * 24 * 60).step_by(7) {
        assert!(always.allows(start + Duration::from_secs(minutes * 60)));
    }
}

#[test]
fn a_night_belongs_to_the_day_on_which_it_began() {
    let night = schedule(&[Day::Fri], "22:00", "06:00", "UTC");
    assert_allows(
        &night,
        &[
            ("2026-03-06T05:00:00Z", false), // the night of Thursday
            ("2026-03-06T21:59:59Z", false),
            ("2026-03-06T22:00:00Z", true),
            ("2026-03-07T05:59:59Z", true),
            ("2026-03-07T06:00:00Z", false),
            ("2026-03-07T23:00:00Z", false),
        ],
    );
    // From Sunday into Monday, over the end of the week.
    let sunday = schedule(&[Day::Sun], "22:00", "06:00", "UTC");
    assert_allows(
        &sunday,
        &[
            ("2026-03-02T03:00:00Z", true),
            ("2026-03-03T03:00:00Z", false),
        ],
    );
    let evening = schedule(&[Day::Fri], "22:00", "00:00", "UTC");
    assert_allows(
        &evening,
        &[
            ("2026-03-06T23:59:59Z", true),
            ("2026-03-07T00:00:00Z", false),
        ],
    );
}

#[test]
fn daylight_saving_moves_the_hours() {
    let all = [
        Day::Mon,
        Day::Tue,
        Day::Wed,
        Day::Thu,
        Day::Fri,
        Day::Sat,
        Day::Sun,
    ];
    let hours = schedule(&all, "09:00", "17:00", "Europe/Berlin");
    assert_allows(
        &hours,
        &[
            ("2026-03-28T07:30:00Z", false), // 08:30 in winter
            ("2026-03-29T07:30:00Z", true),  // 09:30 in summer
            ("2026-10-24T07:30:00Z", true),
            ("2026-10-25T07:30:00Z", false),
        ],
    );
    // On 29 March there is no 02:30: it goes from 02:00 to 03:00 at 01:00 UTC.
    let gap = schedule(&all, "02:30", "04:00", "Europe/Berlin");
    assert_allows(
        &gap,
        &[
            ("2026-03-29T00:59:59Z", false),
            ("2026-03-29T01:00:00Z", true),
            ("2026-03-29T01:59:59Z", true),
            ("2026-03-29T02:00:00Z", false),
        ],
    );
    // On 25 October there are two: 00:30 and 01:30 UTC.
    let twice = schedule(&all, "02:00", "03:00", "Europe/Berlin");
    assert_allows(
        &twice,
        &[
            ("2026-10-24T23:59:59Z", false),
            ("2026-10-25T00:30:00Z", true),
            ("2026-10-25T01:30:00Z", true),
            ("2026-10-25T02:00:00Z", false),
        ],
    );
    // A night over the change: Saturday's, from 22:00 to 06:00, is an hour shorter.
    let night = schedule(&[Day::Sat], "22:00", "06:00", "Europe/Berlin");
    assert_allows(
        &night,
        &[
            ("2026-03-28T21:00:00Z", true),
            ("2026-03-29T03:59:59Z", true),
            ("2026-03-29T04:00:00Z", false),
        ],
    );
}

#[test]
fn a_moment_beyond_all_clocks_is_not_allowed() {
    let far = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(1 << 40));
    assert!(!Schedule::default().allows(far.unwrap()));
}
