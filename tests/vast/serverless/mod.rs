//! Serverless: exact outcomes against a stand-in engine and a stand-in worker.

mod blame;
mod check;
mod engine;
mod fit;
mod front;
mod h2;
mod key;
mod probe;
mod secrets;
mod stand;
mod stranger;
mod workers;
