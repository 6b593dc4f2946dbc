//! What the exchanges run on: an origin that does next to nothing, on a thread of its own, and a
//! house with one worker in front of it, started as `figshift serve` starts it.

use std::io;
use std::net::SocketAddr;
use std::sync::mpsc::channel;
use std::sync::{Mutex, OnceLock};
use std::thread::JoinHandle;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;
use tokio::sync::oneshot;

use super::client::head_len;
use super::support::house::Plan;

/// Where the two twins go.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stand {
    pub(crate) origin: SocketAddr,
    pub(crate) house: SocketAddr,
}

static STAND: OnceLock<Stand> = OnceLock::new();
static RUNNING: Mutex<Vec<(oneshot::Sender<()>, JoinHandle<()>)>> = Mutex::new(Vec::new());

/// Started at the first call.
pub(crate) fn stand() -> Stand {
    *STAND.get_or_init(|| {
        let origin = on_its_own_thread(async |told, end| {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            told(listener.local_addr().unwrap());
            let accept = async {
                while let Ok((stream, _)) = listener.accept().await {
                    tokio::spawn(serve(stream));
                }
            };
            tokio::select! { () = accept => {}, _ = end => {} }
        });
        let house = on_its_own_thread(async move |told, end| {
            let text = format!(
                "[backends.old]\nendpoints = [\"http://{origin}\"]\n\
                 [backends.new]\nendpoints = [\"http://{origin}\"]\n\
                 [[routes]]\nname = \"all\"\nmatch = {{ path = \"/v1/*\" }}\n\
                 primary = \"old\"\ncandidate = \"new\"\npercent = 10\n"
            );
            let house = Plan::new(text).start().await;
            told(house.app.http);
            let _ = end.await;
            drop(house.stop().await);
        });
        Stand { origin, house }
    })
}

/// Ends what was started, so that nothing is left in the folder for temporary files.
pub(crate) fn stop() {
    // In the order of the start backwards: the house before its origin.
    while let Some((end, thread)) = RUNNING.lock().unwrap().pop() {
        let _ = end.send(());
        thread.join().unwrap();
    }
}

/// Runs it on a small runtime of its own until the end, and gives the address that it tells.
fn on_its_own_thread<R>(run: R) -> SocketAddr
where
    R: AsyncFnOnce(Box<dyn FnOnce(SocketAddr)>, oneshot::Receiver<()>) + Send + 'static,
{
    let (tell, told) = channel();
    let (end, ended) = oneshot::channel();
    let thread = std::thread::spawn(move || {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let tell = Box::new(move |address| tell.send(address).unwrap());
        runtime.block_on(run(tell, ended));
    });
    RUNNING.lock().unwrap().push((end, thread));
    told.recv().unwrap()
}

/// Answers requests for `/v1/N` with N bytes, after reading whatever body they have.
async fn serve(mut stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut bytes = Vec::with_capacity(256 * 1024);
    let (mut size, mut answer) = (usize::MAX, Vec::new());
    loop {
        let head = loop {
            if let Some(head) = head_len(&bytes) {
                break head;
            }
            if stream.read_buf(&mut bytes).await? == 0 {
                return Ok(());
            }
        };
        let text = String::from_utf8_lossy(&bytes[..head]).to_ascii_lowercase();
        let wanted = text.split([' ', '/']).nth(3).and_then(|n| n.parse().ok());
        let wanted = wanted.ok_or(io::ErrorKind::InvalidData)?;
        let upload = text.split("content-length: ").nth(1);
        let upload = upload.and_then(|line| line.split("\r\n").next()?.parse().ok());
        let mut missing = (head + upload.unwrap_or(0)).saturating_sub(bytes.len());
        bytes.clear();
        while missing > 0 {
            missing = missing.saturating_sub(stream.read_buf(&mut bytes).await?);
            bytes.clear();
        }
        if wanted != size {
            (size, answer) = (wanted, answer_of(wanted));
        }
        stream.write_all(&answer).await?;
    }
}

fn answer_of(size: usize) -> Vec<u8> {
    let head = "content-type: application/octet-stream\r\nserver: bench";
    let mut answer =
        format!("HTTP/1.1 200 OK\r\n{head}\r\ncontent-length: {size}\r\n\r\n").into_bytes();
    answer.resize(answer.len() + size, b'x');
    answer
}
