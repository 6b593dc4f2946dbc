//! The data plane: worker threads that serve requests. They read a snapshot and write their own
//! cells; they decide nothing that lasts longer than one request. The files are the steps of a
//! request in order: accept, greet, admit, exchange, choose, pool, connect, forward, fallback, respond.

mod accept;
mod admit;
mod choose;
mod client;
mod connect;
mod cut;
mod deadline;
mod dialect;
mod drain;
mod exchange;
mod fallback;
mod forward;
mod greet;
mod handshake;
mod lease;
mod listen;
mod local;
mod pool;
mod presence;
mod redirect;
mod respond;
mod shared;
mod stream;
mod tunnel;
mod upgrade;
mod walk;
mod worker;

pub use listen::{Entrance, Share};
pub use worker::{Crew, Life};
