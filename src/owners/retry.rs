//! What a sweep remembers until the next one.

use std::io;

use super::late::Late;
use super::table::Table;

/// The longest time from one try to open the file to the next, in seconds.
const LONGEST: u32 = 60;

/// Between two sweeps.
#[derive(Debug, Default)]
pub(super) struct Retry {
    /// Which shard was swept last.
    pub(super) swept: usize,
    /// No sooner than then, in unix seconds.
    at: u32,
    wait: u32,
    /// The flush that what was read last waits for.
    flush: Option<u64>,
}

impl Retry {
    /// Whether to try to open the file: after 1 s, then 2, 4 and so on up to [`LONGEST`]. One that another
    /// process has is tried each second.
    pub(super) fn is_due(&mut self, is_on_disk: bool, is_busy: bool, now: u32) -> bool {
        if is_on_disk {
            self.wait = 0;
            self.at = 0;
            return false;
        }
        if now < self.at && self.at - now <= LONGEST {
            return false;
        }
        self.wait = if is_busy {
            1
        } else {
            (self.wait * 2).clamp(1, LONGEST)
        };
        self.at = now.saturating_add(self.wait);
        true
    }

    /// Takes over late lines, asks for them to be written, and removes their file when they are.
    pub(super) fn take_over(&mut self, late: &Late, table: &Table, now: u32) -> io::Result<()> {
        if late.take_over(table, now)? > 0 {
            self.flush = None;
        }
        let Some(flush) = self.flush else {
            if late.has_read() {
                self.flush = Some(table.bell.order(|orders| {
                    orders.flushes += 1;
                    orders.flushes
                }));
            }
            return Ok(());
        };
        match table
            .bell
            .order(|orders| (orders.flushed >= flush, orders.flushed_well))
        {
            (true, true) => {
                self.flush = None;
                late.clear()
            }
            (true, false) => {
                self.flush = None;
                Ok(())
            }
            (false, _) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_tried_less_and_less_often() {
        let mut retry = Retry::default();
        let tries = (100..300).filter(|now| retry.is_due(false, false, *now));
        let tries: Vec<u32> = tries.collect();
        assert_eq!(tries, [100, 101, 103, 107, 115, 131, 163, 223, 283]);
        assert!(!retry.is_due(true, false, 300));
        assert!(retry.is_due(false, false, 301));
        let busy = (400..405).filter(|now| retry.is_due(false, true, *now));
        assert_eq!(busy.count(), 5);
    }
}
