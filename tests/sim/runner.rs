//! Repetitions over all cores, each with a seed of its own, so that a run is the same on any
//! number of them.

use std::num::NonZero;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;

use rand::{SeedableRng, rngs::SmallRng};

/// How much is simulated, and with which draws.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scale {
    pub(crate) long: bool,
    seed: u64,
}

impl Scale {
    pub(crate) fn from_environment() -> Self {
        let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
        Self {
            long: std::env::var("SIM").is_ok_and(|text| text == "long"),
            seed: number("SIM_SEED").unwrap_or(1),
        }
    }

    pub(crate) fn seed(self) -> u64 {
        self.seed
    }

    /// So many repetitions, or few in the short version.
    pub(crate) fn repetitions(self, long: u64, short: u64) -> u64 {
        if self.long { long } else { short }
    }

    /// The results of `n` repetitions, in order. `row` keeps rows' draws apart.
    pub(crate) fn repeat<T: Send>(
        self,
        row: &str,
        n: u64,
        run: impl Fn(SmallRng) -> T + Sync,
    ) -> Vec<T> {
        let next = AtomicU64::new(0);
        let work = || {
            let mut done = Vec::new();
            loop {
                let index = next.fetch_add(1, Relaxed);
                if index >= n {
                    return done;
                }
                let seed = mix(mix(self.seed ^ name(row)) ^ index);
                done.push((index, run(SmallRng::seed_from_u64(seed))));
            }
        };
        let cores = thread::available_parallelism().map_or(1, NonZero::get);
        let mut all: Vec<(u64, T)> = thread::scope(|scope| {
            let workers: Vec<_> = (0..cores).map(|_| scope.spawn(work)).collect();
            workers
                .into_iter()
                .flat_map(|worker| worker.join().expect("a repetition panicked"))
                .collect()
        });
        all.sort_by_key(|(index, _)| *index);
        all.into_iter().map(|(_, result)| result).collect()
    }
}

/// A number from a text (FNV-1a).
fn name(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// Spreads neighbouring seeds (the finisher of splitmix64).
fn mix(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
