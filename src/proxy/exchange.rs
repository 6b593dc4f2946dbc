//! The walk of one request, in the order of its steps. Everything else in this room is one of
//! them; no step calls back up.

use std::future::Future;
use std::rc::Rc;

use http::header::{CONTENT_LENGTH, HeaderValue, RETRY_AFTER, TRANSFER_ENCODING};
use http::request::Parts;
use http::{Request, Response, StatusCode, Version};
use http_body::Body as _;
use hyper::body::Incoming;

use super::admit;
use super::choose::choose;
use super::client::Client;
use super::dialect::Dialect;
use super::fallback::{Next, Plan, is_repeatable};
use super::forward::{FailureKind, Outgoing, OutgoingBody, forward};
use super::lease::Lease;
use super::presence::Presence;
use super::redirect;
use super::respond::{Problem, ResponseBody, relay};
use super::upgrade::{Asked, switch};
use super::walk::Walk;
use super::worker::Worker;
use crate::snapshot::{Ask, Pin, Route};
use crate::stats::{Class, Fault};
use crate::wire::{Replay, Trust, join_cookies, remove_from_request};

/// Serves one request. What needs no waiting is done in the call itself, so that the future holds
/// no more than the tries need: it is moved once per request and kept once per connection.
///
/// # Cancel safety
///
/// Dropped when the client leaves: the running try is given up, its connection closed, and all
/// books are closed as cancelled.
pub(super) fn exchange(
    worker: &Rc<Worker>,
    client: &Rc<Client>,
    request: Request<Incoming>,
) -> impl Future<Output = Response<ResponseBody>> + use<> {
    let mut begun = begin(worker, client, request);
    async move {
        match &mut begun {
            Ok(delivery) => delivery.run().await,
            Err(answer) => std::mem::replace(answer, Response::new(ResponseBody::Own(None))),
        }
    }
}

