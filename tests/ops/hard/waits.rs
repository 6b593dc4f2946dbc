//! Requests that wait for the candidate leave it, for the primary where that does no harm.

use std::time::Duration;

use figshift::policy::Phase;
use figshift::stats::{Class, Fault, Reason, Side};
use socket2::{Domain, Socket, Type};

use super::stand::{ALL, SAFE, TO_PRIMARY, desk, origin, start, stream, usual};
use crate::desk::Desk;
use crate::support::client::{Answer, Client, request};
use crate::support::eventually;
use crate::support::house::backend_table;
use crate::support::origin::{Do, Gate, Origin};

/// Sends a request that waits for the head of the candidate.
async fn waits(desk: &Desk, method: &str, target: &str) -> Client {
    let before = desk.new.count();
    let mut client = desk.house.client().await;
    client.send(request(method, target, &[], b"body")).await;
    eventually("the candidate is asked", || desk.new.count() > before).await;
    client
}

async fn told(client: &mut Client) -> Answer {
    client.read().await.unwrap()
}

#[tokio::test]
async fn what_waits_for_the_head_goes_to_the_primary_if_that_does_no_harm() {
    let desk = usual(&Gate::default()).await;
    let mut safe = [
        waits(&desk, "GET", "/all/wait").await,
        waits(&desk, "POST", "/safe/wait").await,
    ];
    let mut not = waits(&desk, "POST", "/all/wait").await;
    desk.hard(None).await;
    for client in &mut safe {
        assert_eq!(told(client).await.text(), "old");
    }
    assert!(desk.old.seen().iter().all(|seen| seen.body == b"body"));
    let answer = told(&mut not).await;
    assert_eq!((answer.status, answer.reason()), (502, Some("cut")));
    assert_eq!(desk.old.count(), 2);
    assert_eq!(desk.new.left(), 3);
    // Their connections are as good as before.
    safe[0].send(request("GET", "/all/x", &[], b"")).await;
    assert_eq!(told(&mut safe[0]).await.text(), "old");
    desk.house.at_rest().await;
    assert_eq!(desk.house.faults(Fault::Cut), 1);
    let (all, safe) = (
        desk.books(ALL, Side::Candidate),
        desk.books(SAFE, Side::Candidate),
    );
    assert_eq!((all.cut, safe.cut), (2, 1));
    assert_eq!(all.attempts(Class::Cancelled), 2);
    assert_eq!(
        (all.fallbacks(Reason::Cut), safe.fallbacks(Reason::Cut)),
        (1, 1)
    );
    assert_eq!(
        (all.elsewhere(Class::Ok), safe.elsewhere(Class::Ok)),
        (1, 1)
    );
    assert_eq!((all.here(Class::Cancelled), all.unsafe_to_repeat), (1, 1));
    desk.assert_no_blame();
    desk.house.stop().await;
}

/// They are many more than second tries are allowed, and have siblings of the same side.
#[tokio::test]
async fn the_retry_budget_holds_nobody_back() {
    const MANY: usize = 60;
    let gate = Gate::default();
    let (new, twin) = (origin("new", &gate), origin("new", &gate));
    let old = origin("old", &gate);
    let backends = backend_table("old", &[&old], "") + &backend_table("new", &[&new, &twin], "");
    let house = start(&backends, 100.0, 1).await;
    let desk = Desk { old, new, house };
    let mut clients = Vec::new();
    for _ in 0..MANY {
        let mut client = desk.house.client().await;
        client.send(request("GET", "/all/wait", &[], b"")).await;
        clients.push(client);
    }
    eventually("all are waiting", || {
        desk.new.count() + twin.count() == MANY
    })
    .await;
    desk.hard(Some("all")).await;
    for client in &mut clients {
        assert_eq!(told(client).await.text(), "old");
    }
    desk.house.at_rest().await;
    let books = desk.books(ALL, Side::Candidate);
    assert_eq!(books.fallbacks(Reason::Cut), MANY as u64);
    assert_eq!((books.retries(Reason::Cut), books.over_budget), (0, 0));
    assert_eq!(desk.new.count() + twin.count(), MANY);
    desk.house.stop().await;
}

