//! Fields of a row as they come: numbers may be integers or not, or texts, and any field may be null, missing or
//! something else.

use serde_json::Value;

/// Nobody reads more of a text.
const LONGEST: usize = 300;

/// A text on one line without control characters, cut if it is long. `None` if nothing is left.
pub(super) fn text(row: &Value, name: &str) -> Option<String> {
    let text = line(row.get(name)?.as_str()?, LONGEST);
    (!text.is_empty()).then_some(text)
}

/// A text as it is: what is compared must not be altered. `None` if it is empty.
pub(super) fn exact(row: &Value, name: &str) -> Option<String> {
    let text = row.get(name)?.as_str()?;
    (!text.is_empty()).then(|| text.to_owned())
}

/// A number that is finite.
pub(super) fn number(row: &Value, name: &str) -> Option<f64> {
    let value = row.get(name)?;
    let number = match value {
        Value::String(text) => text.trim().parse().ok()?,
        other => other.as_f64()?,
    };
    Some(number).filter(|number: &f64| number.is_finite())
}

/// A whole number, which may be written as `1.0` or `"1"`.
pub(super) fn integer(row: &Value, name: &str) -> Option<i64> {
    whole(row.get(name)?)
}

/// The same, of a value.
pub(super) fn whole(value: &Value) -> Option<i64> {
    /// Below this, each whole number is a `f64` of its own.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    match value {
        Value::String(text) => text.trim().parse().ok(),
        other => other.as_i64().or_else(|| {
            let number = other.as_f64()?;
            let is_whole = number.fract() == 0.0 && number.abs() < EXACT;
            is_whole.then_some(number as i64)
        }),
    }
}

/// A number that names something: not negative.
pub(super) fn id(row: &Value, name: &str) -> Option<u64> {
    integer(row, name).and_then(|id| u64::try_from(id).ok())
}

/// True, or another number than 0. What is missing is not true.
pub(super) fn flag(row: &Value, name: &str) -> bool {
    let value = row.get(name);
    value.is_some_and(|value| {
        value.as_bool() == Some(true) || value.as_f64().is_some_and(|n| n != 0.0)
    })
}

/// One line without control characters, of that many characters at most.
pub(super) fn line(text: &str, longest: usize) -> String {
    let plain = text.split(|c: char| c.is_control() || c.is_whitespace());
    let words: Vec<_> = plain.filter(|word| !word.is_empty()).collect();
    let line = words.join(" ");
    if line.chars().count() <= longest {
        return line;
    }
    line.chars().take(longest - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_are_taken_as_they_come() {
        let row = json!({
            "int": 3, "float": 3.0, "part": 3.5, "text": " 3 ", "null": null, "object": {}, "huge": 1e300,
            "negative": -1, "yes": true, "no": false, "one": 1, "zero": 0, "lines": " a\n\u{1b}[2J b ", "empty": " ",
        });
        let numbers = [
            "int", "float", "part", "text", "huge", "null", "object", "none",
        ];
        assert_eq!(
            numbers.map(|name| number(&row, name)),
            [
                Some(3.0),
                Some(3.0),
                Some(3.5),
                Some(3.0),
                Some(1e300),
                None,
                None,
                None
            ]
        );
        let numbers = ["int", "float", "part", "text", "huge", "null", "negative"];
        assert_eq!(
            numbers.map(|name| integer(&row, name)),
            [Some(3), Some(3), None, Some(3), None, None, Some(-1)]
        );
        assert_eq!((id(&row, "int"), id(&row, "negative")), (Some(3), None));
        let flags = ["yes", "one", "no", "zero", "null", "text", "none"];
        let set = flags.map(|name| flag(&row, name));
        assert_eq!(set, [true, true, false, false, false, false, false]);
        assert_eq!(text(&row, "lines").as_deref(), Some("a [2J b"));
        assert_eq!((text(&row, "empty"), text(&row, "int")), (None, None));
        assert_eq!(exact(&row, "text").as_deref(), Some(" 3 "));
        // Nothing of it may panic for what is no object.
        assert_eq!(
            (number(&json!([1]), "0"), flag(&json!("x"), "x")),
            (None, false)
        );
    }
}
