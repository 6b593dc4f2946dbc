//! Each protocol of a client with each of a backend: right bytes, right ends, nothing left behind.

use bytes::Bytes;
use figshift::stats::Class;
use http::{HeaderMap, HeaderValue};
use http_body::Frame;
use http_body_util::BodyExt as _;

use super::far::{CHUNK, Far, Origin, Snap};
use super::near::{Client, Fed, Near, Whole};
use super::tls;
use crate::support::house::{House, Plan};
use crate::support::{eventually, noise, soon};

/// A house before one origin.
pub(super) async fn before(origin: &Origin, far: Far) -> House {
    let folder = tempfile::tempdir().unwrap();
    let (listen, authority) = tls::lines(folder.path());
    let lines = match far {
        Far::H1 | Far::H2 => far.lines().to_owned(),
        Far::H1Tls | Far::H2Tls => authority,
    };
    let table = origin.table("old", &lines);
    let route = "[[routes]]\nname = \"all\"\nprimary = \"old\"\n";
    let plan = Plan::new(format!("{table}{route}")).listen(&listen);
    plan.start_in(folder).await.unwrap()
}

/// Runs a check for each pair.
async fn each<F: Future<Output = ()>>(check: impl Fn(Near, Client, Pair) -> F) {
    for far in Far::ALL {
        let origin = Origin::start(far).await;
        let house = before(&origin, far).await;
        let shared = std::rc::Rc::new((origin, house));
        for near in Near::ALL {
            println!("{near:?} to {far:?}");
            let client = Client::new(near, near.door(&shared.1)).await;
            check(near, client, std::rc::Rc::clone(&shared)).await;
            shared.1.at_rest().await;
        }
        let (_, house) = std::rc::Rc::into_inner(shared).unwrap();
        house.stop().await;
    }
}

type Pair = std::rc::Rc<(Origin, House)>;

#[tokio::test]
async fn empty_answers() {
    each(async |_, mut client: Client, pair: Pair| {
        let whole = client.get("/empty").await;
        assert_eq!((whole.status, whole.body.len()), (200, 0));
        let head = client.send("HEAD", "/bytes/10", Fed::none()).await.unwrap();
        assert_eq!(Whole::read(head).await.unwrap().body.len(), 0);
        assert_eq!(client.get("/hello").await.body, "hello");
        // Nobody has left anything.
        let (_, house) = &*pair;
        house.at_rest().await;
        assert_eq!(house.primary().here(Class::Cancelled), 0);
    })
    .await;
}

#[tokio::test]
async fn ten_kilobytes_both_ways() {
    each(async |_, mut client: Client, _| {
        let sent = noise(10_240);
        let body = Fed::whole(sent.clone());
        let response = client.send("POST", "/echo", body).await.unwrap();
        let whole = Whole::read(response).await.unwrap();
        assert_eq!(whole.body, sent);
        let whole = client.get("/bytes/10240").await;
        assert_eq!(whole.body, CHUNK.slice(..10_240));
    })
    .await;
}

#[tokio::test]
async fn a_hundred_megabytes_both_ways_within_bounded_memory() {
    const LEN: usize = 100 << 20;
    each(async |_, mut client: Client, _| {
        let before = resident();
        let path = format!("/bytes/{LEN}");
        let mut down = client.send("GET", &path, Fed::none()).await.unwrap();
        assert_eq!(count(down.body_mut(), &CHUNK).await, LEN);
        let (feed, body) = Fed::new();
        tokio::spawn(async move {
            for _ in 0..LEN / CHUNK.len() {
                let sent = feed.send(Ok(Frame::data(CHUNK.clone()))).await;
                sent.unwrap();
            }
        });
        let mut up = client.send("POST", "/echo", body).await.unwrap();
        assert_eq!(count(up.body_mut(), &CHUNK).await, LEN);
        let grown = resident().saturating_sub(before);
        println!("  memory grew by {} KiB", grown >> 10);
        assert!(grown < 64 << 20, "{grown}");
    })
    .await;
}

/// Reads a body that repeats a pattern, and counts it.
async fn count(body: &mut hyper::body::Incoming, pattern: &Bytes) -> usize {
    let mut seen = 0;
    while let Some(frame) = soon("a frame", body.frame()).await {
        let mut data = frame.unwrap().into_data().unwrap();
        while !data.is_empty() {
            let at = seen % pattern.len();
            let part = data.len().min(pattern.len() - at);
            assert!(
                data.split_to(part) == pattern.slice(at..at + part),
                "{seen}"
            );
            seen += part;
        }
    }
    seen
}

