//! More connections than there may be.

use figshift::stats::Refused;

use super::others::Others;
use crate::support::client::Client;
use crate::support::eventually;
use crate::support::house::{House, Plan};
use crate::support::origin::Origin;

fn refused(house: &House, limit: Refused) -> u64 {
    let cells = house.app.workers.iter();
    cells.map(|cell| cell.refused[limit as usize].get()).sum()
}

/// A connection that has been served, so that it is certainly in.
async fn held(house: &House) -> Client {
    let mut client = house.client().await;
    assert_eq!(client.get("/").await.text(), "ok");
    client
}

#[tokio::test]
async fn one_too_many_is_closed_and_the_others_stay() {
    for (limits, limit) in [
        ("connections = 4", Refused::Connections),
        ("connections_per_client = 4", Refused::PerClient),
    ] {
        let origin = Origin::saying("ok");
        let plan = Plan::alone(&origin, "").workers(2);
        let plan = plan.listen(&format!("limits = {{ {limits} }}"));
        let house = plan.start().await;
        let others = Others::begin(&house, "/").await;
        let mut clients = vec![held(&house).await, held(&house).await, held(&house).await];
        for n in 1..=20 {
            let mut more = house.client().await;
            assert!(more.is_closed().await);
            eventually("it is counted", || refused(&house, limit) == n).await;
        }
        // A place that is given back is free, on whichever worker.
        clients.pop();
        eventually("it is gone", || house.clients() == 3).await;
        clients.push(held(&house).await);
        for client in &mut clients {
            assert_eq!(client.get("/").await.text(), "ok");
        }
        assert!(others.end().await > 0);
        assert_eq!(refused(&house, limit), 20);
        drop(clients);
        eventually("all are gone", || house.clients() == 0).await;
        let full = [held(&house).await, held(&house).await, held(&house).await];
        drop((held(&house).await, full));
        house.stop().await;
    }
}

#[tokio::test]
async fn a_trusted_peer_stands_for_many_clients() {
    let origin = Origin::saying("ok");
    let listen = "trusted = [\"127.0.0.1\"]\nlimits = { connections_per_client = 1 }";
    let house = Plan::alone(&origin, "").listen(listen).start().await;
    let clients = [held(&house).await, held(&house).await, held(&house).await];
    assert_eq!(refused(&house, Refused::PerClient), 0);
    drop(clients);
    house.stop().await;
}
