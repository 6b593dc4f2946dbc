//! A light generator of requests, as a few hundred people would make them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::json;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use crate::outbound::{cause, near};

/// A stream that is silent for longer counts as failed.
const SILENCE: Duration = Duration::from_secs(5);
/// Response header in which the proxy says who answered.
const BACKEND_HEADER: &str = "x-figshift-backend";
/// Stands in the counts for answers without that header.
const UNNAMED: &str = "(unnamed)";
/// An error message longer than this tells nothing more.
const MAX_ERROR: usize = 160;
const PROMPTS: [&str; 4] = [
    "Write a haiku about fig trees",
    "Why is the sky blue?",
    "Summarise this ticket for the team",
    "Translate: good morning",
];

/// How much traffic.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TrafficPlan {
    /// Requests in flight at most.
    pub tasks: u32,
    /// Requests per second in total, while the answers are fast enough.
    pub rate: f64,
    /// Different values of `x-user-id`.
    pub users: u32,
}

impl Default for TrafficPlan {
    fn default() -> Self {
        Self {
            tasks: 8,
            rate: 40.0,
            users: 1000,
        }
    }
}

/// What clients saw since the start.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// Requests sent, running ones included.
    pub sent: u64,
    /// Whole answers with a 2xx status.
    pub ok: u64,
    /// Everything else that ended.
    pub failed: u64,
    /// The newest failure.
    pub last_error: Option<String>,
    /// Good answers by the backend that gave them.
    pub by_backend: BTreeMap<String, u64>,
}

/// The running generator; dropping it ends it at once.
#[derive(Debug)]
pub struct Traffic {
    counts: Arc<Mutex<Counts>>,
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

impl Traffic {
    /// Starts to send requests to a base URL without a slash at the end.
    pub fn start(base: &str, plan: TrafficPlan) -> reqwest::Result<Self> {
        let client = near().read_timeout(SILENCE).build()?;
        let counts = Arc::new(Mutex::new(Counts::default()));
        let stop = watch::Sender::new(false);
        let mut tasks = JoinSet::new();
        let count = plan.tasks.max(1);
        let period = Duration::from_secs_f64(f64::from(count) / plan.rate.max(0.01));
        for place in 0..count {
            let person = Person {
                client: client.clone(),
                base: base.to_owned(),
                users: plan.users.max(1),
                counts: Arc::clone(&counts),
            };
            // Spread over the period, or all would knock in the same instant.
            let first = Instant::now() + period * place / count;
            tasks.spawn(person.keep_asking(first, period, stop.subscribe()));
        }
        Ok(Self {
            counts,
            stop,
            tasks,
        })
    }

    /// The counts so far.
    pub fn counts(&self) -> Counts {
        lock(&self.counts).clone()
    }

    /// Sends no more, waits for the running requests, and gives the final counts.
    pub async fn stop(mut self) -> Counts {
        self.rest().await;
        self.counts()
    }

    /// The same, but requests that take longer than this are dropped and counted as neither good nor failed.
    pub async fn stop_within(mut self, patience: Duration) -> Counts {
        // At the end of the patience the tasks go with `self`.
        tokio::time::timeout(patience, self.rest()).await.ok();
        self.counts()
    }

    async fn rest(&mut self) {
        self.stop.send_replace(true);
        while self.tasks.join_next().await.is_some() {}
    }
}

fn lock(counts: &Mutex<Counts>) -> std::sync::MutexGuard<'_, Counts> {
    // Plain numbers are whole whatever happened to the task that held them.
    counts.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One of the concurrent tasks.
struct Person {
    client: reqwest::Client,
    base: String,
    users: u32,
    counts: Arc<Mutex<Counts>>,
}

impl Person {
    async fn keep_asking(self, first: Instant, period: Duration, mut stop: watch::Receiver<bool>) {
        let mut turns = interval_at(first, period);
        // A slow answer lowers the rate; it does not bring a burst after it.
        turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = turns.tick() => {}
                _ = stop.changed() => return,
            }
            lock(&self.counts).sent += 1;
            let end = self.ask().await;
            let mut counts = lock(&self.counts);
            match end {
                Ok(backend) => {
                    counts.ok += 1;
                    *counts.by_backend.entry(backend).or_default() += 1;
                }
                Err(reason) => {
                    counts.failed += 1;
                    counts.last_error = Some(reason.chars().take(MAX_ERROR).collect());
                }
            }
        }
    }

    /// One request; the name of the backend that served it, or what went wrong.
    async fn ask(&self) -> Result<String, String> {
        let dice: u32 = rand::random_range(0..10);
        let streams = (4..8).contains(&dice);
        let request = match dice {
            0..8 => self.chat(streams),
            _ => self.client.get(format!("{}/", self.base)),
        };
        let user: u32 = rand::random_range(0..self.users);
        let response = request.header("x-user-id", user.to_string()).send().await;
        let mut response = response.map_err(|error| cause(&error))?;
        let status = response.status();
        if !status.is_success() {
            return Err(format!("status {status}"));
        }
        let backend = response.headers().get(BACKEND_HEADER);
        let backend = backend.and_then(|name| name.to_str().ok());
        let backend = backend.unwrap_or(UNNAMED).to_owned();
        let mut end = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| cause(&error))? {
            end.extend_from_slice(&chunk);
            let surplus = end.len().saturating_sub(16);
            end.drain(..surplus);
        }
        if streams && !end.ends_with(b"[DONE]\n\n") {
            return Err("a stream ended before [DONE]".to_owned());
        }
        Ok(backend)
    }

    fn chat(&self, stream: bool) -> reqwest::RequestBuilder {
        let prompt = PROMPTS[rand::random_range(0..PROMPTS.len())];
        let body = json!({
            "model": "demo-model",
            "messages": [{"role": "user", "content": prompt}],
            "max_tokens": 16,
            "stream": stream,
        });
        self.client
            .post(format!("{}/v1/chat/completions", self.base))
            .json(&body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::{Behaviour, SampleBackend};

    const EAGER: TrafficPlan = TrafficPlan {
        tasks: 4,
        rate: 1000.0,
        users: 5,
    };

    async fn until(traffic: &Traffic, reached: impl Fn(&Counts) -> bool) {
        while !reached(&traffic.counts()) {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    #[tokio::test]
    async fn a_healthy_backend_makes_only_good_answers() {
        let backend = SampleBackend::start("legacy", Behaviour::instant())
            .await
            .unwrap();
        let traffic = Traffic::start(&backend.url(), EAGER).unwrap();
        until(&traffic, |counts| counts.ok >= 30).await;
        let counts = traffic.stop().await;
        assert_eq!(
            (counts.failed, counts.sent),
            (0, counts.ok),
            "{:?}",
            counts.last_error
        );
        assert_eq!(counts.by_backend[UNNAMED], counts.ok);
    }

    #[tokio::test]
    async fn failures_are_counted_with_their_reason() {
        let backend = SampleBackend::start("legacy", Behaviour::instant())
            .await
            .unwrap();
        let traffic = Traffic::start(&backend.url(), EAGER).unwrap();
        let failing = Behaviour {
            error_rate: 1.0,
            ..Behaviour::instant()
        };
        backend.behave(failing).await.unwrap();
        until(&traffic, |counts| counts.failed > 0).await;
        assert!(traffic.counts().last_error.unwrap().contains("500"));
        let dead = Behaviour {
            crash: true,
            ..Behaviour::instant()
        };
        backend.behave(dead).await.unwrap();
        until(&traffic, |counts| {
            counts
                .last_error
                .as_ref()
                .is_some_and(|e| e.contains("refused"))
        })
        .await;
    }
}
