//! The composition root: from a path to a running house and back to nothing. `serve`, the demo
//! and the tests start the same thing here.

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use axum::serve::ListenerExt as _;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use self::end::Patience as EndPatience;
use self::given::Copies;
use self::listen::Sockets;
use self::predecessor::Predecessor;
use self::successor::{Desk, Successor};
use crate::admin::{self, Inquirer, MOST_STREAMS, Patience, SocketFile, View};
use crate::config::{self, Config};
use crate::control::{
    Actor, Change, Controller, Door, Finds, FlagSights, Flags, Gates, Lookers, OpenError, Refused,
    ServerlessKeys, Standing, What, ask_gates, check_health, discover, journal_path, keep_flags,
    keep_serverless_keys, prove_endpoints, sweep_owners, sweep_rates, watch_file, watch_kill,
    watch_material,
};
use crate::outbound::Outside;
use crate::proxy::{Crew, Crowd, Life};
use crate::recall::Board;
use crate::snapshot::Publisher;
use crate::stats::{Cells, WorkerCell};
use crate::telemetry::{Logs, Metrics, Sources, Window};

mod end;
mod given;
mod line;
mod listen;
mod predecessor;
mod successor;

pub use given::Given;

/// A running house.
#[derive(Debug)]
pub struct App {
    /// Where the proxy listens.
    pub http: SocketAddr,
    /// Where the proxy listens for TLS, if it does.
    pub https: Option<SocketAddr>,
    /// Where the admin port listens.
    pub admin: SocketAddr,
    /// The admin socket, if the file names one.
    pub socket: Option<SocketFile>,
    /// The snapshots in force.
    pub publisher: Publisher,
    /// Where the configuration stands.
    pub standing: Arc<ArcSwap<Standing>>,
    /// What is known of the feature flags.
    pub flags: Arc<ArcSwap<FlagSights>>,
    /// What is known of endpoints that are discovered.
    pub finds: Finds,
    /// What the workers have counted of clients.
    pub workers: Arc<Cells<WorkerCell>>,
    /// How much time there is at the end.
    patience: watch::Receiver<EndPatience>,
    /// It is ending, and so not ready.
    leaving: Arc<AtomicBool>,
    successor: Successor,
    door: Door,
    life: watch::Sender<Life>,
    threads: Vec<JoinHandle<()>>,
    tasks: JoinSet<()>,
}

/// Why a house could not be started.
#[derive(Debug)]
pub enum StartError {
    /// There is no usable configuration.
    Open(OpenError),
    /// An address cannot be listened on.
    Listen {
        /// The key in the file.
        key: &'static str,
        /// The address.
        address: String,
        /// Why.
        error: io::Error,
    },
    /// Another house has the state folder.
    Taken(PathBuf),
    /// The house that runs cannot be replaced.
    TakeOver(io::Error),
    /// The machine refuses something else.
    Machine(io::Error),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open(error) => error.fmt(f),
            Self::Listen {
                key,
                address,
                error,
            } => write!(f, "{key}: cannot listen on {address}: {error}"),
            Self::Taken(folder) => write!(
                f,
                "state_dir: {} is in use by another figshift: end that one, or name another folder",
                folder.display()
            ),
            Self::TakeOver(error) => {
                write!(f, "cannot take over from the figshift that runs: {error}")
            }
            Self::Machine(error) => write!(f, "cannot start: {error}"),
        }
    }
}

impl std::error::Error for StartError {}

impl From<io::Error> for StartError {
    fn from(error: io::Error) -> Self {
        Self::Machine(error)
    }
}

impl App {
    /// Starts everything that the file at this path asks for, on the current runtime (control) and
    /// on threads of its own (workers). When it returns, its ports are open. `logs` follow the
    /// level in the file, if given.
    ///
    /// # Errors
    ///
    /// No usable configuration, or an address that cannot be had.
    pub async fn start(path: &Path, logs: Option<Logs>) -> Result<Self, StartError> {
        Self::start_with(path, logs, Given::default()).await
    }

    /// The same, in the place of a house that runs with the same state folder, if one does. It hands
    /// over its sockets and its journal, and ends when this one serves.
    ///
    /// # Errors
    ///
    /// As for a start; the house that runs then stays as it is.
    pub async fn take_over(path: &Path, logs: Option<Logs>) -> Result<Self, StartError> {
        let config =
            config::load(path).map_err(|problems| StartError::Open(OpenError::Config(problems)))?;
        let state_dir = &config.config.state_dir;
        let found = Predecessor::find(state_dir).await;
        let Some(mut predecessor) = found.map_err(StartError::TakeOver)? else {
            tracing::info!("There is nobody to take over from");
            return Self::start(path, logs).await;
        };
        let pid = predecessor.pid();
        let given = predecessor.sockets().await.map_err(StartError::TakeOver)?;
        predecessor
            .hold_still()
            .await
            .map_err(StartError::TakeOver)?;
        let mut app = Self::build(path, logs, given).await?;
        if let Err(error) = predecessor.replace().await {
            app.stop_unless(std::future::ready(())).await;
            return Err(StartError::TakeOver(error));
        }
        tracing::info!(pid, "Taken over");
        let desk = open_desk(state_dir)?;
        app.successor.await_at(desk);
        Ok(app)
    }

