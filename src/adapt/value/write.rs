//! To JSON text: compact, in the order of the keys, no number that JSON does not know.

use std::fmt;

use super::val::Val;

/// Bytes of a value that an error quotes.
const QUOTED: usize = 120;

impl Val {
    /// Appends it as compact JSON. Infinite numbers become the largest ones and what is not a number
    /// becomes `null`, as jq has it.
    pub fn write(&self, into: &mut Vec<u8>) {
        let size = usize::try_from(self.size()).unwrap_or_default();
        into.reserve(size.min(1 << 20));
        self.write_most(into, usize::MAX);
    }

    /// Stops soon after so many bytes; `false` then.
    pub(in crate::adapt) fn write_most(&self, into: &mut Vec<u8>, most: usize) -> bool {
        match self {
            Self::Null => into.extend_from_slice(b"null"),
            Self::Bool(true) => into.extend_from_slice(b"true"),
            Self::Bool(false) => into.extend_from_slice(b"false"),
            Self::Num(number) => number.write(into),
            Self::Str(text) => {
                let room = most.saturating_sub(into.len());
                let kept = text.get(..text.floor_char_boundary(room));
                string_json(kept.unwrap_or_default(), into);
            }
            Self::Arr(list) => {
                into.push(b'[');
                for (at, item) in list.items().iter().enumerate() {
                    if at > 0 {
                        into.push(b',');
                    }
                    if !item.write_most(into, most) {
                        return false;
                    }
                }
                into.push(b']');
            }
            Self::Obj(fields) => {
                into.push(b'{');
                for (at, (key, value)) in fields.iter().enumerate() {
                    if at > 0 {
                        into.push(b',');
                    }
                    string_json(key, into);
                    into.push(b':');
                    if !value.write_most(into, most) {
                        return false;
                    }
                }
                into.push(b'}');
            }
        }
        into.len() <= most
    }
}

/// Appends a string with its quotes.
fn string_json(text: &str, into: &mut Vec<u8>) {
    into.push(b'"');
    let mut rest = text.as_bytes();
    let is_special = |byte: &u8| *byte < 0x20 || matches!(*byte, b'"' | b'\\');
    while let Some(at) = rest.iter().position(is_special) {
        let (plain, special) = rest.split_at(at);
        into.extend_from_slice(plain);
        if let Some((&byte, after)) = special.split_first() {
            escape(byte, into);
            rest = after;
        }
    }
    into.extend_from_slice(rest);
    into.push(b'"');
}

fn escape(byte: u8, into: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let short = match byte {
        b'"' | b'\\' => byte,
        0x08 => b'b',
        0x0c => b'f',
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        _ => {
            into.extend_from_slice(b"\\u00");
            into.push(HEX[usize::from(byte >> 4)]);
            into.push(HEX[usize::from(byte & 15)]);
            return;
        }
    };
    into.extend_from_slice(&[b'\\', short]);
}

/// The beginning of it, for the errors of programs.
impl fmt::Display for Val {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = Vec::new();
        let is_whole = self.write_most(&mut text, QUOTED);
        f.write_str(&String::from_utf8_lossy(&text))?;
        f.write_str(if is_whole { "" } else { "..." })
    }
}

/// Nothing of the value, which may be a secret: only what kind it is and how large.
impl fmt::Debug for Val {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({} bytes)", self.type_name(), self.size())
    }
}
