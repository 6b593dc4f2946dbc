//! A backend whose addresses are not known: Vast.ai's engine names a worker for each request. What is
//! known of it for longer than a request (its key, who waits) outlives the snapshots.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use arc_swap::ArcSwapOption;

use super::seats::Turn;
use crate::config::model::{self, ServerlessCost, ServerlessMode};
use crate::config::scalar::Credential;
use crate::stats::{Cells, ServerlessCell};
use crate::tls::{Digest, digest};

/// `serverless` of a backend, as it is in force.
#[derive(Debug)]
pub struct Serverless {
    /// Name of the endpoint.
    pub endpoint: Box<str>,
    /// Where the engine is asked for a worker.
    pub engine: Box<str>,
    /// The path below which Vast.ai's own front serves it, if that is asked in place of workers.
    pub front: Option<Box<str>>,
    /// What a request costs.
    pub cost: Cost,
    /// How long a request waits for a worker.
    pub wait: Duration,
    /// Requests that may wait.
    pub queue: u32,
    /// Bytes that a body may have.
    pub max_body: usize,
    /// Workers may be in networks that are not public.
    pub allow_private: bool,
    /// Workers may be without TLS.
    pub allow_http: bool,
    /// What lets us ask.
    pub key: Arc<KeySlot>,
    /// Who waits.
    pub line: Arc<Line>,
    /// What the worker threads have counted.
    pub cells: Arc<Cells<ServerlessCell>>,
}

impl Serverless {
    /// As the file has it. What is known of the backend of the same name is taken over: its key, where it is
    /// from the same place.
    pub(super) fn compile(written: &model::Serverless, old: Option<&Self>, workers: usize) -> Self {
        let of = place(written);
        let key = old.and_then(|old| old.slot_for(written));
        let base = |url: &str| url.trim_end_matches('/').to_owned();
        Self {
            endpoint: written.endpoint.as_str().into(),
            engine: format!("{}/route/", base(&written.engine)).into(),
            front: (written.mode == ServerlessMode::Openai).then(|| {
                let rest = base(&written.front);
                let path = rest.splitn(4, '/').nth(3).map(|path| format!("/{path}"));
                let path = path.unwrap_or_default();
                format!("{path}/{}", written.endpoint).into()
            }),
            cost: match &written.cost {
                ServerlessCost::Fixed(cost) => Cost::Fixed(f64::from(*cost)),
                ServerlessCost::Field(cost) => Cost::Field {
                    name: cost.field.as_str().into(),
                    default: f64::from(cost.default),
                },
            },
            wait: written.wait.get(),
            queue: written.queue,
            max_body: written.max_body.bytes(),
            allow_private: written.allow_private,
            allow_http: written.allow_http,
            key: key.map_or_else(
                || {
                    Arc::new(KeySlot {
                        of,
                        ..KeySlot::default()
                    })
                },
                Arc::clone,
            ),
            line: old.map_or_else(Arc::default, |old| Arc::clone(&old.line)),
            cells: old.map_or_else(
                || Arc::new(Cells::new(workers)),
                |old| Arc::clone(&old.cells),
            ),
        }
    }
}

impl Serverless {
    /// Where its key is, if what is written now means the same key.
    pub(super) fn slot_for(&self, written: &model::Serverless) -> Option<&Arc<KeySlot>> {
        (self.key.of == place(written)).then_some(&self.key)
    }
}

/// For whom a key is, and where it is from.
fn place(written: &model::Serverless) -> Digest {
    let key = written.api_key.as_ref().map(Credential::expose);
    let (api, mode, endpoint) = (&written.api, written.mode, &written.endpoint);
    digest(format!("{mode:?} {api:?} {endpoint:?} {key:?}").as_bytes())
}

/// The load of a request, in the units of the workers.
#[derive(Debug, Clone, PartialEq)]
pub enum Cost {
    /// The same for each.
    Fixed(f64),
    /// A number of its JSON object.
    Field {
        /// Its name.
        name: Box<str>,
        /// Where there is none.
        default: f64,
    },
}

/// The key of an endpoint. Its `Debug` tells nothing.
#[derive(PartialEq, Eq)]
pub struct EndpointKey {
    text: Box<str>,
    /// Counts the keys.
    number: u64,
}

impl EndpointKey {
    /// The text, for a question. Keep it out of everything that is shown.
    pub fn expose(&self) -> &str {
        &self.text
    }
}

impl fmt::Debug for EndpointKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EndpointKey(… {})", self.number)
    }
}

/// Where the key of an endpoint is handed from who fetches it to who asks with it.
#[derive(Debug, Default)]
pub struct KeySlot {
    key: ArcSwapOption<EndpointKey>,
    /// The number of the last key that the engine did not take.
    refused: AtomicU64,
    /// For whom it is, and where it is from.
    of: Digest,
}

