//! Which programs are accepted: a part of jq in which each run is bounded by the size of its input
//! and by the meter. A program is read, checked, and written anew from what was understood; only
//! that is compiled.

mod accept;
mod bindings;
mod calls;
mod check;
mod lower;
mod names;
mod scan;
mod shape;
mod syntax;

pub(super) use accept::accept;
