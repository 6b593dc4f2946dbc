//! `@text`, `@json`, `@html`, `@uri`, `@csv`, `@tsv`, `@sh`, `@base64`, `@base64d`.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use jaq_core::ValR;
use jaq_core::native::v;

use super::Entry;
use super::host::{Cv, Outputs, items, one};
use crate::adapt::meter;
use crate::adapt::value::{Val, cannot, over};

/// Padding may be there or not.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

pub(super) const ENTRIES: fn() -> Vec<Entry> = || {
    vec![
        ("@text", v(0), |cv| one(Ok(cv.1.printed()))),
        ("@json", v(0), |cv| one(Ok(cv.1.json()))),
        ("@html", v(0), |cv| escaped(cv, html)),
        ("@uri", v(0), |cv| escaped(cv, uri)),
        ("@base64", v(0), |cv| {
            escaped(cv, |text| BASE64.encode(text))
        }),
        ("@base64d", v(0), |cv| one(decoded(cv.1))),
        ("@csv", v(0), |cv| one(row(&cv.1, ",", csv))),
        ("@tsv", v(0), |cv| one(row(&cv.1, "\t", tsv))),
        ("@sh", v(0), |cv| match cv.1 {
            list @ Val::Arr(_) => one(row(&list, " ", sh)),
            other => one(row(&Val::array([other]), " ", sh)),
        }),
    ]
};

/// Up to six bytes for each one.
fn pays(text: &str) -> bool {
    meter::bytes(text.len()) && meter::step(text.len() as u64 / 8)
}

fn escaped<'a>(cv: Cv<'a>, f: impl Fn(&str) -> String) -> Outputs<'a> {
    let value = cv.1.printed();
    let text = value.as_str().unwrap_or_default();
    one(if pays(text) {
        Ok(Val::from(f(text)))
    } else {
        Err(over())
    })
}

fn decoded(value: Val) -> ValR<Val> {
    let text = value.printed();
    let coded = text.as_str().unwrap_or_default();
    if !pays(coded) {
        return Err(over());
    }
    match BASE64.decode(coded) {
        Ok(bytes) => Ok(Val::from(String::from_utf8_lossy(&bytes).into_owned())),
        Err(_) => Err(cannot("is no base64", &text)),
    }
}

fn html(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '\'' => out.push_str("&#39;"),
            '"' => out.push_str("&quot;"),
            other => out.push(other),
        }
    }
    out
}

fn uri(text: &str) -> String {
    const HEX: [char; 16] = [
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F',
    ];
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.extend([HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
        }
    }
    out
}

fn row(value: &Val, by: &str, cell: fn(&Val) -> Option<String>) -> ValR<Val> {
    let mut out = String::new();
    for (at, item) in items(value, "cannot be formatted, as it is no array")?
        .iter()
        .enumerate()
    {
        if at > 0 {
            out.push_str(by);
        }
        let Some(cell) = item.as_str().is_none_or(pays).then(|| cell(item)) else {
            return Err(over());
        };
        let cell = cell.ok_or_else(|| cannot("cannot be a cell of a row", item))?;
        if !meter::bytes(cell.len() + by.len()) {
            return Err(over());
        }
        out.push_str(&cell);
    }
    Ok(Val::from(out))
}

fn csv(value: &Val) -> Option<String> {
    match value {
        Val::Null => Some(String::new()),
        Val::Str(text) => Some(format!("\"{}\"", text.replace('"', "\"\""))),
        Val::Arr(_) | Val::Obj(_) => None,
        other => Some(other.to_string()),
    }
}

fn tsv(value: &Val) -> Option<String> {
    match value {
        Val::Null => Some(String::new()),
        Val::Str(text) => {
            let text = text.replace('\\', "\\\\").replace('\t', "\\t");
            Some(text.replace('\n', "\\n").replace('\r', "\\r"))
        }
        Val::Arr(_) | Val::Obj(_) => None,
        other => Some(other.to_string()),
    }
}

fn sh(value: &Val) -> Option<String> {
    match value {
        Val::Str(text) => Some(format!("'{}'", text.replace('\'', "'\\''"))),
        Val::Arr(_) | Val::Obj(_) => None,
        other => Some(other.to_string()),
    }
}
