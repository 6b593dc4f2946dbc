//! The walk of one request, in the order of its steps. Everything else in this room is one of
//! them; no step calls back up.

use std::convert::Infallible;
use std::future::Future;
use std::net::IpAddr;
use std::rc::Rc;
use std::time::Duration;

use http::header::{
    CONNECTION, CONTENT_LENGTH, HeaderValue, LOCATION, STRICT_TRANSPORT_SECURITY, TRANSFER_ENCODING,
};
use http::request::Parts;
use http::{Request, Response, StatusCode, Version};
use http_body::Body as _;
use hyper::body::Incoming;

use super::adapt;
use super::admit::{self, Refusal};
use super::apart::{Apart, Aside};
use super::arrival::{Arrival, Held};
use super::choose::{Choice, choose};
use super::client::Client;
use super::dialect::Dialect;
use super::drain;
use super::fallback::{Next, Plan, is_repeatable};
use super::forward::{FailureKind, Outgoing, OutgoingBody, Said, forward};
use super::own::{self, Claim};
use super::payload;
use super::presence::Presence;
use super::problem::{BODY_TOO_LARGE, Problem};
use super::queue::wait;
use super::rate;
use super::redirect;
use super::rent::rent;
use super::respond::{Books, ResponseBody, relay};
use super::upgrade::{Asked, switch};
use super::walk::Walk;
use super::worker::Worker;
use crate::recall::By;
use crate::snapshot::{Ask, Pin, Route};
use crate::stats::{Class, Fault, Side};
use crate::wire::{Id, Replay, Trust, join_cookies, remove_from_request};

/// After so long a backend that could not be asked yet may be there.
const SOON: Duration = Duration::from_secs(5);

/// Serves one request. What needs no waiting is done in the call itself, so that the future holds
/// no more than the tries need: it is moved several times per request and kept once per connection.
///
/// # Cancel safety
///
/// Dropped when the client leaves: the running try is given up, its connection closed, and all
/// books are closed as cancelled.
pub(super) fn exchange(
    worker: &Rc<Worker>,
    client: &Rc<Client>,
    hsts: Option<HeaderValue>,
    request: Request<Incoming>,
) -> impl Future<Output = Result<Response<ResponseBody>, Infallible>> + use<> {
    let (version, told) = (request.version(), Rc::clone(worker));
    let begun = begin(worker, client, request);
    async move {
        let answer = match begun {
            Ok(delivery) if delivery.may_outlive() => Box::pin(delivery.apart()).await,
            Ok(mut delivery) => delivery.run().await,
            Err(answer) => *answer,
        };
        let mut answer = drain::tell(&told, version, answer);
        if let Some(hsts) = hsts {
            // A backend may know better.
            let headers = answer.headers_mut();
            headers.entry(STRICT_TRANSPORT_SECURITY).or_insert(hsts);
        }
        Ok(answer)
    }
}

