//! The value itself.

use std::sync::Arc;

use super::fields::Fields;
use super::list::List;
use super::num::Num;
use crate::adapt::meter::{self, Spent};

/// Deepest nesting that a program can build; what is read is limited to 128.
pub(super) const DEEPEST: u16 = 256;
/// Bytes that a scalar is taken to print as.
const SCALAR: u64 = 8;

/// A JSON value. Cloning is cheap: containers and strings are shared.
#[derive(Clone, Default)]
pub enum Val {
    /// `null`
    #[default]
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number.
    Num(Num),
    /// A string.
    Str(Arc<str>),
    /// An array.
    Arr(Arc<List>),
    /// An object.
    Obj(Arc<Fields>),
}

impl Val {
    /// `null`
    pub fn null() -> Self {
        Self::Null
    }

    /// An object; of two pairs with the same key, the later one counts.
    pub fn object<K: Into<String>>(pairs: impl IntoIterator<Item = (K, Self)>) -> Self {
        let mut fields = Fields::default();
        for (key, value) in pairs {
            fields.insert(Arc::from(key.into()), value);
        }
        Self::Obj(Arc::new(fields))
    }

    /// An array.
    pub fn array(items: impl IntoIterator<Item = Self>) -> Self {
        Self::Arr(Arc::new(List::new(items.into_iter().collect())))
    }

    /// The text, if it is a string.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Str(text) => Some(text),
            _ => None,
        }
    }

    /// The value of a key, if it is an object that has it.
    pub fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Obj(fields) => fields.get(key),
            _ => None,
        }
    }

    /// Whether it is `true`.
    pub fn is_true(&self) -> bool {
        matches!(self, Self::Bool(true))
    }

    /// Whether it is `null`.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The items, if it is an array.
    pub fn items(&self) -> Option<&[Self]> {
        match self {
            Self::Arr(list) => Some(list.items()),
            _ => None,
        }
    }

    /// About how many bytes it would print as, without what escapes add.
    pub fn size(&self) -> u64 {
        match self {
            Self::Null | Self::Bool(_) | Self::Num(_) => SCALAR,
            Self::Str(text) => text.len() as u64 + 2,
            Self::Arr(list) => list.size(),
            Self::Obj(fields) => fields.size(),
        }
    }

    pub(super) fn depth(&self) -> u16 {
        match self {
            Self::Arr(list) => list.depth(),
            Self::Obj(fields) => fields.depth(),
            _ => 0,
        }
    }

    /// Whether a container as large and as deep may be; if not, the run is over.
    pub(in crate::adapt) fn checked(self) -> Option<Self> {
        if self.depth() > DEEPEST {
            meter::spend(Spent::Depth);
            return None;
        }
        meter::fits(self.size()).then_some(self)
    }

    /// A string that was built; `null` if there is no more room, and then the run is over.
    pub(in crate::adapt) fn text(text: impl Into<Arc<str>> + AsRef<str>) -> Self {
        if meter::bytes(text.as_ref().len()) {
            Self::Str(text.into())
        } else {
            Self::Null
        }
    }

    /// As in jq: everything but `null` and `false`.
    pub(in crate::adapt) fn counts(&self) -> bool {
        !matches!(self, Self::Null | Self::Bool(false))
    }

    pub(in crate::adapt) fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "boolean",
            Self::Num(_) => "number",
            Self::Str(_) => "string",
            Self::Arr(_) => "array",
            Self::Obj(_) => "object",
        }
    }
}

impl From<bool> for Val {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Val {
    fn from(value: i64) -> Self {
        Self::Num(Num::from(value))
    }
}

impl From<u64> for Val {
    fn from(value: u64) -> Self {
        Self::Num(Num::from(value))
    }
}

impl From<f64> for Val {
    fn from(value: f64) -> Self {
        Self::Num(Num::from(value))
    }
}

impl From<isize> for Val {
    fn from(value: isize) -> Self {
        Self::from(value as i64)
    }
}

impl From<usize> for Val {
    fn from(value: usize) -> Self {
        Self::from(value as u64)
    }
}

impl From<&str> for Val {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

impl From<String> for Val {
    fn from(text: String) -> Self {
        Self::text(text)
    }
}
