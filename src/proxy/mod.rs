//! The data plane: worker threads that serve requests. They read a snapshot and write their own
//! cells; they decide nothing that lasts longer than one request. The files are the steps of a
//! request in order: accept, admit, exchange, choose, pool, connect, forward, fallback, respond.

mod accept;
mod admit;
mod choose;
mod client;
mod connect;
mod cut;
mod deadline;
mod drain;
mod exchange;
mod fallback;
mod forward;
mod listen;
mod pool;
mod presence;
mod respond;
mod walk;
mod worker;

pub use listen::{Entrance, Share};
pub use worker::{Crew, Life};