/// Admits a request, finds its route, chooses its side.
///
/// # Errors
///
/// The answer to a request that goes no further.
fn begin(
    worker: &Rc<Worker>,
    client: &Rc<Client>,
    request: Request<Incoming>,
) -> Result<Delivery, Box<Response<ResponseBody>>> {
    let started = worker.now();
    let presence = Presence::begin(Rc::clone(worker), Rc::clone(client));
    let (mut head, body) = request.into_parts();
    let pin = worker.pin();
    let too_much = admit::too_much(&head, &pin.limits);
    let Id { value: id, is_new } = worker.ids.of(&mut head.headers);

    // Admit.
    let dialect = Dialect::of(&head);
    let unread = !body.is_end_stream();
    let refuse = |problem: Problem, path: &str, epoch| {
        if unread {
            client.pace.leaves_unread();
        }
        let status = problem.status.as_u16();
        let memory = &worker.memory;
        memory.refused(id.as_bytes(), started, epoch, problem.fault, status);
        Box::new(problem.answer(worker, path, &id, dialect))
    };
    let stop = |refusal: Refusal, head: &Parts, epoch| {
        let problem = Problem::of_fault(refusal.fault, refusal.detail);
        let mut answer = refuse(problem, head.uri.path(), epoch);
        if refusal.closes && head.version < Version::HTTP_2 {
            let close = HeaderValue::from_static("close");
            answer.headers_mut().insert(CONNECTION, close);
        }
        answer
    };
    let host = too_much
        .map_or_else(|| admit::check(&mut head, client.flaw()), Err)
        .map_err(|refusal| stop(refusal, &head, 0))?;

    let trusted = pin.trusts(client.peer.address());
    if let Some(port) = pin.redirect
        && !client.peer.is_secure(&head.headers, trusted)
    {
        let path = head.uri.path();
        let Some(location) = redirect::location(&head, host.as_ref(), port) else {
            let detail = "Without a Host, nobody can be sent to the port of TLS";
            let problem = Problem::of_fault(Fault::BadRequest, detail);
            return Err(refuse(problem, path, pin.epoch));
        };
        let mut answer = refuse(redirect::problem(), path, pin.epoch);
        answer.headers_mut().insert(LOCATION, location);
        return Err(answer);
    }

    // Find the route, choose the side.
    let index = find(&pin, &head, host.as_ref()).ok_or_else(|| {
        let problem = Problem::of_fault(Fault::NoRoute, "No route matches this request");
        refuse(problem, head.uri.path(), pin.epoch)
    })?;
    let route = &pin.routes[index];
    if let Some(problem) = exceeds(route, &head, &body, || {
        client.peer.client(&head.headers, &*pin)
    }) {
        return Err(refuse(problem, &route.name, pin.epoch));
    }
    let claim = match route.is_plain {
        true => None,
        false => own::claim(&pin, route, &head, worker.index),
    };
    let choice = match claim.as_ref().and_then(|claim| claim.home()) {
        Some(side) => Choice::undrawn(side, By::Owner),
        None => worker.with_rng(|rng| {
            let address = || client.peer.client(&head.headers, &*pin);
            choose(route, &head, trusted, address, rng)
        }),
    };
    let asked =
        Asked::take(&mut head, &body, route).map_err(|refusal| stop(refusal, &head, pin.epoch))?;
    let named = Named {
        id: is_new.then(|| id.clone()),
        host,
        trusted,
    };
    let outgoing = prepare(route, head, named, asked, body, &presence);
    let walk = Box::new(Walk::begin(
        presence,
        pin,
        index,
        choice,
        claim,
        started,
        id.as_bytes(),
    ));
    Ok(Delivery {
        walk: Some(walk),
        outgoing,
        id,
    })
}

/// What a request has too much of for its route. One that is refused for its body counts for the rate:
/// it has cost something.
fn exceeds(
    route: &Route,
    head: &Parts,
    body: &Incoming,
    client: impl Fn() -> IpAddr,
) -> Option<Problem> {
    if let Some(rate) = &route.rate
        && let Err(wait) = rate::count(rate, head, client)
    {
        let detail = "There were too many requests of this client";
        return Some(Problem::of_fault(Fault::RateLimited, detail).after(wait));
    }
    let most = route.max_body?;
    let too_large = body.size_hint().lower() > most;
    too_large.then(|| Problem::of_fault(Fault::BodyTooLarge, BODY_TOO_LARGE))
}

fn find(pin: &Pin, head: &Parts, host: Option<&HeaderValue>) -> Option<usize> {
    let ask = Ask {
        host: admit::host_name(host),
        path: head.uri.path(),
        method: &head.method,
        headers: &head.headers,
    };
    pin.router.find(&pin.routes, ask)
}

/// What was found out of a request before it is prepared.
struct Named {
    /// Its id, if it is ours.
    id: Option<HeaderValue>,
    host: Option<HeaderValue>,
    /// Its peer is believed.
    trusted: bool,
}

/// Makes the request ready to be sent, as often as it may be.
fn prepare(
    route: &Route,
    mut head: Parts,
    named: Named,
    asked: Option<Box<Asked>>,
    body: Incoming,
    presence: &Presence,
) -> Outgoing {
    let repeatable = is_repeatable(&head.method, &head.headers, route.idempotent);
    let dialect = Dialect::of(&head);
    if head.version == Version::HTTP_2 {
        join_cookies(&mut head.headers);
    }
    let claims = remove_from_request(&mut head.headers);
    if let Some(asked) = &asked {
        asked.say(&mut head.headers, &presence.worker);
    }
    let peer = &presence.client.peer;
    let Named { id, host, trusted } = named;
    let said = Said {
        forwarded: peer.forwarded(&mut head.headers, claims, host.as_ref(), trusted),
        id,
        host,
    };
    if !body.is_end_stream() && !head.headers.contains_key(CONTENT_LENGTH) {
        // Said outright, since hyper takes a GET without any framing for one without a body.
        let chunked = HeaderValue::from_static("chunked");
        head.headers.insert(TRANSFER_ENCODING, chunked);
    }
    let body = if body.is_end_stream() {
        OutgoingBody::Empty
    } else if repeatable || route.may_refuse(dialect == Dialect::Grpc) {
        OutgoingBody::Replay(Replay::new(body, route.replay_bytes))
    } else {
        OutgoingBody::Once(Some(body))
    };
    let most = route.max_body;
    Outgoing::new(head, said, body, repeatable, dialect, asked, most)
}

