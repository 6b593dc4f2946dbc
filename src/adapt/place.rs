//! Where a value stands in another one: looked up without the engine.

use std::sync::Arc;

use super::refused::Refused;
use super::value::Val;

/// Parts of a place.
const LONGEST: usize = 64;

/// Where a value stands: `.a.b[0]."c d"`, or as a JSON pointer (RFC 6901) `/a/b/0/c d`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Key(Arc<str>),
    /// From the end if negative.
    Item(i64),
    /// Of a pointer: a key of an object, or a place in an array.
    Either(Arc<str>),
}

impl Place {
    /// Reads a place; `.` is the whole value.
    ///
    /// # Errors
    /// If it is neither a path of keys and places nor a JSON pointer, or has more than 64 parts.
    pub fn parse(text: &str) -> Result<Self, Refused> {
        let parts = match text.strip_prefix('/') {
            Some(pointer) => pointer.split('/').map(pointer_part).collect(),
            None => Reader { text, at: 0 }.path()?,
        };
        if parts.len() > LONGEST {
            let message = format!("more than {LONGEST} parts");
            return Err(Refused::new(text, 0, message));
        }
        Ok(Self { parts })
    }

    /// What stands there, if anything does.
    pub fn get<'v>(&self, value: &'v Val) -> Option<&'v Val> {
        self.parts
            .iter()
            .try_fold(value, |value, part| part.get(value))
    }

    /// Puts `new` where something stands; where nothing does, the value stays as it is.
    #[must_use]
    pub fn set(&self, value: Val, new: Val) -> Val {
        if self.get(&value).is_none() {
            return value;
        }
        replace(value, &self.parts, new)
    }
}

/// Every part is known to be there.
fn replace(value: Val, parts: &[Part], new: Val) -> Val {
    match parts.split_first() {
        None => new,
        Some((part, rest)) => {
            let key = part.key(&value);
            value.replaced(&key, |inner| replace(inner, rest, new))
        }
    }
}

fn pointer_part(part: &str) -> Part {
    Part::Either(Arc::from(part.replace("~1", "/").replace("~0", "~")))
}

/// The place in an array that a part of a pointer means: no sign, no leading zero.
fn digits(text: &str) -> Option<usize> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_plain = is_number && (text == "0" || !text.starts_with('0'));
    is_plain.then(|| text.parse().ok()).flatten()
}

impl Part {
    fn get<'v>(&self, value: &'v Val) -> Option<&'v Val> {
        match self {
            Self::Key(key) => value.get(key),
            Self::Item(at) => {
                let items = value.items()?;
                let from_end = usize::try_from(at.unsigned_abs()).ok();
                match usize::try_from(*at) {
                    Ok(at) => items.get(at),
                    Err(_) => items.get(items.len().checked_sub(from_end?)?),
                }
            }
            Self::Either(text) => match value.items() {
                Some(items) => items.get(digits(text)?),
                None => value.get(text),
            },
        }
    }

    /// As the index of a value.
    fn key(&self, value: &Val) -> Val {
        match self {
            Self::Key(key) => Val::Str(Arc::clone(key)),
            Self::Item(at) => Val::from(*at),
            Self::Either(text) if value.items().is_some() => {
                Val::from(digits(text).unwrap_or_default())
            }
            Self::Either(text) => Val::Str(Arc::clone(text)),
        }
    }
}

/// Reads `.a.b[0]."c d"["e"]`.
struct Reader<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Reader<'t> {
    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn takes(&mut self, start: &str) -> bool {
        let takes = self.rest().starts_with(start);
        self.at += if takes { start.len() } else { 0 };
        takes
    }

    fn refuse<T>(&self, message: &str) -> Result<T, Refused> {
        let hint = "a place is written as `.a.b[0].\"c d\"`, or as `/a/b/0`";
        Err(Refused::new(self.text, self.at, message).hint(hint))
    }

    fn path(mut self) -> Result<Vec<Part>, Refused> {
        if !self.rest().starts_with('.') {
            return self.refuse("a place begins with `.` or `/`");
        }
        let mut parts = Vec::new();
        if self.text == "." {
            return Ok(parts);
        }
        while !self.rest().is_empty() {
            let part = if self.takes("[") || (parts.is_empty() && self.takes(".[")) {
                self.bracket()?
            } else if self.takes(".") {
                self.name()?
            } else {
                return self.refuse("`.` or `[` is wanted here");
            };
            parts.push(part);
        }
        Ok(parts)
    }

    fn name(&mut self) -> Result<Part, Refused> {
        if self.rest().starts_with('"') {
            return self.string();
        }
        let is_name = |char: char| char.is_ascii_alphanumeric() || char == '_';
        let rest = self.rest();
        let name = rest.split(|char| !is_name(char)).next().unwrap_or_default();
        if name.is_empty() || name.starts_with(|char: char| char.is_ascii_digit()) {
            return self.refuse("a key is wanted here");
        }
        self.at += name.len();
        Ok(Part::Key(Arc::from(name)))
    }

    fn string(&mut self) -> Result<Part, Refused> {
        let mut values = serde_json::Deserializer::from_str(self.rest()).into_iter::<String>();
        let Some(Ok(key)) = values.next() else {
            return self.refuse("a string is wanted here");
        };
        self.at += values.byte_offset();
        Ok(Part::Key(Arc::from(key)))
    }

    fn bracket(&mut self) -> Result<Part, Refused> {
        let part = if self.rest().starts_with('"') {
            self.string()?
        } else {
            let digits = self.rest().split(']').next().unwrap_or_default();
            let Ok(at) = digits.parse() else {
                return self.refuse("a whole number or a string is wanted here");
            };
            self.at += digits.len();
            Part::Item(at)
        };
        if self.takes("]") {
            Ok(part)
        } else {
            self.refuse("`]` is wanted here")
        }
    }
}

#[cfg(test)]
#[path = "place_tests.rs"]
mod tests;
