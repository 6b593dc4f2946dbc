//! `[routes.ramp]` and `[routes.flag]`: who else than the file sets the percent.

use crate::config::model::{Flag, Gate, Ramp, Route, Schedule};
use crate::config::scalar::{Duration, Percent, TimeOfDay};
use crate::config::sheet::Sheet;
use crate::config::tree::Path;

use super::bounds::{DAY, SECOND, clock, no_doubles, rising, within};
use super::urls;

const LONGEST_STEP: Duration = Duration::from_secs(30 * 86_400);
const LONGEST_KEY: usize = 256;

pub(super) fn check(route: &Route, at: &Path, sheet: &mut Sheet<'_>) {
    if let Some(ramp) = &route.ramp {
        let at = at.key("ramp");
        steps(ramp, &at, sheet);
        times(ramp, &at, sheet);
        if let Some(schedule) = &ramp.schedule {
            hours(schedule, &at.key("schedule"), sheet);
        }
        if let Some(gate) = &ramp.gate {
            ask(gate, &at.key("gate"), sheet);
        }
    }
    if let Some(flag) = &route.flag {
        let at = at.key("flag");
        read(flag, &at, sheet);
        if route.ramp.is_some() {
            let message = "two would set the percent: `ramp` and `flag`";
            sheet.at_key(&at, message, "keep one of them");
        }
    }
}

fn steps(ramp: &Ramp, at: &Path, sheet: &mut Sheet<'_>) {
    let path = at.key("steps");
    // Without the steps that were refused, nobody can say what is left.
    if sheet.is_touched(&path) {
        return;
    }
    for (index, step) in ramp.steps.iter().enumerate() {
        if step.hundredths() == 0 {
            let hint = "a ramp begins at 0 anyway: remove it, or write more than 0";
            let message = "a step to 0 is none";
            sheet.at_value(&path.index(index), message, hint);
        }
    }
    let Some(lowest) = ramp.steps.iter().min() else {
        let hint = "name the percents on the way: [1, 5, 25, 50, 100]";
        sheet.at_value(&path, "there are no steps", hint);
        return;
    };
    let hold_back = at.key("hold_back");
    let left = Percent::WHOLE - ramp.hold_back.hundredths();
    if left == 0 {
        let message = format!(
            "{} leaves nothing for the candidate",
            sheet.quote(&hold_back)
        );
        sheet.at_value(&hold_back, message, "write less than 100");
    } else if lowest.hundredths() > left && !sheet.is_spoiled(&hold_back) {
        let message = format!(
            "no step is reached: {} percent are held back, so the highest is {}",
            ramp.hold_back,
            Percent::from_hundredths(left)
        );
        let hint = "add a lower step, or write a smaller `hold_back`; 0 lets all go over";
        sheet.at_value(&path, message, hint);
    }
}

fn times(ramp: &Ramp, at: &Path, sheet: &mut Sheet<'_>) {
    let (min_step, max_step) = (("min_step", ramp.min_step), ("max_step", ramp.max_step));
    for (key, time) in [min_step, max_step] {
        within(time, SECOND, LONGEST_STEP, &at.key(key), sheet);
    }
    rising(at, min_step, max_step, sheet);
    let retry_after = at.key("retry_after");
    within(ramp.retry_after, SECOND, LONGEST_STEP, &retry_after, sheet);
}

fn hours(schedule: &Schedule, at: &Path, sheet: &mut Sheet<'_>) {
    let days = at.key("days");
    if schedule.days.is_empty() {
        let hint = "name some, or leave the key out: Monday to Friday is the default";
        sheet.at_value(&days, "on no day there would be a step", hint);
    }
    no_doubles(&schedule.days, &days, sheet);
    let (from, to) = (at.key("from"), at.key("to"));
    if schedule.from == TimeOfDay::END {
        let message = format!("{} is the end of the day", sheet.quote(&from));
        sheet.at_value(&from, message, "write \"00:00\" and the day after");
    } else if schedule.from == schedule.to && !sheet.is_spoiled(&from) && !sheet.is_spoiled(&to) {
        let written = sheet.written.at(&to).is_some();
        let place = if written { &to } else { &from };
        let message = format!("`from` and `to` are the same time, {}", schedule.from);
        let hint = "for all of the day write from \"00:00\" to \"24:00\", or leave both out";
        sheet.at_value(place, message, hint);
    }
}

fn ask(gate: &Gate, at: &Path, sheet: &mut Sheet<'_>) {
    urls::whole(&gate.url, &at.key("url"), sheet);
    clock(gate.timeout, DAY, &at.key("timeout"), sheet);
    within(gate.every, SECOND, DAY, &at.key("every"), sheet);
}

fn read(flag: &Flag, at: &Path, sheet: &mut Sheet<'_>) {
    urls::base(&flag.url, &at.key("url"), sheet);
    key(&flag.key, &at.key("key"), sheet);
    clock(flag.timeout, DAY, &at.key("timeout"), sheet);
    within(flag.every, SECOND, DAY, &at.key("every"), sheet);
    let (every, stale_after) = (("every", flag.every), ("stale_after", flag.stale_after));
    rising(at, every, stale_after, sheet);
}

/// The key becomes a segment of a path, where dots alone would lead elsewhere.
fn key(key: &str, path: &Path, sheet: &mut Sheet<'_>) {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.:".contains(&b);
    let fits = key.len() <= LONGEST_KEY && key.bytes().all(plain);
    if key.bytes().all(|b| b == b'.') || !fits {
        let message = format!("{} is not the key of a flag", sheet.quote(path));
        let hint = "use 1 to 256 letters, digits and -_.: such as \"vastai-percent\"";
        sheet.at_value(path, message, hint);
    }
}
