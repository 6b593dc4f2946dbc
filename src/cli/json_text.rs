//! JSON for people: set out in lines, and how two documents differ. Numbers stay as they are written.

use std::collections::BTreeSet;

use crate::adapt::Val;

/// Differences that are told of one document.
const TOLD: usize = 20;
/// Characters of a value that are shown.
const SHOWN: usize = 120;

/// JSON as the engine writes it, set out in lines.
pub(super) fn set_out(json: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(json.len() * 2);
    let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
    for (at, &byte) in json.iter().enumerate() {
        if in_text {
            out.push(byte);
            in_text = escaped || byte != b'"';
            escaped = !escaped && byte == b'\\';
            continue;
        }
        let is_empty = |close| json.get(at + 1) == Some(&close);
        match byte {
            b'{' | b'[' => {
                out.push(byte);
                depth += 1;
                if !is_empty(byte + 2) {
                    new_line(&mut out, depth);
                }
            }
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                if !matches!(out.last(), Some(b'{' | b'[')) {
                    new_line(&mut out, depth);
                }
                out.push(byte);
            }
            b',' => {
                out.push(byte);
                new_line(&mut out, depth);
            }
            b':' => out.extend_from_slice(b": "),
            _ => {
                in_text = byte == b'"';
                out.push(byte);
            }
        }
    }
    out.push(b'\n');
    out
}

fn new_line(out: &mut Vec<u8>, depth: usize) {
    out.push(b'\n');
    out.resize(out.len() + 2 * depth, b' ');
}

/// The differences between two documents, a line each; the order of keys is none.
pub(super) fn differences(expected: &Val, got: &Val) -> Vec<String> {
    let mut found = Vec::new();
    compare("", Some(expected), Some(got), &mut found);
    let more = found.len().saturating_sub(TOLD);
    found.truncate(TOLD);
    if more > 0 {
        found.push(format!("and {more} more"));
    }
    found
}

fn compare(at: &str, expected: Option<&Val>, got: Option<&Val>, found: &mut Vec<String>) {
    match (expected, got) {
        (Some(Val::Obj(left)), Some(Val::Obj(right))) => {
            let keys: BTreeSet<_> = left
                .iter()
                .chain(right.iter())
                .map(|(key, _)| key)
                .collect();
            for key in keys {
                let at = format!("{at}{}", step(key));
                compare(&at, left.get(key), right.get(key), found);
            }
        }
        (Some(Val::Arr(left)), Some(Val::Arr(right))) => {
            let (left, right) = (left.items(), right.items());
            for index in 0..left.len().max(right.len()) {
                let at = format!("{at}[{index}]");
                compare(&at, left.get(index), right.get(index), found);
            }
        }
        (expected, got) => {
            let (left, right) = (expected.map(written), got.map(written));
            if left == right {
                return;
            }
            let at = if at.is_empty() { "." } else { at };
            found.push(match (left, right) {
                (Some(left), Some(right)) => {
                    format!("{at}: expected {}, got {}", short(&left), short(&right))
                }
                (Some(left), None) => format!("{at}: missing, expected {}", short(&left)),
                (None, Some(right)) => format!("{at}: not expected, got {}", short(&right)),
                (None, None) => return,
            });
        }
    }
}

fn step(key: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    match !key.is_empty() && key.chars().all(plain) {
        true => format!(".{key}"),
        false => format!(".{}", written(&Val::from(key))),
    }
}

fn written(value: &Val) -> String {
    let mut json = Vec::new();
    value.write(&mut json);
    String::from_utf8_lossy(&json).into_owned()
}

pub(super) fn short(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_set_out_in_lines_and_keeps_its_texts() {
        let json = br#"{"a":[1,{"b":"x,{\"}"}],"c":{},"d":[],"e":18446744073709551615}"#;
        let lines = "{\n  \"a\": [\n    1,\n    {\n      \"b\": \"x,{\\\"}\"\n    }\n  ],\n  \
                     \"c\": {},\n  \"d\": [],\n  \"e\": 18446744073709551615\n}\n";
        assert_eq!(String::from_utf8(set_out(json)).unwrap(), lines);
        assert_eq!(set_out(b"null"), b"null\n");
    }

    #[test]
    fn differences_name_their_places() {
        let val = |json: &str| Val::parse(json.as_bytes()).unwrap();
        let expected = val(r#"{"a":{"b":[1,2]},"seed":9007199254740993,"x y":1,"k":null}"#);
        let same = val(r#"{"k":null,"x y":1,"seed":9007199254740993,"a":{"b":[1,2]}}"#);
        assert!(differences(&expected, &same).is_empty());
        let other = val(r#"{"a":{"b":[1]},"seed":9007199254740992,"x y":1.0,"n":"é"}"#);
        let told = [
            ".a.b[1]: missing, expected 2",
            ".k: missing, expected null",
            ".n: not expected, got \"é\"",
            ".seed: expected 9007199254740993, got 9007199254740992",
            ".\"x y\": expected 1, got 1.0",
        ];
        assert_eq!(differences(&expected, &other), told);
        assert_eq!(
            differences(&val("1"), &val("[]")),
            [".: expected 1, got []"]
        );
        let many = Val::array((0..30_i64).map(Val::from));
        let told = differences(&many, &val("[]"));
        assert_eq!(told.last().map(String::as_str), Some("and 10 more"));
    }
}
