//! HTTP/1.1 towards a backend: one connection, one request on it at a time, driven by whoever waits
//! for its answer. There is no task and no channel between the two, which is what an engine for any
//! use needs and a proxy pays for with each request.
//!
//! It is strict where two readers could differ: a response must say in one way where it ends. What
//! concerns only this hop (`Connection`, `Keep-Alive`, `Transfer-Encoding`) is understood here and
//! goes no further. The walk of a connection: [`Connection::begin`] → [`Connection::poll_answer`] →
//! [`Connection::poll_frame`] to the end → [`Connection::is_idle`], and again.

mod buffers;
mod chunks;
mod connection;
mod error;
mod head;
mod receiving;
mod request;
mod sending;

pub use buffers::Buffers;
pub use connection::Connection;
pub use error::Error;
pub use request::{Authorization, Request};
