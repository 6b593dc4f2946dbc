//! A try at a Serverless backend: its engine is asked for a worker until it has one, the request is sent there,
//! and what the worker says of it decides whether another one is asked for. All of that is one try of the
//! walk. It ends before a byte of an answer has gone to the client.

use std::sync::Arc;
use std::time::Duration;

use http::{Response, StatusCode};
use http_body::Body as _;
use rand::RngExt;
use serde_json::Number;

use super::answer::Answer;
use super::cut::unless_cut;
use super::engage::engage;
use super::forward::{Failure, FailureKind, Outgoing};
use super::lease::Lease;
use super::payload::Payload;
use super::stranger::tame;
use super::walk::Walk;
use crate::outbound::NoAnswer;
use crate::recall::Mark;
use crate::snapshot::{EndpointKey, Place, Serverless, Turn};
use crate::stats::{Asked, ServerlessCell, Worked};
use crate::vast::{Question, Ready, Told, pause, read_told};

/// An engine that has said nothing for so long says nothing more.
const ANSWER: Duration = Duration::from_secs(10);
/// Questions in a row without an answer, or without a worker that may be asked.
const MOST_MISSES: u32 = 2;
/// Workers that a request is sent to at most, those that were busy not counted.
const MOST_WORKERS: u32 = 3;
/// Of those, such as do not let it in.
const MOST_REFUSALS: u32 = 2;
/// After the key was refused, another one is waited for so long, and looked for so often.
const KEY_PATIENCE: Duration = Duration::from_secs(3);
const KEY_LOOK: Duration = Duration::from_millis(50);
/// Keys that are tried for one request.
const MOST_KEYS: u32 = 2;

/// What a try that went well has brought.
type Hired = (Response<Answer>, Lease);

/// Finds a worker for the request of the running try, and sends it there. Its body has been read.
///
/// # Errors
///
/// No response head came that the client may see; the failure says whether a worker may have begun.
///
/// # Cancel safety
///
/// Dropping it closes what it has open and leaves the line.
pub(super) async fn hire(walk: &Walk, outgoing: &Outgoing) -> Result<Hired, Failure> {
    match (&walk.backend().serverless, &outgoing.payload) {
        (Some(terms), Some(payload)) => Hire::new(walk, outgoing, payload, terms).run().await,
        // Not reached: whoever asks has read it.
        _ => Err(Failure {
            kind: FailureKind::Engine,
            unprocessed: true,
        }),
    }
}

/// One request on its way to a worker.
struct Hire<'a> {
    walk: &'a Walk,
    outgoing: &'a Outgoing,
    payload: &'a Payload,
    terms: &'a Serverless,
    cell: &'a ServerlessCell,
    /// The first question.
    began: Duration,
    /// Spent at workers, those that were busy not counted: nobody waited for one then.
    worked: Duration,
    /// What the last worker that failed has left.
    left_by: Option<Left>,
    /// Ties all questions together.
    request_idx: Number,
    /// Answers without a worker.
    answers: u32,
    misses: u32,
    keys: u32,
    workers: u32,
    refusals: u32,
    /// In the line of those who wait.
    place: Option<Place<'a>>,
    /// There was a worker.
    found: bool,
    /// A worker may have begun with it.
    processed: bool,
}

/// What a worker has left that failed, until another one does better.
enum Left {
    /// No answer.
    Nothing(FailureKind),
    /// One that may go to the client, if no better one comes.
    Answer(Box<Hired>),
}

/// What to do after a question or a try.
enum Then {
    /// Ask again after this time.
    Ask(Duration),
    /// The same, and stand in the line meanwhile: others are served first.
    Wait(Duration),
    Done(Box<Hired>),
    Fail(Failure),
}

impl<'a> Hire<'a> {
    fn new(
        walk: &'a Walk,
        outgoing: &'a Outgoing,
        payload: &'a Payload,
        terms: &'a Serverless,
    ) -> Self {
        let worker = walk.worker();
        Self {
            walk,
            outgoing,
            payload,
            terms,
            cell: terms.cells.of(worker.index),
            began: worker.now(),
            worked: Duration::ZERO,
            left_by: None,
            request_idx: Number::from(0),
            answers: 0,
            misses: 0,
            keys: 0,
            workers: 0,
            refusals: 0,
            place: None,
            found: false,
            processed: false,
        }
    }

