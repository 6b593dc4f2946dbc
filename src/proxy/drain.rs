//! The end of a worker. First its clients are asked to go elsewhere while everybody is still served;
//! then nobody is let in, and what runs may finish until a deadline.

use std::time::Duration;

use http::header::{CONNECTION, HeaderValue};
use http::{Response, StatusCode, Version};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use super::respond::ResponseBody;
use super::worker::{Life, Worker};

/// How often draining looks whether everybody has left.
const LOOK: Duration = Duration::from_millis(20);
/// A client that has had an answer less than this ago may be about to send its next request, which
/// would meet a connection that closes: it gets an answer, and is told with it.
const QUIET: Duration = Duration::from_millis(500);
/// The same for one that has connected and has asked nothing yet.
const FRESH: Duration = Duration::from_secs(2);

/// Tells the client with an answer that its connection ends after it, if the house is ending.
pub(super) fn tell(
    worker: &Worker,
    version: Version,
    mut answer: Response<ResponseBody>,
) -> Response<ResponseBody> {
    let by_header = version < Version::HTTP_2 && answer.status() != StatusCode::SWITCHING_PROTOCOLS;
    if worker.is_leaving() && by_header {
        let close = HeaderValue::from_static("close");
        answer.headers_mut().insert(CONNECTION, close);
    }
    answer
}

/// Waits until every connection has ended, at the longest until the deadline; cuts the rest.
pub(super) async fn finish(worker: &Worker, life: &watch::Receiver<Life>) {
    let begun = Instant::now();
    loop {
        worker.clients.send_away();
        worker.clients.end_quiet(worker.now(), QUIET, FRESH);
        if worker.clients.is_empty() {
            return;
        }
        // Looked at each time: whoever is told twice to end waits for nobody any more.
        if begun.elapsed() >= limit(life) {
            break;
        }
        sleep(LOOK).await;
    }
    worker.cell().cut_at_end.add(worker.clients.unfinished());
    worker.clients.end_now();
    // So that each connection sees it.
    tokio::task::yield_now().await;
}

fn limit(life: &watch::Receiver<Life>) -> Duration {
    match *life.borrow() {
        Life::Draining(limit) => limit,
        Life::Running | Life::Leaving => Duration::MAX,
    }
}
