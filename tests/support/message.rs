//! Reading HTTP/1.1 messages off a socket with their exact framing. Written apart from the engine
//! under test, so that both do not share a mistake.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt};

/// A head: its first line and its header lines in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) first: String,
    /// Names as they came.
    pub(crate) lines: Vec<(String, String)>,
}

impl Head {
    pub(crate) fn parse(text: &str) -> Self {
        let mut lines = text.split("\r\n");
        let first = lines.next().unwrap_or_default().to_owned();
        let lines = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
            .collect();
        Self { first, lines }
    }

    /// The first value of a header.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.all(name).first().copied()
    }

    /// All values of a header.
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        self.lines
            .iter()
            .filter(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
            .collect()
    }

    pub(crate) fn is_chunked(&self) -> bool {
        self.get("transfer-encoding")
            .is_some_and(|coding| coding.eq_ignore_ascii_case("chunked"))
    }

    pub(crate) fn content_length(&self) -> Option<usize> {
        self.get("content-length")?.parse().ok()
    }
}

/// Bytes from a socket, kept until they are taken.
#[derive(Debug, Default)]
pub(crate) struct Bytes {
    held: Vec<u8>,
    taken: usize,
}

impl Bytes {
    /// What has come and was not taken.
    pub(crate) fn rest(&self) -> &[u8] {
        &self.held[self.taken..]
    }

    /// The same, taken.
    pub(crate) fn take_rest(&mut self) -> Vec<u8> {
        self.take(self.rest().len())
    }

    /// Waits for more; `false` at the end of the stream.
    pub(crate) async fn more(&mut self, from: &mut (impl AsyncRead + Unpin)) -> io::Result<bool> {
        if self.taken > 0 {
            self.held.drain(..self.taken);
            self.taken = 0;
        }
        self.held.reserve(64 * 1024);
        Ok(from.read_buf(&mut self.held).await? > 0)
    }

    fn take(&mut self, len: usize) -> Vec<u8> {
        let bytes = self.rest()[..len].to_vec();
        self.taken += len;
        bytes
    }

    /// Everything up to and with a mark; `None` when the stream ends before it.
    pub(crate) async fn until(
        &mut self,
        mark: &[u8],
        from: &mut (impl AsyncRead + Unpin),
    ) -> io::Result<Option<Vec<u8>>> {
        let mut looked = 0;
        loop {
            let found = self.rest()[looked..]
                .windows(mark.len())
                .position(|part| part == mark);
            if let Some(at) = found {
                return Ok(Some(self.take(looked + at + mark.len())));
            }
            looked = self.rest().len().saturating_sub(mark.len() - 1);
            if !self.more(from).await? {
                return Ok(None);
            }
        }
    }

    /// A head; `None` when the stream ends before it is whole.
    pub(crate) async fn head(
        &mut self,
        from: &mut (impl AsyncRead + Unpin),
    ) -> io::Result<Option<Head>> {
        let bytes = self.until(b"\r\n\r\n", from).await?;
        Ok(
            bytes
                .map(|bytes| Head::parse(String::from_utf8_lossy(&bytes).trim_end_matches("\r\n"))),
        )
    }

    /// That many bytes, or as many as come; whether all came.
    pub(crate) async fn exactly(
        &mut self,
        len: usize,
        into: &mut Vec<u8>,
        from: &mut (impl AsyncRead + Unpin),
    ) -> io::Result<bool> {
        let mut missing = len;
        loop {
            let part = missing.min(self.rest().len());
            into.extend(self.take(part));
            missing -= part;
            if missing == 0 {
                return Ok(true);
            }
            if !self.more(from).await? {
                return Ok(false);
            }
        }
    }

    /// A chunked body with its trailers; `None` for those when the body was cut.
    pub(crate) async fn chunked(
        &mut self,
        into: &mut Vec<u8>,
        from: &mut (impl AsyncRead + Unpin),
    ) -> io::Result<Option<Head>> {
        loop {
            let Some(line) = self.until(b"\r\n", from).await? else {
                return Ok(None);
            };
            let text = String::from_utf8_lossy(&line);
            let size = text.trim_end().split(';').next().unwrap_or_default();
            let Ok(size) = usize::from_str_radix(size, 16) else {
                return Err(io::Error::other(format!("no chunk size: {text:?}")));
            };
            if size == 0 {
                break;
            }
            if !self.exactly(size, into, from).await? {
                return Ok(None);
            }
            if self.until(b"\r\n", from).await? != Some(b"\r\n".to_vec()) {
                return Ok(None);
            }
        }
        let mut trailers = String::from("trailers");
        loop {
            let Some(line) = self.until(b"\r\n", from).await? else {
                return Ok(None);
            };
            if line == b"\r\n" {
                return Ok(Some(Head::parse(&trailers)));
            }
            trailers.push_str("\r\n");
            trailers.push_str(String::from_utf8_lossy(&line).trim_end());
        }
    }

    /// Everything until the stream ends.
    pub(crate) async fn rest_until_end(
        &mut self,
        into: &mut Vec<u8>,
        from: &mut (impl AsyncRead + Unpin),
    ) -> io::Result<()> {
        loop {
            into.extend(self.take(self.rest().len()));
            if !self.more(from).await? {
                return Ok(());
            }
        }
    }
}
