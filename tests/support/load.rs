//! Steady traffic: clients on connections of their own that ask again and again until told to stop.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use tokio::task::JoinSet;

use super::client::Client;

/// What the clients of a load saw.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally {
    /// Answers by `METHOD status text`.
    pub(crate) answers: BTreeMap<String, u64>,
    /// Answers that did not come, or not whole.
    pub(crate) cut: Vec<String>,
}

impl Tally {
    /// Answers whose key begins so.
    pub(crate) fn of(&self, beginning: &str) -> u64 {
        let keys = self.answers.iter();
        keys.filter(|(key, _)| key.starts_with(beginning))
            .map(|(_, count)| count)
            .sum()
    }

    pub(crate) fn all(&self) -> u64 {
        self.answers.values().sum::<u64>() + self.cut.len() as u64
    }
}

/// A running load.
pub(crate) struct Load {
    tally: Arc<Mutex<Tally>>,
    stop: Arc<AtomicBool>,
    clients: JoinSet<()>,
}

impl Load {
    /// Clients that send GETs, and every `post`th request as a POST (0: none).
    pub(crate) fn start(address: SocketAddr, clients: usize, post: usize) -> Self {
        let (tally, stop) = (Arc::default(), Arc::default());
        let mut tasks = JoinSet::new();
        for _ in 0..clients {
            tasks.spawn(ask(address, post, Arc::clone(&tally), Arc::clone(&stop)));
        }
        Self {
            tally,
            stop,
            clients: tasks,
        }
    }

    pub(crate) fn so_far(&self) -> Tally {
        self.tally.lock().unwrap().clone()
    }

    /// Lets every client finish its request.
    pub(crate) async fn stop(self) -> Tally {
        self.stop.store(true, SeqCst);
        super::soon("the load ends", self.clients.join_all()).await;
        self.tally.lock().unwrap().clone()
    }
}

async fn ask(address: SocketAddr, post: usize, tally: Arc<Mutex<Tally>>, stop: Arc<AtomicBool>) {
    let mut client = Client::new(address).await;
    let mut count = 0;
    while !stop.load(SeqCst) {
        count += 1;
        let method = if post > 0 && count % post == 0 {
            "POST"
        } else {
            "GET"
        };
        let body: &[u8] = if method == "POST" { b"x" } else { b"" };
        match client.request(method, "/", &[], body).await {
            Ok(answer) => {
                let said = answer.reason().map_or_else(|| answer.text(), str::to_owned);
                let key = format!("{method} {} {said}", answer.status);
                *tally.lock().unwrap().answers.entry(key).or_default() += 1;
            }
            Err(cut) => {
                tally.lock().unwrap().cut.push(format!("{method} {cut:?}"));
                client = Client::new(address).await;
            }
        }
        tokio::task::yield_now().await;
    }
}
