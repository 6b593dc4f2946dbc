//! The end of a house, for HTTP/2: GOAWAY while everybody is still served, running streams finish, and
//! what is cut at the deadline is no whole answer.

use std::time::Duration;

use bytes::Bytes;
use http_body::Frame;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;

use super::far::{Far, Origin};
use super::near::{Client, Fed, Feed, Near, Whole};
use super::tls;
use crate::support::house::Plan;
use crate::support::soon;

fn plan(origin: &Origin, listen: &str) -> Plan {
    let route = "[[routes]]\nname = \"all\"\nprimary = \"old\"\n";
    Plan::new(origin.table("old", Far::H2.lines()) + route).listen(listen)
}

async fn say(feed: &Feed, echoed: &mut Incoming, text: &'static str) {
    let frame = Frame::data(Bytes::from_static(text.as_bytes()));
    feed.send(Ok(frame)).await.unwrap();
    let heard = soon("the echo", echoed.frame()).await.unwrap().unwrap();
    assert_eq!(heard.into_data().unwrap(), text);
}

#[tokio::test]
async fn a_stream_finishes_and_the_next_request_goes_elsewhere() {
    let origin = Origin::start(Far::H2).await;
    let house = plan(&origin, "drain_delay = \"1s\"").start().await;
    let http = house.app.http;
    let mut client = Client::new(Near::H2, http).await;
    let (feed, body) = Fed::new();
    let response = client.send("POST", "/echo", body).await.unwrap();
    let mut echoed = response.into_body();
    say(&feed, &mut echoed, "before").await;
    let clients = async {
        // GOAWAY: the connection takes no further request, while a new one is served and told as well.
        let mut twin = client.twin();
        let refused = async {
            while let Ok(response) = twin.send("GET", "/hello", Fed::none()).await {
                let whole = Whole::read(response).await.unwrap();
                assert_eq!((whole.status, whole.get("connection")), (200, None));
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        soon("it goes away", refused).await;
        assert_eq!(
            Client::new(Near::H2, http).await.get("/hello").await.body,
            "hello"
        );
        say(&feed, &mut echoed, "meanwhile").await;
        while tokio::net::TcpStream::connect(http).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        say(&feed, &mut echoed, "after").await;
        drop(feed);
        // Whatever frames it ends with: to the end, and not broken.
        let rest = soon("the end", echoed.collect())
            .await
            .expect("a whole end");
        assert!(rest.to_bytes().is_empty());
    };
    let (cut, ()) = tokio::join!(house.app.stop(), clients);
    assert_eq!(cut, 0);
}

#[tokio::test]
async fn what_the_deadline_cuts_is_no_whole_answer() {
    for near in Near::ALL {
        let origin = Origin::start(Far::H2).await;
        let folder = tempfile::tempdir().unwrap();
        let (with_tls, _) = tls::lines(folder.path());
        let listen = format!("drain = \"300ms\"\n{with_tls}");
        let house = plan(&origin, &listen).start_in(folder).await.unwrap();
        let mut client = Client::new(near, near.door(&house)).await;
        let response = client.send("GET", "/stall", Fed::none()).await.unwrap();
        let mut body = response.into_body();
        let begun = soon("a frame", body.frame()).await.unwrap().unwrap();
        assert_eq!(begun.into_data().unwrap(), "begun");
        assert_eq!(house.app.stop().await, 1);
        assert!(
            soon("the cut", body.frame()).await.unwrap().is_err(),
            "{near:?}"
        );
    }
}
