//! Whose a request is, as far as its head and the table of owners tell.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use http::Method;
use http::request::Parts;

use crate::adapt::{ID, Part, Spot, Val, query_pairs, unescaped};
use crate::proxy::failure::Lost;
use crate::proxy::walk::Walk;
use crate::snapshot::{Ownership, Pin, Route, WhenUnknown};
use crate::stats::{Looked, Side};
use crate::wire::cookie;

/// What a request is to things that stay where they were made.
#[derive(Debug)]
pub(in crate::proxy) struct Claim {
    /// Its rule.
    pub(super) rule: Arc<Ownership>,
    pub(super) kind: Kind,
    /// The side that it must be served by.
    bound: Option<Side>,
    /// What is to be found out before it goes anywhere.
    pub(super) open: Open,
    /// Why it can go nowhere.
    pub(super) lost: Option<Lost>,
    /// The candidate's list.
    list: Option<Val>,
}

/// What it wants.
#[derive(Debug)]
pub(super) enum Kind {
    /// To make something.
    Create,
    /// A thing that has this name.
    Use(Named),
    /// All of them.
    List,
}

/// A thing that was made before.
#[derive(Debug, Default)]
pub(super) struct Named {
    /// As clients call it.
    pub(super) id: String,
    /// As its owner calls it, if that is another name.
    pub(super) theirs: Option<Arc<str>>,
    /// Where the rule found it, by its place among `use`.
    pub(super) spot: usize,
    /// Its work is known to be over.
    pub(super) done: bool,
    /// It was not known, and is learned from an answer.
    pub(super) learns: bool,
}

/// What has to be found out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Open {
    /// Nothing.
    No,
    /// The id, in the body.
    Body,
    /// Who has it: the request itself can be sent to both.
    Seek(Seek),
    /// Who has it: asked for first, since the request changes something.
    Ask,
    /// The list of the candidate.
    List,
}

/// A search with the request itself: to the primary, then to the candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seek {
    /// The primary is asked.
    Primary,
    /// The candidate is, since the primary does not have it.
    Candidate,
    /// The candidate is, since the primary has not answered.
    Unsure,
}

/// Whose a request is; `None` if it concerns no rule of its route.
pub(in crate::proxy) fn claim(
    pin: &Pin,
    route: &Route,
    head: &Parts,
    worker: usize,
) -> Option<Box<Claim>> {
    let (method, path) = (&head.method, head.uri.path());
    if matches!(*method, Method::OPTIONS | Method::TRACE) {
        // They are about what is spoken there, not about what is there.
        return None;
    }
    route.ownership.iter().find_map(|rule| {
        if rule.creates(method, path) {
            return Some(Claim::new(rule, Kind::Create));
        }
        if let Some((spot, id)) = named(rule, head) {
            let named = Named {
                spot,
                ..Named::default()
            };
            let mut claim = Claim::new(rule, Kind::Use(named));
            match id {
                Some(id) => claim.is_for(id, pin, route, method, worker),
                None => claim.open = Open::Body,
            }
            return Some(claim);
        }
        if rule.lists(method, path) {
            let mut claim = Claim::new(rule, Kind::List);
            claim.bound = Some(Side::Primary);
            claim.open = if rule.merges { Open::List } else { Open::No };
            return Some(claim);
        }
        None
    })
}

/// The id in a request and where it stands; without one, it stands in the body.
fn named(rule: &Ownership, head: &Parts) -> Option<(usize, Option<String>)> {
    let mut uses = rule.uses.iter().enumerate();
    uses.find_map(|(at, spot)| Some((at, in_head(spot, head)?)))
}

fn in_head(spot: &Spot, head: &Parts) -> Option<Option<String>> {
    let taken = match &spot.pattern {
        Some(pattern) => Some(pattern.take_id(&head.method, head.uri.path())?),
        None => None,
    };
    let text = |bytes: &[u8]| std::str::from_utf8(bytes).ok().map(str::to_owned);
    let id = match &spot.part {
        Part::Path => unescaped(taken?.get(ID)?),
        Part::Query(name) => {
            let mut pairs = query_pairs(head.uri.query()?);
            pairs.find(|(known, _)| **known == **name)?.1
        }
        Part::Header(name) => text(head.headers.get(name)?.as_bytes())?,
        Part::Cookie(name) => text(cookie(&head.headers, name)?)?,
        Part::Body(_) => return Some(None),
    };
    (!id.is_empty()).then_some(Some(id))
}

