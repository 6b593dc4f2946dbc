//! What became of one request and why, in about a hundred bytes without a name in them: places are
//! numbers that the snapshot of the epoch resolves.

use std::time::Duration;

use super::moment::Moment;
use crate::snapshot::Tried;
use crate::stats::{Class, Fault, Reason, Side, Trouble};

/// See the module.
#[derive(Debug, Clone, Copy)]
pub struct Decision {
    /// Hash of the request id, by [`super::Board::hash`].
    pub id: u64,
    /// When it came, in microseconds on the clock of the workers.
    pub arrived: u64,
    /// Of the snapshot that it was pinned to; 0 if it was refused before that.
    pub epoch: u64,
    /// Its place among the routes of that snapshot, if it found one.
    pub route: u32,
    /// The response head that went to the client.
    pub head: Moment,
    /// The first byte of the body.
    pub first_byte: Moment,
    /// The end of the body, or of our own answer.
    pub ended: Moment,
    /// The side, and how it was chosen; `None` without a route.
    pub chosen: Option<Chosen>,
    /// How it ended for the client; `None` while it runs, and for what was never on its way.
    pub class: Option<Class>,
    /// Why figshift answered by itself, if it did.
    pub fault: Option<Fault>,
    /// What went wrong with the response of the last try after its head.
    pub trouble: Option<Trouble>,
    /// The status of the client's answer; 0 before its head.
    pub status: u16,
    count: u8,
    tries: [Try; Tried::MOST],
}

/// The side that a request was given to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chosen {
    /// Which.
    pub side: Side,
    /// By what.
    pub by: By,
    /// Where its draw stood, in hundredths of a percent; 0 when nothing was drawn.
    pub draw: u16,
    /// What was in force, in hundredths of a percent.
    pub percent: u16,
}

/// What chose the side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// The route has no other one.
    Only,
    /// `x-figshift-side` of a trusted peer.
    Header,
    /// The draw of a sticky key: the first that the request had, by its place in `sticky`.
    Sticky(u16),
    /// A draw of its own.
    Draw,
    /// It is for something that was made on a side.
    Owner,
}

/// One try.
#[derive(Debug, Clone, Copy)]
pub struct Try {
    /// When it began.
    pub began: Moment,
    /// When it ended.
    pub ended: Moment,
    /// The status of its response; 0 without one.
    pub status: u16,
    /// The endpoint's place in its backend.
    pub member: u16,
    /// Whose backend.
    pub side: Side,
    /// Why here and not where it was before; `None` for the side of the split.
    pub reason: Option<Reason>,
    /// How it ended; `None` while it runs.
    pub class: Option<Class>,
    marks: u8,
}

/// What else there is to say of a try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// Its first connection was an idle one that the backend had just closed, so it was sent again.
    Stale,
    /// Breakers and health checks were not asked, since nobody could serve.
    Panic,
    /// It probed whether an open breaker may close.
    Probe,
    /// No other try came after it: a repetition could do harm.
    NotRepeatable,
    /// No other try came after it: the body was longer than what is held.
    BodyTooLong,
    /// The retry budget refused another try like it; one on the other side may have been allowed.
    OverBudget,
    /// No other try came after it: there was nowhere else to go.
    NowhereElse,
}

impl Try {
    const NONE: Self = Self {
        began: Moment::NEVER,
        ended: Moment::NEVER,
        status: 0,
        member: 0,
        side: Side::Primary,
        reason: None,
        class: None,
        marks: 0,
    };

    /// Whether it is so marked.
    pub fn has(&self, mark: Mark) -> bool {
        self.marks & (1 << mark as u8) != 0
    }
}

impl Decision {
    /// Of a request that has just come.
    pub fn new(id: u64, arrived: Duration) -> Self {
        Self {
            id,
            arrived: arrived.as_micros() as u64,
            epoch: 0,
            route: 0,
            head: Moment::NEVER,
            first_byte: Moment::NEVER,
            ended: Moment::NEVER,
            chosen: None,
            class: None,
            fault: None,
            trouble: None,
            status: 0,
            count: 0,
            tries: [Try::NONE; Tried::MOST],
        }
    }

    /// The tries, in order.
    pub fn tries(&self) -> &[Try] {
        let count = usize::from(self.count).min(Tried::MOST);
        &self.tries[..count]
    }

    fn last(&mut self) -> Option<&mut Try> {
        let last = usize::from(self.count).checked_sub(1)?;
        self.tries.get_mut(last)
    }

    /// It goes to an endpoint, unless the last try has not ended: then that one goes on, on a fresh
    /// connection. Past [`Tried::MOST`] the last is overwritten.
    pub fn goes(&mut self, at: Moment, side: Side, member: usize, reason: Option<Reason>) {
        if self.last().is_some_and(|last| last.class.is_none()) {
            return;
        }
        let slot = usize::from(self.count).min(Tried::MOST - 1);
        self.tries[slot] = Try {
            began: at,
            side,
            member: u16::try_from(member).unwrap_or(u16::MAX),
            reason,
            ..Try::NONE
        };
        self.count = slot as u8 + 1;
        // A head before this one was not for the client.
        self.head = Moment::NEVER;
        self.first_byte = Moment::NEVER;
        self.status = 0;
        self.trouble = None;
    }

