//! A running house on ports of its own, with its file and its state in a folder that goes with it.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use figshift::app::{App, StartError};
use figshift::control::Standing;
use figshift::policy::Phase;
use figshift::snapshot::Endpoint;
use figshift::stats::{Class, Fault, Side};
use tempfile::TempDir;

use super::client::{Answer, Client};
use super::counts::Counts;
use super::eventually;
use super::origin::Origin;

/// What a file says; backends and routes are added in its own syntax.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) http: String,
    pub(crate) workers: usize,
    /// Further lines of `[listen]`.
    pub(crate) listen: String,
    /// Everything after `[listen]`.
    pub(crate) rest: String,
}

impl Plan {
    pub(crate) fn new(rest: impl Into<String>) -> Self {
        Self {
            http: "127.0.0.1:0".to_owned(),
            workers: 1,
            listen: String::new(),
            rest: rest.into(),
        }
    }

    /// One route `all` over backends `old` and `new`.
    pub(crate) fn sides(old: &Origin, new: &Origin, percent: f64, route: &str) -> Self {
        Self::new(two_sides(&[old], &[new], "", percent, route))
    }

    /// One route `all` to one backend `old`.
    pub(crate) fn alone(old: &Origin, backend: &str) -> Self {
        let backend = backend_table("old", &[old], backend);
        Self::new(format!(
            "{backend}[[routes]]\nname = \"all\"\nprimary = \"old\"\n"
        ))
    }

    pub(crate) fn listen(mut self, lines: &str) -> Self {
        self.listen = lines.to_owned();
        self
    }

    pub(crate) fn workers(mut self, workers: usize) -> Self {
        self.workers = workers;
        self
    }

    pub(crate) fn text(&self, folder: &Path) -> String {
        format!(
            "state_dir = {:?}\n[listen]\nhttp = {:?}\nadmin = \"127.0.0.1:0\"\nworkers = {}\n{}\n{}",
            folder.join("state"),
            self.http,
            self.workers,
            self.listen,
            self.rest
        )
    }

    pub(crate) async fn start(self) -> House {
        let folder = tempfile::tempdir().unwrap();
        self.start_in(folder).await.unwrap()
    }

    /// Starts in a folder that may already hold the state of an earlier house.
    pub(crate) async fn start_in(self, folder: TempDir) -> Result<House, StartError> {
        let path = folder.path().join("figshift.toml");
        std::fs::write(&path, self.text(folder.path())).unwrap();
        House::open(folder, path, self).await
    }
}

/// `[backends.NAME]` with these endpoints and further lines.
pub(crate) fn backend_table(name: &str, origins: &[&Origin], lines: &str) -> String {
    let urls: Vec<_> = origins.iter().map(|origin| origin.url()).collect();
    format!("[backends.{name}]\nendpoints = {urls:?}\n{lines}\n")
}

/// Two backends, with the same further lines, and one route over them.
pub(crate) fn two_sides(
    old: &[&Origin],
    new: &[&Origin],
    backend: &str,
    percent: f64,
    route: &str,
) -> String {
    let mut text = backend_table("old", old, backend);
    text += &backend_table("new", new, backend);
    let _ = write!(
        text,
        "[[routes]]\nname = \"all\"\nprimary = \"old\"\ncandidate = \"new\"\npercent = {percent}\n{route}\n"
    );
    text
}

/// See the module.
pub(crate) struct House {
    pub(crate) folder: TempDir,
    pub(crate) path: PathBuf,
    pub(crate) plan: Plan,
    pub(crate) app: App,
}

impl House {
    /// Starts from a file that is already there.
    pub(crate) async fn open(
        folder: TempDir,
        path: PathBuf,
        plan: Plan,
    ) -> Result<Self, StartError> {
        let app = App::start(&path, None).await?;
        Ok(Self {
            folder,
            path,
            plan,
            app,
        })
    }

    /// A new connection.
    pub(crate) async fn client(&self) -> Client {
        Client::new(self.app.http).await
    }

