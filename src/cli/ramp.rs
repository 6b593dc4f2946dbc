//! `figshift ramp`.

use clap::{Args, ValueEnum};

use super::Exit;
use super::lines::of_ramp;
use super::moved::{Told, tell};
use super::reach::Target;
use super::serve::{on_control_runtime, say};
use crate::api::{Ramp as Body, RampOrder};

/// The arguments.
#[derive(Debug, Args)]
pub(super) struct Ramp {
    /// What the ramp is told.
    order: Order,
    /// The route.
    route: String,
    /// Why, for the journal.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Only if this epoch is still in force, as `status` shows it.
    #[arg(long, value_name = "N")]
    if_epoch: Option<u64>,
    #[command(flatten)]
    target: Target,
}

/// What a ramp can be told.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Order {
    /// Begin, from the share in force; after a rollback or an abort from 0.
    Start,
    /// Stay at this share. The guard goes on watching.
    Pause,
    /// Go on; after a rollback or an abort begin again from 0.
    Resume,
    /// Go to the next step at once, without evidence; after the last step to 100 %.
    Promote,
    /// Take the traffic back and end.
    Abort,
}

impl Order {
    fn for_the_house(self) -> (RampOrder, &'static str) {
        match self {
            Self::Start => (RampOrder::Start, "ramp_start"),
            Self::Pause => (RampOrder::Pause, "ramp_pause"),
            Self::Resume => (RampOrder::Resume, "ramp_resume"),
            Self::Promote => (RampOrder::Promote, "ramp_promote"),
            Self::Abort => (RampOrder::Abort, "ramp_abort"),
        }
    }
}

/// Tells it.
pub(super) fn run(args: &Ramp) -> Exit {
    let reach = match args.target.reach() {
        Ok(reach) => reach,
        Err(problem) => return say(&problem, Exit::BadInput),
    };
    let (order, what) = args.order.for_the_house();
    let body = Body {
        route: args.route.clone(),
        order,
        reason: args.reason.clone(),
        if_epoch: args.if_epoch,
    };
    on_control_runtime(async {
        let applied = match reach.ask.change("ramp", &body).await {
            Ok(applied) => applied,
            Err(failed) => return say(&failed.to_string(), failed.exit()),
        };
        let state = reach.ask.state().await.ok();
        let routes = state.iter().flat_map(|state| &state.routes);
        let ramp = routes
            .filter(|route| route.name == args.route)
            .filter_map(|route| route.ramp.as_ref());
        let told = Told {
            what,
            by: "admin",
            route: Some(&args.route),
            applied: &applied,
            state: state.as_ref(),
            notes: ramp
                .map(|ramp| format!("ramp: {}", of_ramp(ramp)))
                .collect(),
        };
        tell(&told, args.target.json)
    })
}
