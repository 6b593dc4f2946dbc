//! Request ids: the client's own when it is sane, else one of ours.

use std::cell::{Cell, RefCell};

use bytes::BytesMut;
use http::header::{HeaderMap, HeaderName, HeaderValue};

/// The header that carries it.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// A longer id of a client is replaced by one of ours.
const LONGEST: usize = 128;

/// Bytes of an id of ours.
const LENGTH: usize = 26;
/// Ids that share one allocation.
const BLOCK: usize = 64;

/// Makes ids for one worker: 16 hex digits drawn at its start, then 10 that count up.
#[derive(Debug)]
pub struct RequestIds {
    prefix: [u8; 16],
    next: Cell<u64>,
    /// Room for the next ids.
    room: RefCell<BytesMut>,
}

/// The id of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Id {
    /// What it is called.
    pub value: HeaderValue,
    /// It does not stand among the headers.
    pub is_new: bool,
}

impl RequestIds {
    /// With a random prefix.
    pub fn new(random: u64) -> Self {
        let mut prefix = [0; 16];
        write_hex(random, &mut prefix);
        Self {
            prefix,
            next: Cell::new(0),
            room: RefCell::default(),
        }
    }

    /// The id of a request: what its client calls it, if that is sane. Else it is a new one, and what the
    /// client has called it is gone from the headers.
    pub fn of(&self, headers: &mut HeaderMap) -> Id {
        // A look at the names is cheaper than a search: most requests have few, and none of this length.
        let claimed = headers.iter().find(|(name, _)| *name == REQUEST_ID);
        if let Some((_, id)) = claimed {
            if (1..=LONGEST).contains(&id.len()) && id.as_bytes().iter().all(u8::is_ascii_graphic) {
                return Id {
                    value: id.clone(),
                    is_new: false,
                };
            }
            headers.remove(REQUEST_ID);
        }
        Id {
            value: self.make(),
            is_new: true,
        }
    }

    fn make(&self) -> HeaderValue {
        let count = self.next.get();
        self.next.set(count.wrapping_add(1));
        let mut digits = [0; LENGTH - 16];
        write_hex(count, &mut digits);
        let mut room = self.room.borrow_mut();
        if room.capacity() < LENGTH {
            *room = BytesMut::with_capacity(LENGTH * BLOCK);
        }
        room.extend_from_slice(&self.prefix);
        room.extend_from_slice(&digits);
        HeaderValue::from_maybe_shared(room.split().freeze())
            .unwrap_or_else(|_| HeaderValue::from_static("0"))
    }
}

/// The lowest digits of a number, as many as there is room for.
fn write_hex(number: u64, room: &mut [u8]) {
    let mut rest = number;
    for digit in room.iter_mut().rev() {
        *digit = b"0123456789abcdef"[(rest & 15) as usize];
        rest >>= 4;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_made_once_and_differ() {
        let ids = RequestIds::new(0xabc);
        let mut headers = HeaderMap::new();
        let first = ids.of(&mut headers);
        assert_eq!(first.value, "0000000000000abc0000000000");
        assert!(first.is_new && headers.is_empty());
        headers.insert(REQUEST_ID, first.value.clone());
        let again = ids.of(&mut headers);
        assert_eq!((again.value, again.is_new), (first.value, false));
        let next = ids.of(&mut HeaderMap::new());
        assert_eq!(next.value, "0000000000000abc0000000001");
    }

    #[test]
    fn odd_ids_of_clients_are_replaced() {
        let ids = RequestIds::new(1);
        let long = "x".repeat(LONGEST + 1);
        for (given, kept) in [
            ("abc-1", true),
            ("", false),
            ("a b", false),
            (&*long, false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(REQUEST_ID, HeaderValue::from_str(given).unwrap());
            let id = ids.of(&mut headers);
            assert_eq!(id.value == given, kept, "{given}");
            assert_eq!((id.is_new, headers.is_empty()), (!kept, !kept), "{given}");
        }
    }
}
