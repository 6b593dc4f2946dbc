//! The socket of an HTTP/1.1 client, with an eye on the framing of what comes: what a strict reader
//! would not take is refused at its head, and a body that is flawed breaks off there.

use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::client::Client;
use super::stream::Stream;
use crate::wire::Framing;

/// See the module.
#[derive(Debug)]
pub(super) struct Framed {
    stream: Stream,
    framing: Framing,
    client: Rc<Client>,
    /// Nothing more is read.
    broken: bool,
}

impl Framed {
    pub(super) fn new(stream: Stream, client: Rc<Client>) -> Self {
        Self {
            stream,
            framing: Framing::default(),
            client,
            broken: false,
        }
    }

    /// Waits until there is something to read, or the end, without a buffer for it.
    ///
    /// # Errors
    ///
    /// The socket broke.
    pub(super) fn poll_silence(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream.poll_silence(cx)
    }

    /// The socket, for what is no HTTP any more.
    pub(super) fn into_stream(self) -> Stream {
        self.stream
    }
}

impl AsyncRead for Framed {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.broken {
            return Poll::Ready(Err(io::ErrorKind::InvalidData.into()));
        }
        let before = buf.filled().len();
        ready!(Pin::new(&mut this.stream).poll_read(cx, buf))?;
        let came = buf.filled().get(before..).unwrap_or_default();
        let sound = this.framing.follow(came);
        this.broken = sound < came.len();
        if let Some((heads, flaw)) = this.framing.flaw() {
            this.client.is_flawed_after(heads, flaw);
        }
        this.client.has_sent_whole(this.framing.is_between());
        buf.set_filled(before + sound);
        // Without a byte it would look like the end.
        if this.broken && sound == 0 {
            return Poll::Ready(Err(io::ErrorKind::InvalidData.into()));
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Framed {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
