//! HTTP/2, by a client and by the front.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{HeaderMap, Request, Response, Version};
use tokio::net::{TcpListener, TcpStream};

use super::stand::{BODY, has_key, house, post, seen};
use crate::support::house::Plan;
use crate::support::origin::Origin;
use crate::support::serverless::{COMPLETION, Engine, Work, Worker};
use crate::support::vast::KEY;

#[tokio::test]
async fn a_client_by_http2_is_served_by_workers() {
    let worker = Worker::new(&[Work::Answer]);
    let engine = Engine::new(&[worker.ready()]);
    let old = Origin::saying("old");
    let house = house(&engine, &old, "", "").await;
    let socket = TcpStream::connect(house.app.http).await.unwrap();
    let (client, connection) = h2::client::handshake(socket).await.unwrap();
    let running = tokio::spawn(connection);
    // With a length and without one; and what fits a worker no more than by HTTP/1.1.
    for (method, body, length, text) in [
        ("POST", BODY, true, COMPLETION),
        ("POST", BODY, false, COMPLETION),
        ("POST", "[1]", false, "old"),
        ("GET", "", false, "old"),
    ] {
        let request = Request::builder()
            .method(method)
            .version(Version::HTTP_2)
            .uri("http://test/v1/x")
            .header("content-type", "application/json");
        let request = match length {
            true => request.header("content-length", body.len()),
            false => request,
        };
        let mut client = client.clone().ready().await.unwrap();
        let request = request.body(()).unwrap();
        let (answer, mut send) = client.send_request(request, body.is_empty()).unwrap();
        if !body.is_empty() {
            let (first, rest) = body.as_bytes().split_at(body.len() / 2);
            send.send_data(Bytes::from_static(first), false).unwrap();
            send.send_data(Bytes::from_static(rest), true).unwrap();
        }
        let answer = answer.await.unwrap();
        assert_eq!(answer.status(), 200);
        let read = whole(answer.into_body()).await;
        assert_eq!(String::from_utf8_lossy(&read), text, "{method} {body}");
    }
    assert_eq!(worker.count(), 2);
    for seen in worker.origin.seen() {
        let envelope = String::from_utf8_lossy(&seen.body).into_owned();
        assert!(envelope.ends_with(&format!(",\"payload\":{BODY}}}")));
    }
    assert_eq!(seen(&house).trips, 0);
    drop(client);
    running.abort();
    house.stop().await;
}

async fn whole(mut body: h2::RecvStream) -> Vec<u8> {
    let mut read = Vec::new();
    while let Some(chunk) = body.data().await {
        let chunk = chunk.unwrap();
        body.flow_control().release_capacity(chunk.len()).unwrap();
        read.extend_from_slice(&chunk);
    }
    read
}

/// Target, headers and body of a request.
type Told = (String, HeaderMap, Vec<u8>);

#[tokio::test]
async fn the_front_may_speak_it() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let told: Arc<Mutex<Vec<Told>>> = Arc::default();
    let heard = Arc::clone(&told);
    let front = tokio::spawn(async move {
        let (socket, _) = listener.accept().await.unwrap();
        let mut connection = h2::server::handshake(socket).await.unwrap();
        while let Some(Ok((request, mut answer))) = connection.accept().await {
            let heard = Arc::clone(&heard);
            tokio::spawn(async move {
                let (head, body) = request.into_parts();
                let body = whole(body).await;
                let target = head.uri.path_and_query().unwrap().to_string();
                heard.lock().unwrap().push((target, head.headers, body));
                let head = Response::builder().header("set-cookie", "sid=1");
                let head = head.header("x-model", "m").body(()).unwrap();
                let mut send = answer.send_response(head, false).unwrap();
                send.send_data(Bytes::from_static(b"front"), true).unwrap();
            });
        }
    });
    let rest = format!(
        "[backends.new]\nprotocol = \"h2\"\n[backends.new.serverless]\nendpoint = \"shop-llm\"\nmode = \"openai\"\n\
         api_key = {KEY:?}\nfront = \"http://{address}\"\n[[routes]]\nname = \"all\"\nprimary = \"new\"\n"
    );
    let house = Plan::new(rest).start().await;
    has_key(&house).await;
    let lines = [
        "authorization: Bearer the-token-of-a-client",
        "cookie: sid=the-cookie-of-a-client",
        "x-forwarded-for: 198.51.100.77",
    ];
    let answer = post(&house, &lines).await;
    assert_eq!((answer.status, answer.text().as_str()), (200, "front"));
    let passed = (answer.get("set-cookie"), answer.get("x-model"));
    assert_eq!(passed, (None, Some("m")));
    let told = told.lock().unwrap().pop().unwrap();
    let (target, headers, body) = told;
    assert_eq!(target, "/shop-llm/v1/chat/completions");
    assert_eq!(body, BODY.as_bytes());
    let authorization: Vec<_> = headers.get_all("authorization").iter().collect();
    assert_eq!(authorization, [&*format!("Bearer {KEY}")]);
    let all = format!("{headers:?}");
    for private in ["of-a-client", "198.51.100.77", "orwarded", "cookie"] {
        assert!(!all.contains(private), "{private}: {all}");
    }
    house.stop().await;
    front.abort();
}
