//! Whatever a backend sends for a response: it is read the same in any parts, a length is kept to, and a
//! connection that is not in order gets no further request.
//! Run: `RUSTC_BOOTSTRAP=1 cargo fuzz run http1 -- -max_total_time=60`
#![no_main]

use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use figshift::http1::{Authorization, Buffers, Connection, Request};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, Uri};
use http_body_util::Empty;
use libfuzzer_sys::fuzz_target;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Says these bytes, so many at a time, and then closes; hears anything.
struct Played<'b> {
    says: &'b [u8],
    part: usize,
}

impl AsyncRead for Played<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let part = self.part.min(into.remaining()).min(self.says.len());
        let (said, rest) = self.says.split_at(part);
        into.put_slice(said);
        self.says = rest;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Played<'_> {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// A response as it was read.
#[derive(Debug, PartialEq)]
struct Read {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
    trailers: Option<HeaderMap>,
    whole: bool,
    idle: bool,
}

/// What is read of these bytes; `None` if they begin with no response.
fn read(says: &[u8], part: usize, method: &Method) -> Option<Read> {
    let buffers = Rc::<Buffers>::default();
    let mut connection = Connection::new(Played { says, part }, buffers);
    let request = Request {
        method,
        target: &Uri::from_static("/"),
        host: &HeaderValue::from_static("h"),
        authorization: Authorization::Kept,
        headers: &HeaderMap::new(),
        ready: &[],
    };
    connection.begin(&request, Empty::<Bytes>::new());
    let mut cx = Context::from_waker(Waker::noop());
    let Poll::Ready(answer) = connection.poll_answer(&mut cx) else {
        panic!("the other end never makes anybody wait");
    };
    let answer: Response<()> = answer.ok()?;
    let length = connection.size_hint().exact();
    let mut read = Read {
        status: answer.status(),
        headers: answer.headers().clone(),
        body: Vec::new(),
        trailers: None,
        whole: false,
        idle: false,
    };
    loop {
        match connection.poll_frame(&mut cx) {
            Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                Ok(data) => read.body.extend_from_slice(&data),
                Err(frame) => read.trailers = frame.into_trailers().ok(),
            },
            Poll::Ready(Some(Err(_))) => break,
            Poll::Ready(None) => {
                read.whole = true;
                break;
            }
            // A turn for others before a failure is told.
            Poll::Pending => {}
        }
    }
    if let (Some(length), true) = (length, read.whole) {
        assert_eq!(read.body.len() as u64, length);
    }
    read.idle = connection.is_idle();
    assert!(!read.idle || read.whole);
    // The other end has closed it.
    assert!(!connection.is_ready(&mut cx));
    Some(read)
}

// A byte for the method and the parts, and then what the backend says.
fuzz_target!(|bytes: &[u8]| {
    let Some((how, says)) = bytes.split_first() else {
        return;
    };
    let method = if how & 1 == 1 {
        Method::HEAD
    } else {
        Method::GET
    };
    let at_once = read(says, usize::MAX, &method);
    let mut in_parts = read(says, usize::from(how >> 1) + 1, &method);
    if let (Some(at_once), Some(in_parts)) = (&at_once, &mut in_parts) {
        // What stands behind it was not read yet.
        in_parts.idle = at_once.idle;
    }
    assert_eq!(in_parts, at_once);
});
