//! `figshift shift`.

use std::time::{Duration, Instant};

use clap::Args;

use super::Exit;
use super::ask::Failed;
use super::edit::Edit;
use super::moved::{Told, tell};
use super::offline::{force_of, say_held, say_held_at_start, say_killed};
use super::reach::{Reach, Target};
use super::serve::{on_control_runtime, say};
use crate::api::{Applied, Moved, RampWord, RouteState, Shift as Body, State};
use crate::config::scalar::Percent;

/// A saved file is in force within half a second, unless the house does not read it.
const DEADLINE: Duration = Duration::from_secs(5);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(100);

/// The arguments.
#[derive(Debug, Args)]
pub(super) struct Shift {
    /// The route.
    route: String,
    /// The candidate's share: 25, 0.25 or 25%.
    #[arg(value_parser = percent)]
    percent: Percent,
    /// Why, for the journal.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Although the guard holds traffic back, which ends, or the candidate's budget is used up. A kill switch
    /// stays.
    #[arg(long)]
    force: bool,
    /// Only if this epoch is still in force, as `status` shows it.
    #[arg(long, value_name = "N")]
    if_epoch: Option<u64>,
    #[command(flatten)]
    target: Target,
}

/// Digits, at most two decimals, and a sign if one likes. What else a float may be is a slip here.
fn percent(text: &str) -> Result<Percent, String> {
    const EXPECTS: &str =
        "a percent is a number from 0 to 100 with at most two decimals, such as 25, 0.25 or 25%";
    let number = text.strip_suffix('%').unwrap_or(text);
    let (whole, decimals) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |text: &str, most| {
        (1..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
    };
    if !digits(whole, 3) || !digits(decimals, 2) {
        return Err(EXPECTS.to_owned());
    }
    number.parse().map_err(|_| EXPECTS.to_owned())
}

/// Moves traffic.
pub(super) fn run(args: &Shift) -> Exit {
    let reach = match args.target.reach() {
        Ok(reach) => reach,
        Err(problem) => return say(&problem, Exit::BadInput),
    };
    on_control_runtime(shift(&reach, args))
}

async fn shift(reach: &Reach, args: &Shift) -> Exit {
    let state = match reach.ask.state().await {
        Ok(state) => state,
        Err(failed) if failed.is_house() => return without_house(reach, args, &failed),
        Err(failed) => return say(&failed.to_string(), failed.exit()),
    };
    let Some(route) = state.routes.iter().find(|route| route.name == args.route) else {
        let names: Vec<&str> = state.routes.iter().map(|route| &*route.name).collect();
        let problem = format!(
            "there is no route `{}`; there are: {}",
            args.route,
            names.join(", ")
        );
        return say(&problem, Exit::BadInput);
    };
    if route.candidate.is_none() {
        return say(
            &format!("route `{}` has no candidate to shift to", route.name),
            Exit::BadInput,
        );
    }
    if route.killed {
        return say_killed(&route.name, &route.why);
    }
    if route.held && !args.force {
        return say_held(&route.name, &route.why);
    }
    if let Some(epoch) = args.if_epoch.filter(|epoch| *epoch != state.epoch) {
        let problem = format!(
            "epoch {} is in force, not {epoch}: look again and repeat",
            state.epoch
        );
        return say(&problem, Exit::No);
    }
    move_it(reach, args, route).await
}

/// Over the file first, at once and with the reason; then the file says the same and takes its place.
async fn move_it(reach: &Reach, args: &Shift, before: &RouteState) -> Exit {
    let edit = edit(reach, args, Some(before));
    let by_override = match (post(reach, args).await, &edit) {
        (Ok(applied), _) => Some(applied),
        // A share that the journal does not take may still stand in the file.
        (Err(Failed::Refused(problem)), Ok(edit))
            if problem.reason == "journal" && !before.held && !edit.is_nothing() =>
        {
            None
        }
        (Err(failed), _) => return say(&failed.to_string(), failed.exit()),
    };
    let saved = edit.and_then(|edit| match edit.is_nothing() {
        true => Ok(false),
        false => edit
            .save()
            .map(|()| true)
            .map_err(|error| error.to_string()),
    });
    match (saved, by_override) {
        (Ok(true), by_override) => in_force(reach, args, before, by_override.is_some()).await,
        (Ok(false), Some(applied)) => by_admin(reach, args, before, &applied).await,
        (Err(why), Some(applied)) => {
            let said = not_by_the_file(&why, Exit::Done);
            said.after(by_admin(reach, args, before, &applied).await)
        }
        (Ok(false), None) => not_by_the_file("it says so already", Exit::Unreachable),
        (Err(why), None) => not_by_the_file(&why, Exit::Unreachable),
    }
}

fn not_by_the_file(why: &str, exit: Exit) -> Exit {
    say(&format!("not by the file: {}", why.trim_end()), exit)
}

/// The edit of the file, if it is the file of this house.
fn edit(reach: &Reach, args: &Shift, running: Option<&RouteState>) -> Result<Edit, String> {
    if !reach.is_its_file {
        return Err("the admin port was named and the file was not (--config)".to_owned());
    }
    if running.is_some_and(|running| running.flag.is_some()) {
        return Err("a feature flag sets the percent, whatever the file says".to_owned());
    }
    let config = reach.config.as_ref().map_err(|problems| problems.clone())?;
    let index = config
        .routes
        .iter()
        .position(|route| route.name == args.route);
    let index = index.ok_or_else(|| format!("{} has no such route", reach.file.display()))?;
    let says = f64::from(config.routes[index].percent.hundredths()) / 100.0;
    if running.is_some_and(|running| running.percent_configured != says) {
        return Err(format!(
            "{} is not what the running figshift has read",
            reach.file.display()
        ));
    }
    Edit::of(&reach.file, index, args.percent)
}

/// Sets it over the file; a percent that is the file's own takes an older one away.
async fn post(reach: &Reach, args: &Shift) -> Result<Applied, Failed> {
    let body = Body {
        force: args.force,
        route: args.route.clone(),
        percent: f64::from(args.percent.hundredths()) / 100.0,
        reason: args.reason.clone(),
        if_epoch: args.if_epoch,
    };
    reach.ask.change("shift", &body).await
}

async fn by_admin(reach: &Reach, args: &Shift, before: &RouteState, applied: &Applied) -> Exit {
    let state = reach.ask.state().await.ok();
    done(args, "override", before, applied, state.as_ref())
}

/// Waits until the house has read the file.
async fn in_force(reach: &Reach, args: &Shift, before: &RouteState, by_override: bool) -> Exit {
    let end = Instant::now() + DEADLINE;
    let mut last: Result<State, Failed> = reach.ask.state().await;
    loop {
        if let Ok(state) = &last
            && let Some(route) = state.routes.iter().find(|route| route.name == args.route)
            && says_so(route, args)
        {
            let applied = Applied {
                epoch: state.epoch,
                moves: moved(before, route),
                persisted: true,
            };
            let told = done(args, "file", before, &applied, Some(state));
            return match (route.killed, route.held) {
                (true, _) => say_killed(&route.name, &route.why),
                (_, true) => say_held(&route.name, &route.why),
                _ => told,
            };
        }
        if Instant::now() > end {
            return not_read(reach, by_override, last.is_ok());
        }
        tokio::time::sleep(LOOK).await;
        last = reach.ask.state().await;
    }
}

/// The file says so, and nothing is laid over it any more.
fn says_so(route: &RouteState, args: &Shift) -> bool {
    let wanted = f64::from(args.percent.hundredths()) / 100.0;
    let is_laid_over = route.chain.iter().any(|link| link.what == "shift");
    route.percent_configured == wanted && !is_laid_over
}

fn moved(before: &RouteState, after: &RouteState) -> Vec<Moved> {
    let moved = Moved {
        route: after.name.clone(),
        from: before.percent_in_force,
        to: after.percent_in_force,
    };
    Some(moved)
        .filter(|moved| moved.from != moved.to)
        .into_iter()
        .collect()
}

fn not_read(reach: &Reach, by_override: bool, answers: bool) -> Exit {
    let file = reach.file.display();
    let (why, exit) = match answers {
        true => (
            "the running figshift has not read it: is it its file?",
            Exit::No,
        ),
        false => ("the admin port does not answer any more", Exit::Partial),
    };
    let set = match by_override {
        true => "; the share is set over the file",
        false => "",
    };
    say(&format!("{file} is saved, but {why}{set}"), exit)
}

fn done(
    args: &Shift,
    by: &str,
    before: &RouteState,
    applied: &Applied,
    state: Option<&State>,
) -> Exit {
    let ramp = before.ramp.as_ref().map(|ramp| ramp.state);
    let ended = matches!(
        ramp,
        Some(RampWord::Climbing | RampWord::AtGate | RampWord::Paused | RampWord::Finished)
    );
    let told = Told {
        what: "shift",
        by,
        route: Some(&args.route),
        applied,
        state,
        notes: Vec::from_iter(ended.then(|| "its ramp has ended".to_owned())),
    };
    tell(&told, args.target.json)
}

/// Nobody answers: the file can be edited for the next start, unless it is held back there too.
fn without_house(reach: &Reach, args: &Shift, failed: &Failed) -> Exit {
    if args.if_epoch.is_some() {
        return say(&failed.to_string(), failed.exit());
    }
    let force = force_of(reach, &args.route);
    let most = force.as_ref().and_then(|force| force.budget());
    let most = most.map(|cap| Percent::from_hundredths(cap.hundredths));
    match force {
        Some(force) if force.is_killed() => return say_killed(&args.route, &force.to_string()),
        Some(force) if force.is_held() => {
            return say_held_at_start(&args.route, &force.to_string());
        }
        Some(_) => {}
        None => return say(&failed.to_string(), failed.exit()),
    }
    let edit = match edit(reach, args, None) {
        Ok(edit) => edit,
        Err(why) => return say(&format!("{failed}\nnot by the file: {why}"), failed.exit()),
    };
    if !edit.is_nothing()
        && let Err(error) = edit.save()
    {
        return say(
            &format!("{failed}\nnot by the file: {error}"),
            failed.exit(),
        );
    }
    let file = reach.file.display();
    let budget = most.filter(|most| args.percent > *most);
    let budget = budget.map(|most| {
        format!(", but for the candidate's budget, which is used up and leaves {most} %")
    });
    let text = format!(
        "{failed}\n{file} says {} % now, which holds from the next start{}",
        args.percent,
        budget.unwrap_or_default()
    );
    say(&text, Exit::Partial)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percent_is_a_plain_number() {
        for (text, hundredths) in [
            ("25", 2_500),
            ("0.25", 25),
            ("25%", 2_500),
            ("100", 10_000),
            ("0", 0),
            ("12.5%", 1_250),
            ("007", 700),
        ] {
            assert_eq!(
                percent(text).map(Percent::hundredths),
                Ok(hundredths),
                "{text}"
            );
        }
        for text in [
            "", "%", "101", "100.01", "-1", "+5", "1e1", "inf", "nan", "abc", "25 %", " 25",
            "0.125", ".5", "5.", "25%%", "1_0", "٢٥",
        ] {
            assert!(percent(text).is_err(), "{text}");
        }
    }
}
