//! Active health checks, where a backend asks for them. They run on the control runtime; what
//! they find is handed to the controller as a change.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::task::JoinHandle;

use super::change::{Actor, What};
use super::door::Door;
use super::jitter::jittered;
use crate::config::model::{Health, Protocol};
use crate::outbound::{Question, Reply, probe};
use crate::snapshot::{Backend, Endpoint, Member, Publisher, Snapshot, Target};
use crate::tls::Connector;

/// How soon a new snapshot is noticed.
const LOOK: Duration = Duration::from_millis(250);

/// Checks what the snapshots in force ask for, until the controller is gone.
pub async fn check_health(publisher: Publisher, door: Door) {
    let mut checks = Checks {
        door,
        running: HashMap::new(),
    };
    let mut epoch = None;
    loop {
        let snapshot = publisher.current();
        if epoch != Some(snapshot.epoch) {
            epoch = Some(snapshot.epoch);
            checks.follow(&snapshot).await;
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// How a member is spoken to: with another one, its checks begin anew.
#[derive(Clone)]
struct Way {
    protocol: Protocol,
    connector: Option<Arc<Connector>>,
    authorization: Option<HeaderValue>,
    /// The `Host` that the backend gets, if it has one of its own.
    host: Option<HeaderValue>,
}

impl Way {
    fn to(backend: &Backend, member: &Member) -> Self {
        Self {
            protocol: backend.protocol,
            connector: backend.connector.clone(),
            authorization: member.authorization.own().cloned(),
            host: backend.host.own().cloned(),
        }
    }

    fn is_to(&self, backend: &Backend, member: &Member) -> bool {
        let id = self.connector.as_ref().map_or(0, |connector| connector.id);
        self.protocol == backend.protocol
            && id == backend.connector_id()
            && self.authorization.as_ref() == member.authorization.own()
            && self.host.as_ref() == backend.host.own()
    }

    fn question(&self, endpoint: &Endpoint, health: &Health) -> Question {
        Question {
            url: format!("{}{}", endpoint.url, health.path),
            authorization: self.authorization.clone(),
            host: self.host.clone(),
            http2: self.protocol == Protocol::H2,
            ..Question::default()
        }
    }
}

/// The running checks, by endpoint id.
struct Checks {
    door: Door,
    running: HashMap<u64, Running>,
}

struct Running {
    endpoint: Arc<Endpoint>,
    backend: Box<str>,
    health: Health,
    way: Way,
    task: JoinHandle<()>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Checks {
    /// Starts, restarts and ends checks so that they are those of the snapshot.
    async fn follow(&mut self, snapshot: &Snapshot) {
        let mut old = std::mem::take(&mut self.running);
        for backend in &snapshot.backends {
            let Some(health) = &backend.health else {
                continue;
            };
            for member in &backend.members {
                let endpoint = &member.endpoint;
                let running = match old.remove(&endpoint.id) {
                    Some(running)
                        if running.health == *health && running.way.is_to(backend, member) =>
                    {
                        running
                    }
                    _ => self.start(backend, member, health),
                };
                self.running.insert(endpoint.id, running);
            }
        }
        for gone in old.into_values() {
            // Without checks there is nobody left to take an endpoint back in.
            if !gone.endpoint.fitness.sight().healthy {
                let what = What::Health {
                    endpoint: Arc::clone(&gone.endpoint),
                    backend: gone.backend.clone(),
                    healthy: true,
                };
                if self.door.send(what, Actor::Health).await.is_err() {
                    return;
                }
            }
        }
    }

    fn start(&self, backend: &Backend, member: &Member, health: &Health) -> Running {
        let endpoint = &member.endpoint;
        let way = Way::to(backend, member);
        let check = Check {
            door: self.door.clone(),
            endpoint: Arc::clone(endpoint),
            backend: backend.name.clone(),
            health: health.clone(),
            way: way.clone(),
        };
        Running {
            way,
            endpoint: Arc::clone(endpoint),
            backend: backend.name.clone(),
            health: health.clone(),
            task: tokio::spawn(check.run()),
        }
    }
}

/// What a health check asks a member of a backend.
pub fn health_question(backend: &Backend, member: &Member, health: &Health) -> Question {
    Way::to(backend, member).question(&member.endpoint, health)
}

/// Whether an answer is that of a healthy endpoint.
///
/// # Errors
///
/// It is not; the text says why.
pub fn judge_health(health: &Health, reply: &Reply) -> Result<(), String> {
    match reply.status {
        _ if reply.is_placeholder => {
            Err("the portal answers for a service that is not up".to_owned())
        }
        status if health.expect.contains(status) => Ok(()),
        status => Err(format!("the status is {status}")),
    }
}

/// How an endpoint's certificate is looked at, and by which name. `None` if it has none.
///
/// # Errors
///
/// It has one, and the backend does not say how to look at it.
pub fn tls_to(
    endpoint: &Endpoint,
    connector: Option<&Connector>,
) -> Result<Option<(Arc<ClientConfig>, ServerName<'static>)>, String> {
    match (&endpoint.server_name, connector) {
        (None, _) => Ok(None),
        (Some(own), Some(connector)) => {
            let name = connector.name.as_ref().unwrap_or(own);
            Ok(Some((Arc::clone(&connector.config), name.clone())))
        }
        (Some(_), None) => Err("it is not said how to check its certificate".to_owned()),
    }
}

/// Asks an endpoint in the way in which requests come to it. The caller says how long it waits.
///
/// # Errors
///
/// There is no answer; the text says why.
pub(super) async fn ask_endpoint(
    endpoint: &Endpoint,
    connector: Option<&Connector>,
    question: &Question,
) -> Result<Reply, String> {
    let tls = tls_to(endpoint, connector)?;
    match &endpoint.target {
        Target::Address(address) => probe(address, tls, question).await,
        Target::Name(host, port) => probe((&**host, *port), tls, question).await,
    }
}

/// The check of one endpoint.
struct Check {
    door: Door,
    endpoint: Arc<Endpoint>,
    backend: Box<str>,
    health: Health,
    way: Way,
}

impl Check {
    async fn run(self) {
        let mut healthy = self.endpoint.fitness.sight().healthy;
        let mut streak = 0;
        let mut proof = self.proof();
        loop {
            tokio::time::sleep(self.pause()).await;
            let proof_now = self.proof();
            let proven = self.health.skip_when_proven && healthy && proof_now > proof;
            proof = proof_now;
            let asked = match proven {
                true => Ok(()),
                false => self.ask().await,
            };
            let good = asked.is_ok();
            streak = if good == healthy { 0 } else { streak + 1 };
            let needed = if healthy {
                self.health.unhealthy
            } else {
                self.health.healthy
            };
            if streak >= needed {
                healthy = good;
                streak = 0;
                if let Err(why) = asked {
                    let (backend, endpoint) = (&*self.backend, &*self.endpoint.url);
                    tracing::warn!(
                        backend,
                        endpoint,
                        why,
                        "The last of some health checks failed"
                    );
                }
                let what = What::Health {
                    endpoint: Arc::clone(&self.endpoint),
                    backend: self.backend.clone(),
                    healthy,
                };
                if self.door.send(what, Actor::Health).await.is_err() {
                    return;
                }
            }
        }
    }

    /// # Errors
    ///
    /// The answer is no good one, or there is none; the text says why.
    async fn ask(&self) -> Result<(), String> {
        let question = self.way.question(&self.endpoint, &self.health);
        let asked = ask_endpoint(&self.endpoint, self.way.connector.as_deref(), &question);
        let asked = tokio::time::timeout(self.health.timeout.get(), asked).await;
        let late = |_| Err("no answer in time".to_owned());
        judge_health(&self.health, &asked.unwrap_or_else(late)?)
    }

    /// Good answers to real requests so far.
    fn proof(&self) -> u64 {
        self.endpoint.cells.iter().map(|cell| cell.good.get()).sum()
    }

    /// Until the next one.
    fn pause(&self) -> Duration {
        jittered(self.health.interval.get())
    }
}
