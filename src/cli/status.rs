//! `figshift status`.

use std::io::{self, IsTerminal as _};
use std::time::Duration;

use clap::Args;
use serde_json::json;

use super::columns::{Side, columns, percent, plain, rate, time};
use super::lines::lines;
use super::print::{print, print_json};
use super::reach::{Reach, Target};
use super::serve::{on_control_runtime, say};
use super::{Exit, costs, drain, events, learned, offline};
use crate::api::{
    BreakerState, ConfigStatus, Drains, HouseStatus, Phase, RouteState, ServiceHealth, SideState,
    State,
};

/// Between two looks.
const AGAIN: Duration = Duration::from_secs(1);
/// Lines of the journal.
const EVENTS: usize = 5;
/// Moves the cursor to the top and clears what is below.
const CLEAR: &str = "\x1b[H\x1b[J";

/// The arguments.
#[derive(Debug, Args)]
pub(super) struct Status {
    /// Look again every second, until Ctrl-C.
    #[arg(long)]
    watch: bool,
    #[command(flatten)]
    target: Target,
}

/// Shows what is in force and why.
pub(super) fn run(args: &Status) -> Exit {
    let reach = match args.target.reach() {
        Ok(reach) => reach,
        Err(problem) => return say(&problem, Exit::BadInput),
    };
    on_control_runtime(async {
        let mut exit = look(&reach, args).await;
        while args.watch && !matches!(exit, Exit::BadInput) {
            tokio::select! {
                ended = tokio::signal::ctrl_c() => {
                    return ended.map_or(Exit::Unreachable, |()| exit);
                }
                () = tokio::time::sleep(AGAIN) => exit = look(&reach, args).await,
            }
        }
        exit
    })
}

async fn look(reach: &Reach, args: &Status) -> Exit {
    let clear = match args.watch && io::stdout().is_terminal() && !args.target.json {
        true => CLEAR,
        false => "",
    };
    let state = match reach.ask.state().await {
        Ok(state) => state,
        Err(failed) if failed.is_house() => {
            return offline::show(reach, &failed, clear, args.target.json);
        }
        Err(failed) => return say(&failed.to_string(), failed.exit()),
    };
    let journal = events::journal(reach, EVENTS).await;
    let entries = journal
        .map(|(_, journal)| journal.entries)
        .unwrap_or_default();
    // An older figshift has no answer to that.
    let drains = reach.ask.get::<Drains>(drain::PATH).await.ok();
    let drains = drains.filter(|drains| !drains.rules.is_empty());
    let exit = match state.status {
        HouseStatus::Ok => Exit::Done,
        HouseStatus::Degraded | HouseStatus::Down => Exit::No,
    };
    if args.target.json {
        let mut document = json!(state);
        document["journal"] = json!(entries);
        if let Some(drains) = &drains {
            document["drain"] = json!(drains);
        }
        return exit.after(match args.watch {
            // One document a line, for programs that follow.
            true => print(&format!("{document}\n")),
            false => print_json(&document),
        });
    }
    let owned = drains.as_ref().and_then(drain::line).unwrap_or_default();
    let mut text = format!("{clear}{}", page(&state, &owned, reach));
    if !entries.is_empty() {
        text += &format!("\n{}", events::table(&entries));
    }
    exit.after(print(&text))
}

fn page(state: &State, owned: &str, reach: &Reach) -> String {
    let mut text = format!(
        "figshift {} at {}: {}, {}, epoch {}\n",
        plain(&state.version),
        reach.ask.admin,
        health(state.status),
        phase(state.phase),
        state.epoch
    );
    for reason in &state.because {
        text += &format!("  {}\n", plain(reason));
    }
    text += &format!("file: {}\n", file(state));
    if !state.journal_sound {
        text += "journal: cannot be written; a restart would not know of the last change\n";
    }
    for route in &state.routes {
        text += &format!("route {} {}\n", route.name, share(route));
        for line in lines(route).into_iter().chain(costs::of_route(route)) {
            text += &format!("  {line}\n");
        }
    }
    text += &learned::lines(state);
    text += &costs::of_backends(state);
    text += owned;
    let rows: Vec<_> = state
        .routes
        .iter()
        .flat_map(|route| rows(route, state))
        .collect();
    let head = [
        ("ROUTE", Side::Left),
        ("SIDE", Side::Left),
        ("BACKEND", Side::Left),
        ("IN FORCE", Side::Right),
        ("TRIES/MIN", Side::Right),
        ("ERRORS", Side::Right),
        ("P50", Side::Right),
        ("P95", Side::Right),
        ("ENDPOINTS", Side::Left),
    ];
    text + "\n" + &columns(head, &rows)
}

