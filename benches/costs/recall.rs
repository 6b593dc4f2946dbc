//! Remembering what became of a request, and finding one again.

use std::time::Duration;

use divan::{Bencher, black_box};
use figshift::recall::{BYPASSED, Board, By, Chosen, Memory, Moment, NOTABLE, SMOOTH};
use figshift::snapshot::{Pin, Publisher, Snapshot};
use figshift::stats::{Class, Side};

/// As long as an id of figshift's own.
const ID: &[u8; 26] = b"7f3c9a01b2d4e6f80000000a3c";
const CHOSEN: Chosen = Chosen {
    side: Side::Candidate,
    by: By::Draw,
    draw: 1_234,
    percent: 2_500,
};

/// All that is noted of one request, in the order of its events.
fn request(memory: &Memory, pin: &Pin, side: Side, class: Class) {
    let at = |micros| Moment::after(black_box(micros));
    let arrived = black_box(Duration::from_micros(1_000_000));
    let key = memory.begins(black_box(ID), arrived, pin, 0, CHOSEN);
    memory.note(key, |decision| decision.goes(at(0), side, 0, None));
    memory.note(key, |decision| decision.has_head(at(35_000), 200));
    memory.note(key, |decision| decision.first_byte = at(36_000));
    memory.note(key, |decision| decision.try_ends(at(800_000), class));
    memory.ends(key, |decision| decision.ends(at(800_000), class));
}

fn room() -> (Board, Memory, Pin) {
    let board = Board::new(1);
    let memory = Memory::new(board.clone(), 0);
    let pin = Publisher::new(Snapshot::empty()).reader().pin();
    (board, memory, pin)
}

/// A memory that has seen as many of each kind as it keeps.
fn full() -> (Board, Memory, Pin) {
    let (board, memory, pin) = room();
    let kinds = [
        (SMOOTH, Side::Candidate, Class::Ok),
        (BYPASSED, Side::Primary, Class::Ok),
        (NOTABLE, Side::Candidate, Class::Timeout),
    ];
    for (most, side, class) in kinds {
        for _ in 0..most {
            request(&memory, &pin, side, class);
        }
    }
    (board, memory, pin)
}

/// One that went well, with the hash of its id.
#[divan::bench(sample_size = 10_000)]
fn decision(bencher: Bencher<'_, '_>) {
    let (_, memory, pin) = full();
    bencher.bench_local(|| request(&memory, &pin, Side::Candidate, Class::Ok));
}

/// What a worker's tick pays where nobody asks.
#[divan::bench]
fn nothing_asked(bencher: Bencher<'_, '_>) {
    let (_, memory, _) = full();
    bencher.bench_local(|| black_box(&memory).answer());
}

/// What a worker pays for a question when its memory is full.
#[divan::bench]
fn look_through_all(bencher: Bencher<'_, '_>) {
    let (board, memory, _) = full();
    bencher.bench_local(|| {
        let asked = board.ask(black_box(b"nobody"));
        memory.answer();
        asked.newest().is_some()
    });
}