/// Admits a request, finds its route, chooses its side.
///
/// # Errors
///
/// The answer to a request that goes no further.
#[expect(clippy::result_large_err, reason = "it is the answer, and moved once")]
fn begin(
    worker: &Rc<Worker>,
    client: &Rc<Client>,
    request: Request<Incoming>,
) -> Result<Delivery, Response<ResponseBody>> {
    let started = worker.now();
    let presence = Presence::begin(Rc::clone(worker), Rc::clone(client));
    let (mut head, body) = request.into_parts();
    let id = worker.ids.of(&mut head.headers);

    // Admit.
    let dialect = Dialect::of(&head);
    let refuse = |fault, detail, path: &str, epoch| {
        let problem = Problem::of_fault(fault, detail);
        let status = problem.status.as_u16();
        let memory = &worker.memory;
        memory.refused(id.as_bytes(), started, epoch, fault, status);
        problem.answer(worker, path, &id, dialect)
    };
    let host = admit::check(&mut head)
        .map_err(|refusal| refuse(refusal.fault, refusal.detail, head.uri.path(), 0))?;

    // Pin the snapshot, find the route, choose the side.
    let pin = worker.pin();
    let trusted = pin.trusts(client.peer.address());
    if let Some(port) = pin.redirect
        && !client.peer.is_secure(&head.headers, trusted)
    {
        let detail = "Without a Host, nobody can be sent to the port of TLS";
        let Some(location) = redirect::location(&head, host.as_ref(), port) else {
            return Err(refuse(
                Fault::BadRequest,
                detail,
                head.uri.path(),
                pin.epoch,
            ));
        };
        let (fault, status) = (Fault::Redirect, redirect::STATUS.as_u16());
        let memory = &worker.memory;
        memory.refused(id.as_bytes(), started, pin.epoch, fault, status);
        return Err(redirect::answer(worker, location, &id, dialect));
    }
    let index = find(&pin, &head, host.as_ref()).ok_or_else(|| {
        let detail = "No route matches this request";
        refuse(Fault::NoRoute, detail, head.uri.path(), pin.epoch)
    })?;
    let route = &pin.routes[index];
    let choice = worker.with_rng(|rng| {
        let address = || client.peer.client(&head.headers, &*pin);
        choose(route, &head, trusted, address, rng)
    });
    let asked = Asked::take(&mut head, &body, route)
        .map_err(|refusal| refuse(refusal.fault, refusal.detail, head.uri.path(), pin.epoch))?;
    let outgoing = prepare(route, head, asked, host, body, &presence, trusted);
    Ok(Delivery {
        walk: Some(Walk::begin(
            presence,
            pin,
            index,
            choice,
            started,
            id.as_bytes(),
        )),
        outgoing,
        id,
    })
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

/// Makes the request ready to be sent, as often as it may be.
fn prepare(
    route: &Route,
    mut head: Parts,
    asked: Option<Box<Asked>>,
    host: Option<HeaderValue>,
    body: Incoming,
    presence: &Presence,
    trusted: bool,
) -> Outgoing {
    let repeatable = is_repeatable(&head.method, &head.headers, route.idempotent);
    let dialect = Dialect::of(&head);
    if head.version == Version::HTTP_2 {
        join_cookies(&mut head.headers);
    }
    remove_from_request(&mut head.headers);
    if let Some(asked) = &asked {
        asked.say(&mut head.headers, &presence.worker);
    }
    let peer = &presence.client.peer;
    peer.set_forwarded(&mut head.headers, host.clone(), trusted);
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
    Outgoing::new(head, host, body, repeatable, dialect, asked)
}

/// A request on its way: lease, forward, fall back; respond.
struct Delivery {
    /// Taken by the answer.
    walk: Option<Walk>,
    outgoing: Outgoing,
    id: HeaderValue,
}

impl Delivery {
    /// Tries until there is a response, or nothing left to try.
    async fn run(&mut self) -> Response<ResponseBody> {
        let Some(walk) = &mut self.walk else {
            return Response::new(ResponseBody::Own(None));
        };
        let mut plan = Plan::default();
        let mut next = plan.first(walk);
        let mut last: Option<FailureKind> = None;
        let mut counted = false;
        while let Next::Try(side, picked, reason) = next {
            walk.attempt_begins(side, picked, reason);
            let sent = forward(walk, &mut self.outgoing, plan.fresh).await;
            count_overflow(walk, &mut counted, &self.outgoing);
            match sent {
                Err(failure) if plan.again_after_stale(&self.outgoing, failure) => {
                    // `next` stays: the same endpoint, now on a fresh connection.
                    walk.attempt_was_stale();
                }
                Err(failure) => {
                    walk.attempt_ends(failure.kind.class());
                    last = Some(failure.kind);
                    next = plan.after_failure(walk, &self.outgoing, side, failure);
                }
                Ok((response, lease)) => {
                    let status = self.outgoing.dialect.status(&response);
                    let class =
                        Class::of_status(status, || response.headers().contains_key(RETRY_AFTER));
                    walk.head_arrived(status, class);
                    if walk.route().fallback_on.contains(status)
                        && let again @ Next::Try(..) = plan.after_status(walk, &self.outgoing, side)
                    {
                        walk.attempt_ends(class);
                        next = again;
                        continue;
                    }
                    return self.respond(response, lease, class);
                }
            }
        }
        self.give_up(last)
    }

    fn respond(
        &mut self,
        response: Response<Incoming>,
        lease: Lease,
        class: Class,
    ) -> Response<ResponseBody> {
        let switching = response.status() == StatusCode::SWITCHING_PROTOCOLS;
        let asked = self.outgoing.asked.take_if(|_| switching);
        match (self.walk.take(), asked) {
            (Some(walk), Some(asked)) => switch(walk, lease, response, *asked, self.id.clone()),
            (Some(walk), None) => {
                let dialect = self.outgoing.dialect;
                relay(walk, lease, response, class, dialect, self.id.clone())
            }
            (None, _) => Response::new(ResponseBody::Own(None)),
        }
    }

    /// Nothing is left to try: the answer says why the last try failed.
    fn give_up(&mut self, last: Option<FailureKind>) -> Response<ResponseBody> {
        let (problem, class) = match last {
            Some(kind) => (Problem::of_failure(kind), kind.class()),
            None => (
                Problem::of_fault(
                    Fault::NoEndpoint,
                    "The backend of this route has no endpoint",
                ),
                Class::Connect,
            ),
        };
        let Some(walk) = self.walk.take() else {
            return Response::new(ResponseBody::Own(None));
        };
        let at = &walk.route().name;
        let answer = problem.answer(walk.worker(), at, &self.id, self.outgoing.dialect);
        walk.ends_unserved(class, problem.fault, problem.status.as_u16());
        answer
    }
}

/// A body that was longer than what is held is counted once, when that is known.
fn count_overflow(walk: &Walk, counted: &mut bool, outgoing: &Outgoing) {
    if !*counted && outgoing.overflowed() {
        *counted = true;
        walk.cell(walk.home).not_replayable.add(1);
    }
}
