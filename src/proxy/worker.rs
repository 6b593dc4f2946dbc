//! One worker: a thread with a runtime, a listener share, connection pools and cells of its own.

use std::cell::{Cell, RefCell};
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rand::{RngExt, SeedableRng, rngs::SmallRng};
use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::{Semaphore, watch};

use super::accept;
use super::client::{Client, Clients};
use super::crowd::Crowd;
use super::cut;
use super::deadline::Deadlines;
use super::listen::{Listeners, Share};
use super::pool::Pools;
use crate::outbound::Outside;
use crate::policy::retry_allowed;
use crate::recall::{Board, Memory};
use crate::snapshot::{Pin, Publisher, Reader};
use crate::stats::{Cells, Lapse, WorkerCell};
use crate::wire::RequestIds;

/// How often deadlines are looked at: their precision.
pub(super) const TICK: Duration = Duration::from_millis(100);
/// Ticks between two looks at idle connections.
const SWEEP_EVERY: u32 = 10;
/// Endpoints whose load at other workers is looked at in each tick; where there are more, in each sweep.
const FEW_ENDPOINTS: usize = 64;
/// Idle connections that are kept to each engine of Serverless endpoints: many requests ask at a time.
const ENGINE_CONNECTIONS: usize = 32;
/// Programs that run beside a worker at a time.
const PROGRAMS: usize = 2;
/// Lines about failed requests that a worker may log in a second.
const COMPLAINTS_PER_SECOND: u32 = 10;

/// A look at the clock is told so often, at most: some 100 µs of work.
const LOOKS: u32 = 16;

thread_local! {
    /// The runtime of this thread has waited for something since the last look at the clock.
    static TURNED: Cell<bool> = const { Cell::new(true) };
}

/// What the house is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Life {
    /// Serving.
    Running,
    /// Serving, while clients are asked to go elsewhere.
    Leaving,
    /// Finishing what runs, for at most this long.
    Draining(Duration),
}

/// What all workers are started with.
#[derive(Debug, Clone)]
pub struct Crew {
    /// Where snapshots come from.
    pub publisher: Publisher,
    /// One cell per worker.
    pub cells: Arc<Cells<WorkerCell>>,
    /// How many clients there are.
    pub crowd: Arc<Crowd>,
    /// Where they are asked what became of a request.
    pub board: Board,
    /// The moment from which all times are counted.
    pub born: Instant,
    /// Told when the house ends.
    pub life: watch::Receiver<Life>,
}

impl Crew {
    /// Starts the worker of the given index on its shares of the listeners.
    ///
    /// # Errors
    ///
    /// The thread or its runtime cannot be made.
    pub fn start(self, index: usize, shares: Vec<Share>) -> io::Result<JoinHandle<()>> {
        let runtime = |_: ()| {
            Builder::new_current_thread()
                .enable_io()
                .enable_time()
                .on_thread_unpark(|| TURNED.set(true))
                .build_local(LocalOptions::default())
        };
        std::thread::Builder::new()
            .name(format!("worker-{index}"))
            .spawn(move || match runtime(()) {
                Ok(runtime) => runtime.block_on(self.work(index, shares)),
                Err(error) => tracing::error!(%error, index, "A worker has no runtime"),
            })
    }

    async fn work(self, index: usize, shares: Vec<Share>) {
        let life = self.life.clone();
        let worker = Rc::new(Worker::new(&self, index));
        let ticker = tokio::task::spawn_local(tick(Rc::clone(&worker)));
        match Listeners::open(shares) {
            Ok(listeners) => accept::run(&worker, listeners, life).await,
            Err(error) => tracing::error!(%error, index, "A worker has no listener"),
        }
        ticker.abort();
    }
}

/// The state that all connections of one worker share.
#[derive(Debug)]
pub(super) struct Worker {
    pub(super) index: usize,
    pub(super) pools: Pools,
    pub(super) ids: RequestIds,
    pub(super) deadlines: Rc<Deadlines>,
    pub(super) clients: Clients,
    pub(super) crowd: Arc<Crowd>,
    pub(super) memory: Memory,
    /// Who is asked for Serverless workers. Of this thread only: what it keeps open is driven here.
    pub(super) outside: Outside,
    /// Who runs a long program beside this thread: two at a time. A turn goes with the program, which comes to
    /// its end also where nobody waits for it any more.
    pub(super) apart: Arc<Semaphore>,
    /// What tunnels read into, one at a time; empty until there is one.
    pub(super) part: RefCell<Vec<u8>>,
    reader: RefCell<Reader>,
    rng: RefCell<SmallRng>,
    cells: Arc<Cells<WorkerCell>>,
    born: Instant,
    /// As of the last tick.
    coarse: Cell<Duration>,
    /// As of the last look at the clock, and how often that is still told.
    time: Cell<Duration>,
    looks: Cell<u32>,
    in_flight: Cell<u32>,
    retries: Cell<u32>,
    complaints: Cell<u32>,
    /// The house is ending.
    leaving: Cell<bool>,
    /// Epoch of the last hard rollback that it knows of.
    cut: Cell<u64>,
}

