//! What all connections of one thread read into and write from, one at a time, so that none of them
//! has a buffer of its own while it waits.

use std::cell::RefCell;

use http::HeaderMap;

/// Most answers come with one read of this size.
pub(super) const READ: usize = 16 * 1024;
/// A buffer that has grown over this is not kept.
const KEPT: usize = 64 * 1024;
/// Maps of headers that are kept, if they have room for so many lines: for a usual answer, and no more
/// than one may have.
const MAPS: usize = 16;
const LINES: std::ops::RangeInclusive<usize> = 12..=200;

/// See the module.
#[derive(Debug)]
pub struct Buffers {
    pub(super) into: RefCell<Box<[u8]>>,
    out: RefCell<Vec<u8>>,
    maps: RefCell<Vec<HeaderMap>>,
}

impl Default for Buffers {
    fn default() -> Self {
        Self {
            into: RefCell::new(vec![0; READ].into()),
            out: RefCell::default(),
            maps: RefCell::default(),
        }
    }
}

impl Buffers {
    /// An empty buffer to write from; with memory, if nobody else has it.
    pub(super) fn take(&self) -> Vec<u8> {
        self.out.take()
    }

    /// An empty map; with memory, if one was kept.
    pub(super) fn map(&self) -> HeaderMap {
        self.maps.borrow_mut().pop().unwrap_or_default()
    }

    /// Keeps the memory of a head that is of no use any more for one that will come.
    pub fn keep(&self, mut headers: HeaderMap) {
        let mut maps = self.maps.borrow_mut();
        if maps.len() < MAPS && LINES.contains(&headers.capacity()) {
            headers.clear();
            maps.push(headers);
        }
    }

    /// Gives it back.
    pub(super) fn give(&self, mut out: Vec<u8>) {
        if out.capacity() <= KEPT {
            out.clear();
            self.out.replace(out);
        }
    }
}
