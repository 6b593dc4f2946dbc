//! How many client connections there are, over all workers: touched when one comes and when it
//! goes, never by a request.
//!
//! Connections of one address are counted in a sketch of fixed size, since a map of addresses would
//! need a lock and could be made to grow: each address has a place in each of two rows, and is
//! taken to have as many connections as the emptier of them. Two addresses that share both are
//! counted as one, which is one pair in four thousand million; where the places are is secret.

use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use crate::snapshot::ClientLimits;
use crate::stats::Refused;

/// Places of one row.
const PLACES: usize = 1 << 16;
/// What holds when neither the file nor the system gives a limit.
const MOST: u32 = 100_000;
/// Descriptors for the house itself.
const OWN: u64 = 100;

/// See the module.
#[derive(Debug)]
pub struct Crowd {
    open: AtomicU32,
    /// Made when somebody first asks for a limit by address.
    addresses: OnceLock<Sketch>,
    /// What holds where the file names no limit.
    by_default: u32,
}

impl Crowd {
    /// Of a process that may open so many files. A connection may need another one to a backend.
    pub fn new(descriptors: Option<u64>) -> Self {
        let half = |files: u64| files.saturating_sub(OWN) / 2;
        let half = descriptors.map_or(MOST, |files| u32::try_from(half(files)).unwrap_or(MOST));
        Self {
            open: AtomicU32::new(0),
            addresses: OnceLock::new(),
            by_default: half.clamp(1, MOST),
        }
    }

    /// Lets a connection in, until its place is handed to [`Crowd::leave`]; with the address, if that
    /// stands for one client.
    pub(super) fn enter(
        &self,
        address: Option<IpAddr>,
        limits: &ClientLimits,
    ) -> Result<Place, Refused> {
        let most = limits.connections.unwrap_or(self.by_default);
        if self.open.fetch_add(1, Relaxed) >= most {
            self.open.fetch_sub(1, Relaxed);
            return Err(Refused::Connections);
        }
        let mut place = Place(None);
        let known = address.map_or(Ok(()), |address| self.know(&mut place, address, limits));
        known
            .map(|()| place)
            .inspect_err(|_| self.leave(&Place(None)))
    }

    /// The address of the client of a connection has become known.
    pub(super) fn know(
        &self,
        place: &mut Place,
        address: IpAddr,
        limits: &ClientLimits,
    ) -> Result<(), Refused> {
        let Some(most) = limits.connections_per_client else {
            return Ok(());
        };
        let sketch = self.addresses.get_or_init(Sketch::new);
        let places = sketch.places(address);
        if sketch.add(places) > most {
            sketch.take(places);
            return Err(Refused::PerClient);
        }
        place.0 = Some(places);
        Ok(())
    }

    /// A connection has ended.
    pub(super) fn leave(&self, place: &Place) {
        self.open.fetch_sub(1, Relaxed);
        if let (Some(places), Some(sketch)) = (place.0, self.addresses.get()) {
            sketch.take(places);
        }
    }
}

/// A connection's place in the crowd.
#[derive(Debug)]
pub(super) struct Place(Option<[u16; 2]>);

#[derive(Debug)]
struct Sketch {
    rows: [Box<[AtomicU32]>; 2],
    secret: RandomState,
}

impl Sketch {
    fn new() -> Self {
        let row = || (0..PLACES).map(|_| AtomicU32::new(0)).collect();
        Self {
            rows: [row(), row()],
            secret: RandomState::new(),
        }
    }

    fn places(&self, address: IpAddr) -> [u16; 2] {
        let hash = self.secret.hash_one(network(address));
        [hash as u16, (hash >> 16) as u16]
    }

    /// How many the address has now.
    fn add(&self, places: [u16; 2]) -> u32 {
        let rows = self.rows.iter().zip(places);
        let counts = rows.map(|(row, place)| row[usize::from(place)].fetch_add(1, Relaxed) + 1);
        counts.min().unwrap_or(0)
    }

    fn take(&self, places: [u16; 2]) {
        for (row, place) in self.rows.iter().zip(places) {
            row[usize::from(place)].fetch_sub(1, Relaxed);
        }
    }
}

/// What stands for one client: an IPv4 address, or an IPv6 network of 64 bits, of which any client
/// has all addresses.
fn network(address: IpAddr) -> u64 {
    match address.to_canonical() {
        IpAddr::V4(address) => u64::from(address.to_bits()),
        IpAddr::V6(address) => (address.to_bits() >> 64) as u64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::Snapshot;

    fn limits(all: Option<u32>, each: Option<u32>) -> ClientLimits {
        ClientLimits {
            connections: all,
            connections_per_client: each,
            ..Snapshot::empty().limits
        }
    }

    #[test]
    fn all_and_each_are_counted_and_given_back() {
        let crowd = Crowd::new(None);
        let limits = limits(Some(3), Some(2));
        let one: IpAddr = "192.0.2.1".parse().unwrap();
        let mapped: IpAddr = "::ffff:192.0.2.1".parse().unwrap();
        let six: IpAddr = "2001:db8::1".parse().unwrap();
        let neighbour: IpAddr = "2001:db8::2".parse().unwrap();
        let first = crowd.enter(Some(one), &limits).unwrap();
        let second = crowd.enter(Some(mapped), &limits).unwrap();
        assert_eq!(
            crowd.enter(Some(one), &limits).unwrap_err(),
            Refused::PerClient
        );
        let third = crowd.enter(None, &limits).unwrap();
        assert_eq!(
            crowd.enter(Some(six), &limits).unwrap_err(),
            Refused::Connections
        );
        for place in [first, second, third] {
            crowd.leave(&place);
        }
        let held = [six, neighbour].map(|at| crowd.enter(Some(at), &limits).unwrap());
        assert_eq!(
            crowd.enter(Some(six), &limits).unwrap_err(),
            Refused::PerClient
        );
        for place in held {
            crowd.leave(&place);
        }
        assert_eq!(crowd.open.load(Relaxed), 0);
        let sketch = crowd.addresses.get().unwrap();
        let counts = sketch.rows.iter().flatten();
        assert_eq!(counts.map(|n| n.load(Relaxed)).sum::<u32>(), 0);
    }

    #[test]
    fn without_a_limit_it_is_half_of_the_descriptors() {
        for (descriptors, most) in [
            (None, MOST),
            (Some(110), 5),
            (Some(10), 1),
            (Some(u64::MAX), MOST),
        ] {
            assert_eq!(Crowd::new(descriptors).by_default, most);
        }
        let crowd = Crowd::new(Some(104));
        let limits = limits(None, None);
        let at: IpAddr = "192.0.2.1".parse().unwrap();
        assert!(crowd.enter(Some(at), &limits).is_ok());
        assert!(crowd.enter(Some(at), &limits).is_ok());
        assert!(crowd.enter(Some(at), &limits).is_err());
    }
}
