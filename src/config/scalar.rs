//! Scalar values of the file that have a unit or a syntax of their own. Each parses from one TOML
//! value, says in its error what it takes, and describes itself in the JSON Schema.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::Deserialize;

/// A share in hundredths of a percent, 0 to 10 000.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Percent(u16);

/// A span of time, written `"250ms"`, `"2s"`, `"1m30s"`, `"1h"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Duration(std::time::Duration);

/// A number of bytes, written `"64KiB"`, `"1MiB"`, `"10kB"` or a plain number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size(usize);

/// A set of HTTP statuses, written `["502", "503", "500-599"]`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StatusSet(Vec<(u16, u16)>);

/// Where a sticky key is read from, written `"header:x-user-id"`, `"cookie:sid"`, `"query:user"`, `"client_ip"`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StickyKey {
    /// The value of this request header (lower case).
    Header(String),
    /// The value of this cookie.
    Cookie(String),
    /// The value of this query parameter.
    Query(String),
    /// The client's address.
    ClientIp,
}
