//! From JSON text.

use std::fmt;
use std::sync::Arc;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use super::fields::Fields;
use super::list::List;
use super::val::Val;
use crate::adapt::fault::Fault;

/// Items for which room is made before any is seen.
const ROOM: usize = 8;

impl Val {
    /// Reads one JSON value: nested at most 128 deep, of two equal keys the later value counts.
    /// Whole numbers from -2^63 to 2^64 - 1 stay as they are.
    ///
    /// # Errors
    /// [`Fault::NotJson`] with the place, [`Fault::TooDeep`].
    pub fn parse(json: &[u8]) -> Result<Self, Fault> {
        let mut reader = serde_json::Deserializer::from_slice(json);
        let value = Any.deserialize(&mut reader);
        value
            .and_then(|value| reader.end().map(|()| value))
            .map_err(|error| fault(&error))
    }
}

fn fault(error: &serde_json::Error) -> Fault {
    if error.to_string().starts_with("recursion limit") {
        return Fault::TooDeep;
    }
    Fault::NotJson {
        line: error.line(),
        column: error.column(),
    }
}

struct Any;

impl<'de> DeserializeSeed<'de> for Any {
    type Value = Val;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Val, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Any {
    type Value = Val;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Val, E> {
        Ok(Val::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Val, E> {
        Ok(Val::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Val, E> {
        Ok(Val::from(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Val, E> {
        Ok(Val::from(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Val, E> {
        Ok(Val::from(value))
    }

    fn visit_str<E>(self, text: &str) -> Result<Val, E> {
        Ok(Val::from(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Val, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element_seed(Self)? {
            if items.is_empty() {
                items.reserve_exact(ROOM / 2);
            }
            items.push(item);
        }
        Ok(Val::Arr(Arc::new(List::new(items))))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Val, A::Error> {
        let mut fields = Fields::with_capacity(ROOM);
        while let Some(key) = map.next_key_seed(Key)? {
            fields.insert(key, map.next_value_seed(Self)?);
        }
        Ok(Val::Obj(Arc::new(fields)))
    }
}

struct Key;

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Arc<str>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Arc<str>, D::Error> {
        from.deserialize_str(self)
    }
}

impl Visitor<'_> for Key {
    type Value = Arc<str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, text: &str) -> Result<Arc<str>, E> {
        Ok(Arc::from(text))
    }
}
