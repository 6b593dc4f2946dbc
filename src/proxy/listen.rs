//! The listeners of one worker: which one a connection came by, and what is left in their queues.

use std::future::poll_fn;
use std::io;
use std::net::{SocketAddr, TcpListener as Bound};
use std::task::Poll;

use tokio::net::{TcpListener, TcpStream};

/// As many may be let in from each queue at the end: more than wait there.
const MOST_LATE: usize = 8192;

/// Which listener of the file a connection came by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entrance {
    /// `listen.http`.
    Http,
    /// `listen.https`.
    Https,
}

impl Entrance {
    /// Its key in `[listen]`, and its name wherever sockets are handed on.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

/// A worker's share of a listener, bound and listening.
#[derive(Debug)]
pub struct Share {
    /// Of which listener.
    pub entrance: Entrance,
    /// The socket; it does not block.
    pub socket: Bound,
}

/// All listeners of a worker.
#[derive(Debug)]
pub(super) struct Listeners {
    all: Vec<(Entrance, TcpListener)>,
    /// Which is asked first: none may starve another.
    first: usize,
}

/// Somebody has connected.
pub(super) type Accepted = (Entrance, TcpStream, SocketAddr);

impl Listeners {
    /// On the runtime of the worker.
    pub(super) fn open(shares: Vec<Share>) -> io::Result<Self> {
        let open = |share: Share| Ok((share.entrance, TcpListener::from_std(share.socket)?));
        Ok(Self {
            all: shares.into_iter().map(open).collect::<io::Result<_>>()?,
            first: 0,
        })
    }

    /// # Cancel safety
    ///
    /// Nobody is lost who has connected.
    pub(super) async fn accept(&mut self) -> io::Result<Accepted> {
        self.first = self.first.wrapping_add(1);
        poll_fn(|cx| {
            for turn in 0..self.all.len() {
                let (entrance, listener) = &self.all[(self.first + turn) % self.all.len()];
                if let Poll::Ready(accepted) = listener.poll_accept(cx) {
                    let who = accepted.map(|(stream, address)| (*entrance, stream, address));
                    return Poll::Ready(who);
                }
            }
            Poll::Pending
        })
        .await
    }

    /// Closes them, and hands over who has connected and was not accepted yet: closing a listener
    /// resets those. The sockets are asked, not the runtime, which may not have heard of the last ones.
    pub(super) fn close(self, mut late: impl FnMut(io::Result<Accepted>)) {
        for (entrance, listener) in self.all {
            let Ok(listener) = listener.into_std() else {
                continue;
            };
            // Others may have the same socket and let people in as well: there need be no end to it.
            for _ in 0..MOST_LATE {
                let accepted = match listener.accept() {
                    Ok(accepted) => accepted,
                    Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => continue,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                    Err(error) => {
                        late(Err(error));
                        break;
                    }
                };
                late(open(accepted).map(|(stream, address)| (entrance, stream, address)));
            }
        }
    }
}

fn open(
    (stream, address): (std::net::TcpStream, SocketAddr),
) -> io::Result<(TcpStream, SocketAddr)> {
    stream.set_nonblocking(true)?;
    Ok((TcpStream::from_std(stream)?, address))
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;
    use std::net::TcpStream;
    use std::time::Duration;

    use super::*;

    fn bound() -> (Bound, SocketAddr) {
        let socket = Bound::bind("127.0.0.1:0").unwrap();
        socket.set_nonblocking(true).unwrap();
        let address = socket.local_addr().unwrap();
        (socket, address)
    }

    fn listeners(sockets: Vec<Bound>) -> Listeners {
        let entrance = Entrance::Http;
        let share = |socket| Share { entrance, socket };
        Listeners::open(sockets.into_iter().map(share).collect()).unwrap()
    }

    #[tokio::test]
    async fn who_waits_when_the_doors_close_is_let_in() {
        let (socket, address) = bound();
        let listeners = listeners(vec![socket]);
        // The runtime has not looked yet.
        let mut clients: Vec<_> = (0..5)
            .map(|_| TcpStream::connect(address).unwrap())
            .collect();
        let mut late = Vec::new();
        listeners.close(|accepted| late.push(accepted.unwrap()));
        assert_eq!(late.len(), clients.len());
        assert!(TcpStream::connect(address).is_err(), "closed");
        let client = &mut clients[0];
        client.set_nonblocking(true).unwrap();
        let silent = client.read(&mut [0]).unwrap_err();
        assert_eq!(silent.kind(), io::ErrorKind::WouldBlock, "not reset");
    }

    #[tokio::test]
    async fn no_listener_starves_another() {
        let (one, at_one) = bound();
        let (other, at_other) = bound();
        let mut listeners = listeners(vec![one, other]);
        let _clients: Vec<_> = [at_one, at_one, at_one, at_other, at_other, at_other]
            .map(|address| TcpStream::connect(address).unwrap())
            .into();
        let mut seen = Vec::new();
        for _ in 0..6 {
            let accepted = tokio::time::timeout(Duration::from_secs(10), listeners.accept());
            let (_, stream, _) = accepted.await.unwrap().unwrap();
            seen.push(stream.local_addr().unwrap());
        }
        seen.truncate(4);
        assert!(
            seen.contains(&at_one) && seen.contains(&at_other),
            "{seen:?}"
        );
    }
}
