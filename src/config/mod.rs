//! The file: types, loading, every problem at once.
