//! Who goes to which side: the share is the one that was asked for, a key stays where it is, and
//! raising the percent moves keys one way only.

use std::collections::BTreeSet;

use figshift::stats::Side;
use proptest::prelude::*;

use crate::support::client::{Client, request};
use crate::support::house::{Plan, backend_table, two_sides};
use crate::support::origin::{Origin, ok};

fn sides() -> (Origin, Origin) {
    (Origin::saying("old"), Origin::saying("new"))
}

#[tokio::test]
async fn the_share_is_the_one_that_was_asked_for() {
    const EACH: usize = 2000;
    let (old, new) = sides();
    let house = Plan::sides(&old, &new, 25.0, "").workers(2).start().await;
    let mut clients = tokio::task::JoinSet::new();
    for _ in 0..10 {
        let address = house.app.http;
        clients.spawn(async move {
            let mut client = Client::new(address).await;
            let mut hits = 0;
            // Twenty at a time, which is what makes it quick.
            for _ in 0..EACH / 20 {
                client.send(request("GET", "/", &[], b"").repeat(20)).await;
                for _ in 0..20 {
                    hits += u32::from(client.read().await.unwrap().text() == "new");
                }
            }
            hits
        });
    }
    let hits: u32 = clients.join_all().await.into_iter().sum();
    // 20 000 draws at 25 %: sigma is 61.2, and this is four of them.
    assert!((4755..=5245).contains(&hits), "{hits}");
    assert_eq!(new.count(), hits as usize);
    assert_eq!(old.count() + new.count(), 20_000);
    house.at_rest().await;
    assert_eq!(
        house.counts(Side::Candidate).all_requests(),
        u64::from(hits)
    );
    house.stop().await;
}

/// The users of 0..400 whom the candidate serves.
async fn moved(client: &mut Client, ask: impl Fn(usize) -> (String, String)) -> BTreeSet<usize> {
    let mut moved = BTreeSet::new();
    for user in 0..400 {
        let (target, line) = ask(user);
        if client.get_with(&target, &[&line]).await.text() == "new" {
            moved.insert(user);
        }
    }
    moved
}

#[tokio::test]
async fn every_kind_of_key_stays_on_its_side() {
    let (old, new) = sides();
    type Ask = fn(usize) -> (String, String);
    let kinds: [(&str, Ask); 4] = [
        ("header:X-User-Id", |user| {
            ("/".into(), format!("x-user-id: {user}"))
        }),
        ("cookie:sid", |user| {
            ("/".into(), format!("cookie: a=b; sid={user}; z=1"))
        }),
        ("query:user", |user| {
            (format!("/?a=1&user={user}"), "x-n: 1".into())
        }),
        ("client_ip", |user| {
            let line = format!("x-forwarded-for: 198.51.{}.{}", user / 100, user % 100);
            ("/".into(), line)
        }),
    ];
    for (key, ask) in kinds {
        let route = format!("sticky = [{key:?}]\nsalt = \"s\"");
        let plan = Plan::sides(&old, &new, 30.0, &route).workers(2);
        let plan = plan.listen("trusted = [\"127.0.0.1\"]");
        let house = plan.start().await;
        let first = moved(&mut house.client().await, ask).await;
        // 400 keys at 30 %: sigma is 9.2.
        assert!((80..=160).contains(&first.len()), "{key}: {}", first.len());
        assert_eq!(moved(&mut house.client().await, ask).await, first, "{key}");
        // Not even a restart moves anybody.
        let plan = house.plan.clone();
        house.stop().await;
        let house = plan.start().await;
        assert_eq!(moved(&mut house.client().await, ask).await, first, "{key}");
        house.stop().await;
    }
}

#[tokio::test]
async fn a_client_s_address_is_not_taken_from_strangers() {
    let (old, new) = sides();
    let house = Plan::sides(&old, &new, 50.0, "sticky = [\"client_ip\"]")
        .start()
        .await;
    let mut client = house.client().await;
    let ask = |user: usize| {
        (
            "/".into(),
            format!("x-forwarded-for: 198.51.100.{}", user % 250),
        )
    };
    let moved = moved(&mut client, ask).await;
    assert!(moved.is_empty() || moved.len() == 400, "{}", moved.len());
    house.stop().await;
}

#[tokio::test]
async fn raising_the_percent_only_moves_keys_to_the_candidate() {
    let (old, new) = sides();
    let route = "sticky = [\"header:x-user\"]";
    let house = Plan::sides(&old, &new, 0.0, route).start().await;
    let ask = |user: usize| ("/".to_owned(), format!("x-user: user-{user}"));
    let mut client = house.client().await;
    let mut before = moved(&mut client, ask).await;
    assert!(before.is_empty());
    let mut up = vec![before.clone()];
    for percent in [5.0, 25.0, 60.0, 100.0] {
        house
            .save(&two_sides(&[&old], &[&new], "", percent, route))
            .await;
        let now = moved(&mut client, ask).await;
        assert!(now.is_superset(&before), "{percent}");
        assert!(now.len() > before.len(), "{percent}");
        before = now;
        up.push(before.clone());
    }
    assert_eq!(before.len(), 400);
    // On the way back, each step is what it was on the way up.
    for (percent, known) in [(25.0, &up[2]), (5.0, &up[1])] {
        house
            .save(&two_sides(&[&old], &[&new], "", percent, route))
            .await;
        assert_eq!(&moved(&mut client, ask).await, known, "{percent}");
    }
    house.stop().await;
}

