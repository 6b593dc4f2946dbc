//! Whole requests on a connection whose other end says what it is told, in any parts.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;

use http::header::{HeaderMap, HeaderValue};
use http::{Method, Uri};
use tokio::io::ReadBuf;

use super::*;
use crate::http1::Authorization;

/// The other end: what it says, in parts of this size; what it has heard, of each write no more than
/// this.
#[derive(Debug)]
struct Played {
    says: VecDeque<u8>,
    part: usize,
    heard: Vec<u8>,
    hears: usize,
    /// Closes when it has said all.
    ends: bool,
    /// Takes so many bytes and then no more.
    breaks_after: usize,
}

impl Played {
    fn saying(says: &[u8], part: usize, ends: bool) -> Self {
        Self {
            says: says.iter().copied().collect(),
            part,
            heard: Vec::new(),
            hears: usize::MAX,
            ends,
            breaks_after: usize::MAX,
        }
    }
}

impl AsyncRead for Played {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.says.is_empty() && !self.ends {
            return Poll::Pending;
        }
        let part = self.part.min(into.remaining()).min(self.says.len());
        let said: Vec<u8> = self.says.drain(..part).collect();
        into.put_slice(&said);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Played {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let left = self.breaks_after.saturating_sub(self.heard.len());
        let taken = bytes.len().min(self.hears).min(left);
        if taken == 0 {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        self.heard.extend_from_slice(&bytes[..taken]);
        Poll::Ready(Ok(taken))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// A body of these frames, which then ends, or waits.
#[derive(Debug, Default)]
struct Feed {
    frames: VecDeque<Frame<Bytes>>,
    waits: bool,
}

impl Feed {
    fn of(parts: &[&'static str]) -> Self {
        let frame = |part: &&'static str| Frame::data(Bytes::from_static(part.as_bytes()));
        Self {
            frames: parts.iter().map(frame).collect(),
            waits: false,
        }
    }
}

impl Body for Feed {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        match self.frames.pop_front() {
            Some(frame) => Poll::Ready(Some(Ok(frame))),
            None if self.waits => Poll::Pending,
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.frames.is_empty() && !self.waits
    }
}

type Tested = Connection<Played, Feed>;

fn begin(
    io: Played,
    method: &Method,
    lines: &[(&'static str, &'static str)],
    body: Feed,
) -> Tested {
    let mut connection = Connection::new(io, Rc::default());
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        headers.append(*name, HeaderValue::from_static(value));
    }
    let request = Request {
        method,
        target: &Uri::from_static("/"),
        host: &HeaderValue::from_static("h"),
        authorization: Authorization::Kept,
        headers: &headers,
        ready: &[],
    };
    connection.begin(&request, body);
    connection
}

fn is_ready(connection: &mut Tested) -> bool {
    connection.is_ready(&mut Context::from_waker(Waker::noop()))
}

fn heard(connection: &Tested) -> String {
    String::from_utf8(connection.0.borrow().io.heard.clone()).unwrap()
}

fn answer(connection: &mut Tested) -> Result<Response<()>, Error> {
    let mut cx = Context::from_waker(Waker::noop());
    // The first look may be left out.
    let answered = match connection.poll_answer(&mut cx) {
        Poll::Pending => connection.poll_answer(&mut cx),
        answered => answered,
    };
    match answered {
        Poll::Ready(answer) => answer,
        Poll::Pending => panic!("the other end says no more"),
    }
}

/// The body of the answer, and whether it came to its end.
fn body(connection: &mut Tested) -> (String, bool) {
    let mut data = Vec::new();
    for _ in 0..100_000 {
        match connection.poll_frame(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Some(Ok(frame))) => data.extend(frame.into_data().unwrap_or_default()),
            Poll::Ready(Some(Err(_))) => return (String::from_utf8(data).unwrap(), false),
            Poll::Ready(None) => return (String::from_utf8(data).unwrap(), true),
            // It gives others a turn before it tells of a failure.
            Poll::Pending => {}
        }
    }
    panic!("no end");
}

#[test]
fn an_answer_is_the_same_in_any_parts() {
    const OK: &str = "HTTP/1.1 200 OK\r\n";
    for (says, ends, text, whole, idle) in [
        ("content-length: 3\r\n\r\nabc", false, "abc", true, true),
        (
            "content-length: 3\r\n\r\nabcHTTP/1.1",
            false,
            "abc",
            true,
            false,
        ),
        ("content-length: 4\r\n\r\nabc", true, "abc", false, false),
        ("content-length: 0\r\n\r\n", false, "", true, true),
        (
            "connection: close\r\ncontent-length: 3\r\n\r\nabc",
            false,
            "abc",
            true,
            false,
        ),
        (
            "transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
            false,
            "abc",
            true,
            true,
        ),
        (
            "transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\nx",
            false,
            "abc",
            true,
            false,
        ),
        (
            "transfer-encoding: chunked\r\n\r\n3\r\nabc\r\nx",
            false,
            "abc",
            false,
            false,
        ),
        (
            "transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n",
            true,
            "abc",
            false,
            false,
        ),
        ("\r\nabc", true, "abc", true, false),
    ] {
        let says = format!("{OK}{says}");
        for part in 1..=says.len() {
            let io = Played::saying(says.as_bytes(), part, ends);
            let mut connection = begin(io, &Method::GET, &[], Feed::default());
            assert_eq!(answer(&mut connection).unwrap().status(), 200);
            assert_eq!(
                body(&mut connection),
                (text.into(), whole),
                "{says:?} by {part}"
            );
            let surplus = !connection.0.borrow().io.says.is_empty();
            assert_eq!(connection.is_idle() && !surplus, idle, "{says:?} by {part}");
            assert_eq!(is_ready(&mut connection), idle, "{says:?} by {part}");
        }
    }
}

#[test]
fn long_bodies_are_read_in_bulk() {
    let long = "x".repeat(1_000_000);
    for says in [
        format!("HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n{long}"),
        format!(
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nf4240\r\n{long}\r\n0\r\n\r\n"
        ),
    ] {
        let io = Played::saying(says.as_bytes(), usize::MAX, false);
        let mut connection = begin(io, &Method::GET, &[], Feed::default());
        answer(&mut connection).unwrap();
        assert_eq!(body(&mut connection), (long.clone(), true));
        assert!(connection.is_idle());
    }
}

#[test]
fn what_concerns_the_hop_goes_no_further() {
    let says = b"HTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.0 299 Odd\r\nConnection: Keep-Alive, x-own\r\n\
                 Keep-Alive: timeout=5\r\nX-Own: 1\r\nContent-Length: 2\r\n\r\nok";
    let mut connection = begin(
        Played::saying(says, 7, false),
        &Method::GET,
        &[],
        Feed::default(),
    );
    let head = answer(&mut connection).unwrap();
    assert_eq!(head.status(), 299);
    assert_eq!(head.version(), http::Version::HTTP_10);
    assert_eq!(
        head.extensions()
            .get::<hyper::ext::ReasonPhrase>()
            .unwrap()
            .as_bytes(),
        b"Odd"
    );
    // It names a header that is not ours to know, so it is left to who removes that.
    let names: Vec<_> = head.headers().keys().map(|name| name.as_str()).collect();
    assert_eq!(names, ["connection", "x-own", "content-length"]);
    body(&mut connection);
    assert!(connection.is_idle());
}

#[test]
fn an_answer_to_head_has_no_body() {
    for says in ["content-length: 5", "transfer-encoding: chunked", "x: y"] {
        let says = format!("HTTP/1.1 200 OK\r\n{says}\r\n\r\n");
        let io = Played::saying(says.as_bytes(), 1000, false);
        let mut connection = begin(io, &Method::HEAD, &[], Feed::default());
        answer(&mut connection).unwrap();
        assert!(connection.is_end() && connection.is_idle(), "{says}");
    }
}

#[test]
fn a_body_is_framed_as_its_head_says() {
    const SAYS: &[u8] = b"HTTP/1.1 204 No Content\r\n\r\n";
    let mut trailing = Feed::of(&["ab", "c"]);
    let trailers = HeaderMap::from_iter([(
        http::HeaderName::from_static("x-sum"),
        HeaderValue::from_static("1"),
    )]);
    trailing.frames.push_back(Frame::trailers(trailers));
    for (lines, feed, written) in [
        (
            &[("content-length", "3")][..],
            Feed::of(&["a", "bc"]),
            "abc",
        ),
        (
            &[],
            Feed::of(&["ab", "", "c"]),
            "2\r\nab\r\n1\r\nc\r\n0\r\n\r\n",
        ),
        (&[], trailing, "2\r\nab\r\n1\r\nc\r\n0\r\nx-sum: 1\r\n\r\n"),
    ] {
        let mut io = Played::saying(SAYS, 1000, false);
        io.hears = 3;
        let mut connection = begin(io, &Method::POST, lines, feed);
        answer(&mut connection).unwrap();
        let heard = heard(&connection);
        assert!(heard.ends_with(&format!("\r\n\r\n{written}")), "{heard:?}");
        assert!(connection.is_idle());
    }
}

#[test]
fn long_parts_are_not_copied_and_arrive_whole() {
    let long: &'static str = Box::leak("y".repeat(70_000).into_boxed_str());
    for (lines, hears) in [
        (&[][..], usize::MAX),
        (&[("content-length", "140001")], 999),
    ] {
        let mut io = Played::saying(b"HTTP/1.1 204 No Content\r\n\r\n", 1000, false);
        io.hears = hears;
        let mut connection = begin(io, &Method::POST, lines, Feed::of(&[long, "-", long]));
        answer(&mut connection).unwrap();
        let heard = heard(&connection);
        let sent = heard.split_once("\r\n\r\n").unwrap().1;
        let bytes = sent.matches(['y', '-']).count();
        assert_eq!(bytes, 140_001, "{lines:?}");
        assert!(connection.is_idle());
    }
}

#[test]
fn a_body_that_does_not_keep_its_word_is_the_clients_fault() {
    for feed in [Feed::of(&["ab"]), Feed::of(&["abcd"])] {
        let io = Played::saying(b"", 1, false);
        let mut connection = begin(io, &Method::POST, &[("content-length", "3")], feed);
        assert!(matches!(answer(&mut connection), Err(Error::Upload)));
        assert!(!connection.is_idle());
    }
}

#[test]
fn who_takes_no_more_may_still_have_answered() {
    let says = b"HTTP/1.1 413 Too Large\r\ncontent-length: 0\r\n\r\n";
    let mut io = Played::saying(says, 1000, false);
    io.breaks_after = 20;
    let mut connection = begin(io, &Method::POST, &[], Feed::of(&["abc"]));
    assert_eq!(answer(&mut connection).unwrap().status(), 413);
    assert!(connection.has_sent() && !connection.is_idle());
    let mut io = Played::saying(b"", 1, true);
    io.breaks_after = 0;
    let mut connection = begin(io, &Method::GET, &[], Feed::default());
    assert!(matches!(answer(&mut connection), Err(Error::Closed)));
    assert!(!connection.has_sent());
}

#[tokio::test]
async fn an_upload_goes_on_behind_an_early_answer() {
    let says = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
    let mut feed = Feed::of(&["abc"]);
    feed.waits = true;
    let mut connection = begin(Played::saying(says, 1000, false), &Method::POST, &[], feed);
    answer(&mut connection).unwrap();
    assert!(heard(&connection).ends_with("3\r\nabc\r\n"));
    let rest = connection.detach_upload().expect("there is more to come");
    assert_eq!(body(&mut connection), ("ok".into(), true));
    assert!(!connection.is_idle(), "it is still in use");
    connection.0.borrow_mut().sending.feed().waits = false;
    rest.await;
    assert!(heard(&connection).ends_with("3\r\nabc\r\n0\r\n\r\n"));
    assert!(connection.detach_upload().is_none());
}

#[test]
fn a_second_request_finds_nothing_of_the_first() {
    let says = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokHTTP/1.1 404 No\r\ncontent-length: 0\r\n\r\n";
    let io = Played::saying(&says[..40], 1000, false);
    let mut connection = begin(io, &Method::POST, &[], Feed::of(&["abc"]));
    answer(&mut connection).unwrap();
    body(&mut connection);
    assert!(is_ready(&mut connection));
    connection.0.borrow_mut().io.says.extend(&says[40..]);
    let request = Request {
        method: &Method::GET,
        target: &Uri::from_static("/2"),
        host: &HeaderValue::from_static("h"),
        authorization: Authorization::Kept,
        headers: &HeaderMap::new(),
        ready: &[],
    };
    connection.begin(&request, Feed::default());
    assert_eq!(answer(&mut connection).unwrap().status(), 404);
    assert!(heard(&connection).ends_with("0\r\n\r\nGET /2 HTTP/1.1\r\nhost: h\r\n\r\n"));
    assert!(connection.is_end() && connection.is_idle());
}
