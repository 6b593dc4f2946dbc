//! What can be told of a house that does not answer: what its file, its journal and the file KILL
//! would put in force at a start.

use serde_json::{Value, json};

use super::Exit;
use super::ask::Failed;
use super::print::{print, print_json};
use super::reach::Reach;
use super::serve::say;
use crate::admin::links;
use crate::config::Config;
use crate::control::{Force, at_rest, kill_path};

/// Shows it.
pub(super) fn show(reach: &Reach, failed: &Failed, clear: &str, as_json: bool) -> Exit {
    let killed = reach
        .state_dir()
        .is_some_and(|folder| kill_path(&folder).exists());
    let config = reach.config.as_ref().ok().filter(|_| reach.is_its_file);
    let forces = config.map(at_rest).unwrap_or_default();
    if as_json {
        let routes: Vec<Value> = forces
            .iter()
            .map(|(name, force)| {
                json!({
                    "name": name,
                    "percent_configured": f64::from(force.file()) / 100.0,
                    "percent_at_start": f64::from(force.hundredths) / 100.0,
                    "killed": force.is_killed(),
                    "held": force.is_held(),
                    "chain": links(force),
                    "why": force.to_string(),
                })
            })
            .collect();
        let document = json!({
            "status": "unreachable",
            "why": failed.to_string(),
            "file": reach.file,
            "file_problems": file_problems(reach),
            "kill_file": killed,
            "vastai_enabled": null,
            "routes": routes,
        });
        return Exit::Unreachable.after(print_json(&document));
    }
    let mut text = format!("{clear}{failed}\n");
    text += &match (config, file_problems(reach)) {
        (Some(config), _) => at_a_start(config, reach),
        (None, Some(problems)) => format!("The file cannot be used:\n{problems}\n"),
        (None, None) => String::new(),
    };
    if killed {
        text += "The file KILL is in the state folder: a running figshift sends nothing to candidates\n";
    }
    Exit::Unreachable.after(print(&text))
}

fn file_problems(reach: &Reach) -> Option<&str> {
    let problems = reach.config.as_ref().err().filter(|_| reach.is_its_file);
    problems.map(String::as_str)
}

fn at_a_start(config: &Config, reach: &Reach) -> String {
    let mut text = format!(
        "At a start, {} and the journal would put in force:\n",
        reach.file.display()
    );
    for route in &config.routes {
        let force = at_rest(config).remove(&route.name);
        let said = match (&route.candidate, force) {
            (Some(candidate), Some(force)) => format!("to {candidate}: {force}"),
            _ => format!("all to {}", route.primary),
        };
        text += &format!("  {} {said}\n", route.name);
    }
    text + "Only the process knows whether it has VASTAI_ENABLED=false, which would make all of these 0 %\n"
}

/// The force of a route at rest, if its file can be read.
pub(super) fn force_of(reach: &Reach, route: &str) -> Option<Force> {
    let config = reach.config.as_ref().ok().filter(|_| reach.is_its_file)?;
    at_rest(config).remove(route)
}

/// Says that a change must wait until somebody resumes.
pub(super) fn say_killed(route: &str, why: &str) -> Exit {
    say(
        &format!("route {route} is held back: {why}\nresume first: figshift resume"),
        Exit::No,
    )
}

/// Says that the guard has to be overruled first.
pub(super) fn say_held(route: &str, why: &str) -> Exit {
    let help = format!("give it back: figshift resume {route}, or another share with --force");
    say(
        &format!("the guard holds route {route} back: {why}\n{help}"),
        Exit::No,
    )
}

/// Says that nobody is there who could overrule the guard.
pub(super) fn say_held_at_start(route: &str, why: &str) -> Exit {
    let text = format!(
        "the guard holds route {route} back: {why}\nthat is in the journal: only a running figshift ends it"
    );
    say(&text, Exit::No)
}