    async fn run(mut self) -> Result<Hired, Failure> {
        loop {
            let then = match self.ask().await {
                Ok(ready) => self.send(&ready).await,
                Err(then) => then,
            };
            let failure = match then {
                Then::Ask(wait) => self.pause(wait).await,
                Then::Wait(wait) => match self.line_up() {
                    Ok(()) => self.pause(wait).await,
                    full => full,
                },
                Then::Done(hired) => return Ok(*hired),
                Then::Fail(failure) => Err(failure),
            };
            if let Err(failure) = failure {
                return self.gives_up(failure);
            }
        }
    }

    /// Nobody is asked any more. Who has waited in vain for a second worker tells what the first one did.
    fn gives_up(&mut self, failure: Failure) -> Result<Hired, Failure> {
        if failure.kind != FailureKind::ClientBroke
            && let Some(place) = self.place.take()
        {
            place.ends_aside();
        }
        let in_vain = matches!(
            failure.kind,
            FailureKind::QueueLate | FailureKind::QueueFull | FailureKind::Engine
        );
        match self.left_by.take_if(|_| in_vain) {
            Some(Left::Answer(hired)) => Ok(*hired),
            Some(Left::Nothing(kind)) => Err(self.fails(kind)),
            None => Err(failure),
        }
    }

    /// Until nobody waits for a worker any more.
    fn left(&self) -> Duration {
        let spent = self.walk.worker().now().saturating_sub(self.began);
        let waited = spent.saturating_sub(self.worked);
        self.terms.wait.saturating_sub(waited)
    }

    fn fails(&self, kind: FailureKind) -> Failure {
        Failure {
            kind,
            unprocessed: !self.processed,
        }
    }

    fn line_up(&mut self) -> Result<(), Failure> {
        if self.place.is_none() {
            self.place = self.terms.line.enter(self.terms.queue, !self.found);
        }
        match self.place {
            Some(_) => Ok(()),
            None => Err(self.fails(FailureKind::QueueFull)),
        }
    }

    /// Waits, but not beyond the end of its time.
    async fn pause(&mut self, wait: Duration) -> Result<(), Failure> {
        let left = self.left();
        if left.is_zero() {
            return Err(self.is_late());
        }
        let slept = unless_cut(self.walk, tokio::time::sleep(wait.min(left))).await;
        if slept.is_none() {
            return Err(self.fails(FailureKind::Cut));
        }
        if self.walk.has_left() {
            return Err(self.fails(FailureKind::ClientBroke));
        }
        if self.left().is_zero() {
            return Err(self.is_late());
        }
        Ok(())
    }

    /// There was no worker in time; or if the engine said nothing sensible, nobody knows.
    fn is_late(&mut self) -> Failure {
        if let Some(place) = self.place.take() {
            place.ends(Turn::Late);
        }
        self.fails(match self.misses {
            0 => FailureKind::QueueLate,
            _ => FailureKind::Engine,
        })
    }

    /// Asks once.
    async fn ask(&mut self) -> Result<Ready, Then> {
        let terms = self.terms;
        let Some(key) = terms.key.get() else {
            return Err(Then::Fail(self.fails(FailureKind::Engine)));
        };
        if terms.key.is_refused() {
            // It was taken back, or given to others: nobody shows it around any more.
            return Err(self.awaits_key(&key).await);
        }
        let (endpoint, index) = (&*terms.endpoint, &self.request_idx);
        let question = Question::new(endpoint, key.expose(), self.payload.cost, index);
        let outside = &self.walk.worker().outside;
        let limit = self.left().min(ANSWER);
        let asking = outside.post(&terms.engine, Some(key.expose()), &question, limit);
        let Some(answer) = unless_cut(self.walk, asking).await else {
            return Err(Then::Fail(self.fails(FailureKind::Cut)));
        };
        let (told, retry_after) = match answer {
            Ok(answer) => {
                let (private, http) = (terms.allow_private, terms.allow_http);
                let told = read_told(answer.status, answer.body, private, http);
                (told, answer.retry_after)
            }
            Err(NoAnswer::Late(limit)) => return Err(self.says_nothing(limit)),
            Err(error) => {
                self.complain(&error.to_string());
                return Err(self.misses(Asked::Error));
            }
        };
        match told {
            Told::Ready(ready) => {
                self.note(Asked::Ready);
                self.misses = 0;
                self.keeps(ready.request_idx.clone());
                self.finds();
                Ok(ready)
            }
            Told::Waiting { request_idx } => {
                self.note(Asked::Waiting);
                self.misses = 0;
                self.keeps(request_idx);
                Err(Then::Wait(self.backs_off()))
            }
            Told::BadWorker { why, request_idx } => {
                self.keeps(request_idx);
                self.complain(why.as_str());
                Err(self.misses(Asked::BadUrl))
            }
            Told::Unauthorized => Err(self.is_unauthorized(&key).await),
            Told::Limited => {
                self.note(Asked::Limited);
                let wait = self.backs_off();
                Err(Then::Wait(retry_after.map_or(wait, |told| told.max(wait))))
            }
            Told::Nothing(why) => {
                self.complain(why);
                Err(self.misses(Asked::Error))
            }
        }
    }

