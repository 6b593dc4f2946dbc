//! What the table does not tell is found out: an id in a body is read, a thing that nobody has seen is asked for.

use bytes::Bytes;
use http::StatusCode;

use super::ask::{MOST, ask};
use super::claim::{Kind, Open, Seek, unix_time};
use super::inward::{get, rename};
use super::list;
use crate::adapt::{Part, Val};
use crate::owners::Learned;
use crate::proxy::failure::{Lost, Unfit};
use crate::proxy::forward::{FailureKind, Outgoing, OutgoingBody};
use crate::proxy::payload::whole;
use crate::proxy::walk::Walk;
use crate::stats::{Looked, Side};

/// Whether a status says that something is not there.
pub(super) fn is_absent(status: StatusCode) -> bool {
    matches!(status, StatusCode::NOT_FOUND | StatusCode::GONE)
}

/// Finds out what has to be known before a request goes anywhere.
///
/// # Errors
///
/// It can go nowhere.
///
/// # Cancel safety
///
/// To be dropped only with the request.
pub(in crate::proxy) async fn resolve(
    walk: &mut Walk,
    outgoing: &mut Outgoing,
) -> Result<(), FailureKind> {
    let mut body = None;
    if open(walk) == Open::Body {
        body = read_body(walk, outgoing).await?;
    }
    if let Some(lost) = walk.claim().and_then(|claim| claim.lost) {
        return Err(FailureKind::Lost(lost));
    }
    match open(walk) {
        Open::Ask => ask_around(walk, outgoing).await?,
        Open::List => list::fetch(walk, outgoing).await?,
        Open::No | Open::Body | Open::Seek(_) => {}
    }
    let Some(claim) = walk.claim() else {
        return Ok(());
    };
    let renamed = match &claim.kind {
        Kind::Use(named) => rename(outgoing, &claim.rule, named, body.as_ref()),
        Kind::Create | Kind::List => true,
    };
    match renamed {
        true => Ok(()),
        false => Err(FailureKind::Lost(Lost::Unnamed)),
    }
}

fn open(walk: &Walk) -> Open {
    walk.claim().map_or(Open::No, |claim| claim.open)
}

/// Reads the body for the id in it. A body without one is nobody's: it goes to the primary.
async fn read_body(walk: &mut Walk, outgoing: &mut Outgoing) -> Result<Option<Bytes>, FailureKind> {
    let body = match outgoing.body {
        OutgoingBody::Empty => None,
        _ => {
            let mut held = Vec::new();
            let ended = whole(walk, outgoing, Side::Primary, MOST, &mut held).await;
            let held = Bytes::from(held);
            outgoing.hold(held.clone());
            match ended {
                Ok(()) => Some(held),
                Err(FailureKind::Unfit(Unfit::Large)) => None,
                Err(kind) => return Err(kind),
            }
        }
    };
    walk.has_read();
    let id = body.as_ref().and_then(|body| {
        let claim = walk.claim()?;
        let spot = claim.rule.uses.get(claim.named()?.spot)?;
        let Part::Body(place) = &spot.part else {
            return None;
        };
        text_of(place.get(&Val::parse(body).ok()?)?)
    });
    let method = outgoing.head.method.clone();
    walk.is_for(id, &method);
    Ok(body)
}

/// An id as it is written in JSON: a text, or a whole number.
pub(super) fn text_of(val: &Val) -> Option<String> {
    let text = match val.as_str() {
        Some(text) => text.to_owned(),
        None => {
            let mut json = Vec::new();
            val.write(&mut json);
            let text = String::from_utf8(json).ok()?;
            let digits = text.strip_prefix('-').unwrap_or(&text);
            let whole = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            Some(text).filter(|_| whole)?
        }
    };
    (!text.is_empty()).then_some(text)
}

/// Asks both sides for a thing that nobody has seen, by GET: the request itself would change something.
async fn ask_around(walk: &mut Walk, outgoing: &Outgoing) -> Result<(), FailureKind> {
    let mut sure = true;
    for side in Side::ALL {
        let question = walk.claim().and_then(|claim| {
            let named = claim.named()?;
            get(outgoing, &claim.rule, named)
        });
        let Some(mut question) = question else {
            // There is no path to ask for it.
            walk.binds(Side::Primary);
            walk.looked(Looked::Unknown);
            return Ok(());
        };
        walk.asks();
        match Box::pin(ask(walk, &mut question, side)).await {
            Ok(said) if is_absent(said.status) => {}
            Ok(said) if said.status.as_u16() < 400 => {
                walk.found_at(side);
                return Ok(());
            }
            Ok(_) | Err(()) => sure &= !may_have(walk, side),
        }
    }
    if !sure {
        walk.looked(Looked::Unsure);
        return Err(FailureKind::Lost(Lost::Unsure));
    }
    // Nobody has it, and the primary says so in its own words.
    walk.looked(Looked::Nowhere);
    walk.binds(Side::Primary);
    Ok(())
}

/// Whether a side that does not answer may have things. A candidate that was never given any, and is given none, is
/// one that is not there yet.
fn may_have(walk: &Walk, side: Side) -> bool {
    let name = &walk.arm(side).backend.name;
    side == Side::Primary || walk.route().split.is_open() || walk.owners().has_any(name)
}

/// Where a request goes that looks for a thing, after a response of the side that it was sent to: to the candidate,
/// if the primary does not have it.
pub(in crate::proxy) fn looks_elsewhere(walk: &mut Walk, status: Option<StatusCode>) -> bool {
    let Open::Seek(Seek::Primary) = open(walk) else {
        return false;
    };
    let absent = status.is_some_and(is_absent);
    let failed = status.is_none_or(|status| status.is_server_error());
    if !absent && !failed {
        return false;
    }
    if walk.route().candidate.is_none() {
        return false;
    }
    walk.seeks(if absent {
        Seek::Candidate
    } else {
        Seek::Unsure
    });
    true
}

/// What a failure of the running search means for its client: the candidate has not told whether it has what the
/// primary does not have.
pub(in crate::proxy) fn meaning(walk: &Walk, kind: FailureKind) -> FailureKind {
    match open(walk) {
        Open::Seek(Seek::Candidate) if may_have(walk, Side::Candidate) => {
            walk.looked(Looked::Unsure);
            FailureKind::Lost(Lost::Unsure)
        }
        Open::Seek(Seek::Candidate) => {
            walk.looked(Looked::Nowhere);
            FailureKind::Lost(Lost::Nowhere)
        }
        Open::Seek(Seek::Unsure) => {
            walk.looked(Looked::Unsure);
            FailureKind::Lost(Lost::Unsure)
        }
        _ => kind,
    }
}

impl Walk {
    /// A thing that nobody had seen is there.
    fn found_at(&mut self, side: Side) {
        self.looked(match side {
            Side::Primary => Looked::AtPrimary,
            Side::Candidate => Looked::AtCandidate,
        });
        self.remembers(side);
        self.binds(side);
    }

    /// Writes down who has the thing of this request.
    pub(super) fn remembers(&self, side: Side) {
        let Some((rule, named)) = self.claim().and_then(|c| Some((&c.rule, c.named()?))) else {
            return;
        };
        let learned = Learned {
            rule: &rule.name,
            id: named.id.as_bytes(),
            backend: &self.arm(side).backend.name,
            ttl: rule.ttl,
            origin: "",
            theirs: None,
        };
        self.owners().learn(learned, unix_time());
    }
}
