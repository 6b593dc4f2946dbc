//! Active health checks, where a backend asks for them. They run on the control runtime; what
//! they find is handed to the controller as a change.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use rand::RngExt;
use reqwest::Client;
use tokio::task::JoinHandle;

use super::change::{Actor, What};
use super::door::Door;
use crate::config::model::Health;
use crate::outbound::near;
use crate::snapshot::{Endpoint, Publisher, Snapshot};

/// How soon a new snapshot is noticed.
const LOOK: Duration = Duration::from_millis(250);

/// Checks what the snapshots in force ask for, until the controller is gone.
pub async fn check_health(publisher: Publisher, door: Door) {
    let client = match near().build() {
        Ok(client) => client,
        Err(error) => {
            tracing::error!(%error, "No health checks: the HTTP client cannot be made");
            return;
        }
    };
    let mut checks = Checks {
        client,
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

/// The running checks, by endpoint id.
struct Checks {
    client: Client,
    door: Door,
    running: HashMap<u64, Running>,
}

struct Running {
    endpoint: Arc<Endpoint>,
    backend: Box<str>,
    health: Health,
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
                    Some(running) if running.health == *health => running,
                    _ => self.start(endpoint, &backend.name, health),
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

    fn start(&self, endpoint: &Arc<Endpoint>, backend: &str, health: &Health) -> Running {
        let check = Check {
            client: self.client.clone(),
            door: self.door.clone(),
            endpoint: Arc::clone(endpoint),
            backend: backend.into(),
            health: health.clone(),
        };
        Running {
            endpoint: Arc::clone(endpoint),
            backend: backend.into(),
            health: health.clone(),
            task: tokio::spawn(check.run()),
        }
    }
}

/// The check of one endpoint.
struct Check {
    client: Client,
    door: Door,
    endpoint: Arc<Endpoint>,
    backend: Box<str>,
    health: Health,
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
            let good = proven || self.ask().await;
            streak = if good == healthy { 0 } else { streak + 1 };
            let needed = if healthy {
                self.health.unhealthy
            } else {
                self.health.healthy
            };
            if streak >= needed {
                healthy = good;
                streak = 0;
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

    async fn ask(&self) -> bool {
        let url = format!("{}{}", self.endpoint.url, self.health.path);
        let asked = self.client.get(url).timeout(self.health.timeout.get());
        match asked.send().await {
            Ok(answer) => self.health.expect.contains(answer.status().as_u16()),
            Err(_) => false,
        }
    }

    /// Good answers to real requests so far.
    fn proof(&self) -> u64 {
        self.endpoint.cells.iter().map(|cell| cell.good.get()).sum()
    }

    /// The interval, give or take a tenth, so that many proxies do not check in step.
    fn pause(&self) -> Duration {
        let jitter = rand::rng().random_range(0.9..1.1);
        self.health.interval.get().mul_f64(jitter)
    }
}