    fn note(&self, asked: Asked) {
        self.cell.asked[asked as usize].add(1);
    }

    fn keeps(&mut self, index: Option<Number>) {
        self.request_idx = index.unwrap_or_else(|| self.request_idx.clone());
    }

    fn backs_off(&mut self) -> Duration {
        self.answers += 1;
        let draw = || self.walk.worker().with_rng(|rng| rng.random::<f64>());
        pause(self.answers, draw(), draw())
    }

    /// The first worker is there: it has waited for long enough.
    fn finds(&mut self) {
        let place = self.place.take();
        if !std::mem::replace(&mut self.found, true) {
            let waited = self.walk.worker().now().saturating_sub(self.began);
            self.cell.waits.record(waited.as_micros() as u64);
            self.cell.cost.add(self.payload.cost.round() as u64);
            if place.is_none() {
                self.terms.line.passes();
            }
        }
        if let Some(place) = place {
            place.ends(Turn::Waited);
        }
    }

    /// No answer, or none that helps.
    fn misses(&mut self, asked: Asked) -> Then {
        self.note(asked);
        self.misses += 1;
        if self.misses >= MOST_MISSES {
            return Then::Fail(self.fails(FailureKind::Engine));
        }
        let draw = self
            .walk
            .worker()
            .with_rng(|rng| rng.random_range(0.1..0.4));
        Then::Ask(Duration::from_secs_f64(draw))
    }

    /// It was silent for too long, or for all the time that was left.
    fn says_nothing(&mut self, limit: Duration) -> Then {
        self.note(Asked::Late);
        if limit >= ANSWER || self.answers == 0 {
            self.misses += 1;
            self.complain("it has said nothing in time");
        }
        Then::Fail(self.is_late())
    }

    /// The key is not good any more: the next one is waited for, which is fetched at once.
    async fn is_unauthorized(&mut self, key: &Arc<EndpointKey>) -> Then {
        self.note(Asked::Unauthorized);
        self.terms.key.refuse(key);
        self.complain("it does not take the endpoint's key");
        self.keys += 1;
        self.awaits_key(key).await
    }

    /// Until there is a newer one.
    async fn awaits_key(&mut self, key: &Arc<EndpointKey>) -> Then {
        let patience = KEY_PATIENCE.min(self.left());
        let end = self.walk.worker().now() + patience;
        while self.keys < MOST_KEYS && self.walk.worker().now() < end && !self.walk.has_left() {
            if self.terms.key.has_newer(key) {
                return Then::Ask(Duration::ZERO);
            }
            let slept = unless_cut(self.walk, tokio::time::sleep(KEY_LOOK)).await;
            if slept.is_none() {
                return Then::Fail(self.fails(FailureKind::Cut));
            }
        }
        Then::Fail(self.fails(FailureKind::Engine))
    }

    /// Tells of an engine, but never what it has said: that may hold a secret.
    fn complain(&self, why: &str) {
        if self.walk.worker().may_complain() {
            let backend = &*self.walk.backend().name;
            tracing::warn!(backend, why, "A Serverless engine gives no worker");
        }
    }

