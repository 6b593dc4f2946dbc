//! `GET /api/v1/events`: the journal as server-sent events, each entry as it happens. A browser's
//! `EventSource` and `figshift events --follow` come back with the number of the last one they had.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderName, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use http_body::Frame;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::time::timeout;

use super::journal::{MOST, unreadable};
use crate::admin::follower::{Follower, Start};
use crate::admin::problem::problem;
use crate::admin::view::View;
use crate::admin::{access, body};
use crate::api::JournalEntry;
use crate::config::scalar::Secret;

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// Proxies that hold answers back until they are whole, such as nginx, must not.
const ACCEL: HeaderName = HeaderName::from_static("x-accel-buffering");

pub(in crate::admin) async fn events(
    State(view): State<View>,
    headers: HeaderMap,
    uri: Uri,
) -> Response {
    let start = match start(&headers, uri.query().unwrap_or_default()) {
        Ok(start) => start,
        Err(answer) => return *answer,
    };
    let Ok(place) = Arc::clone(&view.streams).try_acquire_owned() else {
        return full();
    };
    let token = view.access.load().token.clone();
    let journal = Arc::clone(&view.journal);
    match Follower::start(journal, &view.events, start).await {
        Ok(follower) => {
            let (pieces, body) = mpsc::channel(1);
            tokio::spawn(stream(view, follower, pieces, token, place));
            let head = [(CONTENT_TYPE, "text/event-stream"), (ACCEL, "no")];
            (head, Body::new(Pieces(body))).into_response()
        }
        Err(error) => unreadable(&error.to_string()),
    }
}

/// Writes events until nobody reads or the house ends. Whoever came by a token that is not that of
/// the file any more has to come again.
async fn stream(
    view: View,
    mut follower: Follower,
    pieces: mpsc::Sender<Bytes>,
    token: Option<Secret>,
    _place: OwnedSemaphorePermit,
) {
    loop {
        let next = tokio::select! {
            next = timeout(view.patience.silence, follower.next()) => next,
            () = pieces.closed() => return,
        };
        let piece = match next {
            Ok(Ok(Some(entry))) => event(&entry),
            Ok(Ok(None)) => return,
            Ok(Err(error)) => {
                tracing::warn!(%error, "The journal cannot be read: a stream of events ends");
                return;
            }
            Err(_) => ":\n\n".to_owned(),
        };
        if view.access.load().token != token || pieces.send(piece.into()).await.is_err() {
            return;
        }
    }
}

fn event(entry: &JournalEntry) -> String {
    let what: String = entry.what.chars().filter(|c| !c.is_control()).collect();
    // It has strings, numbers and lists, which all can be written.
    let data = serde_json::to_string(entry).unwrap_or_default();
    format!("id: {}\nevent: {what}\ndata: {data}\n\n", entry.seq)
}

/// A browser that comes back asks for the same URL, so the header is stronger.
fn start(headers: &HeaderMap, query: &str) -> Result<Start, Box<Response>> {
    const WRONG: &str = "`after` takes the number of an entry and `tail` a number from 1 to 1000, \
                         and there is nothing else to ask";
    let mut start = None;
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let asked = match pair.split_once('=') {
            Some(("after", seq)) => seq.parse().map(Start::After).ok(),
            Some(("tail", most)) => most.parse().map(Start::Last).ok(),
            _ => None,
        };
        let asked = asked.filter(|asked| match asked {
            Start::After(_) => true,
            Start::Last(most) => (1..=MOST).contains(most),
        });
        if asked.is_none() || start.is_some() {
            return Err(body::bad(WRONG));
        }
        start = asked;
    }
    match access::only(headers, &LAST_EVENT_ID)? {
        Some(seq) => seq.parse().map(Start::After).map_err(|_| {
            body::bad("`Last-Event-ID` is not the number of an entry, as `id` gives it")
        }),
        None => Ok(start.unwrap_or(Start::Last(0))),
    }
}

fn full() -> Response {
    let detail = "As many streams of events are open as there may be: close one, or ask \
                  /api/v1/journal now and then";
    problem(
        StatusCode::SERVICE_UNAVAILABLE,
        "Too many streams",
        "too_many_streams",
        detail.to_owned(),
    )
}

/// A body of pieces that come over time.
struct Pieces(mpsc::Receiver<Bytes>);

impl http_body::Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let piece = self.0.poll_recv(cx);
        piece.map(|piece| piece.map(|piece| Ok(Frame::data(piece))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_to_begin() {
        let at = |id: Option<&str>, query: &str| {
            let mut headers = HeaderMap::new();
            if let Some(id) = id {
                headers.insert(LAST_EVENT_ID, id.parse().unwrap());
            }
            start(&headers, query).ok()
        };
        assert_eq!(at(None, ""), Some(Start::Last(0)));
        assert_eq!(at(None, "tail=3"), Some(Start::Last(3)));
        assert_eq!(at(None, "after=0"), Some(Start::After(0)));
        assert_eq!(at(Some("7"), "tail=3"), Some(Start::After(7)));
        assert_eq!(at(Some("7"), "after=3"), Some(Start::After(7)));
        for wrong in [
            "tail=0",
            "tail=1001",
            "tail",
            "tail=x",
            "after=-1",
            "after=",
            "after=1&tail=1",
            "after=1&after=2",
            "x=1",
        ] {
            assert_eq!(at(None, wrong), None, "{wrong}");
            assert_eq!(at(Some("7"), wrong), None, "{wrong}");
        }
        for wrong in ["", "x", "-1", "1.5", "99999999999999999999"] {
            assert_eq!(at(Some(wrong), ""), None, "{wrong}");
        }
    }

    #[test]
    fn an_event_is_three_lines() {
        let entry = JournalEntry {
            seq: 7,
            hard: false,
            epoch: 3,
            at: "2025-01-31T09:30:00Z".to_owned(),
            actor: "operator".to_owned(),
            what: "roll\nback\r".to_owned(),
            route: None,
            reason: Some("a\nb".to_owned()),
            moves: Vec::new(),
        };
        let text = event(&entry);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!((lines.len(), lines[3]), (4, ""), "{text}");
        assert_eq!((lines[0], lines[1]), ("id: 7", "event: rollback"));
        let data = lines[2].strip_prefix("data: ").unwrap();
        assert_eq!(serde_json::from_str::<JournalEntry>(data).unwrap(), entry);
    }
}
