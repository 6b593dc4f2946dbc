//! Each event passes at once.

use std::time::{Duration, Instant};

use super::stand::{alone, asks, end, head, part};
use crate::support::origin::{Do, Gate, Origin};

#[allow(clippy::print_stdout, reason = "the figure is the finding")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_passes_within_five_milliseconds() {
    const EVENTS: usize = 300;
    let gates: Vec<Gate> = (0..EVENTS).map(|_| Gate::default()).collect();
    let awaited = gates.clone();
    let origin = Origin::new(move |_| {
        let mut steps = vec![head()];
        for (n, gate) in awaited.iter().enumerate() {
            steps.extend([Do::Await(gate.clone()), part(&format!("data: {n}\n\n"))]);
        }
        steps.push(end());
        steps
    });
    let house = alone(&origin, "", "").await;
    let mut client = asks(&house).await;
    let mut times = Vec::new();
    for (n, gate) in gates.iter().enumerate() {
        // With the origin's waking, its writing and the client's reading.
        let begun = Instant::now();
        gate.open();
        client.read_until(&format!("data: {n}\n\n")).await;
        times.push(begun.elapsed());
    }
    times.sort_unstable();
    let at = |part: usize| times[EVENTS * part / 100];
    println!("an event passes in {:?}; 95 of 100 in {:?}", at(50), at(95));
    assert!(at(50) < Duration::from_millis(5), "{:?}", at(50));
    house.stop().await;
}