    /// Sends the request to a worker.
    async fn send(&mut self, ready: &Ready) -> Then {
        let fresh = self.workers > 0;
        let began = self.walk.worker().now();
        let engaged = engage(self.walk, self.outgoing, self.payload, ready, fresh).await;
        let took = self.walk.worker().now().saturating_sub(began);
        let then = match engaged {
            Ok(hired) => self.has_head(hired),
            Err(failure) => self.has_none(failure),
        };
        if !matches!(then, Then::Wait(_)) {
            self.worked += took;
        }
        then
    }

    /// A worker has answered: not for the client, if it is about letting the request in.
    fn has_head(&mut self, mut hired: Hired) -> Then {
        tame(hired.0.headers_mut());
        let empty = hired.0.body().size_hint().exact() == Some(0);
        let refused = Then::Fail(self.fails(FailureKind::Refused));
        match hired.0.status() {
            StatusCode::UNAUTHORIZED => {
                self.refusals += 1;
                self.gives_back(hired);
                match self.refusals < MOST_REFUSALS {
                    true => {
                        self.left_by = Some(Left::Nothing(FailureKind::Refused));
                        self.again(Worked::Unauthorized)
                    }
                    false => self.ends(Worked::Unauthorized, refused),
                }
            }
            // It would be the same everywhere. Most often it is about what the client has written.
            StatusCode::UNPROCESSABLE_ENTITY => {
                self.ends(Worked::BadEnvelope, Then::Done(Box::new(hired)))
            }
            StatusCode::TOO_MANY_REQUESTS => {
                self.gives_back(hired);
                self.count(Worked::Busy);
                self.cell.again[Worked::Busy as usize].add(1);
                Then::Wait(self.backs_off())
            }
            StatusCode::INTERNAL_SERVER_ERROR if empty && self.may_send_again() => {
                self.processed = true;
                self.left_by = Some(Left::Answer(Box::new(hired)));
                self.again(Worked::Failed)
            }
            StatusCode::INTERNAL_SERVER_ERROR if empty => {
                self.ends(Worked::Failed, Then::Done(Box::new(hired)))
            }
            _ => self.ends(Worked::Answered, Then::Done(Box::new(hired))),
        }
    }

    /// The answer is for nobody; its connection may serve again.
    fn gives_back(&self, (mut response, lease): Hired) {
        let idle = response.body_mut().leave();
        let now = self.walk.worker().coarse_now();
        lease.give_back(idle, now, self.walk.backend());
    }

    /// A worker has not answered.
    fn has_none(&mut self, failure: Failure) -> Then {
        let Failure { kind, unprocessed } = failure;
        self.processed |= !unprocessed;
        let worked = match kind {
            FailureKind::Connect => Worked::Connect,
            FailureKind::Reset | FailureKind::Stale => Worked::Reset,
            FailureKind::Timeout => Worked::Timeout,
            // Not the worker's doing.
            _ => return Then::Fail(self.fails(kind)),
        };
        let again = match (worked, unprocessed) {
            (Worked::Timeout, _) => false,
            (_, true) => self.workers + 1 < MOST_WORKERS,
            (_, false) => self.may_send_again(),
        };
        let kind = match kind {
            FailureKind::Stale => FailureKind::Reset,
            kind => kind,
        };
        if again {
            self.left_by = Some(Left::Nothing(kind));
            return self.again(worked);
        }
        let failure = self.fails(kind);
        self.ends(worked, Then::Fail(failure))
    }

    /// Whether a worker may get it that is not the first to work on it. That is more work for the same backend,
    /// which the budget bounds.
    fn may_send_again(&mut self) -> bool {
        if !self.outgoing.repeatable || self.workers + 1 >= MOST_WORKERS {
            return false;
        }
        let within = self.walk.take_retry();
        if !within {
            self.walk.cell(self.walk.side()).over_budget.add(1);
            self.walk.refused(Mark::OverBudget);
        }
        within
    }

    fn count(&self, worked: Worked) {
        self.cell.worked[worked as usize].add(1);
    }

    /// Another worker is asked for.
    fn again(&mut self, worked: Worked) -> Then {
        self.count(worked);
        self.cell.again[worked as usize].add(1);
        self.workers += 1;
        Then::Ask(Duration::ZERO)
    }

    fn ends(&self, worked: Worked, then: Then) -> Then {
        self.count(worked);
        then
    }
}
