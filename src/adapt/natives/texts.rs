//! Strings, and from and to strings.

use jaq_core::native::v;
use jaq_core::{Error, ValR};

use super::Entry;
use super::host::{Cv, Outputs, items, one, text};
use crate::adapt::fault::Fault;
use crate::adapt::meter;
use crate::adapt::value::{Num, Val, cannot, over};

pub(super) const ENTRIES: fn() -> Vec<Entry> = || {
    vec![
        ("tostring", v(0), |cv| one(Ok(cv.1.printed()))),
        ("tojson", v(0), |cv| one(Ok(cv.1.json()))),
        ("fromjson", v(0), |cv| one(from_json(&cv.1))),
        ("tonumber", v(0), |cv| one(to_number(cv.1))),
        ("ascii_downcase", v(0), |cv| {
            mapped(&cv, str::to_ascii_lowercase)
        }),
        ("ascii_upcase", v(0), |cv| {
            mapped(&cv, str::to_ascii_uppercase)
        }),
        ("trim", v(0), |cv| {
            mapped(&cv, |text| text.trim().to_owned())
        }),
        ("ltrim", v(0), |cv| {
            mapped(&cv, |text| text.trim_start().to_owned())
        }),
        ("rtrim", v(0), |cv| {
            mapped(&cv, |text| text.trim_end().to_owned())
        }),
        ("startswith", v(1), |cv| {
            compared(cv, |text, with| text.starts_with(with))
        }),
        ("endswith", v(1), |cv| {
            compared(cv, |text, with| text.ends_with(with))
        }),
        ("ltrimstr", v(1), |cv| {
            stripped(cv, |text, with| text.strip_prefix(with))
        }),
        ("rtrimstr", v(1), |cv| {
            stripped(cv, |text, with| text.strip_suffix(with))
        }),
        ("trimstr", v(1), |cv| {
            stripped(cv, |text, with| {
                let text = text.strip_prefix(with).unwrap_or(text);
                Some(text.strip_suffix(with).unwrap_or(text))
            })
        }),
        ("split", v(1), split),
        ("join", v(1), join),
        ("explode", v(0), |cv| one(explode(&cv.1))),
        ("implode", v(0), |cv| one(implode(&cv.1))),
        ("ascii", v(0), |cv| one(implode(&Val::array([cv.1])))),
        ("utf8bytelength", v(0), |cv| {
            one(text(&cv.1, "is no string").map(|text| Val::from(text.len())))
        }),
        ("error", v(0), |cv| one(Err(Error::new(cv.1)))),
    ]
};

/// Reads with the same limits as a body.
fn from_json(value: &Val) -> ValR<Val> {
    let json = text(value, "cannot be parsed as JSON")?;
    // Each byte can become a value of its own.
    if !meter::bytes(json.len().saturating_mul(size_of::<Val>() / 2)) {
        return Err(over());
    }
    match Val::parse(json.as_bytes()) {
        Ok(parsed) if meter::spent().is_none() => parsed.checked().ok_or_else(over),
        Ok(_) => Err(over()),
        Err(Fault::TooDeep) => Err(cannot("is nested too deep", value)),
        Err(_) => Err(cannot("cannot be parsed as JSON", value)),
    }
}

fn to_number(value: Val) -> ValR<Val> {
    match &value {
        Val::Num(_) => Ok(value),
        Val::Str(digits) if meter::scan(digits.len() * 64) => match Num::read(digits.trim()) {
            Some(number) => Ok(Val::Num(number)),
            None => Err(cannot("cannot be parsed as a number", &value)),
        },
        _ => Err(cannot("cannot be parsed as a number", &value)),
    }
}

fn mapped<'a>(cv: &Cv<'a>, f: impl Fn(&str) -> String) -> Outputs<'a> {
    let mapped = text(&cv.1, "is no string").and_then(|text| {
        let pays = meter::scan(text.len());
        pays.then(|| Val::from(f(text))).ok_or_else(over)
    });
    one(mapped)
}

fn compared(mut cv: Cv<'_>, f: impl Fn(&str, &str) -> bool) -> Outputs<'_> {
    let with = cv.0.pop_var();
    let compared = || {
        let with = text(&with, "is no string")?;
        let whole = text(&cv.1, "is no string")?;
        let pays = meter::scan(with.len());
        pays.then(|| Val::Bool(f(whole, with))).ok_or_else(over)
    };
    one(compared())
}

/// What is no string, or has nothing to strip, stays as it is.
fn stripped<'a>(
    mut cv: Cv<'a>,
    f: impl for<'t> Fn(&'t str, &str) -> Option<&'t str>,
) -> Outputs<'a> {
    let with = cv.0.pop_var();
    let stripped = match (cv.1.as_str(), with.as_str()) {
        (Some(whole), Some(with)) => {
            meter::scan(with.len());
            f(whole, with).map(Val::from)
        }
        _ => None,
    };
    one(Ok(stripped.unwrap_or(cv.1)))
}

fn split(mut cv: Cv<'_>) -> Outputs<'_> {
    let by = cv.0.pop_var();
    let parts = || {
        let what = "cannot be split, or split by: it is no string";
        let (by, whole) = (text(&by, what)?, text(&cv.1, what)?);
        crate::adapt::value::split(whole, by).ok_or_else(over)
    };
    one(parts())
}

fn join(mut cv: Cv<'_>) -> Outputs<'_> {
    let by = cv.0.pop_var();
    let joined = || {
        let parts = items(&cv.1, "cannot be joined")?;
        if parts.is_empty() {
            return Ok(Val::from(""));
        }
        let by = text(&by, "cannot join")?;
        let mut joined = String::new();
        for (at, part) in parts.iter().enumerate() {
            if at > 0 {
                add(&mut joined, by)?;
            }
            match part {
                Val::Null => {}
                Val::Str(part) => add(&mut joined, part)?,
                Val::Num(_) | Val::Bool(_) => add(&mut joined, &part.to_string())?,
                other => return Err(cannot("cannot be joined", other)),
            }
        }
        Ok(Val::Str(joined.into()))
    };
    one(joined())
}

/// Appends, if that can be paid: twice, since what is built is copied once more.
fn add(whole: &mut String, part: &str) -> Result<(), Error<Val>> {
    if !meter::bytes(2 * part.len()) || !meter::fits((whole.len() + part.len()) as u64) {
        return Err(over());
    }
    whole.push_str(part);
    Ok(())
}

fn explode(value: &Val) -> ValR<Val> {
    let whole = text(value, "cannot be exploded")?;
    Ok(whole
        .chars()
        .map(|char| Val::from(i64::from(u32::from(char))))
        .collect())
}

fn implode(value: &Val) -> ValR<Val> {
    let mut whole = String::new();
    for point in items(value, "cannot be imploded")? {
        let code = match point {
            Val::Num(number) => number.as_index().and_then(|code| u32::try_from(code).ok()),
            _ => None,
        };
        let Some(code) = code else {
            return Err(cannot("is no code point", point));
        };
        let char = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
        add(&mut whole, char.encode_utf8(&mut [0; 4]))?;
    }
    Ok(Val::Str(whole.into()))
}
