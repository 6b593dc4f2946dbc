//! The least client that can measure: one blocking keep-alive connection, requests made
//! beforehand, answers of a known length. Its own cost is in both twins and cancels out.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

pub(crate) struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Client {
    pub(crate) fn new(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        Self {
            stream,
            buffer: vec![0; 256 * 1024],
        }
    }

    pub(crate) fn send(&mut self, request: &[u8]) {
        self.stream.write_all(request).unwrap();
    }

    /// Reads one answer whose body has this length.
    pub(crate) fn read(&mut self, body: usize) {
        let mut have = 0;
        let head = loop {
            let got = self.stream.read(&mut self.buffer[have..]).unwrap();
            assert!(got > 0, "the other end has left");
            have += got;
            if let Some(head) = head_len(&self.buffer[..have]) {
                break head;
            }
        };
        assert!(self.buffer.starts_with(b"HTTP/1.1 200 "), "not a 200");
        let mut missing = (head + body).checked_sub(have).expect("one answer");
        while missing > 0 {
            let most = missing.min(self.buffer.len());
            let got = self.stream.read(&mut self.buffer[..most]).unwrap();
            assert!(got > 0, "the other end has left");
            missing -= got;
        }
    }
}

/// The length of the head with its empty line, once it is whole.
pub(crate) fn head_len(bytes: &[u8]) -> Option<usize> {
    let end = bytes.windows(4).position(|mark| mark == b"\r\n\r\n")?;
    Some(end + 4)
}
