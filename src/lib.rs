//! figshift: a traffic-splitting reverse proxy that moves an inference service to Vast.ai
//! without anyone noticing. `ARCHITECTURE.md` shows the house; each module below is a room.

pub mod config;
