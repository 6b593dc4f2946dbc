//! HTTP/2 by the byte: frames and header blocks that no library would send. Header fields are
//! literals without any compression, so that they say what they are told to say.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::soon;

pub(crate) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const PRIORITY: u8 = 2;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PUSH_PROMISE: u8 = 5;
pub(crate) const PING: u8 = 6;
pub(crate) const GOAWAY: u8 = 7;
pub(crate) const WINDOW_UPDATE: u8 = 8;
pub(crate) const CONTINUATION: u8 = 9;

pub(crate) const END_STREAM: u8 = 1;
pub(crate) const ACK: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;
pub(crate) const PADDED: u8 = 8;
pub(crate) const WITH_PRIORITY: u8 = 0x20;

/// One frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    pub(crate) stream: u32,
    pub(crate) payload: Vec<u8>,
}

impl Frame {
    /// The error code of a RST_STREAM or GOAWAY.
    pub(crate) fn code(&self) -> u32 {
        let at = if self.kind == GOAWAY { 4 } else { 0 };
        u32::from_be_bytes(self.payload[at..at + 4].try_into().unwrap())
    }
}

/// The bytes of a frame.
pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut bytes = length[1..].to_vec();
    bytes.extend([kind, flags]);
    bytes.extend(stream.to_be_bytes());
    bytes.extend_from_slice(payload);
    bytes
}

/// An integer of HPACK with a prefix of 7 bits and nothing before it.
fn length(len: usize, bytes: &mut Vec<u8>) {
    if len < 127 {
        bytes.push(u8::try_from(len).unwrap());
        return;
    }
    bytes.push(127);
    let mut rest = len - 127;
    while rest >= 128 {
        bytes.push(u8::try_from(rest % 128).unwrap() | 128);
        rest /= 128;
    }
    bytes.push(u8::try_from(rest).unwrap());
}

/// A field as a literal that is not indexed.
pub(crate) fn field(name: &[u8], value: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0];
    length(name.len(), &mut bytes);
    bytes.extend_from_slice(name);
    length(value.len(), &mut bytes);
    bytes.extend_from_slice(value);
    bytes
}

/// A block of such fields.
pub(crate) fn block(fields: &[(&str, &str)]) -> Vec<u8> {
    let fields = fields.iter();
    fields
        .flat_map(|(name, value)| field(name.as_bytes(), value.as_bytes()))
        .collect()
}

/// The head of a plain GET.
pub(crate) fn get(path: &str) -> Vec<u8> {
    block(&[
        (":method", "GET"),
        (":scheme", "http"),
        (":authority", "test"),
        (":path", path),
    ])
}

/// A GET in one frame.
pub(crate) fn get_frame(stream: u32, path: &str) -> Vec<u8> {
    frame(HEADERS, END_HEADERS | END_STREAM, stream, &get(path))
}

/// The status in a header block of a response: `:status` comes first, and no earlier block on the
/// connection may have had a status that is not in HPACK's own table.
pub(crate) fn status(block: &[u8]) -> u16 {
    // Changes of the table's size may stand before it.
    let block = block
        .iter()
        .position(|byte| byte & 0xe0 != 0x20)
        .map_or(block, |at| &block[at..]);
    let known = [200, 204, 206, 304, 400, 404, 500];
    match block[0] {
        index @ 0x88..=0x8e => known[usize::from(index - 0x88)],
        0x48 | 0x08 | 0x18 if block[1] & 0x80 == 0 => {
            std::str::from_utf8(&block[2..5]).unwrap().parse().unwrap()
        }
        0x48 | 0x08 | 0x18 => digits(&block[2..2 + usize::from(block[1] & 0x7f)]),
        other => panic!("no status: {other:x}"),
    }
}

/// Decimal digits in HPACK's Huffman code: five bits for 0 to 2, six for the others.
fn digits(bytes: &[u8]) -> u16 {
    let bits: Vec<u16> = bytes
        .iter()
        .flat_map(|byte| (0..8).rev().map(move |bit| u16::from(byte >> bit & 1)))
        .collect();
    let take = |from: usize, count: usize| {
        bits[from..from + count]
            .iter()
            .fold(0, |number, bit| number * 2 + bit)
    };
    let (mut number, mut at) = (0, 0);
    for _ in 0..3 {
        let (digit, width) = match take(at, 5) {
            digit @ 0..=2 => (digit, 5),
            _ => (take(at, 6) - 0b01_1001 + 3, 6),
        };
        number = number * 10 + digit;
        at += width;
    }
    number
}

/// One connection.
#[derive(Debug)]
pub(crate) struct Wire {
    stream: TcpStream,
    held: Vec<u8>,
}

impl Wire {
    /// Connects, and says nothing yet.
    pub(crate) async fn silent(address: SocketAddr) -> Self {
        let stream = soon("connect", TcpStream::connect(address)).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self {
            stream,
            held: Vec::new(),
        }
    }

    /// Connects and greets.
    pub(crate) async fn open(address: SocketAddr) -> Self {
        let mut wire = Self::silent(address).await;
        wire.send(PREFACE).await;
        wire.send(&frame(SETTINGS, 0, 0, &[])).await;
        wire.send(&frame(SETTINGS, ACK, 0, &[])).await;
        wire
    }

    /// Sends; the other end may have had enough already.
    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes).await;
    }

    /// The next frame; `None` at the end of the connection.
    pub(crate) async fn next(&mut self) -> Option<Frame> {
        loop {
            if let Some(frame) = self.take() {
                return Some(frame);
            }
            match soon("a frame", self.stream.read_buf(&mut self.held)).await {
                Ok(0) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    /// The next frame, if it comes within a time.
    pub(crate) async fn next_within(&mut self, limit: Duration) -> Option<Frame> {
        tokio::time::timeout(limit, self.next())
            .await
            .ok()
            .flatten()
    }

    fn take(&mut self) -> Option<Frame> {
        let head = self.held.get(..9)?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let end = 9 + usize::try_from(length).unwrap();
        let payload = self.held.get(9..end)?.to_vec();
        let frame = Frame {
            kind: head[3],
            flags: head[4],
            stream: u32::from_be_bytes(head[5..9].try_into().unwrap()) & 0x7fff_ffff,
            payload,
        };
        self.held.drain(..end);
        Some(frame)
    }
}
