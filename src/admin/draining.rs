//! From what is found of backends and the table of owners to the types of the API.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::moment::rfc3339;
use crate::api::{BackendDrain, DrainWord, Drains, OwnersTable, RuleDrain};
use crate::owners::{Health, Tally};
use crate::snapshot::Snapshot;
use crate::telemetry::{Drain, DrainState, Survey, drains};

/// All backends. Looks at all entries of the table.
pub(super) fn of_house(snapshot: &Snapshot) -> Drains {
    let survey = Survey::of(&snapshot.owners);
    let rules = snapshot.ownership.iter();
    Drains {
        rules: rules.map(|rule| rule.name.to_string()).collect(),
        table: of_table(&survey),
        backends: drains(snapshot, &survey).iter().map(of_backend).collect(),
    }
}

fn of_table(survey: &Survey) -> OwnersTable {
    let Health {
        entries,
        capacity,
        since,
        blind_until,
        on_disk,
        behind,
        evicted_live,
        refused,
        write_errors,
        ..
    } = survey.health;
    OwnersTable {
        entries,
        capacity,
        since: moment(since),
        blind_until: (survey.now < blind_until).then(|| moment(blind_until)),
        on_disk,
        waiting: behind,
        evicted_live,
        refused,
        write_errors,
    }
}

fn of_backend(drain: &Drain) -> BackendDrain {
    BackendDrain {
        backend: drain.backend.to_string(),
        state: match drain.state {
            DrainState::Serving => DrainWord::Serving,
            DrainState::Draining => DrainWord::Draining,
            DrainState::Unknown => DrainWord::Unknown,
            DrainState::Drained => DrainWord::Drained,
        },
        safe_to_stop: drain.safe_to_stop,
        because: drain.because.clone(),
        live: drain.live(),
        owned: drain.owned.iter().map(of_rule).collect(),
        in_flight: drain.in_flight,
        tunnels_open: drain.tunnels,
    }
}

fn of_rule(tally: &Tally) -> RuleDrain {
    RuleDrain {
        rule: tally.rule.to_string(),
        live: tally.live,
        done: tally.done,
        oldest_live: tally.oldest_live.map(moment),
    }
}

/// Unix seconds, for people.
pub(super) fn moment(seconds: u32) -> String {
    rfc3339(UNIX_EPOCH + Duration::from_secs(seconds.into()))
}

/// Unix seconds now.
pub(super) fn unix_now() -> u32 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let seconds = since.map_or(0, |since| since.as_secs());
    u32::try_from(seconds).unwrap_or(u32::MAX)
}
