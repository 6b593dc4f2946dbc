//! Letting go of the journal for a successor, which has to be its only writer. The controller holds
//! still meanwhile: no change is taken, none is lost, and what the successor reads is the last word.

use tokio::sync::{mpsc, oneshot};

use super::change::Actor;
use super::controller::Controller;
use super::journal::Journal;
use super::overrides::Stamp;
use super::plan::Plan;

/// Where the controller is asked to let go.
#[derive(Debug, Clone)]
pub struct Succession(mpsc::Sender<LetGo>);

/// Asks it.
#[derive(Debug)]
pub(super) struct LetGo {
    gone: oneshot::Sender<()>,
    for_good: oneshot::Receiver<()>,
}

/// The controller holds still. When this is dropped, it takes the journal back and goes on.
#[derive(Debug)]
pub struct Still(oneshot::Sender<()>);

pub(super) fn succession() -> (Succession, mpsc::Receiver<LetGo>) {
    let (sender, asked) = mpsc::channel(1);
    (Succession(sender), asked)
}

impl Succession {
    /// Waits until the journal is let go; `None` when that cannot be: what holds is not in it, or the
    /// controller is gone.
    pub async fn let_go(&self) -> Option<Still> {
        let (gone, has_gone) = oneshot::channel();
        let (still, for_good) = oneshot::channel();
        self.0.send(LetGo { gone, for_good }).await.ok()?;
        has_gone.await.ok()?;
        Some(Still(still))
    }
}

impl Still {
    /// The journal is another's from now on; the controller ends.
    pub fn for_good(self) {
        if self.0.send(()).is_err() {
            tracing::debug!("The controller has ended already");
        }
    }
}

impl Controller {
    /// Lets go of the journal; whether for good.
    pub(super) async fn hold_still(&mut self, asked: LetGo) -> bool {
        if !self.standing.load().journal_sound {
            tracing::error!("No successor: it would not know what the journal does not say");
            return false;
        }
        self.journal.close();
        self.owners.release();
        self.purse.keep();
        self.hand_over_found();
        if asked.gone.send(()).is_ok() && asked.for_good.await.is_ok() {
            self.purse.close();
            return true;
        }
        tracing::warn!("The successor did not come: going on");
        self.take_back();
        false
    }

    /// The successor may have written something down before it failed.
    fn take_back(&mut self) {
        let (journal, written, opened) = Journal::open(&self.config.state_dir);
        self.journal = journal;
        if let Err(error) = &opened {
            tracing::error!(%error, "The journal cannot be written: a restart would forget rollbacks");
            self.stand(|standing| standing.journal_sound = false);
            return;
        }
        let (mut mine, mut theirs) = (self.overrides.clone(), written.clone());
        mine.steps_anew();
        theirs.steps_anew();
        if mine == theirs {
            return;
        }
        let plan = Plan {
            what: "start",
            overrides: written,
            needs_journal: false,
            ..self.plan(None, Stamp::now(Actor::File, "the successor has failed"))
        };
        if let Err(error) = self.put_in_force(plan) {
            tracing::error!(%error, "What the journal says cannot be put in force");
        }
    }
}

#[cfg(test)]
#[path = "succession_tests.rs"]
mod tests;
