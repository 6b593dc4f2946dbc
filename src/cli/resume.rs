//! `figshift resume`.

use clap::Args;

use super::Exit;
use super::lines::of_ramp;
use super::moved::{Told, tell};
use super::reach::Target;
use super::serve::{on_control_runtime, say};
use crate::api::{RampWord, Resume as Body, RouteState, State};

/// The arguments.
#[derive(Debug, Args)]
pub(super) struct Resume {
    /// The route; all without it.
    route: Option<String>,
    /// Why, for the journal.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    target: Target,
}

/// Ends rollbacks.
pub(super) fn run(args: &Resume) -> Exit {
    let reach = match args.target.reach() {
        Ok(reach) => reach,
        Err(problem) => return say(&problem, Exit::BadInput),
    };
    let body = Body {
        route: args.route.clone(),
        reason: args.reason.clone(),
        if_epoch: None,
    };
    on_control_runtime(async {
        let before = reach.ask.state().await.ok();
        let applied = match reach.ask.change("resume", &body).await {
            Ok(applied) => applied,
            Err(failed) => return say(&failed.to_string(), failed.exit()),
        };
        let state = reach.ask.state().await.ok();
        let told = Told {
            what: "resume",
            by: "admin",
            route: args.route.as_deref(),
            applied: &applied,
            state: state.as_ref(),
            notes: begun_again(before.as_ref(), state.as_ref()),
        };
        tell(&told, args.target.json)
    })
}

/// A line for each ramp that begins again by it.
fn begun_again(before: Option<&State>, after: Option<&State>) -> Vec<String> {
    let is_over = |route: &RouteState| {
        let state = route.ramp.as_ref().map(|ramp| ramp.state);
        matches!(state, Some(RampWord::RolledBack | RampWord::Aborted))
    };
    let was_over = |name: &str| {
        let mut routes = before.into_iter().flat_map(|state| &state.routes);
        routes.any(|route| route.name == name && is_over(route))
    };
    let routes = after.into_iter().flat_map(|state| &state.routes);
    routes
        .filter(|route| was_over(&route.name) && !is_over(route))
        .filter_map(|route| {
            let ramp = of_ramp(route.ramp.as_ref()?);
            Some(format!("{}: its ramp begins again: {ramp}", route.name))
        })
        .collect()
}
