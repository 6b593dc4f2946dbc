//! All that is given to the compiler.

use jaq_core::native::{Filter, Fun, run};
use jaq_core::{Native, RunPtr, load};

use super::host::Host;
use super::{format, lists, math, objects, order, patterns, texts};

/// The name, the arguments and the function of a native.
pub(super) type Entry = Filter<RunPtr<Host>>;

/// Filters of the engine's own that are safe here: they only hand on what others give.
const OF_ENGINE: [&str; 5] = ["first", "last", "limit", "path", "skip"];

/// All functions in Rust.
pub(in crate::adapt) fn functions() -> impl Iterator<Item = Fun<Host>> {
    let ours = [
        format::ENTRIES,
        lists::ENTRIES,
        math::ENTRIES,
        objects::ENTRIES,
        order::ENTRIES,
        patterns::ENTRIES,
        texts::ENTRIES,
    ];
    let ours = ours
        .into_iter()
        .flat_map(|entries| entries())
        .map(run::<Host>);
    let engine = jaq_core::funs::<Host>()
        .filter(|(name, _, _): &(_, _, Native<Host>)| OF_ENGINE.contains(name));
    ours.chain(engine)
}

/// All definitions in jq.
pub(in crate::adapt) fn definitions() -> Vec<load::parse::Def<&'static str>> {
    load::parse(include_str!("defs.jq"), |parser| parser.defs()).unwrap_or_default()
}
