//! The last so many of something.

/// Takes room as it fills, and then the place of the oldest.
#[derive(Debug)]
pub(super) struct Ring<T> {
    kept: Vec<T>,
    most: usize,
    /// The oldest, once it is full.
    oldest: usize,
}

impl<T> Ring<T> {
    /// Of at most so many.
    pub(super) const fn new(most: usize) -> Self {
        Self {
            kept: Vec::new(),
            most,
            oldest: 0,
        }
    }

    pub(super) fn push(&mut self, new: T) {
        if self.kept.len() < self.most {
            self.kept.push(new);
        } else if let Some(oldest) = self.kept.get_mut(self.oldest) {
            *oldest = new;
            self.oldest += 1;
            if self.oldest == self.most {
                self.oldest = 0;
            }
        }
    }

    /// In no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.kept.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_goes_first() {
        let mut ring = Ring::new(3);
        for n in 0..8 {
            ring.push(n);
            let mut kept: Vec<i32> = ring.iter().copied().collect();
            kept.sort_unstable();
            let first = (n - 2).max(0);
            assert_eq!(kept, (first..=n).collect::<Vec<_>>());
        }
    }
}
