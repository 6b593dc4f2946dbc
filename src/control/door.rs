//! Where changes are handed in. Whoever wants to alter traffic has one of these, and nothing else.

use tokio::sync::{mpsc, oneshot};

use super::change::{Actor, Answer, Change, Refused, What};

/// Changes that may wait. They are rare; a sender waits for room.
const WAITING: usize = 64;

/// A door, and what comes in by it.
pub(super) fn door() -> (Door, mpsc::Receiver<Change>) {
    let (sender, changes) = mpsc::channel(WAITING);
    (Door(sender), changes)
}

/// Where changes are handed in.
#[derive(Debug, Clone)]
pub struct Door(mpsc::Sender<Change>);

impl Door {
    /// To a house that has ended.
    #[cfg(test)]
    pub(crate) fn to_nobody() -> Self {
        Self(mpsc::channel(1).0)
    }

    /// Hands a change in, waiting for room and for nothing else.
    ///
    /// # Errors
    ///
    /// [`Refused::Gone`].
    pub async fn send(&self, what: What, actor: Actor) -> Result<(), Refused> {
        let change = Change::new(what, actor);
        self.0.send(change).await.map_err(|_| Refused::Gone)
    }

    /// Hands a change in and waits until it is in force or refused.
    ///
    /// # Errors
    ///
    /// It is refused.
    pub async fn ask(&self, mut change: Change) -> Answer {
        let (reply, answer) = oneshot::channel();
        change.reply = Some(reply);
        self.0.send(change).await.map_err(|_| Refused::Gone)?;
        answer.await.map_err(|_| Refused::Gone)?
    }
}
