//! The old house: it gives its sockets to a successor and lets go of the journal. Until the successor
//! says that it serves, it stays in charge; if that never comes, nothing has happened.

use std::fs;
use std::io;
use std::os::fd::AsFd as _;
use std::path::Path;
use std::time::Duration;

use tokio::net::UnixListener;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

use super::given::Copies;
use super::line::{self, ALL, GIVE, HOLD_STILL, Line, SERVING, SOCKET, STILL, YOURS, unexpected};
use crate::admin::{self, SocketFile};
use crate::control::Succession;

const BACK_OFF: Duration = Duration::from_millis(100);

/// The place where a house listens for its successor: also the sign that its state folder is taken.
#[derive(Debug)]
pub(super) struct Desk {
    /// Goes before the listener does.
    _file: SocketFile,
    listener: UnixListener,
}

impl Desk {
    /// # Errors
    ///
    /// [`io::ErrorKind::AddrInUse`]: another house has this state folder.
    pub(super) fn open(state_dir: &Path) -> io::Result<Self> {
        fs::create_dir_all(state_dir)?;
        let (listener, file) = admin::listen_at(&line::place(state_dir))?;
        Ok(Self {
            _file: file,
            listener: UnixListener::from_std(listener)?,
        })
    }

    async fn visitor(&self) -> Line {
        loop {
            match self.listener.accept().await {
                Ok((stream, _)) => return Line::new(stream),
                Err(error) => {
                    tracing::warn!(%error, "A successor cannot be let in");
                    tokio::time::sleep(BACK_OFF).await;
                }
            }
        }
    }
}

/// What a successor gets.
#[derive(Debug)]
struct Heritage {
    copies: Copies,
    succession: Succession,
    tell: watch::Sender<bool>,
}

/// Asked to give no heritage any more; tells when that is so.
type Closing = oneshot::Sender<()>;

/// Whether a successor has come.
#[derive(Debug)]
pub(super) struct Successor {
    there: watch::Receiver<bool>,
    /// Until somebody waits for one.
    heritage: Option<Heritage>,
    waiting: Option<(JoinHandle<()>, oneshot::Sender<Closing>)>,
}

impl Successor {
    /// One that would get these.
    pub(super) fn new(copies: Copies, succession: Succession) -> Self {
        let (tell, there) = watch::channel(false);
        Self {
            there,
            heritage: Some(Heritage {
                copies,
                succession,
                tell,
            }),
            waiting: None,
        }
    }

    /// Waits for one at the desk. Without a desk none will come.
    pub(super) fn await_at(&mut self, desk: Option<Desk>) {
        if let (Some(desk), Some(heritage)) = (desk, self.heritage.take()) {
            let (close, closing) = oneshot::channel();
            self.waiting = Some((tokio::spawn(wait(desk, heritage, closing)), close));
        }
    }

    pub(super) fn is_there(&self) -> bool {
        *self.there.borrow()
    }

    /// Resolves when one serves.
    pub(super) fn comes(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut there = self.there.clone();
        async move {
            if there.wait_for(|there| *there).await.is_err() {
                std::future::pending().await
            }
        }
    }

    /// None is let in from now on, and no copy of a listener is held any more. The state folder stays
    /// taken until the desk is removed.
    pub(super) async fn close(&mut self) -> Option<Closed> {
        self.heritage = None;
        let (waiting, close) = self.waiting.take()?;
        let (closed, is_closed) = oneshot::channel();
        if close.send(closed).is_ok() {
            // An error says the same: the task is gone, and the copies with it.
            drop(is_closed.await);
        }
        Some(Closed(waiting))
    }
}

/// The desk of a house that ends by itself.
#[derive(Debug)]
pub(super) struct Closed(JoinHandle<()>);

impl Closed {
    /// Frees the state folder, before this returns.
    pub(super) async fn remove(self) {
        self.0.abort();
        // It was told to end: how it did is no news.
        drop(self.0.await);
    }
}

async fn wait(desk: Desk, heritage: Heritage, mut closing: oneshot::Receiver<Closing>) {
    let closed = loop {
        let handed_over = async {
            let mut line = desk.visitor().await;
            let done = hand_over(&mut line, &heritage).await;
            (line, done)
        };
        let (line, done) = tokio::select! {
            handed_over = handed_over => handed_over,
            asked = &mut closing => match asked {
                Ok(closed) => break closed,
                // The house was dropped.
                Err(_) => return,
            },
        };
        match done {
            Ok(()) => return bow_out(desk, heritage, line).await,
            Err(error) => {
                tracing::warn!(%error, pid = line.pid(), "A successor has not taken over")
            }
        }
    };
    drop(heritage);
    if closed.send(()).is_err() {
        return;
    }
    loop {
        let line = desk.visitor().await;
        if let Err(error) = line.say("I am ending: start when I am gone").await {
            tracing::debug!(%error, "Somebody did not listen");
        }
    }
}

/// The successor serves; it gets the desk, too.
async fn bow_out(desk: Desk, heritage: Heritage, line: Line) {
    tracing::info!(pid = line.pid(), "A successor has taken over");
    drop(desk);
    heritage.tell.send_replace(true);
    drop(heritage);
    if let Err(error) = line.say(YOURS).await {
        tracing::warn!(%error, "The successor does not listen");
    }
}

/// Up to the point where the successor serves.
async fn hand_over(line: &mut Line, heritage: &Heritage) -> io::Result<()> {
    expect(line, GIVE).await?;
    for (name, socket) in &heritage.copies.0 {
        line.give(&format!("{SOCKET}{name}"), socket.as_fd())
            .await?;
    }
    line.say(ALL).await?;
    expect(line, HOLD_STILL).await?;
    let Some(still) = heritage.succession.let_go().await else {
        let why = "the journal cannot be written, so you would not know what is in force";
        line.say(why).await?;
        return Err(io::Error::other(why));
    };
    // What breaks from here on drops it, and the controller goes on.
    line.say(STILL).await?;
    expect(line, SERVING).await?;
    still.for_good();
    Ok(())
}

async fn expect(line: &mut Line, word: &str) -> io::Result<()> {
    match line.hear().await? {
        heard if heard == word => Ok(()),
        heard => Err(unexpected(&heard)),
    }
}
