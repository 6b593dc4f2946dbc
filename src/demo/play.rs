//! The demo while it runs: traffic, and a table of what it meets.

use std::future::Future;
use std::io::{self, Write};
use std::pin::pin;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval_at};

use super::meter::{Meter, SideObserved};
use super::screen::Screen;
use super::stage::Stage;
use super::table::{ConfigView, RouteView, View};
use super::traffic::{Counts, Traffic, TrafficPlan};

/// Running requests get this long at the end.
const LAST_ANSWERS: Duration = Duration::from_secs(2);

/// How the demo is shown.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Play {
    /// The output is a terminal: the table is redrawn in place, more often.
    pub terminal: bool,
    /// Colours, on a terminal whose user wants them.
    pub colour: bool,
    /// How much traffic.
    pub traffic: TrafficPlan,
}

/// What only the caller knows: the proxy's state at this moment.
#[derive(Debug, Clone)]
pub struct Observed {
    /// The route and its split.
    pub route: RouteView,
    /// Primary and candidate.
    pub sides: [SideObserved; 2],
    /// The file.
    pub config: ConfigView,
}

/// Prints the introduction, sends traffic through the proxy, which must be up, and shows what `observe` sees until
/// `end` is there. Gives what the clients saw.
pub async fn play(
    stage: &Stage,
    how: Play,
    out: &mut dyn Write,
    mut observe: impl FnMut() -> Observed,
    end: impl Future<Output = ()>,
) -> io::Result<Counts> {
    let mut screen = Screen::new(how.terminal, how.colour);
    screen.say(out, &stage.intro().text())?;
    let traffic = Traffic::start(&stage.proxy(), how.traffic).map_err(io::Error::other)?;
    let start = Instant::now();
    let mut meters = [Meter::default(), Meter::default()];
    let period = Duration::from_millis(if how.terminal { 500 } else { 2000 });
    // In a log, a table of zeros is a waste.
    let first = if how.terminal { start } else { start + period };
    let mut turns = interval_at(first, period);
    turns.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut end = pin!(end);
    loop {
        tokio::select! {
            biased;
            () = &mut end => break,
            _ = turns.tick() => {}
        }
        let view = view(start.elapsed(), observe(), &mut meters, traffic.counts());
        screen.draw(out, &view)?;
    }
    let seen = traffic.stop_within(LAST_ANSWERS).await;
    let last = view(start.elapsed(), observe(), &mut meters, seen.clone());
    screen.draw(out, &last)?;
    screen.say(out, &farewell(&seen))?;
    Ok(seen)
}

/// Ends at Ctrl-C, at a polite request to end, or when the time is over.
pub async fn curtain(limit: Option<Duration>) {
    tokio::select! {
        // Without a handler Ctrl-C ends the process by itself, so a failure to set one is no reason to end.
        () = interrupted() => {}
        () = over(limit) => {}
    }
}

async fn over(limit: Option<Duration>) {
    match limit {
        Some(limit) => tokio::time::sleep(limit).await,
        None => std::future::pending().await,
    }
}

async fn interrupted() {
    let ctrl_c = async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending().await
        }
    };
    tokio::select! {
        () = ctrl_c => {}
        () = terminated() => {}
    }
}

#[cfg(unix)]
async fn terminated() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => drop(terminate.recv().await),
        Err(_) => std::future::pending().await,
    }
}

#[cfg(not(unix))]
async fn terminated() {
    std::future::pending().await
}

fn view(elapsed: Duration, now: Observed, meters: &mut [Meter; 2], clients: Counts) -> View {
    let [primary, candidate] = now.sides;
    let [primary_meter, candidate_meter] = meters;
    View {
        elapsed,
        route: now.route,
        sides: [
            primary_meter.row(elapsed, primary),
            candidate_meter.row(elapsed, candidate),
        ],
        clients,
        config: now.config,
    }
}

fn farewell(seen: &Counts) -> String {
    let shares: Vec<String> = seen
        .by_backend
        .iter()
        .map(|(backend, count)| format!("{backend} {count}"))
        .collect();
    let shares = shares.join(", ");
    format!(
        "\nThe demo is over: {} requests, {} answered ({shares}), {} failed.\n",
        seen.sent, seen.ok, seen.failed
    )
}

#[cfg(test)]
#[path = "play_tests.rs"]
mod tests;