#[tokio::test]
async fn routes_with_one_salt_move_the_same_keys() {
    let (old, new) = sides();
    let mut text = backend_table("old", &[&old], "") + &backend_table("new", &[&new], "");
    for (name, salt) in [("a", "one"), ("b", "one"), ("c", "two")] {
        text += &format!(
            "[[routes]]\nname = {name:?}\nmatch = {{ path = \"/{name}\" }}\nprimary = \"old\"\n\
             candidate = \"new\"\npercent = 40\nsticky = [\"header:x-user\"]\nsalt = {salt:?}\n"
        );
    }
    let house = Plan::new(text).start().await;
    let mut client = house.client().await;
    let mut sets = Vec::new();
    for target in ["/a", "/b", "/c"] {
        let ask = |user: usize| (target.to_owned(), format!("x-user: {user}"));
        sets.push(moved(&mut client, ask).await);
    }
    assert_eq!(sets[0], sets[1]);
    let both = sets[0].intersection(&sets[2]).count();
    // Independent choices: 400 * 0.4 * 0.4 = 64 in common.
    assert!((30..=100).contains(&both), "{both}");
    house.stop().await;
}

#[tokio::test]
async fn the_side_header_is_obeyed_only_where_it_may_be() {
    for (trusted, enabled) in [(true, true), (true, false), (false, true), (false, false)] {
        let (old, new) = sides();
        let route = format!("sticky = [\"header:x-user\"]\nside_header = {enabled}");
        let listen = if trusted {
            "trusted = [\"127.0.0.1\"]"
        } else {
            ""
        };
        let plan = Plan::sides(&old, &new, 50.0, &route).listen(listen);
        let house = plan.start().await;
        let mut client = house.client().await;
        for user in 0..20 {
            let user = format!("x-user: {user}");
            let home = client.get_with("/", &[&user]).await.text();
            let (side, there) = match home.as_str() {
                "old" => ("candidate", "new"),
                _ => ("primary", "old"),
            };
            let word = format!("x-figshift-side: {side}");
            let served = client.get_with("/", &[&user, &word]).await.text();
            let expected = if trusted && enabled { there } else { &home };
            assert_eq!(
                served, expected,
                "trusted {trusted}, enabled {enabled}, {side}"
            );
            // A word that is none is not obeyed.
            let odd = client
                .get_with("/", &[&user, "x-figshift-side: both"])
                .await;
            assert_eq!(odd.text(), home);
        }
        let seen = [old.seen(), new.seen()].concat();
        assert!(
            seen.iter()
                .all(|seen| seen.head.get("x-figshift-side").is_none())
        );
        house.stop().await;
    }
}

#[tokio::test]
async fn the_first_key_that_is_there_decides() {
    let (old, new) = sides();
    let route = "sticky = [\"header:x-user\", \"cookie:sid\"]";
    let house = Plan::sides(&old, &new, 50.0, route).start().await;
    let mut client = house.client().await;
    let by_header = |user: usize| ("/".to_owned(), format!("x-user: {user}"));
    let known = moved(&mut client, by_header).await;
    // With both, the cookie has no say; with an empty header, it has.
    let both = |user: usize| ("/".to_owned(), format!("cookie: sid=7\r\nx-user: {user}"));
    assert_eq!(moved(&mut client, both).await, known);
    let empty = |user: usize| ("/".to_owned(), format!("x-user: \r\ncookie: sid={user}"));
    assert_eq!(moved(&mut client, empty).await, known);
    house.stop().await;
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    /// Whatever bytes a body is made of and however it is cut into packets, it comes back as it was.
    #[test]
    fn any_body_in_any_packets_comes_back(parts in prop::collection::vec(
        prop::collection::vec(any::<u8>(), 1..2000), 1..8
    )) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let old = Origin::new(|seen| vec![ok(&seen.body)]);
            let house = Plan::alone(&old, "").start().await;
            let mut client = house.client().await;
            client
                .send("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n")
                .await;
            for part in &parts {
                client.send(format!("{:x}\r\n", part.len())).await;
                client.send(part).await;
                client.send("\r\n").await;
            }
            client.send("0\r\n\r\n").await;
            assert!(client.read().await.unwrap().body == parts.concat());
            house.stop().await;
        });
    }
}
