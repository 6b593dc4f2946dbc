//! HTTP/2 as bytes, written apart from the engine under test: a client that keeps to no rule.

use std::net::SocketAddr;

use crate::support::client::Client;
use crate::support::house::House;

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PING: u8 = 6;
pub(crate) const GOAWAY: u8 = 7;
pub(crate) const WINDOW_UPDATE: u8 = 8;
pub(crate) const CONTINUATION: u8 = 9;
pub(crate) const END_STREAM: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;
const ACK: u8 = 1;

/// The bytes of a frame.
pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut bytes = (payload.len() as u32).to_be_bytes()[1..].to_vec();
    bytes.extend([kind, flags]);
    bytes.extend(stream.to_be_bytes());
    bytes.extend(payload);
    bytes
}

/// A header without compression: a literal that is not remembered.
pub(crate) fn header(name: &str, value: &str) -> Vec<u8> {
    let mut bytes = vec![0];
    for text in [name, value] {
        // An integer with a prefix of seven bits.
        let mut rest = text.len();
        if rest < 127 {
            bytes.push(rest as u8);
        } else {
            bytes.push(127);
            rest -= 127;
            while rest >= 128 {
                bytes.push((rest % 128) as u8 | 128);
                rest /= 128;
            }
            bytes.push(rest as u8);
        }
        bytes.extend(text.as_bytes());
    }
    bytes
}

/// The header block of a request.
pub(crate) fn block(method: &str, target: &str) -> Vec<u8> {
    let fields = [
        (":method", method),
        (":scheme", "http"),
        (":authority", "a"),
        (":path", target),
    ];
    fields
        .iter()
        .flat_map(|(name, value)| header(name, value))
        .collect()
}

/// One connection.
pub(crate) struct Frames(pub(crate) Client);

/// What came.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    pub(crate) stream: u32,
    pub(crate) payload: Vec<u8>,
}

impl Frames {
    /// With this many bytes that each stream may send at first.
    pub(crate) async fn open(house: &House, window: u32) -> Self {
        Self::at(house.app.http, window).await
    }

    async fn at(address: SocketAddr, window: u32) -> Self {
        let mut client = Client::new(address).await;
        let mut first = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
        let mut settings = vec![0, 4];
        settings.extend(window.to_be_bytes());
        first.extend(frame(SETTINGS, 0, 0, &settings));
        client.send(first).await;
        let mut frames = Self(client);
        // Its settings, and that it has ours.
        while frames
            .next()
            .await
            .is_some_and(|frame| !(frame.kind == SETTINGS && frame.flags == ACK))
        {}
        frames.0.send(frame(SETTINGS, ACK, 0, &[])).await;
        frames
    }

    /// The next frame; `None` at the end.
    pub(crate) async fn next(&mut self) -> Option<Frame> {
        let head = self.0.take(9).await?;
        let len = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
        let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
        Some(Frame {
            kind: head[3],
            flags: head[4],
            stream,
            payload: self.0.take(len).await?,
        })
    }

    pub(crate) async fn send(&mut self, bytes: Vec<u8>) {
        self.0.send(bytes).await;
    }

    pub(crate) async fn get(&mut self, stream: u32, target: &str) {
        let block = block("GET", target);
        self.send(frame(HEADERS, END_STREAM | END_HEADERS, stream, &block))
            .await;
    }

    /// Reads to the end, and gives the error code of the last GOAWAY, if there was one.
    pub(crate) async fn goaway(&mut self) -> Option<u32> {
        let mut code = None;
        while let Some(frame) = self.next().await {
            if frame.kind == GOAWAY {
                code = Some(u32::from_be_bytes(frame.payload[4..8].try_into().unwrap()));
            }
        }
        code
    }

    /// The first frame on a stream of these kinds.
    pub(crate) async fn first_of(&mut self, stream: u32, kinds: &[u8]) -> Option<Frame> {
        while let Some(frame) = self.next().await {
            if frame.stream == stream && kinds.contains(&frame.kind) {
                return Some(frame);
            }
        }
        None
    }
}
