//! The new house: it asks the one that runs for its sockets, and for the journal, and tells it when to
//! go.

use std::io;
use std::path::{Path, PathBuf};

use tokio::net::UnixStream;

use super::given::Given;
use super::line::{self, ALL, GIVE, HOLD_STILL, Line, SERVING, SOCKET, STILL, YOURS, unexpected};
use crate::admin;

/// The house whose place shall be taken.
#[derive(Debug)]
pub(super) struct Predecessor {
    line: Line,
    place: PathBuf,
}

impl Predecessor {
    /// The house that has this state folder, if one runs.
    pub(super) async fn find(state_dir: &Path) -> io::Result<Option<Self>> {
        let place = line::place(state_dir);
        match UnixStream::connect(&place).await {
            Ok(stream) => Ok(Some(Self {
                line: Line::new(stream),
                place,
            })),
            Err(error) => match error.kind() {
                io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => Ok(None),
                _ => Err(error),
            },
        }
    }

    pub(super) fn pid(&self) -> Option<i32> {
        self.line.pid()
    }

    /// Its sockets. It goes on using them.
    pub(super) async fn sockets(&mut self) -> io::Result<Given> {
        let mut given = Given::default();
        self.line.say(GIVE).await?;
        loop {
            let heard = self.line.hear().await?;
            match heard.strip_prefix(SOCKET) {
                Some(name) => given.add(name, self.line.socket()?)?,
                None if heard == ALL => return Ok(given),
                None => return Err(unexpected(&heard)),
            }
        }
    }

    /// From now on the journal is ours, as long as the line holds.
    pub(super) async fn hold_still(&mut self) -> io::Result<()> {
        self.line.say(HOLD_STILL).await?;
        match self.line.hear().await? {
            heard if heard == STILL => Ok(()),
            heard => Err(unexpected(&heard)),
        }
    }

    /// We serve: it ends.
    ///
    /// # Errors
    ///
    /// It is still in charge.
    pub(super) async fn replace(mut self) -> io::Result<()> {
        let told = match self.line.say(SERVING).await {
            Ok(()) => self.line.hear().await,
            Err(error) => Err(error),
        };
        match told {
            Ok(heard) if heard == YOURS => Ok(()),
            // If it has died on the way, its place is free all the same.
            _ if admin::answers_at(&self.place).is_err() => Ok(()),
            Ok(heard) => Err(unexpected(&heard)),
            Err(error) => Err(error),
        }
    }
}
