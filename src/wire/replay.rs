//! A request body that can be sent a second time. While the first try streams it, the chunks are
//! kept by reference up to a limit; a second try sends the kept ones and goes on where the client
//! is. Past the limit the kept chunks are let go and the body is streamed once, never refused.

use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};

/// A chunk of this size costs about as much for being kept as it has bytes.
const SMALL_CHUNK: usize = 64;
/// As many are kept whatever the limit.
const FEW_CHUNKS: usize = 16;

/// Holds a body for several tries, one at a time.
#[derive(Debug)]
pub struct Replay<B>(Rc<RefCell<Source<B>>>);

#[derive(Debug)]
struct Source<B> {
    inner: B,
    kept: Vec<Bytes>,
    kept_bytes: usize,
    limit: usize,
    overflowed: bool,
    trailers: Option<HeaderMap>,
    ended: bool,
    /// The try that may read. An older handle that is still around must not take chunks away.
    current: u32,
}

impl<B: Body<Data = Bytes> + Unpin> Replay<B> {
    /// Keeps up to `limit` bytes of `inner`.
    pub fn new(inner: B, limit: usize) -> Self {
        // A body that says it is too long is not kept from the start.
        let overflowed = inner.size_hint().lower() > limit as u64;
        let ended = inner.is_end_stream();
        Self(Rc::new(RefCell::new(Source {
            inner,
            kept: Vec::new(),
            kept_bytes: 0,
            limit,
            overflowed,
            trailers: None,
            ended,
            current: 0,
        })))
    }

    /// Whether a further try would send the same body.
    pub fn is_replayable(&self) -> bool {
        !self.0.borrow().overflowed
    }

    /// Somebody has read all of it that has come so far, and this is it. Further tries send that first;
    /// whatever comes after it is kept as always.
    pub fn hold(&self, read: Bytes) {
        let mut source = self.0.borrow_mut();
        source.current += 1;
        source.kept_bytes = read.len();
        source.kept = Some(read)
            .filter(|read| !read.is_empty())
            .into_iter()
            .collect();
        source.overflowed = false;
    }

    /// The body for the next try. Handles of earlier tries end in an error from now on.
    pub fn next_try(&self) -> ReplayBody<B> {
        let mut source = self.0.borrow_mut();
        source.current += 1;
        ReplayBody {
            source: Rc::clone(&self.0),
            turn: source.current,
            sent: 0,
            trailers_sent: false,
        }
    }
}

/// The body of one try.
#[derive(Debug)]
pub struct ReplayBody<B> {
    source: Rc<RefCell<Source<B>>>,
    turn: u32,
    sent: usize,
    trailers_sent: bool,
}

/// Why a body handle ended early.
#[derive(Debug)]
pub enum ReplayError<E> {
    /// The client's body failed.
    Client(E),
    /// It is larger than the route allows.
    TooLarge,
    /// A later try has taken over.
    Superseded,
}

impl<E: std::fmt::Display> std::fmt::Display for ReplayError<E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Client(error) => write!(f, "the client's body failed: {error}"),
            Self::TooLarge => f.write_str("the body is larger than the route allows"),
            Self::Superseded => f.write_str("a later try has taken over"),
        }
    }
}

impl<E: std::error::Error + 'static> std::error::Error for ReplayError<E> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Client(error) => Some(error),
            Self::TooLarge | Self::Superseded => None,
        }
    }
}

/// The next frame of a body, as `poll_frame` gives it.
type Pulled<E> = Poll<Option<Result<Frame<Bytes>, ReplayError<E>>>>;

impl<B: Body<Data = Bytes> + Unpin> Source<B> {
    fn keep(&mut self, chunk: &Bytes) {
        if self.overflowed {
            return;
        }
        // Many small ones would need more for being kept than they have bytes.
        let too_many = self.kept.len() >= FEW_CHUNKS + self.limit / SMALL_CHUNK;
        if too_many || self.kept_bytes + chunk.len() > self.limit {
            self.overflowed = true;
            self.kept = Vec::new();
            return;
        }
        self.kept_bytes += chunk.len();
        self.kept.push(chunk.clone());
    }

