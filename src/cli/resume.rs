//! `figshift resume`.

use clap::Args;

use super::Exit;
use super::moved::{Told, tell};
use super::reach::Target;
use super::serve::{on_control_runtime, say};
use crate::api::Resume as Body;

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
        };
        tell(&told, args.target.json)
    })
}
