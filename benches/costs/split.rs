//! Choosing the side.

use divan::{Bencher, black_box};
use figshift::policy::{Salt, Split};

/// One integer compare.
#[divan::bench]
fn choose(bencher: Bencher<'_, '_>) {
    let split = Split::new(1250);
    bencher.bench_local(|| black_box(split).choose(black_box(0x1234_5678_9abc_def0)));
}

/// The hash of a sticky key as long as a session id.
#[divan::bench]
fn draw_16_bytes(bencher: Bencher<'_, '_>) {
    let salt = Salt::new("chat");
    let key = *b"0123456789abcdef";
    bencher.bench_local(|| black_box(salt).draw(black_box(&key)));
}

/// The whole choice for a sticky user.
#[divan::bench]
fn draw_and_choose(bencher: Bencher<'_, '_>) {
    let (salt, split) = (Salt::new("chat"), Split::new(1250));
    let key = *b"0123456789abcdef";
    bencher.bench_local(|| black_box(split).choose(black_box(salt).draw(black_box(&key))));
}
