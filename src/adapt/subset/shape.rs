//! How many outputs a term has, and how deep it is evaluated.

/// Of a term.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shape {
    /// At most so many outputs for each element of the input that it goes through.
    pub(super) fan: u64,
    /// Whether there can be more the larger the input is. Those are metered.
    pub(super) grows: bool,
    /// Levels of evaluation.
    pub(super) depth: u32,
}

impl Shape {
    /// One output at most.
    pub(super) const ONE: Self = Self {
        fan: 1,
        grows: false,
        depth: 1,
    };
    /// As many outputs as the input has elements.
    pub(super) const ALL: Self = Self {
        fan: 1,
        grows: true,
        depth: 1,
    };

    /// Each output of one with each of the other.
    pub(super) fn times(self, other: Self) -> Self {
        Self {
            fan: self.fan.saturating_mul(other.fan.max(1)),
            grows: self.grows || other.grows,
            depth: self.depth.max(other.depth),
        }
    }

    /// The outputs of one and those of the other.
    pub(super) fn plus(self, other: Self) -> Self {
        Self {
            fan: self.fan.saturating_add(other.fan),
            ..self.times(other)
        }
    }

    /// The outputs of either.
    pub(super) fn or(self, other: Self) -> Self {
        Self {
            fan: self.fan.max(other.fan),
            ..self.times(other)
        }
    }

    /// So many levels more.
    pub(super) fn below(self, levels: u32) -> Self {
        Self {
            depth: self.depth.saturating_add(levels),
            ..self
        }
    }

    /// What is collected or reduced to one output.
    pub(super) fn collected(self) -> Self {
        Self {
            fan: 1,
            grows: false,
            ..self
        }
    }

    pub(super) fn is_one(self) -> bool {
        self.fan <= 1 && !self.grows
    }
}

/// Levels of a balanced tree of so many leaves.
pub(super) fn levels(leaves: usize) -> u32 {
    leaves.max(1).ilog2() + 1
}
