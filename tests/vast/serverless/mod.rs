//! Serverless: exact outcomes against a stand-in engine and a stand-in worker.

mod blame;
mod check;
mod engine;
mod fit;
mod front;
mod key;
mod probe;
mod secrets;
mod stand;
mod stranger;
mod workers;
