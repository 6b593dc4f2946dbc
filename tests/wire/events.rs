//! Event streams on every wire: held until the first event, and told of their end by an event and by the
//! abort of each protocol.

use figshift::stats::{Class, Reason, Trouble};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;

use super::far::{EVENT, Far, Origin};
use super::near::{Client, Fed, Near};
use super::tls;
use crate::support::house::{House, Plan};
use crate::support::{eventually, soon};

const CLOCKS: &str = "timeouts = { first_event = \"300ms\", gap = \"300ms\" }\n";

/// Each engine with each, and TLS on both sides.
const PAIRS: [(Near, Far); 6] = [
    (Near::H1, Far::H1),
    (Near::H1, Far::H2),
    (Near::H2, Far::H1),
    (Near::H2, Far::H2),
    (Near::H1Tls, Far::H2Tls),
    (Near::H2Tls, Far::H1Tls),
];

async fn house(far: Far, old: &Origin, new: &Origin, backend: &str) -> House {
    let folder = tempfile::tempdir().unwrap();
    let (listen, authority) = tls::lines(folder.path());
    let trust = match far {
        Far::H1 | Far::H2 => far.lines(),
        Far::H1Tls | Far::H2Tls => &authority,
    };
    let lines = format!("{CLOCKS}{backend}{trust}");
    let tables = old.table("old", &lines) + &new.table("new", &lines);
    let route =
        "[[routes]]\nname = \"all\"\nprimary = \"old\"\ncandidate = \"new\"\npercent = 100\n";
    let plan = Plan::new(tables + route).listen(&listen);
    plan.start_in(folder).await.unwrap()
}

async fn ask(client: &mut Client, path: &str) -> (u16, Incoming) {
    let response = client.send("GET", path, Fed::none()).await.unwrap();
    (response.status().as_u16(), response.into_body())
}

/// All that came, and whether the end of it was a proper one.
async fn read(mut body: Incoming) -> (String, bool) {
    let mut text = Vec::new();
    loop {
        match soon("a frame", body.frame()).await {
            Some(Ok(frame)) => text.extend(frame.into_data().unwrap()),
            end => return (String::from_utf8(text).unwrap(), end.is_none()),
        }
    }
}

#[tokio::test]
async fn streams_are_held_and_told_on_every_wire() {
    for (near, far) in PAIRS {
        let (old, new) = (Origin::start(far).await, Origin::start(far).await);
        let house = house(far, &old, &new, "").await;
        let mut client = Client::new(near, near.door(&house)).await;
        let event = String::from_utf8(EVENT.to_vec()).unwrap();
        let (status, body) = ask(&mut client, "/events/100").await;
        assert_eq!((status, read(body).await), (200, (event.repeat(100), true)));
        // Both sides are silent, and break.
        let reason = [
            (
                "/events-silent",
                504,
                "upstream_stalled",
                Trouble::FirstEvent,
            ),
            ("/events/0", 502, "upstream_empty", Trouble::Empty),
        ];
        for (n, (path, status, reason, trouble)) in reason.into_iter().enumerate() {
            let asked = (old.count(), new.count());
            let (got, body) = ask(&mut client, path).await;
            let text = read(body).await.0;
            assert_eq!(got, status, "{near:?} {far:?} {path}");
            assert!(text.contains(reason), "{text}");
            assert_eq!((old.count(), new.count()), (asked.0 + 1, asked.1 + 1));
            assert_eq!(house.candidate().troubles(trouble), 1);
            assert_eq!(house.primary().troubles(trouble), 1);
            let left = house.candidate().fallbacks(Reason::Stalled)
                + house.candidate().fallbacks(Reason::Empty);
            assert_eq!(left, n as u64 + 1);
        }
        for (path, kind, class) in [
            ("/events-stall", "upstream_stalled", Class::Timeout),
            ("/events-broken", "upstream_broken", Class::Broken),
        ] {
            // An HTTP/1.1 connection ends with its broken answer.
            let mut client = Client::new(near, near.door(&house)).await;
            let (status, body) = ask(&mut client, path).await;
            let (text, whole) = read(body).await;
            assert_eq!((status, whole), (200, false), "{near:?} {far:?} {path}");
            let (begun, told) = text.split_at(event.len());
            assert_eq!(begun, event);
            assert!(
                told.starts_with("\nevent: error\n") && told.contains(kind),
                "{told}"
            );
            // With the one above that ended so.
            assert_eq!(house.candidate().here(class), 2);
            if near.is_h2() {
                let (status, body) = ask(&mut client, "/events/1").await;
                assert_eq!((status, read(body).await), (200, (event.clone(), true)));
            }
        }
        house.at_rest().await;
        eventually("what stalled is left", || new.dropped() == 2).await;
        house.stop().await;
    }
}

#[tokio::test]
async fn a_reset_by_the_client_drains_a_backend_on_every_wire() {
    for (near, far) in PAIRS {
        let (old, new) = (Origin::start(far).await, Origin::start(far).await);
        let house = house(far, &old, &new, "on_disconnect = \"drain\"\n").await;
        // More than all buffers on the way.
        let mut client = Client::new(near, near.door(&house)).await;
        let (_, mut body) = ask(&mut client, "/bytes/50000000").await;
        soon("a frame", body.frame()).await.unwrap().unwrap();
        drop(body);
        client.leave();
        house.at_rest().await;
        assert_eq!(house.candidate().drained, 1, "{near:?} {far:?}");
        assert_eq!((new.dropped(), new.connections()), (0, 1));
        assert_eq!(house.candidate().here(Class::Cancelled), 1);
        house.stop().await;
    }
}
