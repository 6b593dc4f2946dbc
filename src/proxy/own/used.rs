//! The response to a request for a thing that was made before: who has it, whether its work is over, and what else
//! belongs to it.

use std::sync::Arc;

use http::{Method, StatusCode};

use super::ask::MOST;
use super::claim::{Open, Seek, unix_time};
use super::learn::{is_readable, learn_id, origin, read};
use super::outward::{Outward, rename};
use super::resolve::{has_it, is_absent, text_of};
use crate::adapt::{Filter, ID, Limits, Spot, Val};
use crate::owners::Owners;
use crate::proxy::arrival::Arrival;
use crate::proxy::failure::Lost;
use crate::proxy::forward::{FailureKind, Outgoing};
use crate::proxy::walk::Walk;
use crate::snapshot::Ownership;
use crate::stats::{Looked, Side};

/// For so long `done` may run.
const LIMITS: Limits = Limits {
    time: std::time::Duration::from_millis(5),
    steps: u64::MAX,
    bytes: 16 * MOST,
};

/// What a request is for.
struct Thing {
    rule: Arc<Ownership>,
    owners: Arc<Owners>,
    /// Who has it.
    backend: Box<str>,
    id: String,
    /// As it is called there, if that is another name.
    theirs: Option<Arc<str>>,
    /// Its work is known to be over.
    done: bool,
    /// The request is for it as such, and not for something that belongs to it.
    is_whole: bool,
    /// What is asked for tells of its work as a whole.
    tells_of_work: bool,
}

impl Thing {
    fn of(walk: &Walk, side: Side) -> Option<Self> {
        let claim = walk.claim()?;
        let named = claim.named()?;
        let spot = claim.rule.uses.get(named.spot)?;
        let pattern = spot.pattern.as_ref();
        Some(Self {
            rule: Arc::clone(&claim.rule),
            owners: Arc::clone(walk.owners()),
            backend: walk.arm(side).backend.name.clone(),
            id: named.id.clone(),
            theirs: named.theirs.clone(),
            done: named.done,
            is_whole: pattern.is_some_and(|pattern| pattern.ends_in(ID)),
            tells_of_work: tells_of_work(spot),
        })
    }

    /// Whether a response says that it is not there, or not any more.
    fn is_gone(&self, method: &Method, status: StatusCode) -> bool {
        let deleted = method == Method::DELETE && status.is_success();
        let looks = matches!(*method, Method::GET | Method::HEAD | Method::DELETE);
        self.is_whole && (deleted || looks && is_absent(status))
    }

    /// How its names become those of clients.
    fn outward(&self) -> Option<Outward<'_>> {
        let theirs = self.theirs.as_deref()?;
        Some(match self.rule.prefix_of(&self.backend) {
            Some(prefix) => Outward::Prefix(prefix),
            None => Outward::Name {
                theirs,
                ours: &self.id,
            },
        })
    }

    /// Nobody waits for it.
    fn is_over(&self, walk: &Walk) {
        let (rule, id) = (&self.rule, self.id.as_bytes());
        if !self.done && self.owners.finish(&rule.name, id, unix_time()) {
            walk.finishes(rule);
        }
    }

    /// Further ids that a response names. Whom something belongs to that is known is said by whoever made it.
    fn learns_also(&self, walk: &Walk, val: &Val) {
        let ids = self.rule.also.iter();
        for id in ids.filter_map(|place| place.get(val).and_then(text_of)) {
            let known = (self.owners).find(&self.rule.name, id.as_bytes(), unix_time());
            if known.is_none_or(|known| *known.backend == *self.backend) {
                learn_id(walk, &self.rule, &self.backend, &id, "");
            }
        }
    }

    /// Whether a response says that its work is over, or goes on after all.
    fn learns_of_work(&self, walk: &Walk, outgoing: &Outgoing, val: Val) {
        let Some(filter) = self.rule.done.as_ref().filter(|_| self.tells_of_work) else {
            return;
        };
        match says_done(filter, val) {
            true => self.is_over(walk),
            false if self.done && self.is_whole => {
                let origin = origin(outgoing);
                learn_id(walk, &self.rule, &self.backend, &self.id, &origin);
            }
            false => {}
        }
    }
}

/// Learns from it.
///
/// # Errors
///
/// It broke, or it is not known where the thing is.
pub(super) async fn used(
    walk: &mut Walk,
    outgoing: &Outgoing,
    side: Side,
    status: StatusCode,
    arrival: &mut Arrival,
) -> Result<(), FailureKind> {
    settle_search(walk, side, status)?;
    let Some(thing) = Thing::of(walk, side) else {
        return Ok(());
    };
    if thing.is_gone(outgoing.own_method(), status) {
        thing.is_over(walk);
        return Ok(());
    }
    let outward = thing.outward();
    let reads = status.is_success() && (thing.rule.reads_answers() || outward.is_some());
    let body = match reads && is_readable(outgoing, arrival) {
        true => read(walk, outgoing, arrival).await?,
        false => None,
    };
    let val = body.map(|(_, val)| val);
    if let Some(outward) = &outward {
        rename(&thing.rule, outward, arrival, val.as_ref());
    }
    if let Some(val) = val {
        thing.learns_also(walk, &val);
        thing.learns_of_work(walk, outgoing, val);
    }
    Ok(())
}

/// What a response says of who has the thing that was looked for.
fn settle_search(walk: &mut Walk, side: Side, raw: StatusCode) -> Result<(), FailureKind> {
    let Some(claim) = walk.claim() else {
        return Ok(());
    };
    let Open::Seek(seek) = claim.open else {
        // By a hash: what has been changed there is there.
        if claim.named().is_some_and(|named| named.learns) && raw.is_success() {
            walk.remembers(side);
        }
        return Ok(());
    };
    if has_it(raw) {
        walk.found_at(side);
    } else if is_absent(raw) {
        if seek == Seek::Unsure {
            walk.looked(Looked::Unsure);
            return Err(FailureKind::Lost(Lost::Unsure));
        }
        walk.looked(Looked::Nowhere);
    }
    Ok(())
}

/// Whether what is asked for tells of the work as a whole: a part of it, such as a step, does not.
fn tells_of_work(spot: &Spot) -> bool {
    spot.pattern.as_ref().is_some_and(|pattern| {
        let mut names = pattern.names();
        names.all(|name| name == ID) || pattern.ends_in(ID)
    })
}

fn says_done(filter: &Filter, val: Val) -> bool {
    let said = filter.run(val, &[], &LIMITS);
    said.is_ok_and(|said| said.is_true())
}
