//! From an accepted socket to a connection whose protocol is known. HTTP/2 without TLS is known by
//! its preface (RFC 9113, 3.4), which begins like a request of a method that nobody has.

use std::io;

use bytes::Bytes;
use tokio::net::TcpStream;

use super::stream::Stream;

/// What a client with prior knowledge of HTTP/2 sends first.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Most requests fit, and come with one read.
const FIRST_READ: usize = 2048;

/// A protocol that a connection speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spoken {
    Http1,
    Http2,
}

/// Waits for the first bytes, which say what the client speaks.
///
/// # Errors
///
/// The connection broke, or ended without a byte.
///
/// # Cancel safety
///
/// Dropping it closes the connection.
pub(super) async fn greet(socket: TcpStream) -> io::Result<(Stream, Spoken)> {
    let mut ahead = Vec::new();
    let spoken = loop {
        // An idle connection has no buffer.
        socket.readable().await?;
        ahead.reserve_exact(FIRST_READ);
        match socket.try_read_buf(&mut ahead) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
            Err(error) => return Err(error),
        }
        if let Some(spoken) = recognise(&ahead) {
            break spoken;
        }
    };
    Ok((Stream::plain(socket).with_ahead(Bytes::from(ahead)), spoken))
}

/// `None` while it may still become either.
fn recognise(first: &[u8]) -> Option<Spoken> {
    if first.starts_with(PREFACE) {
        Some(Spoken::Http2)
    } else if PREFACE.starts_with(first) {
        None
    } else {
        Some(Spoken::Http1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preface_is_known_when_it_is_whole_and_a_request_by_its_first_other_byte() {
        let whole = [PREFACE, b"\0\0\0\x04"].concat();
        for len in 0..PREFACE.len() {
            assert_eq!(recognise(&whole[..len]), None, "{len}");
        }
        assert_eq!(recognise(PREFACE), Some(Spoken::Http2));
        assert_eq!(recognise(&whole), Some(Spoken::Http2));
        for request in [
            "G",
            "PO",
            "PRO",
            "PRI /",
            "PRI * HTTP/1.1\r\n",
            "\r\n",
            "\x16\x03",
        ] {
            assert_eq!(
                recognise(request.as_bytes()),
                Some(Spoken::Http1),
                "{request}"
            );
        }
    }
}
