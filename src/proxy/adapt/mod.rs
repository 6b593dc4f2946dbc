//! A side with another API: the request is made one of its requests before anything of it is sent, and what
//! comes back is made what the client expects.

mod events;
mod fit;
mod reply;
mod run;
mod wear;

pub(super) use events::EventAdapter;
pub(super) use fit::{fit, is_wanted};
pub(super) use reply::adapt;
pub(super) use wear::Fitting;
