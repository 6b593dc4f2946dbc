//! The key of an endpoint: fetched, renewed when it is not taken any more, and done without.

use figshift::stats::{Asked, Class, Reason};

use super::stand::{alone, backend, has_key, house, post, seen};
use crate::support::eventually;
use crate::support::house::{Plan, backend_table};
use crate::support::origin::Origin;
use crate::support::serverless::{COMPLETION, ENDPOINT_KEY, Engine, Work, Worker};
use crate::support::vast::{KEY, Mood, Place};

#[tokio::test]
async fn a_key_that_ends_is_replaced_and_nobody_notices() {
    let worker = Worker::new(&[Work::Answer]);
    let engine = Engine::new(&[worker.ready()]);
    let old = Origin::saying("old");
    let house = house(&engine, &old, "", "").await;
    assert_eq!(post(&house, &[]).await.text(), COMPLETION);
    assert_eq!(engine.keys_fetched(), 1);
    // The API may be asked every 3 seconds.
    tokio::time::sleep(std::time::Duration::from_millis(3100)).await;
    engine.take_key("endpoint-key-number-two");
    engine.tell_key("endpoint-key-number-two");
    assert_eq!(post(&house, &[]).await.text(), COMPLETION);
    assert_eq!(engine.keys_fetched(), 2);
    let view = seen(&house);
    assert_eq!(
        (view.asked(Asked::Unauthorized), view.asked(Asked::Ready)),
        (1, 2)
    );
    assert_eq!((old.count(), view.trips), (0, 0));
    assert!(
        engine.vast.too_fast().is_empty(),
        "{:?}",
        engine.vast.too_fast()
    );
    house.stop().await;
}

#[tokio::test]
async fn a_key_that_nobody_takes_is_fetched_seldom() {
    let worker = Worker::new(&[Work::Answer]);
    let engine = Engine::new(&[worker.ready()]);
    let old = Origin::saying("old");
    engine.take_key("a-key-that-the-api-does-not-tell");
    let house = house(&engine, &old, "wait = \"500ms\"", "").await;
    for _ in 0..12 {
        assert_eq!(post(&house, &[]).await.text(), "old");
    }
    assert!(engine.keys_fetched() <= 3, "{}", engine.keys_fetched());
    assert!(
        engine.vast.too_fast().is_empty(),
        "{:?}",
        engine.vast.too_fast()
    );
    let counts = house.candidate();
    assert!(counts.attempts(Class::Connect) >= 5 && seen(&house).trips >= 1);
    // None is shown a second time.
    let (asked, fetched) = (engine.asked(), engine.keys_fetched());
    assert!(asked <= fetched, "{asked} questions with {fetched} keys");
    assert_eq!(worker.count(), 0);
    house.stop().await;
}

#[tokio::test]
async fn without_a_key_the_other_side_serves_until_there_is_one() {
    let worker = Worker::new(&[Work::Answer]);
    let engine = Engine::new(&[worker.ready()]);
    engine
        .vast
        .behave_times(Place::Endpoints, Mood::HtmlForbidden, 1);
    let old = Origin::saying("old");
    let table = backend_table("old", &[&old], "");
    let new = backend(&engine, "", "");
    let route =
        "[[routes]]\nname = \"all\"\nprimary = \"old\"\ncandidate = \"new\"\npercent = 100\n";
    let house = Plan::new(format!("{table}{new}{route}")).start().await;
    eventually("the key was asked for", || engine.keys_fetched() == 1).await;
    for _ in 0..8 {
        let answer = post(&house, &[]).await;
        assert_eq!((answer.status, answer.text().as_str()), (200, "old"));
    }
    assert_eq!((engine.asked(), seen(&house).has_key), (0, false));
    // It was not asked, and so it has not failed.
    let counts = house.candidate();
    assert_eq!((counts.all_attempts(), seen(&house).trips), (0, 0));
    assert_eq!(counts.fallbacks(Reason::Bypass), 8);
    let snapshot = house.app.publisher.current();
    let cohorts = snapshot.routes[0].cohorts.as_ref().unwrap();
    let units: u64 = (0..60).map(|second| cohorts.read(second).candidate.n).sum();
    assert_eq!(units, 0, "the guard has seen none of them");
    has_key(&house).await;
    assert_eq!(post(&house, &[]).await.text(), COMPLETION);
    house.stop().await;
}