    /// Marks the last try.
    pub fn mark(&mut self, mark: Mark) {
        if let Some(last) = self.last() {
            last.marks |= 1 << mark as u8;
        }
    }

    /// The last try has brought a response head.
    pub fn has_head(&mut self, at: Moment, status: u16) {
        self.head = at;
        self.status = status;
        if let Some(last) = self.last() {
            last.status = status;
        }
    }

    /// The last try has ended.
    pub fn try_ends(&mut self, at: Moment, class: Class) {
        if let Some(last) = self.last() {
            last.ended = at;
            last.class = Some(class);
        }
    }

    /// The request has ended, served by the side of the last try.
    pub fn ends(&mut self, at: Moment, class: Class) {
        self.ended = at;
        self.class = Some(class);
    }

    /// The request has ended with an answer of ours.
    pub fn ends_with(&mut self, at: Moment, class: Option<Class>, fault: Fault, status: u16) {
        self.ended = at;
        self.class = class;
        self.fault = Some(fault);
        self.status = status;
        self.head = Moment::NEVER;
    }

    /// Which flood it would be part of.
    pub(super) fn kind(&self) -> Kind {
        let Some(chosen) = self.chosen else {
            return Kind::Smooth;
        };
        // What its caller did wrong is no more telling than what went well.
        let well = matches!(self.class, Some(Class::Ok | Class::ClientError));
        match self.tries() {
            [only] if well && only.marks == 0 && only.side == chosen.side => Kind::Smooth,
            [only] if well && only.marks == 0 => Kind::Bypassed,
            _ => Kind::Notable,
        }
    }
}

/// Decisions that come in floods of their own, so each kind has a ring of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// One try, where it belonged, and no fault of a backend; or no route at all.
    Smooth,
    /// One try that went well, on the other side, since the own one was out.
    Bypassed,
    /// Everything else: it failed, the client left, or there was a second try or the wish for one.
    Notable,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(side: Side, class: Class) -> Decision {
        let mut decision = Decision::new(1, Duration::ZERO);
        decision.chosen = Some(Chosen {
            side: Side::Candidate,
            by: By::Draw,
            draw: 100,
            percent: 200,
        });
        decision.goes(Moment::after(0), side, 0, None);
        decision.try_ends(Moment::after(10), class);
        decision.ends(Moment::after(10), class);
        decision
    }

    #[test]
    fn a_decision_is_small() {
        assert!(size_of::<Decision>() <= 128, "{}", size_of::<Decision>());
        assert_eq!(size_of::<Try>(), 16);
    }

    #[test]
    fn what_comes_in_floods_is_told_apart() {
        for class in Class::ALL {
            let well = matches!(class, Class::Ok | Class::ClientError);
            let (home, other) = match well {
                true => (Kind::Smooth, Kind::Bypassed),
                false => (Kind::Notable, Kind::Notable),
            };
            assert_eq!(on(Side::Candidate, class).kind(), home, "{class:?}");
            assert_eq!(on(Side::Primary, class).kind(), other, "{class:?}");
        }
        let mut stale = on(Side::Candidate, Class::Ok);
        stale.mark(Mark::Stale);
        assert_eq!(stale.kind(), Kind::Notable);
        let mut twice = on(Side::Candidate, Class::ServerError);
        twice.goes(Moment::after(20), Side::Primary, 0, Some(Reason::Status));
        twice.ends(Moment::after(30), Class::Ok);
        assert_eq!(twice.kind(), Kind::Notable);
        let mut lost = Decision::new(1, Duration::ZERO);
        lost.ends_with(Moment::after(1), None, Fault::NoRoute, 404);
        assert_eq!(lost.kind(), Kind::Smooth);
    }

    #[test]
    fn marks_are_of_the_last_try() {
        let mut decision = Decision::new(1, Duration::ZERO);
        decision.mark(Mark::Stale);
        for member in 0..6 {
            decision.goes(Moment::after(0), Side::Primary, member, None);
            decision.has_head(Moment::after(5), 500);
            decision.try_ends(Moment::after(6), Class::ServerError);
        }
        decision.mark(Mark::NowhereElse);
        let tries = decision.tries();
        assert_eq!(tries.len(), Tried::MOST);
        assert_eq!(tries[3].member, 5);
        assert!(tries[3].has(Mark::NowhereElse) && !tries[3].has(Mark::Stale));
        assert!(!tries[0].has(Mark::NowhereElse));
        assert_eq!((tries[0].status, decision.status), (500, 500));
        decision.goes(Moment::after(9), Side::Primary, 7, None);
        assert_eq!((decision.head, decision.status), (Moment::NEVER, 0));
        // On a fresh connection it is the same try.
        decision.mark(Mark::Stale);
        decision.goes(Moment::after(9), Side::Primary, 7, None);
        assert!(decision.tries()[3].has(Mark::Stale));
    }
}
