//! What a Serverless worker takes: the client's JSON object, and beside it what lets it in. The client's
//! bytes go in as they are, so they are read first: whatever is not exactly one object could end its
//! place early and write the rest of the envelope itself.

use std::borrow::Cow;
use std::fmt;

use bytes::{BufMut as _, Bytes, BytesMut};
use serde::Deserialize as _;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};

/// As deep as Python's reader of JSON, which workers use, goes with ease.
const DEEPEST: usize = 100;
/// More units are nobody's wish: whoever asks for them would rent all machines.
const DEAREST: f64 = 1_000_000.0;
const AUTH: &[u8] = b"{\"auth_data\":";
const BETWEEN: &[u8] = b",\"session_id\":null,\"payload\":";

/// Why a body does not fit into an envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Misfit {
    /// It is not exactly one JSON object, in UTF-8.
    NoObject,
    /// Its objects and lists stand deeper in each other than a worker reads.
    TooDeep,
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoObject => "it is not exactly one JSON object",
            Self::TooDeep => "its objects and lists are nested too deep",
        })
    }
}

impl std::error::Error for Misfit {}

/// Whether a body is exactly one JSON object, of a depth that workers read.
///
/// # Errors
///
/// It is not.
pub fn is_object(body: &[u8]) -> Result<(), Misfit> {
    read(body, "").map(drop)
}

/// The same, and the number in this field of it, from 1 to a million; of two fields of one name the last
/// counts, as with all readers that workers use. `None` where there is no such number.
///
/// # Errors
///
/// As for [`is_object`].
pub fn cost_of(body: &[u8], field: &str) -> Result<Option<f64>, Misfit> {
    let cost = read(body, field)?;
    let cost = cost.filter(|cost| cost.is_finite() && *cost > 0.0);
    Ok(cost.map(|cost| cost.clamp(1.0, DEAREST)))
}

/// The body of a request to a worker, in parts so that the client's is not copied. `auth_data` is an
/// answer of the engine with a worker, `payload` what [`is_object`] finds good.
pub fn envelope(auth_data: &Bytes, payload: &Bytes) -> [Bytes; 3] {
    let mut front = BytesMut::with_capacity(AUTH.len() + auth_data.len() + BETWEEN.len());
    front.put_slice(AUTH);
    front.put_slice(auth_data);
    front.put_slice(BETWEEN);
    [front.freeze(), payload.clone(), Bytes::from_static(b"}")]
}

fn read(body: &[u8], field: &str) -> Result<Option<f64>, Misfit> {
    let text = std::str::from_utf8(body).map_err(|_| Misfit::NoObject)?;
    if depth(body) > DEEPEST {
        return Err(Misfit::TooDeep);
    }
    let mut reader = serde_json::Deserializer::from_str(text);
    let found = Looking(field).deserialize(&mut reader);
    let found = found.and_then(|found| reader.end().map(|()| found));
    found.map_err(|_| Misfit::NoObject)
}

/// How deep objects and lists stand in each other. Of a text that is no JSON it says nothing.
fn depth(body: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0usize, 0);
    let (mut quoted, mut escaped) = (false, false);
    for byte in body {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'{' | b'[' if !quoted => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// Reads an object, and a number of it by the way.
struct Looking<'a>(&'a str);

impl<'de> DeserializeSeed<'de> for Looking<'_> {
    type Value = Option<f64>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Option<f64>, D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Looking<'_> {
    type Value = Option<f64>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Option<f64>, A::Error> {
        let mut found = None;
        while let Some(key) = map.next_key_seed(Name)? {
            if !self.0.is_empty() && key == self.0 {
                found = map.next_value_seed(Figure)?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }
}

/// The name of a field, copied only where it is escaped.
struct Name;

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Cow<'de, str>, D::Error> {
        from.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Name {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }
    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(text))
    }
    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
}

/// A number; anything else is none.
struct Figure;

