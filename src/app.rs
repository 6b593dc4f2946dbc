//! The composition root: from a path to a running house and back to nothing. `serve`, the demo
//! and the tests start the same thing here.

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use axum::serve::ListenerExt as _;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use crate::admin::{self, Inquirer, MOST_STREAMS, Patience, SocketFile, View};
use crate::config::{self, Config};
use crate::control::{
    Actor, Controller, Door, FlagSights, Flags, Gates, OpenError, Standing, What, ask_gates,
    check_health, journal_path, keep_flags, watch_file, watch_kill, watch_material,
};
use crate::outbound::Outside;
use crate::proxy::{Crew, Life, Share};
use crate::recall::Board;
use crate::snapshot::Publisher;
use crate::stats::{Cells, WorkerCell};
use crate::telemetry::{Logs, Metrics, Sources, Window};

/// Connections that may wait to be accepted, per worker.
const BACKLOG: i32 = 4096;

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
    /// What the workers have counted of clients.
    pub workers: Arc<Cells<WorkerCell>>,
    /// How long running requests get at the end.
    drain: watch::Receiver<Duration>,
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
        let born = Instant::now();
        raise_file_limit();
        let first_text = std::fs::read(path).ok();
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let (controller, door) = Controller::open(path, cores).map_err(StartError::Open)?;
        let config = controller.config().clone();
        let workers = Arc::new(Cells::new(controller.workers()));
        let count = controller.workers();
        let (listeners, http) = listen_shared("listen.http", &config.listen.http, count)?;
        let https = config.listen.https.as_deref();
        let https = https.map(|address| listen_shared("listen.https", address, count));
        let (secure_listeners, https) = https.transpose()?.unzip();
        let admin_listener = listen_admin(&config.listen.admin)?;
        let admin = admin_listener.local_addr()?;
        let (socket_listener, socket) = listen_socket(config.admin.socket.as_deref())?.unzip();
        let (life, life_of_workers) = watch::channel(Life::Running);
        let board = Board::new(controller.workers());
        let crew = Crew {
            publisher: controller.publisher(),
            cells: Arc::clone(&workers),
            board: board.clone(),
            born,
            life: life_of_workers,
        };
        let mut secure_listeners = secure_listeners.into_iter().flatten();
        let threads = listeners
            .into_iter()
            .map(|http| Share {
                http,
                https: secure_listeners.next(),
            })
            .enumerate()
            .map(|(index, share)| crew.clone().start(index, share))
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
        let metrics = metrics.and_then(|metrics| metrics.with_flags(Arc::clone(&flags)));
        let mut tasks = JoinSet::new();
        start_admin(
            &mut tasks,
            admin_listener,
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
                window: Arc::new(Window::new(publisher.clone())),
                publisher: publisher.clone(),
                standing: Arc::clone(&standing),
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
        start_outside(&mut tasks, &controller, &flags, &door);
        let drain = start_controller(&mut tasks, controller, born, logs, access);
        Ok(Self {
            http,
            https,
            admin,
            socket,
            publisher,
            standing,
            flags,
            workers,
            drain,
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

    /// Reads the file again, as SIGHUP does.
    pub async fn reload(&self) {
        if self.door.send(What::File, Actor::Signal).await.is_err() {
            tracing::error!("The controller is gone");
        }
    }

    /// Ends the house: no new connections, running requests get the configured time to finish.
    pub async fn stop(mut self) {
        let limit = *self.drain.borrow();
        self.life.send_replace(Life::Draining(limit));
        for thread in self.threads.drain(..) {
            let joined = tokio::task::spawn_blocking(|| thread.join()).await;
            if !matches!(joined, Ok(Ok(()))) {
                tracing::error!("A worker has ended in a panic");
            }
        }
        // While its listener is open.
        drop(self.socket.take());
        self.tasks.shutdown().await;
    }
}

/// Starts the controller. Gives the drain time of the configuration in force.
fn start_controller(
    tasks: &mut JoinSet<()>,
    controller: Controller,
    born: Instant,
    logs: Option<Logs>,
    access: Arc<ArcSwap<config::model::Admin>>,
) -> watch::Receiver<Duration> {
    let (drain_in_force, drain) = watch::channel(controller.config().listen.drain.get());
    tasks.spawn(controller.run(born, move |config: &Config| {
        drain_in_force.send_replace(config.listen.drain.get());
        access.store(Arc::new(config.admin.clone()));
        if let Some(logs) = &logs
            && let Err(error) = logs.set_level(config.log.level.as_deref())
        {
            tracing::warn!(%error, "The log level stays as it was");
        }
    }));
    drain
}

/// Asks gates and reads flags, as the file in force wants it.
fn start_outside(
    tasks: &mut JoinSet<()>,
    controller: &Controller,
    flags: &Arc<ArcSwap<FlagSights>>,
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
        outside,
        door: door.clone(),
    }));
}

/// Serves the admin port, and keeps the last minute that it tells of.
fn start_admin(
    tasks: &mut JoinSet<()>,
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
        tasks.spawn(admin::serve(socket, router, patience));
    }
    tasks.spawn(admin::serve(listener, admin::router(view), patience));
    Ok(())
}

fn cannot_listen(key: &'static str, address: &str, error: io::Error) -> StartError {
    StartError::Listen {
        key,
        address: address.to_owned(),
        error,
    }
}

fn parse(key: &'static str, address: &str) -> Result<SocketAddr, StartError> {
    address.parse().map_err(|_| {
        let error = io::Error::new(io::ErrorKind::InvalidInput, "it is not of the form ip:port");
        cannot_listen(key, address, error)
    })
}

/// One listener per worker on the same address; the kernel spreads connections over them.
fn listen_shared(
    key: &'static str,
    address: &str,
    workers: usize,
) -> Result<(Vec<TcpListener>, SocketAddr), StartError> {
    let wanted = parse(key, address)?;
    let fail = |error| cannot_listen(key, address, error);
    // Sharing works across processes too: without this look, two instances on one address would
    // each silently get half of the connections.
    drop(listen(wanted, false).map_err(fail)?);
    let mut listeners = vec![listen(wanted, true).map_err(fail)?];
    let bound = listeners[0].local_addr().map_err(fail)?;
    for _ in 1..workers {
        listeners.push(listen(bound, true).map_err(fail)?);
    }
    Ok((listeners, bound))
}

fn listen_admin(address: &str) -> Result<TcpListener, StartError> {
    const KEY: &str = "listen.admin";
    listen(parse(KEY, address)?, false).map_err(|error| cannot_listen(KEY, address, error))
}

fn listen_socket(path: Option<&Path>) -> Result<Option<(UnixListener, SocketFile)>, StartError> {
    const KEY: &str = "admin.socket";
    let listening = path.map(|path| {
        let fail = |error| cannot_listen(KEY, &path.display().to_string(), error);
        admin::listen_at(path).map_err(fail)
    });
    listening.transpose()
}

fn listen(address: SocketAddr, shared: bool) -> io::Result<TcpListener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(shared)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// Each connection needs two descriptors; the default soft limit of 1024 is for programs that use
/// `select`.
fn raise_file_limit() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::warn!(%error, "Cannot raise the limit of open files");
    }
}
