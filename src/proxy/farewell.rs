//! The end of a connection whose client is still sending. What could not become a request is
//! answered here; and closing a socket with unread bytes in it would make the system throw away the
//! answer that is on its way, so for a moment they are read and dropped.

use std::io;
use std::time::Duration;

use http::header::HeaderValue;
use http::{HeaderMap, HeaderName};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::dialect::Dialect;
use super::problem::Problem;
use super::respond::ResponseBody;
use super::worker::Worker;
use crate::stats::Fault;

/// All that a farewell may take.
const MOMENT: Duration = Duration::from_secs(2);
/// Bytes that are read and dropped.
const MOST: u64 = 16 * 1024 * 1024;

impl Problem {
    /// For what hyper's parser refused with this status.
    pub(super) fn of_refusal(status: u16) -> Self {
        match status {
            414 => Self::of_fault(
                Fault::UriTooLong,
                "The request target is longer than allowed",
            ),
            431 => Self::of_fault(
                Fault::HeadTooLarge,
                "The request head is larger than allowed, or has more lines",
            ),
            _ => Self::of_fault(Fault::BadRequest, "The request is not valid HTTP"),
        }
    }
}

/// Says the last words, if there are any, and waits until the client has stopped.
///
/// # Cancel safety
///
/// Dropping it closes the connection.
pub(super) async fn farewell(
    worker: &Worker,
    mut io: impl AsyncRead + AsyncWrite + Unpin,
    words: Option<Problem>,
) {
    let words = words.map(|problem| spoken(worker, problem));
    let parting = async {
        if let Some(words) = words {
            io.write_all(&words).await?;
        }
        io.shutdown().await?;
        tokio::io::copy(&mut io.take(MOST), &mut tokio::io::sink()).await?;
        io::Result::Ok(())
    };
    // How a connection ends is the client's affair.
    drop(tokio::time::timeout(MOMENT, parting).await);
}

/// An answer as bytes.
fn spoken(worker: &Worker, problem: Problem) -> Vec<u8> {
    let id = worker.ids.of(&mut HeaderMap::new()).value;
    let status = problem.status;
    let (head, body) = problem.answer(worker, "", &id, Dialect::Http).into_parts();
    let body = match body {
        ResponseBody::Own(Some(body)) => body,
        _ => bytes::Bytes::new(),
    };
    let reason = status.canonical_reason().unwrap_or_default();
    let mut text = format!("HTTP/1.1 {} {reason}\r\n", status.as_u16()).into_bytes();
    let mut line = |name: &HeaderName, value: &HeaderValue| {
        text.extend_from_slice(name.as_str().as_bytes());
        text.extend_from_slice(b": ");
        text.extend_from_slice(value.as_bytes());
        text.extend_from_slice(b"\r\n");
    };
    for (name, value) in &head.headers {
        line(name, value);
    }
    line(&http::header::CONTENT_LENGTH, &body.len().into());
    line(
        &http::header::CONNECTION,
        &HeaderValue::from_static("close"),
    );
    text.extend_from_slice(b"\r\n");
    text.extend_from_slice(&body);
    text
}
