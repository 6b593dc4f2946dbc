//! One unit on its way through the books.

use crate::stats::Side;

/// What the split drew for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Draw {
    /// Nothing: somebody else chose the side, or there is only one.
    #[default]
    None,
    /// This request alone.
    Request,
    /// A user, by some bits of the draw of the sticky key.
    User(u16),
}

/// A unit that has been drawn.
#[derive(Debug, Clone, Copy)]
pub struct Unit {
    pub(super) second: u64,
    pub(super) side: Side,
    /// The user, on a sticky split.
    pub(super) user: Option<u16>,
    /// Whether its latency counts.
    pub(super) timed: bool,
    pub(super) entered: bool,
    pub(super) answered: bool,
    /// By which limits it was slow: bits 0 to 2 the narrower ones, 3 to 5 those to promote.
    pub(super) slow: u8,
    /// Whether it is in the counts of latency.
    pub(super) counted: bool,
}

impl Unit {
    /// Whether it is in its cohort.
    pub fn has_entered(&self) -> bool {
        self.entered
    }
}
