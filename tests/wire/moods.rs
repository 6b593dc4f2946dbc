//! HTTP/2 backends that change their mind while their connections are shared.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use bytes::Bytes;
use figshift::stats::Class;
use h2::server::SendResponse;
use http::Response;
use tokio::net::TcpListener;
use tokio::sync::{Notify, watch};

use super::far::{Far, Origin};
use super::matrix::before;
use super::near::{Client, Fed, Near, Whole};
use crate::support::frames::{
    ACK, DATA, END_HEADERS, HEADERS, PREFACE, RST_STREAM, SETTINGS, WINDOW_UPDATE, Wire, block,
    frame,
};
use crate::support::house::{House, Plan};
use crate::support::{eventually, soon};

/// A backend of which each connection takes so many streams, and hands them to this.
async fn backend<F>(
    most: u32,
    ending: watch::Receiver<bool>,
    serve: impl Fn(http::Request<h2::RecvStream>, SendResponse<Bytes>) -> F + Clone + Send + 'static,
) -> (SocketAddr, Arc<AtomicUsize>)
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let connections = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&connections);
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            count.fetch_add(1, SeqCst);
            let (mut ending, serve) = (ending.clone(), serve.clone());
            ending.mark_unchanged();
            tokio::spawn(async move {
                let mut builder = h2::server::Builder::new();
                builder.max_concurrent_streams(most);
                let mut connection = builder.handshake(socket).await.unwrap();
                let mut goes = true;
                loop {
                    tokio::select! {
                        stream = connection.accept() => match stream {
                            Some(Ok((request, respond))) => drop(tokio::spawn(serve(request, respond))),
                            _ => return,
                        },
                        _ = ending.changed(), if goes => {
                            goes = false;
                            connection.graceful_shutdown();
                        }
                    }
                }
            });
        }
    });
    (address, connections)
}

fn alone(address: SocketAddr) -> Plan {
    Plan::new(format!(
        "[backends.old]\nendpoints = [\"http://{address}\"]\nprotocol = \"h2\"\n\
         [[routes]]\nname = \"all\"\nprimary = \"old\"\n"
    ))
}

#[tokio::test]
async fn all_connections_of_a_backend_that_goes_away_are_left_alone() {
    let (end, ending) = watch::channel(false);
    let gate = Arc::new(Notify::new());
    let opens = Arc::clone(&gate);
    let seen = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&seen);
    let (address, connections) = backend(2, ending, move |request, mut respond| {
        let gate = Arc::clone(&opens);
        count.fetch_add(1, SeqCst);
        async move {
            match request.uri().path() {
                "/first" => gate.notified().await,
                "/hang" => std::future::pending().await,
                _ => {}
            }
            let _ = respond.send_response(Response::new(()), true);
        }
    })
    .await;
    let house = alone(address).start().await;
    let mut running = Vec::new();
    for (number, path) in ["/first", "/hang", "/hang"].into_iter().enumerate() {
        let mut client = Client::new(Near::H1, house.app.http).await;
        running.push(tokio::spawn(async move {
            let _ = client.send("GET", path, Fed::none()).await;
        }));
        eventually("it is there", || seen.load(SeqCst) == number + 1).await;
    }
    assert_eq!(connections.load(SeqCst), 2);
    // Now both have room, and end with what runs on them.
    gate.notify_one();
    eventually("one has ended", || house.in_flight() == 2).await;
    end.send_replace(true);
    tokio::time::sleep(Duration::from_millis(300)).await;
    let mut client = Client::new(Near::H1, house.app.http).await;
    let body = Fed::whole(b"once".to_vec());
    let response = client.send("POST", "/now", body).await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(connections.load(SeqCst), 3);
    assert_eq!(house.primary().attempts(Class::Reset), 0);
    running.iter().for_each(|task| task.abort());
    house.at_rest().await;
    house.stop().await;
}

#[tokio::test]
async fn a_backend_that_takes_no_stream_has_no_connection() {
    let (_end, ending) = watch::channel(false);
    let (address, _) = backend(0, ending, |_, _| async {}).await;
    let old = Origin::start(Far::H1).await;
    let text = format!(
        "{}[backends.new]\nendpoints = [\"http://{address}\"]\nprotocol = \"h2\"\n[[routes]]\n\
         name = \"all\"\nprimary = \"old\"\ncandidate = \"new\"\npercent = 100\n",
        old.table("old", "")
    );
    let house = Plan::new(text).start().await;
    let mut client = Client::new(Near::H1, house.app.http).await;
    let body = Fed::whole(b"once".to_vec());
    let response = client.send("POST", "/echo", body).await.unwrap();
    assert_eq!(Whole::read(response).await.unwrap().body, "once");
    assert_eq!(house.candidate().attempts(Class::Connect), 1);
    house.stop().await;
}

