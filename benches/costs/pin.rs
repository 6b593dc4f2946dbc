//! A worker's look at the snapshot in force, and what it would cost to share a count instead. A sample
//! is long enough for the two threads to be at it at the same time.

use std::cell::RefCell;
use std::sync::LazyLock;

use divan::{Bencher, black_box};
use figshift::snapshot::{Publisher, Reader, Snapshot};

static PUBLISHER: LazyLock<Publisher> = LazyLock::new(|| Publisher::new(Snapshot::empty()));

thread_local! {
    static READER: RefCell<Reader> = RefCell::new(PUBLISHER.reader());
}

/// As a worker does it, once per request.
#[divan::bench(threads = [1, 2], sample_count = 50, sample_size = 1_000_000)]
fn pin(bencher: Bencher<'_, '_>) {
    bencher.bench(|| READER.with_borrow_mut(|reader| black_box(reader.pin()).epoch));
}

/// The snapshot itself, with a count that all threads write.
#[divan::bench(threads = [1, 2], sample_count = 50, sample_size = 1_000_000)]
fn shared_count(bencher: Bencher<'_, '_>) {
    bencher.bench(|| black_box(PUBLISHER.current()).epoch);
}
