//! A network of addresses.

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::read::{Given, Refusal, Scalar, text_scalar};

/// A network, written `"10.0.0.0/8"`, or one address, written `"10.0.0.7"` or `"::1"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Net(IpNet);

impl Net {
    /// Whether the address is in the network. An IPv4 address that came in through an IPv6
    /// socket (`::ffff:10.0.0.7`) counts as the IPv4 address that it is.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }
}

impl From<IpNet> for Net {
    fn from(net: IpNet) -> Self {
        Self(net)
    }
}

impl fmt::Display for Net {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Scalar for Net {
    const EXPECTS: &'static str = "an address or a network such as \"10.0.0.0/8\"";

    fn read(given: Given<'_>) -> Result<Self, Refusal> {
        let refusal = || {
            Refusal::new(
                "is not an IP address or network",
                "write an address (\"10.0.0.7\", \"::1\") or a network (\"10.0.0.0/8\")",
            )
        };
        let Given::Text(text) = given else {
            return Err(refusal());
        };
        let text = text.trim();
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(Self(IpNet::from(address.to_canonical())));
        }
        text.parse().map(Self).map_err(|_| refusal())
    }
}

text_scalar!(Net);

impl JsonSchema for Net {
    fn schema_name() -> Cow<'static, str> {
        "Net".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "format": "figshift-net",
            "description": "An IP address, or a network in CIDR notation.",
            "examples": ["10.0.0.0/8", "127.0.0.1", "::1"],
        })
    }
}