/// A port where nobody answers, not even with a refusal: its queue of connections is full.
struct Full {
    _queue: Socket,
    _held: Vec<std::net::TcpStream>,
    address: std::net::SocketAddr,
}

impl Full {
    fn new() -> Self {
        let queue = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        let any = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
        queue.bind(&any.into()).unwrap();
        queue.listen(0).unwrap();
        let address = queue.local_addr().unwrap().as_socket().unwrap();
        let mut held = Vec::new();
        let patience = Duration::from_millis(300);
        while let Ok(stream) = std::net::TcpStream::connect_timeout(&address, patience) {
            held.push(stream);
        }
        Self {
            _queue: queue,
            _held: held,
            address,
        }
    }
}

#[tokio::test]
async fn what_still_connects_goes_to_the_primary_whatever_it_is() {
    let full = Full::new();
    let (old, new) = (Origin::saying("old"), Origin::dead());
    let backends = format!(
        "{}[backends.new]\nendpoints = [\"http://{}\"]\ntimeouts = {{ connect = \"1m\" }}\n",
        backend_table("old", &[&old], ""),
        full.address
    );
    let house = start(&backends, 100.0, 1).await;
    let desk = Desk { old, new, house };
    let mut client = desk.house.client().await;
    client.send(request("POST", "/all/x", &[], b"body")).await;
    eventually("it connects", || {
        desk.books(ALL, Side::Candidate).in_flight == 1
    })
    .await;
    desk.hard(None).await;
    assert_eq!(told(&mut client).await.text(), "old");
    desk.house.at_rest().await;
    let books = desk.books(ALL, Side::Candidate);
    assert_eq!((books.cut, books.fallbacks(Reason::Cut)), (1, 1));
    assert_eq!(books.attempts(Class::Connect), 0);
    desk.house.stop().await;
}

/// It began before the rollback, and what it knows would still let it go there.
#[tokio::test]
async fn an_older_request_does_not_turn_to_the_candidate_any_more() {
    let (gate, late) = (Gate::default(), Gate::default());
    let held = late.clone();
    let old = Origin::new(move |_| vec![Do::Await(held.clone()), Do::Reset]);
    let desk = desk(old, origin("new", &gate), 1).await;
    let mut client = desk.house.client().await;
    client
        .send(request("GET", "/all/x", &[TO_PRIMARY], b""))
        .await;
    eventually("the primary is asked", || desk.old.count() == 1).await;
    let mut cut = stream(&desk, "/all/stream", &[]).await;
    desk.hard(Some("all")).await;
    assert!(cut.is_closed().await);
    let before = desk.new.count();
    late.open();
    let answer = told(&mut client).await;
    assert_eq!(
        (answer.status, answer.reason()),
        (502, Some("upstream_reset"))
    );
    assert_eq!(desk.new.count(), before);
    desk.house.at_rest().await;
    assert_eq!(desk.books(ALL, Side::Primary).fallbacks(Reason::Reset), 0);
    desk.house.stop().await;
}

/// Its own side was out when it came, so it is on the candidate as a guest.
#[tokio::test]
async fn a_guest_of_the_candidate_goes_home() {
    let gate = Gate::default();
    let (old, new) = (Origin::dead(), origin("new", &gate));
    let backends = backend_table("old", &[&old], "") + &backend_table("new", &[&new], "");
    let house = start(&backends, 100.0, 1).await;
    let desk = Desk { old, new, house };
    while desk.house.phase(&desk.old) == Phase::Closed {
        let mut client = desk.house.client().await;
        let answer = client.get_with("/all/x", &[TO_PRIMARY]).await;
        assert_eq!(answer.text(), "new");
    }
    let mut client = desk.house.client().await;
    client
        .send(request("GET", "/all/wait", &[TO_PRIMARY], b""))
        .await;
    eventually("the candidate is asked", || {
        desk.books(ALL, Side::Candidate).in_flight == 1
    })
    .await;
    desk.old.revive();
    desk.hard(Some("all")).await;
    assert_eq!(told(&mut client).await.text(), "alive");
    desk.house.at_rest().await;
    assert_eq!(desk.cut(), 1);
    desk.house.stop().await;
}
