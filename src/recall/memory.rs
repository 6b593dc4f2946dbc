//! What one worker remembers: the requests on their way, and of those that have ended the last ones of
//! each kind, so that a flood of one kind does not wash the others away. It takes room as traffic comes,
//! up to some two megabytes.

use std::cell::RefCell;
use std::time::Duration;

use slab::Slab;

use super::board::{Board, Found};
use super::decision::{Chosen, Decision, Kind};
use super::moment::Moment;
use super::ring::Ring;
use crate::snapshot::Pin;
use crate::stats::Fault;

/// Remembered of those that went smoothly, for each worker.
pub const SMOOTH: usize = 8_192;
/// Remembered of those that only bypassed a side that was out.
pub const BYPASSED: usize = 4_096;
/// Remembered of all others: failures, second tries, clients that left.
pub const NOTABLE: usize = 4_096;
/// States of the house whose names are remembered.
pub const STATES: usize = 32;

/// See the module.
#[derive(Debug)]
pub struct Memory {
    board: Board,
    worker: usize,
    kept: RefCell<Kept>,
}

#[derive(Debug)]
struct Kept {
    running: Slab<Decision>,
    smooth: Ring<Decision>,
    bypassed: Ring<Decision>,
    notable: Ring<Decision>,
    /// In the order of their epochs.
    pins: Vec<Pin>,
    /// Of the last pin.
    epoch: u64,
}

impl Memory {
    /// Of the worker of this index, which answers what hangs on the board.
    pub fn new(board: Board, worker: usize) -> Self {
        Self {
            board,
            worker,
            kept: RefCell::new(Kept {
                running: Slab::new(),
                smooth: Ring::new(SMOOTH),
                bypassed: Ring::new(BYPASSED),
                notable: Ring::new(NOTABLE),
                pins: Vec::new(),
                epoch: 0,
            }),
        }
    }

    /// A request has found its route and its side. Gives the key of its decision.
    pub fn begins(
        &self,
        id: &[u8],
        arrived: Duration,
        pin: &Pin,
        route: usize,
        chosen: Chosen,
    ) -> usize {
        let mut decision = Decision::new(self.board.hash(id), arrived);
        decision.epoch = pin.epoch;
        decision.route = route as u32;
        decision.chosen = Some(chosen);
        let mut kept = self.kept.borrow_mut();
        if kept.epoch != pin.epoch {
            kept.keep(pin);
        }
        kept.running.insert(decision)
    }

    /// Notes something of a request that is on its way.
    pub fn note(&self, key: usize, note: impl FnOnce(&mut Decision)) {
        if let Some(decision) = self.kept.borrow_mut().running.get_mut(key) {
            note(decision);
        }
    }

    /// The request has ended, with this last note.
    pub fn ends(&self, key: usize, note: impl FnOnce(&mut Decision)) {
        let mut kept = self.kept.borrow_mut();
        if let Some(mut decision) = kept.running.try_remove(key) {
            note(&mut decision);
            kept.push(decision);
        }
    }

    /// A request was answered before it had a route, in this epoch, or 0 if that was not looked at.
    pub fn refused(&self, id: &[u8], arrived: Duration, epoch: u64, fault: Fault, status: u16) {
        let mut decision = Decision::new(self.board.hash(id), arrived);
        decision.epoch = epoch;
        decision.ends_with(Moment::after(0), None, fault, status);
        self.kept.borrow_mut().push(decision);
    }

    /// Looks at the board, and answers what is asked there.
    pub fn answer(&self) {
        self.board
            .answer(self.worker, |id| self.kept.borrow().find(id));
    }
}

impl Kept {
    /// Workers pin the state in force, so epochs only rise.
    fn keep(&mut self, pin: &Pin) {
        if self.pins.len() == STATES {
            self.pins.remove(0);
        }
        self.pins.push(pin.clone());
        self.epoch = pin.epoch;
    }

    fn push(&mut self, decision: Decision) {
        let ring = match decision.kind() {
            Kind::Smooth => &mut self.smooth,
            Kind::Bypassed => &mut self.bypassed,
            Kind::Notable => &mut self.notable,
        };
        ring.push(decision);
    }

