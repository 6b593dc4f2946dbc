//! `figshift rollback`.

use std::fs;
use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::Exit;
use super::ask::Failed;
use super::columns::{Side, columns, percent, plain};
use super::moved::NOT_WRITTEN;
use super::print::{print, print_json};
use super::reach::{Reach, Target};
use super::serve::{on_control_runtime, say};
use super::verify::{Finding, Verdict, verify};
use crate::api::{Applied, Rollback as Body};
use crate::control::kill_path;

/// The arguments.
#[derive(Debug, Args)]
pub(super) struct Rollback {
    /// The route; all without it.
    route: Option<String>,
    /// Why, for the journal.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Cut what still runs on the candidate, instead of letting it finish.
    ///
    /// Clients see their streams break off. A request that the candidate has not answered yet goes to
    /// the primary where that can do no harm, else its client gets a 502. Only the admin port can do
    /// this, the file KILL cannot.
    #[arg(long)]
    hard: bool,
    #[command(flatten)]
    target: Target,
}

/// Takes traffic back.
pub(super) fn run(args: &Rollback) -> Exit {
    let reach = match args.target.reach() {
        Ok(reach) => reach,
        Err(problem) => return say(&problem, Exit::BadInput),
    };
    on_control_runtime(rollback(&reach, args))
}

async fn rollback(reach: &Reach, args: &Rollback) -> Exit {
    let body = Body {
        route: args.route.clone(),
        hard: args.hard,
        reason: args.reason.clone(),
        if_epoch: None,
    };
    match reach.ask.change("rollback", &body).await {
        Ok(applied) => {
            let verdict = verify(&reach.ask, args.route.as_deref(), args.hard).await;
            show(args, Some(&applied), None, &verdict)
        }
        Err(failed) if failed.is_house() => by_file(reach, args, &failed).await,
        Err(failed) => say(&failed.to_string(), failed.exit()),
    }
}

/// The way that needs nobody to answer.
async fn by_file(reach: &Reach, args: &Rollback, failed: &Failed) -> Exit {
    let path = match write_kill(reach) {
        Ok(path) => path,
        Err(why) => {
            let help = "Put a file named KILL into the state folder of the running figshift, or \
                        restart it with VASTAI_ENABLED=false";
            return say(&format!("{failed}\n{why}\n{help}"), Exit::Unreachable);
        }
    };
    let mut note = format!("{failed}\nwritten: {}", path.display());
    if args.route.is_some() {
        note += "\nit takes back all routes, not only the one that was named";
    }
    if args.hard {
        note += "\nit cannot cut what runs on candidates, as --hard would";
    }
    let said = say(&note, Exit::Done);
    // The port may have been busy only.
    let verdict = verify(&reach.ask, None, false).await;
    said.after(show(args, None, Some(&path), &verdict))
}

fn write_kill(reach: &Reach) -> Result<PathBuf, String> {
    let folder = reach
        .state_dir()
        .ok_or("the state folder is not known: name the file by --config")?;
    // A relative folder is meant from where figshift runs, which may be elsewhere.
    if folder.is_relative() && !folder.is_dir() {
        return Err(format!(
            "there is no state folder {} here",
            folder.display()
        ));
    }
    let path = kill_path(&folder);
    let written = fs::create_dir_all(&folder).and_then(|()| fs::write(&path, ""));
    written.map_err(|error| format!("{} cannot be written: {error}", path.display()))?;
    Ok(fs::canonicalize(&path).unwrap_or(path))
}

fn show(
    args: &Rollback,
    applied: Option<&Applied>,
    kill_file: Option<&PathBuf>,
    verdict: &Verdict,
) -> Exit {
    let findings = verdict.findings();
    let (exit, word) = judge(verdict, args.hard, kill_file.is_some());
    let persisted = applied.is_none_or(|applied| applied.persisted);
    let verified = exit == Exit::Done;
    let exit = match exit {
        Exit::Done if !persisted => Exit::Partial,
        exit => exit,
    };
    if args.target.json {
        let document = json!({
            "by": if kill_file.is_some() { "kill_file" } else { "admin" },
            "kill_file": kill_file,
            "hard": args.hard && kill_file.is_none(),
            "epoch": applied.map(|applied| applied.epoch),
            "persisted": persisted,
            "verified": verified,
            "routes": findings.iter().map(|finding| json!({
                "route": finding.route,
                "before": before(applied, finding),
                "percent_in_force": finding.in_force,
                "new_tries": finding.new_tries,
                "in_flight": finding.in_flight,
                "why": finding.why,
            })).collect::<Vec<_>>(),
        });
        return exit.after(print_json(&document));
    }
    let rows: Vec<_> = findings
        .iter()
        .map(|finding| row(applied, finding))
        .collect();
    let head = [
        ("ROUTE", Side::Left),
        ("BEFORE", Side::Right),
        ("IN FORCE", Side::Right),
        ("NEW IN 1 S", Side::Right),
        ("STILL RUNNING", Side::Right),
        ("WHY", Side::Left),
    ];
    let table = if rows.is_empty() {
        String::new()
    } else {
        columns(head, &rows)
    };
    let exit = exit.after(print(&format!("{table}{word}\n")));
    if persisted {
        return exit;
    }
    say(NOT_WRITTEN, exit)
}

/// What the verdict means for what was asked.
fn judge(verdict: &Verdict, hard: bool, by_file: bool) -> (Exit, &'static str) {
    match verdict {
        Verdict::Verified(_) if hard && by_file => (
            Exit::Partial,
            "verified, but what runs on the candidate was not cut",
        ),
        Verdict::Verified(_) => (Exit::Done, "verified"),
        Verdict::Wrong(findings) if findings.iter().all(|finding| finding.holds(false)) => (
            Exit::No,
            "not verified: some request still runs on the candidate",
        ),
        Verdict::Wrong(_) => (
            Exit::No,
            "not verified: some request may still reach the candidate",
        ),
        Verdict::Unknown(_) => (
            Exit::Partial,
            "done, and not verifiable: the admin port does not answer",
        ),
    }
}

/// What the rollback changed, or what was so before.
fn before(applied: Option<&Applied>, finding: &Finding) -> Option<f64> {
    let moves = &applied?.moves;
    let moved = moves.iter().find(|moved| moved.route == finding.route);
    Some(moved.map_or(finding.in_force, |moved| moved.from))
}

fn row(applied: Option<&Applied>, finding: &Finding) -> [String; 6] {
    let number =
        |count: Option<f64>| count.map_or_else(|| "?".to_owned(), |count| format!("{count}"));
    [
        finding.route.clone(),
        before(applied, finding).map_or_else(|| "?".to_owned(), percent),
        percent(finding.in_force),
        number(finding.new_tries),
        number(finding.in_flight),
        plain(&finding.why),
    ]
}