/// Bytes of this process in memory.
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: usize = statm.split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4096
}

#[tokio::test]
async fn trailers_down() {
    each(async |near: Near, mut client: Client, shared: Pair| {
        let response = client.send_with("GET", "/trailers", &[("te", "trailers")], Fed::none());
        let whole = Whole::read(response.await.unwrap()).await.unwrap();
        assert_eq!(whole.body, "with trailers");
        assert_eq!(whole.trailers.unwrap()["x-sum"], "42", "{near:?}");
        assert_eq!(shared.0.last().headers["te"], "trailers");
    })
    .await;
}

#[tokio::test]
async fn streams_both_ways_frame_by_frame() {
    each(async |near: Near, mut client: Client, _| {
        let (feed, body) = Fed::new();
        let lines = [("te", "trailers"), ("trailer", "x-sum")];
        let response = client
            .send_with("POST", "/echo", &lines, body)
            .await
            .unwrap();
        let mut back = response.into_body();
        for n in 0..20 {
            // The next one is not sent before this one is back.
            let word = Bytes::from(format!("word {n}"));
            feed.send(Ok(Frame::data(word.clone()))).await.unwrap();
            let frame = soon("an echo", back.frame()).await.unwrap().unwrap();
            assert_eq!(frame.into_data().unwrap(), word);
        }
        let mut trailers = HeaderMap::new();
        trailers.insert("x-sum", HeaderValue::from_static("7"));
        feed.send(Ok(Frame::trailers(trailers))).await.unwrap();
        drop(feed);
        let frame = soon("trailers", back.frame()).await.unwrap().unwrap();
        assert_eq!(frame.into_trailers().unwrap()["x-sum"], "7", "{near:?}");
        assert!(soon("the end", back.frame()).await.is_none());
    })
    .await;
}

#[tokio::test]
async fn a_backend_that_breaks_off_is_seen_to_break_off() {
    each(async |_, mut client: Client, shared: Pair| {
        let broken = |house: &House| house.primary().attempts(figshift::stats::Class::Broken);
        let before = broken(&shared.1);
        // It may break before the engines have sent the head on.
        if let Ok(response) = client.send("GET", "/broken/2000", Fed::none()).await {
            assert_eq!(response.status(), 200);
            assert!(Whole::read(response).await.is_err());
        }
        eventually("it is counted", || broken(&shared.1) == before + 1).await;
    })
    .await;
}

#[tokio::test]
async fn a_client_that_leaves_stops_the_backend() {
    each(async |near: Near, mut client: Client, shared: Pair| {
        let (origin, house) = (&shared.0, &shared.1);
        let dropped = origin.dropped();
        let mut response = client.send("GET", "/stall", Fed::none()).await.unwrap();
        let begun = soon("a frame", response.body_mut().frame()).await.unwrap();
        assert_eq!(begun.unwrap().into_data().unwrap(), "begun");
        // With HTTP/2 the stream is enough; the connection goes on.
        drop(response);
        if near.is_h2() {
            assert_eq!(client.get("/hello").await.body, "hello");
        }
        client.leave();
        eventually("the backend stops", || origin.dropped() == dropped + 1).await;
        house.at_rest().await;
    })
    .await;
}

#[tokio::test]
async fn a_client_that_leaves_before_the_head_stops_the_backend() {
    each(async |_, mut client: Client, shared: Pair| {
        let (origin, house) = (&shared.0, &shared.1);
        let before = origin.count();
        let hanging = tokio::spawn(async move {
            let _ = client.send("GET", "/hang", Fed::none()).await;
            client
        });
        eventually("it is there", || origin.count() == before + 1).await;
        hanging.abort();
        house.at_rest().await;
    })
    .await;
}

#[tokio::test]
async fn an_upload_that_breaks_off_is_no_failure_of_the_backend() {
    each(async |near: Near, mut client: Client, shared: Pair| {
        let house = &shared.1;
        let (feed, body) = Fed::new();
        feed.send(Ok(Frame::data(Bytes::from_static(b"some"))))
            .await
            .unwrap();
        let mut response = client.send("POST", "/echo", body).await.unwrap();
        let _ = soon("a frame", response.body_mut().frame()).await;
        feed.send(Err(Snap)).await.unwrap();
        assert!(Whole::read(response).await.is_err(), "{near:?}");
        house.at_rest().await;
        assert_eq!(house.faults(figshift::stats::Fault::Reset), 0);
    })
    .await;
}