    fn find(&self, id: u64) -> Option<Found> {
        let ended = [&self.smooth, &self.bypassed, &self.notable];
        let ended = ended.into_iter().flat_map(Ring::iter);
        let running = self.running.iter().map(|(_, decision)| (decision, true));
        let all = ended.map(|decision| (decision, false)).chain(running);
        let mut count = 0;
        let newest = all
            .filter(|(decision, _)| decision.id == id)
            .inspect(|_| count += 1)
            .max_by_key(|(decision, _)| decision.arrived);
        let (decision, running) = newest?;
        let mut pins = self.pins.iter();
        let pin = pins.find(|pin| pin.epoch == decision.epoch);
        Some(Found {
            decision: *decision,
            running,
            count,
            snapshot: pin.map(Pin::share),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recall::By;
    use crate::snapshot::{Publisher, Snapshot};
    use crate::stats::{Class, Reason, Side};

    const CHOSEN: Chosen = Chosen {
        side: Side::Candidate,
        by: By::Draw,
        draw: 1_234,
        percent: 2_500,
    };

    fn state(epoch: u64) -> Snapshot {
        let mut state = Snapshot::empty();
        state.epoch = epoch;
        state
    }

    struct Room {
        board: Board,
        memory: Memory,
        publisher: Publisher,
        clock: std::cell::Cell<u64>,
    }

    impl Room {
        fn new() -> Self {
            let board = Board::new(1);
            Self {
                memory: Memory::new(board.clone(), 0),
                board,
                publisher: Publisher::new(state(1)),
                clock: std::cell::Cell::new(0),
            }
        }

        fn begins(&self, id: &str) -> usize {
            self.clock.set(self.clock.get() + 1);
            let arrived = Duration::from_micros(self.clock.get());
            let pin = self.publisher.reader().pin();
            let memory = &self.memory;
            let key = memory.begins(id.as_bytes(), arrived, &pin, 0, CHOSEN);
            memory.note(key, |decision| {
                decision.goes(Moment::after(0), Side::Candidate, 0, None);
            });
            key
        }

        fn ends(&self, key: usize, class: Class) {
            self.memory.ends(key, |decision| {
                decision.try_ends(Moment::after(20), class);
                decision.ends(Moment::after(20), class);
            });
        }

        fn find(&self, id: &str) -> Option<Found> {
            let asked = self.board.ask(id.as_bytes());
            self.memory.answer();
            assert!(asked.is_answered());
            asked.newest()
        }
    }

    #[test]
    fn running_ones_and_ended_ones_are_found() {
        let room = Room::new();
        assert!(room.find("a").is_none());
        let key = room.begins("a");
        let found = room.find("a").unwrap();
        assert!(found.running && found.decision.class.is_none());
        room.ends(key, Class::Ok);
        let found = room.find("a").unwrap();
        assert!(!found.running && found.count == 1);
        assert_eq!(found.decision.class, Some(Class::Ok));
        assert_eq!(found.decision.chosen, Some(CHOSEN));
        assert!(room.find("b").is_none());
        // A client may use an id twice: the newest is told, and that there are two.
        let key = room.begins("a");
        room.ends(key, Class::ServerError);
        let found = room.find("a").unwrap();
        assert_eq!(found.decision.class, Some(Class::ServerError));
        assert_eq!(found.count, 2);
        let arrived = Duration::from_micros(1);
        room.memory.refused(b"a", arrived, 1, Fault::NoRoute, 404);
        assert_eq!(room.find("a").unwrap().count, 3);
    }

    #[test]
    fn no_flood_washes_another_kind_away() {
        let room = Room::new();
        for (id, class) in [("good", Class::Ok), ("bad", Class::Timeout)] {
            let key = room.begins(id);
            room.ends(key, class);
        }
        let key = room.begins("around");
        let side = Side::Primary;
        let elsewhere = Some(Chosen { side, ..CHOSEN });
        room.memory
            .note(key, |decision| decision.chosen = elsewhere);
        room.ends(key, Class::Ok);
        let flood = |class, most| {
            for n in 0..most {
                let key = room.begins(&format!("flood {n}"));
                room.ends(key, class);
            }
        };
        flood(Class::Ok, SMOOTH - 1);
        assert!(room.find("good").is_some());
        flood(Class::Ok, 1);
        assert!(room.find("good").is_none());
        assert!(room.find("bad").is_some() && room.find("around").is_some());
        flood(Class::Cancelled, NOTABLE);
        assert!(room.find("bad").is_none() && room.find("around").is_some());
    }

    #[test]
    fn names_are_those_of_the_epoch_and_forgotten_with_it() {
        let room = Room::new();
        let epoch = |id: &str| {
            let found = room.find(id).unwrap();
            found.snapshot.map(|snapshot| snapshot.epoch)
        };
        for n in 1..=STATES as u64 + 1 {
            let key = room.begins(&format!("in {n}"));
            room.ends(key, Class::Ok);
            assert_eq!(epoch(&format!("in {n}")), Some(n));
            room.publisher.publish(state(n + 1));
        }
        assert_eq!(epoch("in 1"), None);
        assert_eq!(room.find("in 1").unwrap().decision.epoch, 1);
        assert_eq!(epoch("in 2"), Some(2));
        let last = STATES as u64 + 1;
        assert_eq!(epoch(&format!("in {last}")), Some(last));
    }

    #[test]
    fn a_note_to_nobody_is_no_note() {
        let room = Room::new();
        room.memory.note(7, |_| panic!("there is none"));
        room.memory.ends(7, |_| panic!("there is none"));
        let key = room.begins("a");
        room.ends(key, Class::Ok);
        room.memory.note(key, |decision| {
            decision.goes(Moment::after(0), Side::Primary, 0, Some(Reason::Status));
        });
        assert_eq!(room.find("a").unwrap().decision.tries().len(), 1);
    }
}