    /// The same with sockets that somebody else has opened.
    ///
    /// # Errors
    ///
    /// No usable configuration, or an address that cannot be had.
    pub async fn start_with(
        path: &Path,
        logs: Option<Logs>,
        given: Given,
    ) -> Result<Self, StartError> {
        // Before the journal is opened.
        let desk = match config::load(path) {
            Ok(loaded) => open_desk(&loaded.config.state_dir)?,
            // There may be a last good file.
            Err(_) => None,
        };
        let mut app = Self::build(path, logs, given).await?;
        app.successor.await_at(desk);
        Ok(app)
    }

    async fn build(path: &Path, logs: Option<Logs>, given: Given) -> Result<Self, StartError> {
        let born = Instant::now();
        let descriptors = raise_file_limit();
        let first_text = std::fs::read(path).ok();
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let (controller, door) = Controller::open(path, cores).map_err(StartError::Open)?;
        let config = controller.config().clone();
        let workers = Arc::new(Cells::new(controller.workers()));
        let sockets = Sockets::open(&config, controller.workers(), given)?;
        let copies = Copies::of(&sockets)?;
        let successor = Successor::new(copies, controller.succession());
        let (http, admin) = (sockets.http_address()?, sockets.admin.local_addr()?);
        let https = sockets.https_address()?;
        let (socket_listener, socket) = sockets.socket.unzip();
        let (life, life_of_workers) = watch::channel(Life::Running);
        let board = Board::new(controller.workers());
        let crew = Crew {
            publisher: controller.publisher(),
            cells: Arc::clone(&workers),
            crowd: Arc::new(Crowd::new(descriptors)),
            board: board.clone(),
            born,
            life: life_of_workers,
        };
        let hands = listen::deal_all(sockets.http, sockets.https, controller.workers())?;
        let threads = hands
            .into_iter()
            .enumerate()
            .map(|(index, shares)| crew.clone().start(index, shares))
            .collect::<io::Result<Vec<_>>>()?;
        let (publisher, standing) = (controller.publisher(), controller.standing());
        let access = Arc::new(ArcSwap::from_pointee(config.admin.clone()));
        let flags: Arc<ArcSwap<FlagSights>> = Arc::default();
        let metrics = Metrics::new(Sources {
            publisher: publisher.clone(),
            workers: Arc::clone(&workers),
            standing: Arc::clone(&standing),
            findings: controller.findings(),
            config: controller.config_in_force(),
        });
        let leaving = Arc::new(AtomicBool::new(false));
        let metrics = metrics.and_then(|metrics| metrics.with_flags(Arc::clone(&flags)));
        let costs = controller.costs();
        let metrics = metrics.and_then(|metrics| metrics.with_costs(Arc::clone(&costs)));
        // Prices of instances are read by the controller.
        let finds = Finds {
            known: controller.discovered(),
            ..Finds::default()
        };
        let known = Arc::clone(&finds.known);
        let metrics = metrics.and_then(|metrics| metrics.with_discovered(known));
        let mut tasks = JoinSet::new();
        start_admin(
            &mut tasks,
            &successor,
            sockets.admin,
            socket_listener,
            View {
                access: Arc::clone(&access),
                door: door.clone(),
                journal: journal_path(&config.state_dir).into(),
                events: controller.events(),
                streams: Arc::new(Semaphore::new(MOST_STREAMS)),
                inquirer: Arc::new(Inquirer::new(board)),
                metrics: Arc::new(metrics.map_err(io::Error::other)?),
                flags: Arc::clone(&flags),
                finds: finds.clone(),
                costs,
                window: Arc::new(Window::new(publisher.clone())),
                publisher: publisher.clone(),
                standing: Arc::clone(&standing),
                leaving: Arc::clone(&leaving),
                patience: Patience::default(),
                findings: controller.findings(),
                config: controller.config_in_force(),
                text: controller.text_in_force(),
                file: path.into(),
                born,
            },
        )?;
        tasks.spawn(watch_file(path.to_owned(), first_text, door.clone()));
        tasks.spawn(watch_kill(config.state_dir.clone(), door.clone()));
        tasks.spawn(watch_material(publisher.clone(), door.clone()));
        tasks.spawn(check_health(publisher.clone(), door.clone()));
        tasks.spawn(sweep_rates(publisher.clone()));
        tasks.spawn(sweep_owners(publisher.clone()));
        tasks.spawn(prove_endpoints(
            publisher.clone(),
            finds.clone(),
            born,
            door.clone(),
        ));
        start_outside(&mut tasks, &controller, &flags, &finds, &door);
        let patience = start_controller(&mut tasks, controller, born, logs, access);
        Ok(Self {
            http,
            https,
            admin,
            socket,
            publisher,
            standing,
            flags,
            finds,
            workers,
            patience,
            leaving,
            successor,
            door,
            life,
            threads,
            tasks,
        })
    }

