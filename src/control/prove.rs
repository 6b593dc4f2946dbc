//! Endpoints that have to prove themselves: a request to each that has not, and word to the controller when
//! it is answered well. One whose breaker has tripped begins again: on a rented machine, somebody else may
//! answer at its address by now, and no user's request shall find that out.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use bytes::Bytes;
use http::HeaderValue;
use tokio::task::JoinHandle;

use super::change::{Actor, What};
use super::discovered::Finds;
use super::door::Door;
use super::health::ask_endpoint;
use super::jitter::jittered;
use crate::outbound::{Question, Reply};
use crate::snapshot::{Backend, Endpoint, Member, Protocol, Publisher, Ready};
use crate::tls::Connector;

/// How soon a tripped breaker, or a new endpoint, is noticed.
const LOOK: Duration = Duration::from_millis(250);
/// So long the source's word on a tripped instance is waited for.
const MOST_LOOK: Duration = Duration::from_secs(10);

/// Why endpoints are not ready yet, by backend and key of the endpoint.
pub type Doubts = HashMap<(String, String), String>;

/// Asks the endpoints of the snapshots in force that have to prove themselves, until it is dropped. The workers
/// count their times from `born`. Its doubts are written here and nowhere else. An instance whose breaker has
/// tripped is a reason to look where it is.
pub async fn prove_endpoints(publisher: Publisher, finds: Finds, born: Instant, door: Door) {
    let mut running: HashMap<u64, Running> = HashMap::new();
    loop {
        let snapshot = publisher.current();
        let mut before = std::mem::take(&mut running);
        for backend in &snapshot.backends {
            let members = backend.members.iter();
            // Others that are not proven yet wait for something else than an answer.
            let members = members.filter(|member| member.endpoint.proves);
            for member in members.filter(|member| !member.endpoint.fitness.sight().proven) {
                let endpoint = &member.endpoint;
                let asks = Asks::of(backend, member);
                let kept = match before.remove(&endpoint.id) {
                    // One that has ended has handed in its proof, which is not applied yet.
                    Some(kept) if kept.asks == asks => kept,
                    _ => Running::start(asks, backend, endpoint, &finds, born, &door),
                };
                running.insert(endpoint.id, kept);
            }
        }
        // Who is asked no more is in no doubt, or gone.
        for gone in before.into_values() {
            gone.forget(&finds.doubts);
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// What an endpoint is asked, and how. With anything else of it, one asks anew.
#[derive(Debug, Clone, PartialEq)]
struct Asks {
    ready: Ready,
    authorization: Option<HeaderValue>,
    protocol: Protocol,
    /// The `Host` that the backend gets, if it has one of its own.
    host: Option<HeaderValue>,
    connector: u64,
    /// So often it has tripped by then: after another time it is asked anew.
    trips: u64,
}

impl Asks {
    fn of(backend: &Backend, member: &Member) -> Self {
        Self {
            ready: backend.ready.clone(),
            authorization: member.authorization.own().cloned(),
            protocol: backend.protocol,
            host: backend.host.own().cloned(),
            connector: backend.connector_id(),
            trips: member.endpoint.fitness.sight().trips,
        }
    }
}

/// Ends with its value.
struct Running {
    asks: Asks,
    place: (String, String),
    task: JoinHandle<()>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Running {
    fn start(
        asks: Asks,
        backend: &Arc<Backend>,
        endpoint: &Arc<Endpoint>,
        finds: &Finds,
        born: Instant,
        door: &Door,
    ) -> Self {
        let place = (backend.name.to_string(), endpoint.key.to_string());
        let asker = Asker {
            asks: asks.clone(),
            backend: Arc::clone(backend),
            endpoint: Arc::clone(endpoint),
            connector: backend.connector.clone(),
            place: place.clone(),
            finds: finds.clone(),
            born,
            door: door.clone(),
        };
        Self {
            asks,
            place,
            task: tokio::spawn(asker.run()),
        }
    }

    fn forget(&self, doubts: &ArcSwap<Doubts>) {
        self.task.abort();
        doubt(doubts, &self.place, None);
    }
}

struct Asker {
    asks: Asks,
    backend: Arc<Backend>,
    endpoint: Arc<Endpoint>,
    connector: Option<Arc<Connector>>,
    place: (String, String),
    finds: Finds,
    born: Instant,
    door: Door,
}

impl Asker {
    async fn run(self) {
        self.rest().await;
        let mut told = String::new();
        while let Err(why) = self.ask().await {
            if told != why {
                let (backend, endpoint) = (&*self.backend.name, &*self.endpoint.key);
                tracing::info!(backend, endpoint, why, "An endpoint is not ready yet");
                doubt(&self.finds.doubts, &self.place, Some(&why));
                told = why;
            }
            tokio::time::sleep(self.pause()).await;
        }
        doubt(&self.finds.doubts, &self.place, None);
        let what = What::Proof {
            endpoint: Arc::clone(&self.endpoint),
            backend: self.backend.name.clone(),
        };
        // Without a controller nothing is ready any more.
        drop(self.door.send(what, Actor::Health).await);
    }

    /// One that has tripped is left alone for as long as its breaker says: it may answer this question well and
    /// fail at all others. If it is an instance, its source is asked whether it is still there; what is
    /// shown to it must not be shown to whoever has got its address.
    async fn rest(&self) {
        let fitness = &self.endpoint.fitness;
        let Some(until) = fitness.waits_until() else {
            return;
        };
        let backend = &*self.backend.name;
        let (endpoint, url) = (&*self.endpoint.key, &*self.endpoint.url);
        tracing::warn!(
            backend,
            endpoint,
            url,
            "An endpoint has failed, and has to show again that it is ready"
        );
        let why = "its breaker has opened: it is asked again when that is over";
        doubt(&self.finds.doubts, &self.place, Some(why));
        if self.backend.source == Some("vastai") {
            let asked = Instant::now();
            self.finds.look.at_once();
            let end = asked + MOST_LOOK;
            while Instant::now() < end && !self.was_looked_for_since(asked) {
                tokio::time::sleep(LOOK).await;
            }
        }
        tokio::time::sleep(until.saturating_sub(self.born.elapsed())).await;
    }

    fn was_looked_for_since(&self, moment: Instant) -> bool {
        let known = self.finds.known.load();
        let discovery = known.get(&*self.backend.name);
        discovery.is_some_and(|one| one.good_at.is_some() && one.since >= moment)
    }

    /// # Errors
    ///
    /// It is not ready; the text says why.
    async fn ask(&self) -> Result<(), String> {
        let ready = &self.asks.ready;
        let question = question(ready, &self.endpoint.url, &self.asks);
        let asked = ask_endpoint(&self.endpoint, self.connector.as_deref(), &question);
        let limit = ready.timeout.get();
        let late = |_| Err(format!("no answer within {} s", limit.as_secs_f64()));
        let reply = tokio::time::timeout(limit, asked)
            .await
            .unwrap_or_else(late)?;
        judge(ready, &reply)
    }

    /// Until the next one.
    fn pause(&self) -> Duration {
        jittered(self.asks.ready.interval.get())
    }
}

/// The question by which an endpoint has to prove itself.
pub fn proof_question(backend: &Backend, member: &Member) -> Question {
    let asks = Asks::of(backend, member);
    question(&backend.ready, &member.endpoint.url, &asks)
}

fn question(ready: &Ready, url: &str, asks: &Asks) -> Question {
    let kind = HeaderValue::from_str(&ready.content_type);
    let kind = kind.unwrap_or(HeaderValue::from_static("application/json"));
    Question {
        url: format!("{url}{}", ready.path),
        body: (ready.body.as_ref()).map(|body| (Bytes::from(body.clone()), kind)),
        authorization: asks.authorization.clone(),
        http2: asks.protocol == Protocol::H2,
        host: asks.host.clone(),
        reads: ready.contains.is_some(),
    }
}

/// Whether an answer proves that the endpoint is ready.
///
/// # Errors
///
/// It does not; the text says why.
pub fn judge(ready: &Ready, reply: &Reply) -> Result<(), String> {
    if reply.is_placeholder {
        return Err("the portal answers for a service that is not up yet".to_owned());
    }
    match reply.status {
        401 if !ready.expect.contains(401) => {
            return Err("the status is 401: `auth` of the backend is missing or wrong".to_owned());
        }
        status if !ready.expect.contains(status) => {
            return Err(format!("the status is {status}"));
        }
        _ => {}
    }
    match &ready.contains {
        Some(text) if !holds(&reply.body, text.as_bytes()) => {
            Err("the answer does not have in it what `ready.contains` asks for".to_owned())
        }
        _ => Ok(()),
    }
}

fn holds(body: &[u8], text: &[u8]) -> bool {
    body.windows(text.len().max(1)).any(|part| part == text)
}

fn doubt(doubts: &ArcSwap<Doubts>, place: &(String, String), why: Option<&str>) {
    doubts.rcu(|doubts| {
        let mut doubts = Doubts::clone(doubts);
        match why {
            Some(why) => drop(doubts.insert(place.clone(), why.to_owned())),
            None => drop(doubts.remove(place)),
        }
        doubts
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_service_itself_is_a_proof() {
        let reply = |status, is_placeholder, body: &str| Reply {
            status,
            is_placeholder,
            body: body.into(),
        };
        let any = Ready::default();
        for status in [200, 204, 404, 405] {
            assert_eq!(judge(&any, &reply(status, false, "")), Ok(()), "{status}");
        }
        for status in [500, 502, 503, 599] {
            assert!(judge(&any, &reply(status, false, "")).is_err(), "{status}");
        }
        for status in [200, 502] {
            let why = judge(&any, &reply(status, true, "")).unwrap_err();
            assert!(why.contains("portal"), "{why}");
        }
        let real = Ready {
            contains: Some("choices".to_owned()),
            ..Ready::default()
        };
        assert_eq!(
            judge(&real, &reply(200, false, r#"{"choices": []}"#)),
            Ok(())
        );
        for body in ["", "{}", "choice", "<html>"] {
            assert!(judge(&real, &reply(200, false, body)).is_err(), "{body}");
        }
        let why = judge(&any, &reply(401, false, "")).unwrap_err();
        assert!(why.contains("`auth`"), "{why}");
    }
}
