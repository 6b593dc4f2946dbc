//! What the scalars share: how one is read from a TOML value, and how it is refused. A refusal
//! never quotes the value: it may have come from a secret, so who reports it quotes the raw text.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserializer, Error, Visitor};

use super::{
    Credential, Dollars, Duration, Net, Part, Percent, Pin, Points, Secret, Size, StickyKey,
    TimeOfDay, Zone, status,
};

/// One value of the file, before it is a scalar.
#[derive(Debug, Clone, Copy)]
pub enum Given<'v> {
    /// A string.
    Text(&'v str),
    /// An integer.
    Integer(i64),
    /// A float.
    Float(f64),
}

/// Why a value is not a scalar, in words that follow "`value` ".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// What is wrong, such as "is not a duration".
    pub message: String,
    /// What to write instead.
    pub hint: Option<String>,
}

impl Refusal {
    /// A refusal with its remedy.
    pub fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            hint: Some(hint.into()),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the value {}", self.message)?;
        match &self.hint {
            Some(hint) => write!(f, " ({hint})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Refusal {}

/// A value with a syntax of its own.
pub trait Scalar: Sized {
    /// What it is, with an example, to follow "expected ".
    const EXPECTS: &'static str;

    /// Reads it from one value.
    fn read(given: Given<'_>) -> Result<Self, Refusal>;
}

fn check<T: Scalar>(given: Given<'_>) -> Result<(), Refusal> {
    T::read(given).map(drop)
}

/// What a `format` of the schema expects, and the check for it.
pub(in crate::config) type Reader = (&'static str, fn(Given<'_>) -> Result<(), Refusal>);

/// Finds the parser behind a `format` of the schema, so that structure and types cannot disagree.
pub(in crate::config) fn reader(format: &str) -> Option<Reader> {
    match format {
        "figshift-dollars" => Some((Dollars::EXPECTS, check::<Dollars>)),
        "figshift-duration" => Some((Duration::EXPECTS, check::<Duration>)),
        "figshift-percent" => Some((Percent::EXPECTS, check::<Percent>)),
        "figshift-size" => Some((Size::EXPECTS, check::<Size>)),
        "figshift-status" => Some((status::Span::EXPECTS, check::<status::Span>)),
        "figshift-sticky" => Some((StickyKey::EXPECTS, check::<StickyKey>)),
        Secret::FORMAT => Some((Secret::EXPECTS, check::<Secret>)),
        Credential::FORMAT => Some((Credential::EXPECTS, check::<Credential>)),
        "figshift-net" => Some((Net::EXPECTS, check::<Net>)),
        "figshift-pin" => Some((Pin::EXPECTS, check::<Pin>)),
        "figshift-part" => Some((Part::EXPECTS, check::<Part>)),
        "figshift-points" => Some((Points::EXPECTS, check::<Points>)),
        "figshift-time-of-day" => Some((TimeOfDay::EXPECTS, check::<TimeOfDay>)),
        "figshift-zone" => Some((Zone::EXPECTS, check::<Zone>)),
        _ => None,
    }
}

/// Deserialises any scalar; the shared body of their `Deserialize` impls.
pub(super) fn deserialize<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Scalar,
{
    deserializer.deserialize_any(Reading(PhantomData))
}

struct Reading<T>(PhantomData<T>);

impl<T: Scalar> Visitor<'_> for Reading<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::EXPECTS)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        T::read(Given::Text(text)).map_err(E::custom)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<T, E> {
        T::read(Given::Integer(number)).map_err(E::custom)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<T, E> {
        let number = i64::try_from(number).unwrap_or(i64::MAX);
        T::read(Given::Integer(number)).map_err(E::custom)
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<T, E> {
        T::read(Given::Float(number)).map_err(E::custom)
    }
}

/// Deserialises a type through its `Scalar` impl.
macro_rules! deserialize_scalar {
    ($name:ty) => {
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(de: D) -> Result<Self, D::Error> {
                $crate::config::scalar::read::deserialize(de)
            }
        }
    };
}
pub(super) use deserialize_scalar;

/// Deserialises a type that is text in the file, and parses it from text elsewhere the same way.
macro_rules! text_scalar {
    ($name:ty) => {
        $crate::config::scalar::read::deserialize_scalar!($name);

        impl std::str::FromStr for $name {
            type Err = $crate::config::scalar::Refusal;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                use $crate::config::scalar::{Given, Scalar};
                Self::read(Given::Text(text))
            }
        }
    };
}
pub(super) use text_scalar;
