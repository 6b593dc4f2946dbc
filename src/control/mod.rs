//! The control plane: one door through which everything passes that alters traffic. It never
//! touches a request.

mod standing;

pub use standing::{Outcome, Standing};