    /// Where changes are handed in.
    pub fn door(&self) -> &Door {
        &self.door
    }

    /// Reads the file again, as SIGHUP does, and waits until it is in force or refused.
    pub async fn reload(&self) {
        let change = Change::new(What::File, Actor::Signal);
        // What is wrong with it is told where it is found.
        if matches!(self.door.ask(change).await, Err(Refused::Gone)) {
            tracing::error!("The controller is gone");
        }
    }
}

/// Starts the controller. Gives the time at the end by the configuration in force.
fn start_controller(
    tasks: &mut JoinSet<()>,
    controller: Controller,
    born: Instant,
    logs: Option<Logs>,
    access: Arc<ArcSwap<config::model::Admin>>,
) -> watch::Receiver<EndPatience> {
    let (in_force, patience) = watch::channel(EndPatience::of(controller.config()));
    tasks.spawn(controller.run(born, move |config: &Config| {
        in_force.send_replace(EndPatience::of(config));
        access.store(Arc::new(config.admin.clone()));
        if let Some(logs) = &logs
            && let Err(error) = logs.set_level(config.log.level.as_deref())
        {
            tracing::warn!(%error, "The log level stays as it was");
        }
    }));
    patience
}

/// Asks gates, reads flags, looks for endpoints and fetches keys, as the file in force wants it.
fn start_outside(
    tasks: &mut JoinSet<()>,
    controller: &Controller,
    flags: &Arc<ArcSwap<FlagSights>>,
    finds: &Finds,
    door: &Door,
) {
    let outside = Outside::default();
    tasks.spawn(ask_gates(Gates {
        findings: controller.findings(),
        config: controller.config_in_force(),
        standing: controller.standing(),
        outside: outside.clone(),
        door: door.clone(),
    }));
    tasks.spawn(keep_flags(Flags {
        config: controller.config_in_force(),
        sights: Arc::clone(flags),
        outside: outside.clone(),
        door: door.clone(),
    }));
    tasks.spawn(discover(Lookers {
        config: controller.config_in_force(),
        finds: finds.clone(),
        outside: outside.clone(),
        door: door.clone(),
    }));
    tasks.spawn(keep_serverless_keys(ServerlessKeys {
        publisher: controller.publisher(),
        config: controller.config_in_force(),
        outside,
    }));
}

/// Serves the admin port, and keeps the last minute that it tells of.
fn start_admin(
    tasks: &mut JoinSet<()>,
    successor: &Successor,
    listener: TcpListener,
    socket: Option<UnixListener>,
    view: View,
) -> io::Result<()> {
    // Without it, an event waits for the acknowledgement of an earlier one.
    let listener = tokio::net::TcpListener::from_std(listener)?.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "An admin connection is slower than it could be");
        }
    });
    let (window, born) = (Arc::clone(&view.window), view.born);
    tasks.spawn(async move {
        let mut second = tokio::time::interval(Duration::from_secs(1));
        loop {
            second.tick().await;
            window.tick(born.elapsed());
        }
    });
    let patience = view.patience;
    if let Some(socket) = socket {
        let socket = tokio::net::UnixListener::from_std(socket)?;
        let router = admin::router_of_operator(view.clone());
        tasks.spawn(admin::serve(socket, router, patience, successor.comes()));
    }
    let router = admin::router(view);
    tasks.spawn(admin::serve(listener, router, patience, successor.comes()));
    Ok(())
}

/// `None` when the folder cannot be written: then there is no journal to hand over either.
fn open_desk(state_dir: &Path) -> Result<Option<Desk>, StartError> {
    match Desk::open(state_dir) {
        Ok(desk) => Ok(Some(desk)),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            Err(StartError::Taken(state_dir.to_owned()))
        }
        Err(error) => {
            tracing::warn!(%error, "Nobody can take over from this process");
            Ok(None)
        }
    }
}

/// Each connection needs two descriptors; the default soft limit of 1024 is for programs that use
/// `select`. Gives what is allowed, if that has an end.
fn raise_file_limit() -> Option<u64> {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let before = getrlimit(Resource::Nofile);
    let mut limit = before;
    limit.current = limit.maximum;
    match setrlimit(Resource::Nofile, limit) {
        Ok(()) => limit.current,
        Err(error) => {
            tracing::warn!(%error, "Cannot raise the limit of open files");
            before.current
        }
    }
}