/// A request on its way: lease, forward, fall back; respond.
struct Delivery {
    /// Taken by the answer. In a box, since an answer is moved often.
    walk: Option<Box<Walk>>,
    outgoing: Outgoing,
    id: HeaderValue,
}

impl Delivery {
    /// The answer of a request that goes on apart from the call that brought it.
    async fn apart(self) -> Response<ResponseBody> {
        match self.set_apart() {
            Some(apart) => apart.answer().await,
            None => nothing(),
        }
    }

    /// Whether it may have to go on apart from the call that brought it.
    fn may_outlive(&self) -> bool {
        self.walk
            .as_ref()
            .is_some_and(|walk| walk.route().may_outlive)
    }

    /// Carries it on apart from the call that brought it.
    fn set_apart(mut self) -> Option<Apart> {
        let aside = Rc::<Aside>::default();
        let walk = self.walk.as_mut()?;
        walk.set_aside(Rc::clone(&aside));
        let (worker, every) = (Rc::clone(walk.worker()), walk.route().keep_alive);
        let client = (Rc::clone(walk.client()), walk.limits().resets);
        let id = self.id.clone();
        let rest = Box::pin(async move { self.run().await });
        Some(Apart::new(rest, aside, worker, client, every, id))
    }

    /// Tries until there is a response, or nothing left to try.
    async fn run(&mut self) -> Response<ResponseBody> {
        let Some(walk) = &mut self.walk else {
            return nothing();
        };
        // What only adapters and rules of ownership need is passed by.
        let is_plain = walk.route().is_plain;
        if !is_plain && walk.claim().is_some_and(Claim::is_open) {
            let resolved = Box::pin(own::resolve(walk, &mut self.outgoing)).await;
            match resolved {
                Ok(()) => {}
                Err(_) if walk.has_left() => return nothing(),
                Err(kind) => return self.give_up(Some(kind)),
            }
        }
        let mut plan = Plan::default();
        let mut next = plan.first(walk);
        let mut last: Option<FailureKind> = None;
        let mut counted = false;
        loop {
            let Next::Try(side, picked, reason) = next else {
                if is_plain {
                    break;
                }
                match own::turns_after(walk, &self.outgoing, &mut last) {
                    Some(side) => (plan, next) = Plan::turns(walk, side),
                    None => break,
                }
                continue;
            };
            let fits = is_plain || !adapt::is_wanted(walk, &self.outgoing, side);
            if !is_plain && fits {
                self.outgoing.wear(Some(side));
            }
            let is_rented = walk.arm(side).backend.serverless.is_some();
            if !fits || is_rented && payload::is_wanted(walk, &self.outgoing, side) {
                // Whoever sends slowly keeps neither a seat nor the one probe of a breaker meanwhile.
                walk.withdraws(side, picked);
                let read = Box::pin(read_for(walk, &mut self.outgoing, side)).await;
                walk.has_read();
                next = match read {
                    Ok(()) => plan.with_body(walk, side, reason),
                    Err(_) if walk.has_left() => return nothing(),
                    Err(kind) => {
                        last = kind.after(last, reason);
                        plan.after_unfit(walk, side, kind)
                    }
                };
                continue;
            }
            if !walk.sits_at(side) {
                walk.puts_back(side, picked);
                plan.steps_back();
                // Boxed, since it is rare: what is inline makes every request's future larger.
                let seat = Box::pin(wait(walk, side)).await;
                last = seat.as_ref().err().copied().or(last);
                next = plan.with_seat(walk, side, reason, seat);
                continue;
            }
            walk.attempt_begins(side, picked, reason);
            if is_rented || !is_plain {
                plan.fits(walk);
            }
            let sent = if is_rented {
                // Boxed, since it is rare.
                Box::pin(rent(walk, &mut self.outgoing, plan.fresh)).await
            } else {
                forward(walk, &mut self.outgoing, plan.fresh).await
            };
            count_overflow(walk, &mut counted, &self.outgoing);
            match sent {
                Err(failure) if plan.again_after_stale(&self.outgoing, failure) => {
                    // `next` stays: the same endpoint, now on a fresh connection.
                    walk.attempt_was_stale();
                }
                // The books are closed as for everybody who leaves.
                Err(_) if walk.has_left() => return nothing(),
                Err(failure) => {
                    walk.attempt_ends(failure.kind.class());
                    last = Some(failure.kind);
                    next = plan.after_failure(walk, &self.outgoing, side, failure);
                }
                Ok(head) => {
                    let raw = match is_plain {
                        true => head.0.status(),
                        false => self.outgoing.client_status(head.0.status()),
                    };
                    let arrived = Arrival::of(walk, &self.outgoing, &mut plan, side, head);
                    let mut arrival = match arrived {
                        Ok(arrival) => arrival,
                        Err(again) => {
                            next = again;
                            continue;
                        }
                    };
                    if !is_plain && let Some(side) = own::turns(walk, &self.outgoing, raw) {
                        walk.attempt_ends(arrival.class);
                        (plan, next) = Plan::turns(walk, side);
                        continue;
                    }
                    if !is_plain {
                        let settled = settle(walk, &self.outgoing, raw, &mut arrival);
                        if let Err(kind) = Box::pin(settled).await {
                            if walk.has_left() {
                                return nothing();
                            }
                            last = Some(kind);
                            let class = arrival.class;
                            next = plan.after_reply(walk, &self.outgoing, side, class, kind);
                            continue;
                        }
                    }
                    if arrival.is_held {
                        let (outgoing, id) = (&self.outgoing, &self.id);
                        let held = arrival.hold(walk, outgoing, &mut plan, side, id);
                        match Box::pin(held).await {
                            Held::Passes => {}
                            Held::Failed(kind, again) => {
                                last = Some(kind);
                                next = again;
                                continue;
                            }
                            Held::Left => return nothing(),
                        }
                    }
                    return self.respond(arrival);
                }
            }
        }
        self.give_up(last)
    }