#[tokio::test]
async fn a_reload_keeps_the_key_and_the_line() {
    let worker = Worker::new(&[Work::Answer]);
    let engine = Engine::new(&[worker.ready()]);
    let house = alone(&engine, "", "").await;
    assert_eq!(post(&house, &[]).await.status, 200);
    let changed = house
        .plan
        .rest
        .replace("allow_http = true", "allow_http = true\nwait = \"3s\"");
    house.save(&changed).await;
    assert_eq!(post(&house, &[]).await.status, 200);
    assert_eq!(engine.keys_fetched(), 1);
    assert_eq!(seen(&house).turns, [2, 0, 0, 0, 0]);
    assert!(
        engine
            .questions()
            .iter()
            .all(|asked| asked["api_key"] == ENDPOINT_KEY)
    );
    house.stop().await;
}

#[tokio::test]
async fn without_a_key_and_another_side_it_is_told_when_to_come_again() {
    let worker = Worker::new(&[Work::Answer]);
    let engine = Engine::new(&[worker.ready()]);
    engine
        .vast
        .behave_times(Place::Endpoints, Mood::HtmlForbidden, 1);
    let new = backend(&engine, "", "");
    let route = "[[routes]]\nname = \"all\"\nprimary = \"new\"\n";
    let house = Plan::new(format!("{new}{route}")).start().await;
    for _ in 0..8 {
        let answer = post(&house, &[]).await;
        let told = (answer.status, answer.reason(), answer.get("retry-after"));
        assert_eq!(told, (503, Some("no_endpoint"), Some("5")));
    }
    has_key(&house).await;
    assert_eq!(post(&house, &[]).await.text(), COMPLETION);
    assert_eq!(seen(&house).trips, 0);
    house.stop().await;
}

#[tokio::test]
async fn another_account_is_waited_for_like_the_first_one() {
    let worker = Worker::new(&[Work::Answer]);
    let engine = Engine::new(&[worker.ready()]);
    let old = Origin::saying("old");
    let house = house(&engine, &old, "", "").await;
    assert_eq!(post(&house, &[]).await.text(), COMPLETION);
    let changed = house.plan.rest.replace(KEY, "the-key-of-another-account");
    house.save(&changed).await;
    for _ in 0..8 {
        assert_eq!(post(&house, &[]).await.text(), "old");
    }
    let counts = house.candidate();
    assert_eq!((counts.all_attempts(), seen(&house).trips), (1, 0));
    // The same engine at another address needs no other key.
    house.save(&house.plan.rest).await;
    has_key(&house).await;
    let same = format!("{}/x", engine.vast.url());
    let line = format!("engine = {:?}", engine.vast.url());
    let changed = house
        .plan
        .rest
        .replace(&line, &format!("engine = {same:?}"));
    house.save(&changed).await;
    assert!(seen(&house).is_in);
    house.stop().await;
}

#[tokio::test]
async fn the_keys_of_two_endpoints_are_fetched_at_one_pace() {
    let engine = Engine::new(&[]);
    let one = backend(&engine, "", "");
    let two = one.replace("backends.new", "backends.two");
    let route = "[[routes]]\nname = \"all\"\nprimary = \"new\"\n";
    let house = Plan::new(format!("{one}{two}{route}")).start().await;
    eventually("both are fetched", || engine.keys_fetched() == 2).await;
    // Another account has a pace of its own, which its two keep as well.
    let changed = house.plan.rest.replace(KEY, "the-key-of-another-account");
    house.save(&changed).await;
    eventually("they are asked for", || engine.keys_fetched() == 4).await;
    house.save(&house.plan.rest).await;
    eventually("the first ones again", || engine.keys_fetched() == 6).await;
    let too_fast = engine.vast.too_fast();
    assert!(too_fast.is_empty(), "{too_fast:?}");
    house.stop().await;
}