    /// A GET on a connection of its own.
    pub(crate) async fn get(&self, target: &str) -> Answer {
        self.client().await.get(target).await
    }

    /// Ends it and gives the folder back.
    pub(crate) async fn stop(self) -> TempDir {
        super::soon("the house ends", self.app.stop()).await;
        self.folder
    }

    pub(crate) fn standing(&self) -> Arc<Standing> {
        self.app.standing.load_full()
    }

    /// Writes a text into the file, in place.
    pub(crate) fn write(&self, text: &str) {
        std::fs::write(&self.path, text).unwrap();
    }

    /// Saves another rest in place, and waits until that was applied or refused.
    pub(crate) async fn save(&self, rest: &str) -> Arc<Standing> {
        let mut plan = self.plan.clone();
        plan.rest = rest.to_owned();
        self.save_text(&plan.text(self.folder.path())).await
    }

    /// Saves a text in place, and waits until it was applied or refused.
    pub(crate) async fn save_text(&self, text: &str) -> Arc<Standing> {
        let before = self.standing();
        self.write(text);
        self.judged(&before).await
    }

    /// Waits until there was one more attempt than at that time.
    pub(crate) async fn judged(&self, before: &Standing) -> Arc<Standing> {
        let tries = |standing: &Standing| standing.applied + standing.refused;
        let known = tries(before);
        eventually("the save is judged", || tries(&self.standing()) > known).await;
        self.standing()
    }

    /// The books of a side of the first route.
    pub(crate) fn counts(&self, side: Side) -> Counts {
        Counts::of(&self.app.publisher.current(), 0, side)
    }

    pub(crate) fn primary(&self) -> Counts {
        self.counts(Side::Primary)
    }

    pub(crate) fn candidate(&self) -> Counts {
        self.counts(Side::Candidate)
    }

    pub(crate) fn faults(&self, fault: Fault) -> u64 {
        let cells = self.app.workers.iter();
        cells.map(|cell| cell.faults[fault as usize].get()).sum()
    }

    /// The endpoint at this address.
    pub(crate) fn endpoint(&self, origin: &Origin) -> Arc<Endpoint> {
        let snapshot = self.app.publisher.current();
        let url = origin.url();
        let mut members = snapshot.backends.iter().flat_map(|b| b.members.iter());
        let member = members.find(|member| *member.endpoint.url == *url);
        Arc::clone(&member.expect("a known endpoint").endpoint)
    }

    pub(crate) fn trips(&self, origin: &Origin) -> u64 {
        self.endpoint(origin).fitness.sight().trips
    }

    pub(crate) fn phase(&self, origin: &Origin) -> Phase {
        self.endpoint(origin).fitness.sight().phase
    }

    /// Requests on their way, by the workers' books.
    pub(crate) fn in_flight(&self) -> i64 {
        let cells = self.app.workers.iter();
        cells.map(|cell| cell.in_flight.get()).sum()
    }

    /// Client connections open, by the workers' books.
    pub(crate) fn clients(&self) -> i64 {
        self.app.workers.iter().map(|cell| cell.open.get()).sum()
    }

    pub(crate) fn panics(&self) -> u64 {
        self.app.workers.iter().map(|cell| cell.panics.get()).sum()
    }

    /// Waits until nothing is on its way in any book.
    pub(crate) async fn at_rest(&self) {
        eventually("nothing is in flight", || {
            let snapshot = self.app.publisher.current();
            let endpoints = snapshot.backends.iter().flat_map(|b| b.members.iter());
            let trying: i64 = endpoints
                .flat_map(|member| member.endpoint.cells.iter())
                .map(|cell| cell.in_flight.get())
                .sum();
            self.in_flight() == 0
                && trying == 0
                && self.primary().in_flight == 0
                && self.candidate().in_flight == 0
        })
        .await;
        assert_eq!(self.panics(), 0);
    }
}

/// Classes that blame a backend, for sums.
pub(crate) fn bad_attempts(counts: &Counts) -> u64 {
    let bad = Class::ALL.into_iter().filter(|class| class.is_bad());
    bad.map(|class| counts.attempts(class)).sum()
}
