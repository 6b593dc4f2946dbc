//! What became of a request: the house tells the truth about each, and only about what it remembers.

mod asking;
mod memory;
mod refusals;
mod sides;
mod streams;
mod tell;
mod tries;
