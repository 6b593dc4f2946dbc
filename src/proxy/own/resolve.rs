//! What the table does not tell is found out: an id in a body is read, a thing that nobody has seen is asked for.

use bytes::Bytes;
use http::StatusCode;

use super::ask::{MOST, ask, parsed_by};
use super::claim::{Claim, Kind, Open, Seek, unix_time};
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

/// Whether a status says that the name makes no sense there, as one that the other side has made may not.
fn is_odd(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY
    )
}

/// Whether a status says that something is there.
pub(super) fn has_it(status: StatusCode) -> bool {
    status.is_success() || status == StatusCode::NOT_MODIFIED
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
        text_of(place.get(&parsed_by(&outgoing.head.headers, body)?)?)
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
        if !is_asked(walk, side) {
            continue;
        }
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
        let said = Box::pin(ask(walk, &mut question, side, false)).await;
        match said.map(|said| said.status) {
            Ok(status) if is_absent(status) || is_odd(status) => {}
            Ok(status) if has_it(status) => {
                walk.found_at(side);
                return Ok(());
            }
            Ok(StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) if side == Side::Primary => {
                // Who may not even ask may change nothing: the primary says so in its own words.
                walk.looked(Looked::Unknown);
                walk.binds(Side::Primary);
                return Ok(());
            }
            _ => sure &= !may_have(walk, side),
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

/// Whether a side that does not answer may have things. A candidate that was never given any, as far as anybody
/// remembers, and is given none, is one that is not there yet.
pub(super) fn may_have(walk: &Walk, side: Side) -> bool {
    let remembers = |claim: &Claim| claim.rule.prefixes.is_none();
    side == Side::Primary
        || walk.route().split.is_open()
        || !walk.claim().is_some_and(remembers)
        || walk.owners().has_any(&walk.arm(side).backend.name)
}

/// Whether a side is asked: one that may have things, and any that seems to be there, as memory may be lost.
pub(super) fn is_asked(walk: &Walk, side: Side) -> bool {
    let mut members = walk.arm(side).backend.members.iter();
    may_have(walk, side) || members.any(|member| member.endpoint.carries())
}

/// Where a request goes that looks for a thing, after a response of the primary in the words of clients: to the
/// candidate, if the primary does not have it, and the candidate may.
pub(in crate::proxy) fn turns(
    walk: &mut Walk,
    outgoing: &Outgoing,
    status: StatusCode,
) -> Option<Side> {
    let absent = is_absent(status) || is_odd(status);
    if open(walk) != Open::Seek(Seek::Primary) || !(absent || status.is_server_error()) {
        return None;
    }
    go_on(walk, outgoing, absent)
}

/// The same when nothing is left to try at a side, for this reason. What that means for the client, if it goes
/// nowhere else.
pub(in crate::proxy) fn turns_after(
    walk: &mut Walk,
    outgoing: &Outgoing,
    last: &mut Option<FailureKind>,
) -> Option<Side> {
    let is_unfit = matches!(
        last,
        Some(FailureKind::Unfit(_) | FailureKind::Unadapted(_))
    );
    let by_client = matches!(
        last,
        Some(
            FailureKind::ClientSlow
                | FailureKind::ClientBroke
                | FailureKind::BodyTooLarge
                | FailureKind::NoDescriptor
                | FailureKind::Lost(_)
        )
    );
    let Open::Seek(seek) = open(walk) else {
        return None;
    };
    if by_client {
        return None;
    }
    if seek == Seek::Primary {
        return go_on(walk, outgoing, is_unfit);
    }
    let (looked, lost) = match seek {
        // What the candidate cannot be asked, it cannot have.
        Seek::Candidate if is_unfit || !may_have(walk, Side::Candidate) => {
            (Looked::Nowhere, Lost::Nowhere)
        }
        _ => (Looked::Unsure, Lost::Unsure),
    };
    walk.looked(looked);
    *last = Some(FailureKind::Lost(lost));
    None
}

fn go_on(walk: &mut Walk, outgoing: &Outgoing, absent: bool) -> Option<Side> {
    let has_candidate = walk.route().candidate.is_some();
    if !has_candidate || !is_asked(walk, Side::Candidate) || !outgoing.is_replayable() {
        return None;
    }
    walk.seeks(if absent {
        Seek::Candidate
    } else {
        Seek::Unsure
    });
    Some(Side::Candidate)
}

impl Walk {
    /// A thing that nobody had seen is there.
    pub(super) fn found_at(&mut self, side: Side) {
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