impl Worker {
    fn new(crew: &Crew, index: usize) -> Self {
        let mut rng = SmallRng::from_rng(&mut rand::rng());
        Self {
            index,
            pools: Pools::default(),
            ids: RequestIds::new(rng.random()),
            deadlines: Rc::default(),
            clients: Clients::default(),
            crowd: Arc::clone(&crew.crowd),
            memory: Memory::new(crew.board.clone(), index),
            outside: Outside::keeping(ENGINE_CONNECTIONS),
            apart: Arc::new(Semaphore::new(PROGRAMS)),
            part: RefCell::default(),
            reader: RefCell::new(crew.publisher.reader()),
            rng: RefCell::new(rng),
            cells: Arc::clone(&crew.cells),
            born: crew.born,
            coarse: Cell::new(crew.born.elapsed()),
            time: Cell::new(Duration::ZERO),
            looks: Cell::new(0),
            in_flight: Cell::new(0),
            retries: Cell::new(0),
            complaints: Cell::new(0),
            leaving: Cell::new(false),
            cut: Cell::new(0),
        }
    }

    /// Time since the house was born; all breakers and deadlines count from there. What came in one turn
    /// of the runtime came at the same time, as far as anybody can tell: the clock is looked at once for
    /// it, and again where a turn is long.
    pub(super) fn now(&self) -> Duration {
        let left = self.looks.get();
        if left > 0 && !TURNED.take() {
            self.looks.set(left - 1);
            return self.time.get();
        }
        TURNED.set(false);
        self.looks.set(LOOKS);
        self.time.set(self.born.elapsed());
        self.time.get()
    }

    /// The same as of the last tick: late by [`TICK`] at most, and free.
    pub(super) fn coarse_now(&self) -> Duration {
        self.coarse.get()
    }

    pub(super) fn pin(&self) -> Pin {
        self.reader.borrow_mut().pin()
    }

    pub(super) fn cell(&self) -> &WorkerCell {
        self.cells.of(self.index)
    }

    pub(super) fn with_rng<T>(&self, draw: impl FnOnce(&mut SmallRng) -> T) -> T {
        draw(&mut self.rng.borrow_mut())
    }

    pub(super) fn request_began(&self) {
        self.in_flight.set(self.in_flight.get() + 1);
        self.cell().in_flight.up();
    }

    pub(super) fn request_ended(&self) {
        self.in_flight.set(self.in_flight.get().saturating_sub(1));
        self.cell().in_flight.down();
    }

    /// Takes a place in the retry budget, if there is one.
    pub(super) fn begin_retry(&self) -> bool {
        let allowed = retry_allowed(self.retries.get(), self.in_flight.get());
        if allowed {
            self.retries.set(self.retries.get() + 1);
        }
        allowed
    }

    pub(super) fn end_retry(&self) {
        self.retries.set(self.retries.get().saturating_sub(1));
    }

    /// Clients are asked to go elsewhere from now on.
    pub(super) fn leave(&self) {
        self.leaving.set(true);
    }

    pub(super) fn is_leaving(&self) -> bool {
        self.leaving.get()
    }

    /// Whether a hard rollback that this worker knows of is newer than that epoch: seldom, so that
    /// only then it is worth while to look for which route.
    pub(super) fn has_cut_since(&self, epoch: u64) -> bool {
        epoch < self.cut.get()
    }

    /// Told of the last hard rollback; whether that is news.
    pub(super) fn learn_of_cut(&self, epoch: u64) -> bool {
        self.cut.replace(epoch) < epoch
    }

    /// A client has given up a request. Which one too many floods its connection: that ends, and is counted.
    pub(super) fn is_left(&self, client: &Client, most: u32) {
        if client.gives_up(most) {
            self.cell().lapses[Lapse::Flood as usize].add(1);
        }
    }

    /// Whether one more failed request may be logged; a flood of them must not become one of lines.
    pub(super) fn may_complain(&self) -> bool {
        let said = self.complaints.get();
        self.complaints.set(said.saturating_add(1));
        said < COMPLAINTS_PER_SECOND
    }

    /// Looks how much is on its way from other workers, where that decides anything.
    fn look_elsewhere(&self, sweeps: bool) {
        if self.cells.len() == 1 {
            return;
        }
        let pin = self.pin();
        let choices = || {
            pin.backends
                .iter()
                .filter(|backend| backend.members.len() > 1)
        };
        let many = choices()
            .map(|backend| backend.members.len())
            .sum::<usize>()
            > FEW_ENDPOINTS;
        if sweeps || !many {
            for member in choices().flat_map(|backend| &backend.members) {
                member.endpoint.look_elsewhere(self.index);
            }
        }
    }

    fn sweep(&self) {
        let (now, pin) = (self.coarse.get(), self.pin());
        self.clients
            .sweep(now, pin.client_idle, &pin.limits, |lapse| {
                self.cell().lapses[lapse as usize].add(1);
            });
        if self.cut.get() > 0 {
            self.clients.end_cut(&pin.cuts);
        }
        self.pools.sweep(now, &pin);
        let unsaid = self
            .complaints
            .replace(0)
            .saturating_sub(COMPLAINTS_PER_SECOND);
        if unsaid > 0 {
            tracing::warn!(unsaid, "More requests failed than were logged");
        }
    }
}

async fn tick(worker: Rc<Worker>) {
    let mut interval = tokio::time::interval(TICK);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    let mut ticks = 0u32;
    loop {
        interval.tick().await;
        worker.coarse.set(worker.now());
        worker.deadlines.fire(worker.coarse.get());
        cut::look(&worker);
        worker.memory.answer();
        if worker.is_leaving() {
            worker.clients.send_away();
        }
        worker.cell().ticks.add(1);
        ticks = ticks.wrapping_add(1);
        let sweeps = ticks.is_multiple_of(SWEEP_EVERY);
        worker.look_elsewhere(sweeps);
        if sweeps {
            worker.sweep();
        }
    }
}
