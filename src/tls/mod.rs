//! TLS on both sides: certificates and keys from files, whom to trust, and what rustls needs to
//! accept and to make a connection. The one provider of its cryptography is chosen here.

mod acceptor;
mod bad_file;
mod by_name;
mod certificate;
mod connector;
mod files;
mod material;
mod trust;
mod verify;

#[cfg(test)]
mod tests;

pub use acceptor::{Acceptor, ClientAuth, Listening, Pair};
pub use bad_file::{At, BadFile, Why};
pub use connector::{Authority, Connecting, Connector, server_name};
pub use files::{Digest, Files, digest};
pub use material::Material;
pub use trust::{install, outside};