    fn pull(&mut self, cx: &mut Context<'_>) -> Pulled<B::Error> {
        match std::task::ready!(Pin::new(&mut self.inner).poll_frame(cx)) {
            None => {
                self.ended = true;
                Poll::Ready(None)
            }
            Some(Err(error)) => {
                // What is missing cannot be sent again either.
                self.overflowed = true;
                self.ended = true;
                Poll::Ready(Some(Err(ReplayError::Client(error))))
            }
            Some(Ok(frame)) => {
                if let Some(chunk) = frame.data_ref() {
                    self.keep(chunk);
                } else if let Some(trailers) = frame.trailers_ref() {
                    self.trailers = Some(trailers.clone());
                }
                self.ended = self.inner.is_end_stream();
                Poll::Ready(Some(Ok(frame)))
            }
        }
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for ReplayBody<B> {
    type Data = Bytes;
    type Error = ReplayError<B::Error>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = &mut *self;
        let mut source = this.source.borrow_mut();
        if source.current != this.turn {
            return Poll::Ready(Some(Err(ReplayError::Superseded)));
        }
        if let Some(chunk) = source.kept.get(this.sent) {
            let chunk = chunk.clone();
            this.sent += 1;
            return Poll::Ready(Some(Ok(Frame::data(chunk))));
        }
        if source.ended {
            if let (Some(trailers), false) = (&source.trailers, this.trailers_sent) {
                this.trailers_sent = true;
                return Poll::Ready(Some(Ok(Frame::trailers(trailers.clone()))));
            }
            return Poll::Ready(None);
        }
        let frame = std::task::ready!(source.pull(cx));
        match &frame {
            Some(Ok(frame)) if frame.is_data() => this.sent = source.kept.len(),
            Some(Ok(_)) => this.trailers_sent = true,
            _ => {}
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        let source = self.source.borrow();
        source.ended
            && self.sent >= source.kept.len()
            && (self.trailers_sent || source.trailers.is_none())
    }

    fn size_hint(&self) -> SizeHint {
        let source = self.source.borrow();
        let waiting: u64 = source
            .kept
            .get(self.sent..)
            .unwrap_or_default()
            .iter()
            .map(|chunk| chunk.len() as u64)
            .sum();
        let rest = source.inner.size_hint();
        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower() + waiting);
        if let Some(upper) = rest.upper() {
            hint.set_upper(upper + waiting);
        }
        hint
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::VecDeque;
    use std::convert::Infallible;
    use std::task::Waker;

    /// A body that yields what it is given and is then pending until told to end.
    #[derive(Debug)]
    struct Feed(VecDeque<Frame<Bytes>>);

    impl Body for Feed {
        type Data = Bytes;
        type Error = Infallible;
        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            Poll::Ready(self.0.pop_front().map(Ok))
        }
    }

    fn feed(chunks: &[&'static str]) -> Feed {
        Feed(
            chunks
                .iter()
                .map(|chunk| Frame::data(Bytes::from_static(chunk.as_bytes())))
                .collect(),
        )
    }

    fn next<B: Body<Data = Bytes> + Unpin>(body: &mut B) -> Option<Result<Frame<Bytes>, B::Error>> {
        let mut cx = Context::from_waker(Waker::noop());
        match Pin::new(body).poll_frame(&mut cx) {
            Poll::Ready(frame) => frame,
            Poll::Pending => panic!("the feed never waits"),
        }
    }

    fn read<B: Body<Data = Bytes> + Unpin>(body: &mut B) -> String
    where
        B::Error: std::fmt::Debug,
    {
        let mut text = String::new();
        while let Some(frame) = next(body) {
            if let Ok(data) = frame.unwrap().into_data() {
                text.push_str(std::str::from_utf8(&data).unwrap());
            }
        }
        text
    }

    #[test]
    fn a_second_try_sends_every_byte_once_wherever_the_first_stopped() {
        for stop in 0..=3 {
            let replay = Replay::new(feed(&["one ", "two ", "three"]), 100);
            let mut first = replay.next_try();
            for _ in 0..stop {
                next(&mut first);
            }
            let mut second = replay.next_try();
            assert_eq!(read(&mut second), "one two three", "stopped after {stop}");
            assert!(second.is_end_stream());
            assert!(matches!(
                next(&mut first),
                Some(Err(ReplayError::Superseded))
            ));
            assert_eq!(read(&mut replay.next_try()), "one two three");
        }
    }

    #[test]
    fn past_the_limit_it_streams_once_and_says_so() {
        let replay = Replay::new(feed(&["1234", "5678", "9"]), 6);
        assert!(replay.is_replayable());
        let mut body = replay.next_try();
        assert_eq!(read(&mut body), "123456789");
        assert!(!replay.is_replayable());
        assert!(replay.0.borrow().kept.is_empty());
    }

    #[test]
    fn many_small_chunks_are_not_kept() {
        let dribble = vec!["x"; 200];
        let replay = Replay::new(feed(&dribble), 10_000);
        assert_eq!(read(&mut replay.next_try()).len(), 200);
        assert!(!replay.is_replayable(), "172 would have been kept");
        let replay = Replay::new(feed(&dribble[..150]), 10_000);
        assert_eq!(read(&mut replay.next_try()).len(), 150);
        assert!(replay.is_replayable());
    }

    #[test]
    fn what_was_read_by_somebody_else_is_sent_first() {
        for limit in [0, 100] {
            let replay = Replay::new(feed(&["one ", "two ", "three"]), limit);
            let mut first = replay.next_try();
            let mut held = Vec::new();
            for _ in 0..2 {
                held.extend(next(&mut first).unwrap().unwrap().into_data().unwrap());
            }
            replay.hold(held.into());
            assert!(replay.is_replayable());
            assert!(matches!(
                next(&mut first),
                Some(Err(ReplayError::Superseded))
            ));
            assert_eq!(read(&mut replay.next_try()), "one two three", "{limit}");
            assert_eq!(replay.is_replayable(), limit == 100);
        }
    }

    #[test]
    fn trailers_come_again() {
        let mut source = feed(&["x"]);
        let mut trailers = HeaderMap::new();
        trailers.insert("x-sum", http::HeaderValue::from_static("1"));
        source.0.push_back(Frame::trailers(trailers.clone()));
        let replay = Replay::new(source, 10);
        for _ in 0..2 {
            let mut body = replay.next_try();
            assert!(next(&mut body).unwrap().unwrap().is_data());
            let last = next(&mut body).unwrap().unwrap();
            assert_eq!(last.trailers_ref(), Some(&trailers));
            assert!(next(&mut body).is_none());
        }
    }
}
