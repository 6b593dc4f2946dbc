//! What two houses say to each other when one takes the other's place: lines of text over a Unix
//! socket, some with an open socket attached. The words are a promise, since the two may be of
//! different versions.

use std::collections::VecDeque;
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};
use tokio::io::Interest;
use tokio::net::UnixStream;
use tokio::time::timeout;

/// A line is waited for this long.
const PATIENCE: Duration = Duration::from_secs(20);
const LONGEST: usize = 1024;

/// The successor asks for the sockets.
pub(super) const GIVE: &str = "figshift 1 give";
/// A socket is attached; its name follows.
pub(super) const SOCKET: &str = "socket ";
/// There are no more sockets.
pub(super) const ALL: &str = "all";
/// The successor is about to open the journal.
pub(super) const HOLD_STILL: &str = "hold still";
/// The journal is let go.
pub(super) const STILL: &str = "still";
/// The successor serves.
pub(super) const SERVING: &str = "serving";
/// The old one lets nobody in any more.
pub(super) const YOURS: &str = "yours";

/// Where a house listens for its successor.
pub(super) fn place(state_dir: &Path) -> PathBuf {
    state_dir.join("handover.sock")
}

/// A connection between the two.
#[derive(Debug)]
pub(super) struct Line {
    stream: UnixStream,
    text: Vec<u8>,
    sockets: VecDeque<OwnedFd>,
}

impl Line {
    pub(super) fn new(stream: UnixStream) -> Self {
        Self {
            stream,
            text: Vec::new(),
            sockets: VecDeque::new(),
        }
    }

    /// The process at the other end, for the log.
    pub(super) fn pid(&self) -> Option<i32> {
        self.stream.peer_cred().ok()?.pid()
    }

    pub(super) async fn say(&self, text: &str) -> io::Result<()> {
        self.send(text, None).await
    }

    /// Says something and gives a socket with it.
    pub(super) async fn give(&self, text: &str, socket: BorrowedFd<'_>) -> io::Result<()> {
        self.send(text, Some(socket)).await
    }

    async fn send(&self, text: &str, socket: Option<BorrowedFd<'_>>) -> io::Result<()> {
        let line = format!("{text}\n");
        let mut rest = line.as_bytes();
        let mut socket = socket;
        while !rest.is_empty() {
            let attached: Vec<BorrowedFd<'_>> = socket.into_iter().collect();
            let send = || {
                let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
                let mut control = SendAncillaryBuffer::new(&mut space);
                if !attached.is_empty() {
                    control.push(SendAncillaryMessage::ScmRights(&attached));
                }
                let parts = [IoSlice::new(rest)];
                let sent = sendmsg(
                    self.stream.as_fd(),
                    &parts,
                    &mut control,
                    SendFlags::NOSIGNAL,
                );
                sent.map_err(io::Error::from)
            };
            let sending = self.stream.async_io(Interest::WRITABLE, send);
            let sent = timeout(PATIENCE, sending).await??;
            rest = rest.get(sent..).unwrap_or_default();
            // It went with the first bytes.
            socket = None;
        }
        Ok(())
    }

    /// What the other one says next.
    ///
    /// # Errors
    ///
    /// It is gone, or silent for too long.
    pub(super) async fn hear(&mut self) -> io::Result<String> {
        timeout(PATIENCE, self.line()).await?
    }

    /// The socket that came with what was heard.
    pub(super) fn socket(&mut self) -> io::Result<OwnedFd> {
        let missing = || io::Error::new(io::ErrorKind::InvalidData, "a socket is missing");
        self.sockets.pop_front().ok_or_else(missing)
    }

    async fn line(&mut self) -> io::Result<String> {
        loop {
            if let Some(end) = self.text.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.text.drain(..=end).collect();
                return Ok(String::from_utf8_lossy(&line).trim_end().to_owned());
            }
            if self.text.len() > LONGEST {
                return Err(io::ErrorKind::InvalidData.into());
            }
            self.more().await?;
        }
    }

    async fn more(&mut self) -> io::Result<()> {
        let (text, sockets) = (&mut self.text, &mut self.sockets);
        let stream = &self.stream;
        let receive = || {
            let mut bytes = [0; 256];
            // Sockets that came with different lines are never received at once.
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
            let mut control = RecvAncillaryBuffer::new(&mut space);
            let mut parts = [IoSliceMut::new(&mut bytes)];
            let flags = RecvFlags::CMSG_CLOEXEC;
            let got = recvmsg(stream.as_fd(), &mut parts, &mut control, flags)?;
            for message in control.drain() {
                if let RecvAncillaryMessage::ScmRights(received) = message {
                    sockets.extend(received);
                }
            }
            text.extend_from_slice(bytes.get(..got.bytes).unwrap_or_default());
            Ok(got.bytes)
        };
        match stream.async_io(Interest::READABLE, receive).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }
}

/// What was heard is not what had to come.
pub(super) fn unexpected(heard: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("it says `{heard}`"))
}