fn health(status: HouseStatus) -> &'static str {
    match status {
        HouseStatus::Ok => "ok",
        HouseStatus::Degraded => "degraded",
        HouseStatus::Down => "down",
    }
}

fn phase(phase: Phase) -> &'static str {
    match phase {
        Phase::Legacy => "all on the primary",
        Phase::Shift => "shifting",
        Phase::Moved => "all on the candidate",
        Phase::RolledBack => "rolled back",
    }
}

fn file(state: &State) -> String {
    let since = &state.config.applied_at;
    let mut text = match state.config.status {
        ConfigStatus::Applied => format!("in force since {since}"),
        ConfigStatus::Refused => format!("broken; in force is the one of {since}"),
        ConfigStatus::LastGood => "broken at the start; the last good one is in force".to_owned(),
    };
    for problem in &state.config.problems {
        text += &format!("\n  {}", plain(problem));
    }
    if !state.config.needs_restart.is_empty() {
        text += &format!(
            "\n  waiting for a restart: {}",
            state.config.needs_restart.join(", ")
        );
    }
    text
}

/// The chain, and what the endpoints make of it.
fn share(route: &RouteState) -> String {
    let Some(candidate) = &route.candidate else {
        return format!("all to {}", route.primary.backend);
    };
    let mut text = format!("to {}: {}", candidate.backend, plain(&route.why));
    if route.percent_effective != route.percent_in_force {
        let effective = percent(route.percent_effective);
        text += &format!("; {effective} at present, since a side is out");
    }
    if !route.can_serve {
        text += "; NOBODY CAN SERVE IT";
    }
    text
}

fn rows(route: &RouteState, state: &State) -> Vec<[String; 9]> {
    let row = |name: &str, side: &SideState| {
        [
            route.name.clone(),
            name.to_owned(),
            side.backend.clone(),
            percent(side.percent),
            side.requests.to_string(),
            rate(side.error_rate),
            time(side.p50_ms),
            time(side.p95_ms),
            state
                .backends
                .get(&side.backend)
                .map(endpoints)
                .unwrap_or_default(),
        ]
    };
    let candidate = route.candidate.as_ref().map(|side| row("candidate", side));
    [row("primary", &route.primary)]
        .into_iter()
        .chain(candidate)
        .collect()
}

/// `closed`, or `1 closed, 2 open`, and those that fail their health checks.
fn endpoints(service: &ServiceHealth) -> String {
    let kinds = [
        (BreakerState::Closed, "closed"),
        (BreakerState::Open, "open"),
        (BreakerState::Probing, "probing"),
        (BreakerState::Warming, "warming"),
    ];
    let mut counts: Vec<(usize, &str)> = kinds
        .into_iter()
        .map(|(kind, name)| {
            let of_kind = service.endpoints.iter().filter(|e| e.breaker == kind);
            (of_kind.count(), name)
        })
        .collect();
    let unhealthy = service.endpoints.iter().filter(|e| !e.healthy).count();
    counts.push((unhealthy, "unhealthy"));
    let unproven = service.endpoints.iter().filter(|e| !e.proven).count();
    counts.push((unproven, "not ready"));
    counts.retain(|(count, _)| *count > 0);
    match counts.as_slice() {
        [] => "none".to_owned(),
        [(1, name)] => (*name).to_owned(),
        several => {
            let several = several
                .iter()
                .map(|(count, name)| format!("{count} {name}"));
            several.collect::<Vec<_>>().join(", ")
        }
    }
}