impl Claim {
    fn new(rule: &Arc<Ownership>, kind: Kind) -> Box<Self> {
        Box::new(Self {
            rule: Arc::clone(rule),
            kind,
            bound: None,
            open: Open::No,
            lost: None,
            list: None,
        })
    }

    /// The side that has what it wants, as far as that is known: where it is only looked for, nobody is named.
    pub(in crate::proxy) fn owner(&self) -> Option<Side> {
        let is_known = self.open == Open::No && self.named().is_some();
        self.bound.filter(|_| is_known)
    }

    /// The side that it goes to first, which the split has no say in.
    pub(in crate::proxy) fn home(&self) -> Option<Side> {
        match self.open {
            Open::No => self.bound,
            // As long as nothing better is known.
            _ => self.bound.or(Some(Side::Primary)),
        }
    }

    /// Whether something has to be found out before it goes anywhere, or it can go nowhere.
    pub(in crate::proxy) fn is_open(&self) -> bool {
        self.lost.is_some() || !matches!(self.open, Open::No | Open::Seek(_)) || self.is_renamed()
    }

    /// Whether its owner calls what it wants by another name.
    fn is_renamed(&self) -> bool {
        matches!(&self.kind, Kind::Use(named) if named.theirs.is_some())
    }

    /// It is bound to a side.
    pub(super) fn binds(&mut self, side: Side) {
        self.bound = Some(side);
        self.open = Open::No;
    }

    /// The thing that it wants, if it wants one.
    pub(super) fn named(&self) -> Option<&Named> {
        match &self.kind {
            Kind::Use(named) => Some(named),
            Kind::Create | Kind::List => None,
        }
    }

    fn named_mut(&mut self) -> Option<&mut Named> {
        match &mut self.kind {
            Kind::Use(named) => Some(named),
            Kind::Create | Kind::List => None,
        }
    }

    /// It wants the thing with this id: who has it, or how that is found out.
    pub(super) fn is_for(
        &mut self,
        id: String,
        pin: &Pin,
        route: &Route,
        method: &Method,
        worker: usize,
    ) {
        self.open = Open::No;
        let rule = Arc::clone(&self.rule);
        let looked = match rule.prefixes.is_some() {
            true => self.by_prefix(&id, route),
            false => self.by_table(&id, pin, route, method),
        };
        if let Some(named) = self.named_mut() {
            named.id = id;
        }
        if let Some(looked) = looked {
            rule.cells.of(worker).looked[looked as usize].add(1);
        }
    }

    fn by_prefix(&mut self, id: &str, route: &Route) -> Option<Looked> {
        let rule = Arc::clone(&self.rule);
        let Some((backend, theirs)) = rule.by_prefix(id) else {
            // What has no prefix is of whoever gives none.
            let is_bare = |side: &Side| {
                let arm = route.arm(*side);
                arm.is_some_and(|arm| rule.prefix_of(&arm.backend.name).is_none())
            };
            let side = Side::ALL.into_iter().find(is_bare);
            self.binds(side.unwrap_or(Side::Primary));
            return Some(Looked::Unknown);
        };
        let theirs: Arc<str> = theirs.into();
        Some(self.belongs_to(backend, Some(theirs), route))
    }