impl KeySlot {
    /// The key, if there is one. It touches a shared count, so it is asked for where a question to the
    /// engine costs much more.
    pub fn get(&self) -> Option<Arc<EndpointKey>> {
        self.key.load_full()
    }

    /// Whether there is another key than this one.
    pub fn has_newer(&self, than: &EndpointKey) -> bool {
        let key = self.key.load();
        key.as_ref().is_some_and(|key| key.number > than.number)
    }

    /// Puts a key in. The same text as the last one is the same key, unless the engine did not take that.
    pub fn set(&self, text: &str) {
        let last = self.key.load();
        let number = last.as_ref().map_or(0, |key| key.number);
        let same = last.as_ref().is_some_and(|key| *key.text == *text);
        if !same || self.is_refused() {
            let (text, number) = (text.into(), number + 1);
            self.key.store(Some(Arc::new(EndpointKey { text, number })));
        }
    }

    /// The engine does not take this key: somebody has to fetch another one.
    pub fn refuse(&self, key: &EndpointKey) {
        self.refused.fetch_max(key.number, Relaxed);
    }

    /// Whether the engine has not taken the key that is there.
    pub fn is_refused(&self) -> bool {
        let key = self.key.load();
        key.as_ref()
            .is_some_and(|key| key.number <= self.refused.load(Relaxed))
    }
}

/// Who waits for a worker, over all worker threads.
#[derive(Debug, Default)]
pub struct Line {
    waiting: AtomicU32,
    turns: [AtomicU64; Turn::COUNT],
}

impl Line {
    /// A place among at most so many, if there is one. `counts`: how it ends, which is so for the first place of
    /// a request.
    pub fn enter(&self, most: u32, counts: bool) -> Option<Place<'_>> {
        if self.waiting.fetch_add(1, Relaxed) >= most {
            self.waiting.fetch_sub(1, Relaxed);
            if counts {
                self.note(Turn::Full);
            }
            return None;
        }
        Some(Place {
            line: self,
            turn: counts.then_some(Turn::Left),
        })
    }

    /// Nobody had to wait.
    pub fn passes(&self) {
        self.note(Turn::AtOnce);
    }

    /// Requests that wait.
    pub fn waiting(&self) -> u32 {
        self.waiting.load(Relaxed)
    }

    /// How often it ended so.
    pub fn turns(&self, turn: Turn) -> u64 {
        self.turns[turn as usize].load(Relaxed)
    }

    fn note(&self, turn: Turn) {
        self.turns[turn as usize].fetch_add(1, Relaxed);
    }
}

/// A place in the line, given up when dropped.
#[derive(Debug)]
pub struct Place<'a> {
    line: &'a Line,
    turn: Option<Turn>,
}

impl Place<'_> {
    /// It ends so, and not because its client left.
    pub fn ends(mut self, turn: Turn) {
        self.turn = self.turn.map(|_| turn);
    }

    /// It ends for a reason that has nothing to do with waiting.
    pub fn ends_aside(mut self) {
        self.turn = None;
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.line.waiting.fetch_sub(1, Relaxed);
        if let Some(turn) = self.turn {
            self.line.note(turn);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_was_refused_makes_room_for_the_next_one() {
        let slot = KeySlot::default();
        assert!(slot.get().is_none() && !slot.is_refused());
        slot.set("one");
        let one = slot.get().unwrap();
        slot.set("one");
        assert!(Arc::ptr_eq(&one, &slot.get().unwrap()), "it is the same");
        slot.refuse(&one);
        assert!(slot.is_refused() && !slot.has_newer(&one));
        // The place it is from may insist.
        slot.set("one");
        assert!(!slot.is_refused() && slot.has_newer(&one));
        let again = slot.get().unwrap();
        slot.set("two");
        let two = slot.get().unwrap();
        assert_eq!(two.expose(), "two");
        // Who comes late with an old one refuses nothing.
        slot.refuse(&again);
        assert!(!slot.is_refused());
        assert!(!format!("{slot:?}").contains("two"), "{slot:?}");
    }

    #[test]
    fn a_line_has_an_end() {
        let line = Line::default();
        let enter = |most| line.enter(most, true);
        let (one, two) = (enter(2).unwrap(), enter(2).unwrap());
        assert!(enter(2).is_none());
        assert_eq!(line.waiting(), 2);
        one.ends(Turn::Waited);
        line.passes();
        drop(two);
        enter(2).unwrap().ends(Turn::Late);
        assert!(enter(0).is_none());
        // A second place of a request, and one that is given up for another reason, count nowhere.
        line.enter(2, false).unwrap().ends(Turn::Late);
        assert!(line.enter(0, false).is_none());
        enter(2).unwrap().ends_aside();
        assert_eq!(line.waiting(), 0);
        assert_eq!(Turn::ALL.map(|turn| line.turns(turn)), [1, 1, 2, 1, 1]);
    }
}
