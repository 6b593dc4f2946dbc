//! From our tree to the model through serde. After a clean walk nothing should be left to refuse;
//! if model and schema ever disagree, the refusal still has its place.

use std::fmt;

use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{Deserializer, Error as _, IntoDeserializer, Visitor};
use serde::{Deserialize, forward_to_deserialize_any};

use super::tree::{Node, Span, Value};

/// What serde refused, and where.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) message: String,
    pub(super) span: Option<Span>,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Refused {}

impl serde::de::Error for Refused {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self {
            message: message.to_string(),
            span: None,
        }
    }
}

/// Reads a type from a tree.
pub(super) fn read<'de, T: Deserialize<'de>>(node: Node) -> Result<T, Refused> {
    T::deserialize(node)
}

impl<'de> IntoDeserializer<'de, Refused> for Node {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for Node {
    type Error = Refused;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        let span = self.span;
        let result = match self.value {
            Value::Text(text) => visitor.visit_string(text),
            Value::Integer(number) => visitor.visit_i64(number),
            Value::Float(number) => visitor.visit_f64(number),
            Value::Flag(flag) => visitor.visit_bool(flag),
            Value::Date => Err(Refused::custom("a date has no place in this file")),
            Value::List(list) => visitor.visit_seq(SeqDeserializer::new(list.into_iter())),
            Value::Table(table) => {
                let entries = table.into_iter().map(|(key, entry)| (key, entry.node));
                visitor.visit_map(MapDeserializer::new(entries))
            }
        };
        // The innermost place is the one that helps.
        result.map_err(|error: Refused| Refused {
            span: error.span.or(Some(span)),
            ..error
        })
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Refused> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refused> {
        match self.value {
            Value::Text(text) => visitor.visit_enum(text.into_deserializer()),
            other => Err(Refused {
                message: format!("expected a string, found {}", other.kind()),
                span: Some(self.span),
            }),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf
        unit unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}
