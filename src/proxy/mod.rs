//! The data plane: worker threads that serve requests. They read a snapshot and write their own
//! cells; they decide nothing that lasts longer than one request. The files are the steps of a
//! request in order: accept, greet, admit, exchange, choose, pool, connect, forward, hold, fallback,
//! respond.

mod accept;
mod adapt;
mod admit;
mod answer;
mod apart;
mod arrival;
mod choose;
mod client;
mod conduct;
mod connect;
mod crowd;
mod cut;
mod deadline;
mod dialect;
mod drain;
mod engage;
mod exchange;
mod failure;
mod fallback;
mod farewell;
mod forward;
mod framed;
mod gather;
mod greet;
mod handshake;
mod hire;
mod hold;
mod kept;
mod lease;
mod limited;
mod listen;
mod local;
mod lookout;
mod own;
mod pace;
mod payload;
mod pipes;
mod pool;
mod presence;
mod problem;
mod queue;
mod rate;
mod redirect;
mod rent;
mod respond;
mod shared;
mod stranger;
mod stream;
mod tunnel;
mod upgrade;
mod walk;
mod watch;
mod watched;
mod worker;

pub use crowd::Crowd;
pub use listen::{Entrance, Share};
pub use worker::{Crew, Life};