impl<'de> DeserializeSeed<'de> for Figure {
    type Value = Option<f64>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Option<f64>, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Figure {
    type Value = Option<f64>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }
    fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Some(number as f64))
    }
    fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Some(number as f64))
    }
    fn visit_f64<E: Error>(self, number: f64) -> Result<Self::Value, E> {
        Ok(Some(number))
    }
    fn visit_bool<E: Error>(self, _: bool) -> Result<Self::Value, E> {
        Ok(None)
    }
    fn visit_str<E: Error>(self, _: &str) -> Result<Self::Value, E> {
        Ok(None)
    }
    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }
    fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(None)
    }
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        IgnoredAny::deserialize(serde::de::value::MapAccessDeserializer::new(map)).map(|_| None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_object_fits_and_nothing_else() {
        for body in [
            "{}",
            " {\"a\": [1, {\"b\": null}]}\n",
            r#"{"a": "}, \"auth_data\": {"}"#,
            r#"{"a": "\ud83d\ude00\u0000", "é": -1.5e300}"#,
        ] {
            assert_eq!(is_object(body.as_bytes()), Ok(()), "{body}");
        }
        for body in [
            "",
            " ",
            "null",
            "7",
            "\"{}\"",
            "[]",
            "[{}]",
            "{",
            "{}}",
            "{}{}",
            "{} {}",
            "{},\"session_id\":\"stolen\"",
            "{\"a\":1},\"auth_data\":{\"url\":\"x\"},\"b\":{}",
            "{\"a\":1,}",
            "{'a':1}",
            "{a:1}",
            "{\"a\":01}",
            "{\"a\":NaN}",
            "{\"a\":\"\n\"}",
            "{\"a\":\"\\x\"}",
            "\u{feff}{}",
            "{}\0",
            "{}//",
            "{\"a\":1}/**/",
        ] {
            assert_eq!(is_object(body.as_bytes()), Err(Misfit::NoObject), "{body}");
        }
        assert_eq!(is_object(b"{\"a\":\"\xff\"}"), Err(Misfit::NoObject));
        assert_eq!(
            is_object(b"{\"a\":\"\xed\xa0\x80\"}"),
            Err(Misfit::NoObject)
        );
    }

    #[test]
    fn depth_has_an_end() {
        let nested = |deep: usize| format!("{{\"a\":{}{}}}", "[".repeat(deep), "]".repeat(deep));
        assert_eq!(is_object(nested(DEEPEST - 1).as_bytes()), Ok(()));
        assert_eq!(is_object(nested(DEEPEST).as_bytes()), Err(Misfit::TooDeep));
        assert_eq!(
            is_object(nested(1_000_000).as_bytes()),
            Err(Misfit::TooDeep)
        );
        let open = "{\"a\":".repeat(1_000_000);
        assert_eq!(is_object(open.as_bytes()), Err(Misfit::TooDeep));
        let quoted = format!("{{\"a\":\"{}\\\"{}\"}}", "[".repeat(500), "{".repeat(500));
        assert_eq!(is_object(quoted.as_bytes()), Ok(()));
    }

    #[test]
    fn a_cost_is_a_number_at_the_top() {
        let cost = |body: &str| cost_of(body.as_bytes(), "max_tokens");
        for (body, found) in [
            (r#"{"max_tokens": 256}"#, Some(256.0)),
            (r#"{"a": {"max_tokens": 1}, "max_tokens": 2.5}"#, Some(2.5)),
            (r#"{"max_tokens": 1, "max_tokens": 9}"#, Some(9.0)),
            (r#"{"max\u005ftokens": 7}"#, Some(7.0)),
            (r#"{"max_tokens": 0.001}"#, Some(1.0)),
            (r#"{"max_tokens": 99999999999999999999999}"#, Some(DEAREST)),
            (r#"{"max_tokens": 0}"#, None),
            (r#"{"max_tokens": -5}"#, None),
            (r#"{"max_tokens": "256"}"#, None),
            (r#"{"max_tokens": null}"#, None),
            (r#"{"max_tokens": true}"#, None),
            (r#"{"max_tokens": [[1], 2]}"#, None),
            (r#"{"max_tokens": {"max_tokens": 3}}"#, None),
            (r#"{"a": {"max_tokens": 3}}"#, None),
            ("{}", None),
        ] {
            assert_eq!(cost(body), Ok(found), "{body}");
        }
        assert_eq!(cost(r#"{"max_tokens": 1e999}"#), Err(Misfit::NoObject));
        assert_eq!(cost(r#"{"max_tokens": {"a": }}"#), Err(Misfit::NoObject));
    }

    #[test]
    fn an_envelope_holds_both_unchanged() {
        let auth = Bytes::from_static(b"{\"url\": \"https://8.8.8.8:1\",  \"cost\": 256.0}\n");
        let payload = Bytes::from_static(b" {\"a\": 1.50}");
        let whole = envelope(&auth, &payload).concat();
        let text = std::str::from_utf8(&whole).unwrap();
        assert!(
            text.contains("\"https://8.8.8.8:1\",  \"cost\": 256.0}\n"),
            "{text}"
        );
        let read: serde_json::Value = serde_json::from_str(text).unwrap();
        assert_eq!(read["payload"]["a"], 1.5);
        assert_eq!(read["auth_data"]["cost"], 256.0);
        assert!(read["session_id"].is_null());
    }
}
