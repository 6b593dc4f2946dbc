//! The file: types, loading, every problem at once.

pub mod model;
pub mod scalar;
