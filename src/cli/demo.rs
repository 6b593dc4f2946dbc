//! `figshift demo`.

use std::io::{self, IsTerminal as _};
use std::time::Duration;

use super::Exit;
use super::serve::{exit_of, on_control_runtime, say};
use crate::app::App;
use crate::config::model::LogFormat;
use crate::control::Outcome;
use crate::demo::{
    ConfigView, Observed, Play, RouteView, SideObserved, SideReading, Stage, TrafficPlan, curtain,
    play,
};
use crate::policy::Phase;
use crate::snapshot::Arm;
use crate::telemetry::init_logs;

/// Runs the demo until Ctrl-C or the limit.
pub(super) fn run(limit: Option<Duration>) -> Exit {
    on_control_runtime(demo(limit))
}

async fn demo(limit: Option<Duration>) -> Exit {
    let terminal = io::stdout().is_terminal();
    // On a terminal, a log line would tear the table; what matters is in the table too.
    let level = if terminal { "off" } else { "error" };
    if let Err(error) = init_logs(Some(level), LogFormat::Auto, terminal) {
        return say(&error.to_string(), Exit::BadInput);
    }
    let stage = match Stage::set().await {
        Ok(stage) => stage,
        Err(error) => return say(&format!("cannot start: {error}"), Exit::Unreachable),
    };
    let app = match App::start(stage.file(), None).await {
        Ok(app) => app,
        Err(error) => return say(&error.to_string(), exit_of(&error)),
    };
    let how = Play {
        terminal,
        colour: terminal && std::env::var_os("NO_COLOR").is_none(),
        traffic: TrafficPlan::default(),
    };
    let mut out = io::stdout();
    let played = play(&stage, how, &mut out, || observe(&app), curtain(limit)).await;
    app.stop().await;
    match played {
        Ok(_) => Exit::Done,
        // The reader of a pipe has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Done,
        Err(error) => say(&format!("cannot show the demo: {error}"), Exit::Unreachable),
    }
}

/// What the table shows of the proxy at this moment.
fn observe(app: &App) -> Observed {
    let snapshot = app.publisher.current();
    let standing = app.standing.load();
    let config = ConfigView {
        epoch: snapshot.epoch,
        last_reload: match &standing.last {
            _ if standing.applied + standing.refused <= 1 => None,
            Outcome::Applied => Some(Ok("applied".to_owned())),
            Outcome::Refused(problems) => Some(Err(problems.clone())),
        },
    };
    let Some(route) = snapshot.routes.first() else {
        return Observed {
            route: nothing(),
            sides: [side(None), side(None)],
            config,
        };
    };
    let force = standing.forces.get(&*route.name);
    let configured = standing.file_percent(&route.name);
    let (in_force, effective) = (route.split.hundredths(), route.effective_hundredths());
    let why = match effective {
        same if same == configured => None,
        same if same == in_force => {
            force.and_then(|force| Some(force.chain.first()?.what.to_string()))
        }
        0 => Some("candidate out".to_owned()),
        _ => Some("primary out".to_owned()),
    };
    Observed {
        route: RouteView {
            name: route.name.to_string(),
            percent_configured: f64::from(configured) / 100.0,
            percent_effective: f64::from(effective) / 100.0,
            why,
            chain: force.map(ToString::to_string).unwrap_or_default(),
        },
        sides: [side(Some(&route.primary)), side(route.candidate.as_ref())],
        config,
    }
}

fn side(arm: Option<&Arm>) -> SideObserved {
    let Some(arm) = arm else {
        return SideObserved {
            backend: "none".to_owned(),
            reading: SideReading::default(),
            breaker: Phase::Closed,
        };
    };
    SideObserved {
        backend: arm.backend.name.to_string(),
        reading: SideReading::of(&arm.cells),
        breaker: arm.backend.members.first().map_or(Phase::Closed, |member| {
            member.endpoint.fitness.sight().phase
        }),
    }
}

fn nothing() -> RouteView {
    RouteView {
        name: "none".to_owned(),
        percent_configured: 0.0,
        percent_effective: 0.0,
        why: None,
        chain: String::new(),
    }
}