    fn by_table(&mut self, id: &str, pin: &Pin, route: &Route, method: &Method) -> Option<Looked> {
        let owned = pin.owners.find(&self.rule.name, id.as_bytes(), unix_time());
        if let Some(owned) = owned {
            if let Some(named) = self.named_mut() {
                named.done = owned.done;
            }
            return Some(self.belongs_to(&owned.backend, owned.theirs, route));
        }
        match self.rule.unknown {
            WhenUnknown::Primary => self.binds(Side::Primary),
            WhenUnknown::Hash => {
                let side = route.split.choose(route.salt.draw(id.as_bytes()));
                self.binds(side);
                self.learns();
            }
            WhenUnknown::Probe => {
                self.learns();
                self.open = match *method {
                    Method::GET | Method::HEAD => {
                        // It goes to one side at a time.
                        self.bound = Some(Side::Primary);
                        Open::Seek(Seek::Primary)
                    }
                    _ => Open::Ask,
                };
                // How that ends is counted then.
                return None;
            }
        }
        Some(Looked::Unknown)
    }

    fn learns(&mut self) {
        if let Some(named) = self.named_mut() {
            named.learns = true;
        }
    }

    fn belongs_to(&mut self, backend: &str, theirs: Option<Arc<str>>, route: &Route) -> Looked {
        let is_of = |side: &Side| {
            let arm = route.arm(*side);
            arm.is_some_and(|arm| *arm.backend.name == *backend)
        };
        let Some(side) = Side::ALL.into_iter().find(is_of) else {
            self.lost = Some(Lost::Gone);
            return Looked::Gone;
        };
        self.binds(side);
        if let Some(named) = self.named_mut() {
            named.theirs = theirs;
        }
        Looked::Known
    }
}

impl Walk {
    /// Whether only one side may serve it.
    pub(in crate::proxy) fn is_bound(&self) -> bool {
        self.claim().is_some_and(|claim| claim.bound.is_some())
    }

    /// Whether the other side may take over: there is one that may, and nothing binds the request to this one.
    pub(in crate::proxy) fn may_leave(&self, side: Side) -> bool {
        !self.is_bound() && self.route().alternative(side).is_some()
    }

    /// It is bound to a side.
    pub(super) fn binds(&mut self, side: Side) {
        if let Some(claim) = self.claim_mut() {
            claim.binds(side);
        }
        self.belongs_to(side);
    }

    /// It is for the thing with this id, which stood in its body; without one, it is the primary's.
    pub(super) fn is_for(&mut self, id: Option<String>, method: &Method) {
        let Some(id) = id else {
            self.looked(Looked::Unknown);
            return self.binds(Side::Primary);
        };
        let (pin, worker) = (self.pinned().clone(), self.worker().index);
        let at = self.route_index();
        if let Some(claim) = self.claim_mut() {
            claim.is_for(id, &pin, &pin.routes[at], method, worker);
        }
        if let Some(home) = self.claim().and_then(Claim::home) {
            self.belongs_to(home);
        }
    }

    /// The search goes on like this.
    pub(super) fn seeks(&mut self, seek: Seek) {
        if let Some(claim) = self.claim_mut() {
            claim.open = Open::Seek(seek);
        }
    }

    /// Writes into the books what was known of an id.
    pub(super) fn looked(&self, looked: Looked) {
        if let Some(claim) = self.claim() {
            let cell = claim.rule.cells.of(self.worker().index);
            cell.looked[looked as usize].add(1);
        }
    }

    /// A side is asked by us.
    pub(super) fn asks(&self) {
        if let Some(claim) = self.claim() {
            claim.rule.cells.of(self.worker().index).asked.add(1);
        }
    }

    /// The work of something is over.
    pub(super) fn finishes(&self, rule: &Ownership) {
        rule.cells.of(self.worker().index).done.add(1);
    }

    /// The search goes on at this side.
    pub(in crate::proxy) fn turns_to(&mut self, side: Side) {
        if let Some(claim) = self.claim_mut() {
            claim.bound = Some(side);
        }
        self.belongs_to(side);
    }

    /// The candidate's list.
    pub(super) fn keeps_list(&mut self, list: Val) {
        if let Some(claim) = self.claim_mut() {
            claim.list = Some(list);
        }
    }

    /// The same, for the answer.
    pub(super) fn list(&self) -> Option<Val> {
        self.claim()?.list.clone()
    }
}

/// Seconds of Unix time.
pub(super) fn unix_time() -> u32 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        u32::try_from(since.as_secs()).unwrap_or(u32::MAX)
    })
}