    fn respond(&mut self, arrival: Arrival) -> Response<ResponseBody> {
        let Arrival {
            response,
            lease,
            class,
            watch,
            untold,
            ..
        } = arrival;
        if let Some(walk) = &self.walk {
            // No other try will send it.
            let headers = std::mem::take(&mut self.outgoing.head.headers);
            walk.worker().pools.buffers.keep(headers);
        }
        let switching = response.status() == StatusCode::SWITCHING_PROTOCOLS;
        let asked = self.outgoing.asked.take_if(|_| switching);
        match (self.walk.take(), asked) {
            (Some(walk), Some(asked)) => switch(walk, response, *asked, self.id.clone()),
            (Some(walk), None) => {
                let upload = self.outgoing.upload.take();
                let bare = self.outgoing.gets_no_body(&response);
                let books = Books::new(walk, lease, class, untold, upload);
                relay(books, response, bare, watch, self.id.clone())
            }
            (None, _) => nothing(),
        }
    }

    /// Nothing is left to try: the answer says why the last try failed.
    fn give_up(&mut self, last: Option<FailureKind>) -> Response<ResponseBody> {
        let (problem, class) = match last {
            Some(kind) => (Problem::of_failure(kind), kind.class()),
            None => (
                Problem::of_fault(
                    Fault::NoEndpoint,
                    "The backend of this route has no endpoint that may be asked",
                ),
                Class::Connect,
            ),
        };
        let Some(walk) = self.walk.take() else {
            return nothing();
        };
        let problem = match class {
            Class::Capacity => problem.after_some(walk.backend().patience()),
            // It may be that it only has no key yet.
            _ if problem.fault == Fault::NoEndpoint && walk.backend().serverless.is_some() => {
                problem.after(SOON)
            }
            _ => problem,
        };
        let upload = self.outgoing.upload.take();
        if upload.is_some_and(|upload| !upload.has_ended()) {
            walk.leaves_unread();
        }
        let at = &walk.route().name;
        let owner = walk.claim().and_then(Claim::owner);
        let owner = owner.map(|side| &walk.arm(side).backend.header);
        let (worker, dialect) = (walk.worker(), self.outgoing.dialect);
        let answer = problem.answer_for(worker, at, &self.id, dialect, owner);
        walk.ends_unserved(class, problem.fault, problem.status.as_u16());
        answer
    }
}

/// Reads a request as a side needs it: as one of another API, or to be wrapped.
async fn read_for(walk: &Walk, outgoing: &mut Outgoing, side: Side) -> Result<(), FailureKind> {
    match adapt::is_wanted(walk, outgoing, side) {
        true => adapt::fit(walk, outgoing, side).await,
        false => payload::read(walk, outgoing, side).await,
    }
}

/// Makes a response what its client expects, and learns from it who owns what.
async fn settle(
    walk: &mut Walk,
    outgoing: &Outgoing,
    raw: StatusCode,
    arrival: &mut Arrival,
) -> Result<(), FailureKind> {
    adapt::adapt(walk, outgoing, arrival).await?;
    own::learn(walk, outgoing, raw, arrival).await
}

/// An answer for nobody.
fn nothing() -> Response<ResponseBody> {
    Response::new(ResponseBody::Own(None))
}

/// A body that was longer than what is held is counted once, when that is known.
fn count_overflow(walk: &Walk, counted: &mut bool, outgoing: &Outgoing) {
    if !*counted && outgoing.overflowed() {
        *counted = true;
        walk.cell(walk.home).not_replayable.add(1);
    }
}