/// A client that gives an upload up which its backend does not read. By the byte, since an engine would
/// not give it up itself.
async fn gives_up(house: &House, reset: &AtomicUsize) {
    let mut wire = Wire::silent(house.app.http).await;
    wire.send(PREFACE).await;
    wire.send(&frame(SETTINGS, 0, 0, &[])).await;
    while wire.next().await.unwrap().kind != SETTINGS {}
    wire.send(&frame(SETTINGS, ACK, 0, &[])).await;
    // From here on the windows are large: that of the connection comes by itself, and who sends before it
    // has come breaks the rules.
    while wire.next().await.unwrap().kind != WINDOW_UPDATE {}
    let head = block(&[
        (":method", "POST"),
        (":scheme", "http"),
        (":authority", "test"),
        (":path", "/unread"),
    ]);
    wire.send(&frame(HEADERS, END_HEADERS, 1, &head)).await;
    for _ in 0..8 {
        wire.send(&frame(DATA, 0, 1, &[b'x'; 16 * 1024])).await;
    }
    while wire.next().await.unwrap().kind != HEADERS {}
    // As much as goes is on its way.
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(reset.load(SeqCst), 0);
    wire.send(&frame(RST_STREAM, 0, 1, &8u32.to_be_bytes()))
        .await;
    eventually("the stream is reset", || reset.load(SeqCst) == 1).await;
}

#[tokio::test]
async fn an_upload_that_is_not_read_ends_with_its_answer() {
    let (_end, ending) = watch::channel(false);
    let reset = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&reset);
    let (address, _) = backend(100, ending, move |request, mut respond| {
        let count = Arc::clone(&count);
        async move {
            let mut answer = respond.send_response(Response::new(()), false).unwrap();
            let _ = std::future::poll_fn(|cx| answer.poll_reset(cx)).await;
            count.fetch_add(1, SeqCst);
            drop(request);
        }
    })
    .await;
    let house = alone(address).start().await;
    gives_up(&house, &reset).await;
    house.at_rest().await;
    house.stop().await;
}

#[tokio::test]
async fn a_connection_is_kept_however_its_requests_have_ended() {
    let origin = Origin::start(Far::H2).await;
    let house = before(&origin, Far::H2).await;
    let mut client = Client::new(Near::H1, house.app.http).await;
    let hanging = tokio::spawn(async move {
        let _ = client.send("GET", "/hang", Fed::none()).await;
    });
    eventually("it is there", || origin.count() == 1).await;
    hanging.abort();
    house.at_rest().await;
    // Longer than it takes to look for idle ones.
    tokio::time::sleep(Duration::from_millis(2500)).await;
    let mut client = Client::new(Near::H1, house.app.http).await;
    assert_eq!(client.get("/hello").await.body, "hello");
    assert_eq!(origin.connections(), 1);
    house.stop().await;
}

#[tokio::test]
async fn those_who_wait_for_a_choice_do_not_wait_for_each_other() {
    const MANY: usize = 20;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            tokio::spawn(async move {
                // With all of them in a row, the last ones would be late.
                tokio::time::sleep(Duration::from_millis(200)).await;
                let acceptor = super::tls::acceptor("http/1.1");
                let socket = acceptor.accept(socket).await.unwrap();
                let service = hyper::service::service_fn(async |_| {
                    let body = http_body_util::Full::new(Bytes::from_static(b"hello"));
                    Ok::<_, std::convert::Infallible>(Response::new(body))
                });
                let io = hyper_util::rt::TokioIo::new(socket);
                let builder = hyper::server::conn::http1::Builder::new();
                let _ = builder.serve_connection(io, service).await;
            });
        }
    });
    let folder = tempfile::tempdir().unwrap();
    let (_, trust) = super::tls::lines(folder.path());
    let text = format!(
        "[backends.old]\nendpoints = [\"https://{address}\"]\n{trust}\n\
         [[routes]]\nname = \"all\"\nprimary = \"old\"\n"
    );
    let house = Plan::new(text).start_in(folder).await.unwrap();
    let door = house.app.http;
    let asking = (0..MANY).map(|_| {
        tokio::spawn(async move { Client::new(Near::H1, door).await.get("/").await.status })
    });
    for asked in asking.collect::<Vec<_>>() {
        assert_eq!(soon("an answer", asked).await.unwrap(), 200);
    }
    house.stop().await;
}
