//! From a decision and the state that it was made by to what the API tells.

use std::time::{Duration, SystemTime};

use super::moment::rfc3339;
use super::words::percent;
use crate::api::{Choice, ChosenBy, Explanation, Refused, Try, Turn};
use crate::recall::{self, By, Chosen, Decision, Found, Mark};
use crate::snapshot::{Arm, Route};
use crate::stats::{Class, Fault, Reason, Side, Trouble};

/// Tells of the request with this id. `now` is the time on the clock of the workers.
pub(super) fn explain(id: String, found: &Found, now: Duration) -> Explanation {
    let decision = &found.decision;
    let names = Names::of(found);
    let tries = tries(decision, &names);
    let served = decision.head.milliseconds().and(tries.last());
    Explanation {
        id,
        others: found.count.saturating_sub(1) as u64,
        at: rfc3339(came_at(decision, now)),
        running: found.running,
        epoch: (decision.epoch > 0).then_some(decision.epoch),
        names_lost: decision.chosen.is_some() && names.0.is_none(),
        route: names.0.map(|route| route.name.to_string()),
        choice: decision.chosen.map(|chosen| choice(chosen, &names)),
        class: decision.class.map(Class::as_str).map(str::to_owned),
        status: status(decision.status),
        served_by: served.and_then(|last| last.backend.clone()),
        fault: decision.fault.map(Fault::as_str).map(str::to_owned),
        trouble: decision.trouble.map(Trouble::as_str).map(str::to_owned),
        head_ms: decision.head.milliseconds(),
        first_byte_ms: decision.first_byte.milliseconds(),
        end_ms: decision.ended.milliseconds(),
        tries,
    }
}

/// By the clock on the wall, as it stands now.
fn came_at(decision: &Decision, now: Duration) -> SystemTime {
    let ago = now.saturating_sub(Duration::from_micros(decision.arrived));
    let wall = SystemTime::now();
    wall.checked_sub(ago).unwrap_or(wall)
}

fn status(status: u16) -> Option<u16> {
    (status > 0).then_some(status)
}

/// The route of a decision, as it was then.
struct Names<'f>(Option<&'f Route>);

impl<'f> Names<'f> {
    fn of(found: &'f Found) -> Self {
        let snapshot = found.snapshot.as_ref().filter(|_| {
            // Without a route, its number says nothing.
            found.decision.chosen.is_some()
        });
        Self(snapshot.and_then(|snapshot| snapshot.routes.get(found.decision.route as usize)))
    }

    fn arm(&self, side: Side) -> Option<&'f Arm> {
        self.0?.arm(side)
    }

    fn backend(&self, side: Side) -> Option<String> {
        Some(self.arm(side)?.backend.name.to_string())
    }

    fn endpoint(&self, tried: &recall::Try) -> Option<String> {
        let members = &self.arm(tried.side)?.backend.members;
        let member = members.get(usize::from(tried.member))?;
        Some(member.endpoint.url.to_string())
    }

    fn sticky(&self, at: u16) -> Option<String> {
        Some(self.0?.sticky.get(usize::from(at))?.to_string())
    }
}

fn choice(chosen: Chosen, names: &Names<'_>) -> Choice {
    let (by, sticky) = match chosen.by {
        By::Only => (ChosenBy::OnlySide, None),
        By::Header => (ChosenBy::SideHeader, None),
        By::Sticky(at) => (ChosenBy::Sticky, names.sticky(at)),
        By::Draw => (ChosenBy::Draw, None),
        By::Owner => (ChosenBy::Owner, None),
    };
    let drawn = matches!(by, ChosenBy::Sticky | ChosenBy::Draw);
    Choice {
        side: chosen.side.as_str().to_owned(),
        backend: names.backend(chosen.side),
        by,
        sticky,
        draw: drawn.then(|| percent(chosen.draw)),
        percent: percent(chosen.percent),
        why: names.0.map(|route| route.why.to_string()),
    }
}

fn tries(decision: &Decision, names: &Names<'_>) -> Vec<Try> {
    let tries = decision.tries();
    let before = tries.iter().map(|tried| Some(tried.side));
    let mut before = std::iter::once(None).chain(before);
    tries
        .iter()
        .map(|tried| of_try(tried, before.next().flatten(), names))
        .collect()
}

/// A try, and the side of the one before it.
fn of_try(tried: &recall::Try, before: Option<Side>, names: &Names<'_>) -> Try {
    let turn = match (before, tried.reason) {
        (None, Some(_)) => Turn::Bypass,
        (None, None) => Turn::Home,
        (Some(side), _) if side == tried.side => Turn::Retry,
        (Some(_), _) => Turn::Fallback,
    };
    let told =
        |reason: &Reason| before.is_some() || matches!(reason, Reason::Unfit | Reason::Owner);
    let reason = tried.reason.filter(told);
    Try {
        side: tried.side.as_str().to_owned(),
        backend: names.backend(tried.side),
        endpoint: names.endpoint(tried),
        turn,
        reason: reason.map(Reason::as_str).map(str::to_owned),
        panic: tried.has(Mark::Panic),
        probe: tried.has(Mark::Probe),
        stale: tried.has(Mark::Stale),
        began_ms: tried.began.milliseconds().unwrap_or_default(),
        ended_ms: tried.ended.milliseconds(),
        status: status(tried.status),
        class: tried.class.map(Class::as_str).map(str::to_owned),
        refused: refused(tried),
    }
}

fn refused(tried: &recall::Try) -> Vec<Refused> {
    let marks = [
        (Mark::OverBudget, Refused::OverBudget),
        (Mark::NotRepeatable, Refused::NotRepeatable),
        (Mark::BodyTooLong, Refused::BodyTooLong),
        (Mark::NowhereElse, Refused::NowhereElse),
    ];
    let marks = marks.into_iter().filter(|(mark, _)| tried.has(*mark));
    marks.map(|(_, refused)| refused).collect()
}
