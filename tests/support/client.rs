//! A client that sends the bytes it is given and reads answers with their exact framing, so that
//! an answer that was cut never passes for a whole one.

use std::net::SocketAddr;

use tokio::io::AsyncWriteExt;
use tokio::net::{TcpSocket, TcpStream};

use super::message::{Bytes, Head};
use super::soon;

/// An answer that came whole.
#[derive(Debug, Clone, Default)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: Head,
    pub(crate) body: Vec<u8>,
    pub(crate) trailers: Head,
    /// Interim answers before it.
    pub(crate) interim: Vec<u16>,
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.head.get(name)
    }
    /// Why figshift answered by itself, if it did.
    pub(crate) fn reason(&self) -> Option<&str> {
        self.get("x-figshift-reason")
    }
}

/// An answer that did not come whole.
#[derive(Debug, Clone)]
pub(crate) enum Cut {
    /// Not a whole head: what there was of it.
    Head(String),
    /// The head, and this much of the body.
    Body(Answer),
}

/// One connection.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) stream: TcpStream,
    bytes: Bytes,
}

impl Client {
    pub(crate) async fn new(address: SocketAddr) -> Self {
        Self::over(soon("connect", TcpStream::connect(address)).await.unwrap())
    }

    /// With a small receive buffer, so that what is not read stays with the sender.
    pub(crate) async fn small(address: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        Self::over(soon("connect", socket.connect(address)).await.unwrap())
    }

    fn over(stream: TcpStream) -> Self {
        stream.set_nodelay(true).unwrap();
        Self {
            stream,
            bytes: Bytes::default(),
        }
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        soon("send", self.stream.write_all(bytes.as_ref()))
            .await
            .unwrap();
    }

    /// Reads the next answer to a method that gets bodies.
    pub(crate) async fn read(&mut self) -> Result<Answer, Cut> {
        soon("an answer", self.read_to(false)).await
    }

    /// Reads the head of the next answer and leaves its body where it is.
    pub(crate) async fn read_head(&mut self) -> Head {
        soon("a head", self.bytes.head(&mut self.stream))
            .await
            .unwrap()
            .expect("a head")
    }

    /// Reads exactly this much.
    pub(crate) async fn read_exactly(&mut self, len: usize) -> Vec<u8> {
        let mut into = Vec::new();
        let whole = self.bytes.exactly(len, &mut into, &mut self.stream);
        assert!(soon("bytes", whole).await.unwrap(), "cut: {into:?}");
        into
    }

    /// Reads up to and with a mark.
    pub(crate) async fn read_until(&mut self, mark: &str) -> String {
        let until = self.bytes.until(mark.as_bytes(), &mut self.stream);
        let bytes = soon("a mark", until).await.unwrap();
        String::from_utf8(bytes.expect("a mark")).unwrap()
    }

    async fn read_to(&mut self, headless: bool) -> Result<Answer, Cut> {
        let mut answer = Answer::default();
        loop {
            let cut = |bytes: &Bytes| Cut::Head(String::from_utf8_lossy(bytes.rest()).into_owned());
            let head = match self.bytes.head(&mut self.stream).await {
                Ok(Some(head)) => head,
                _ => return Err(cut(&self.bytes)),
            };
            let status = head.first.split(' ').nth(1).and_then(|s| s.parse().ok());
            answer.status = status.ok_or_else(|| Cut::Head(head.first.clone()))?;
            answer.head = head;
            if answer.status >= 200 {
                break;
            }
            answer.interim.push(answer.status);
        }
        if headless || matches!(answer.status, 204 | 304) {
            return Ok(answer);
        }
        let (bytes, stream) = (&mut self.bytes, &mut self.stream);
        let whole = if answer.head.is_chunked() {
            match bytes.chunked(&mut answer.body, stream).await {
                Ok(Some(trailers)) => {
                    answer.trailers = trailers;
                    true
                }
                _ => false,
            }
        } else if let Some(len) = answer.head.content_length() {
            let whole = bytes.exactly(len, &mut answer.body, stream).await;
            whole.unwrap_or(false)
        } else {
            bytes.rest_until_end(&mut answer.body, stream).await.is_ok()
        };
        if whole {
            Ok(answer)
        } else {
            Err(Cut::Body(answer))
        }
    }

    /// Sends a GET with extra header lines and reads the answer.
    pub(crate) async fn get_with(&mut self, target: &str, lines: &[&str]) -> Answer {
        self.request("GET", target, lines, b"").await.unwrap()
    }

    pub(crate) async fn get(&mut self, target: &str) -> Answer {
        self.get_with(target, &[]).await
    }

    /// Sends a request and reads the answer.
    pub(crate) async fn request(
        &mut self,
        method: &str,
        target: &str,
        lines: &[&str],
        body: &[u8],
    ) -> Result<Answer, Cut> {
        self.send(request(method, target, lines, body)).await;
        soon("an answer", self.read_to(method == "HEAD")).await
    }

    /// Whether the other end closes without a further byte.
    pub(crate) async fn is_closed(&mut self) -> bool {
        let more = soon("the end", self.bytes.more(&mut self.stream)).await;
        !more.unwrap_or(false) && self.bytes.rest().is_empty()
    }

    /// Everything until the other end has ended its way; `None` when it broke off instead.
    pub(crate) async fn read_to_end(&mut self) -> Option<Vec<u8>> {
        let mut into = Vec::new();
        let whole = self.bytes.rest_until_end(&mut into, &mut self.stream);
        soon("the end", whole).await.ok().map(|()| into)
    }

    /// What has come and was not read as part of an answer.
    pub(crate) fn leftover(&self) -> &[u8] {
        self.bytes.rest()
    }
}

/// The bytes of a request with a body of known length.
pub(crate) fn request(method: &str, target: &str, lines: &[&str], body: &[u8]) -> Vec<u8> {
    let mut text = format!("{method} {target} HTTP/1.1\r\nhost: test\r\n");
    for line in lines {
        text.push_str(line);
        text.push_str("\r\n");
    }
    if !body.is_empty() {
        text.push_str(&format!("content-length: {}\r\n", body.len()));
    }
    text.push_str("\r\n");
    let mut bytes = text.into_bytes();
    bytes.extend_from_slice(body);
    bytes
}
