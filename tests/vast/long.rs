//! Ten minutes without a good word from the API, on a clock that runs faster.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use figshift::control::{Controller, Finds, Lookers, discover};
use figshift::outbound::Outside;
use tokio::time::{Instant, advance};

use crate::stage::{plan, row, service};
use crate::support::origin::Origin;
use crate::support::vast::{Mood, Place, VastAi};
use crate::trouble::moods;

const STEP: Duration = Duration::from_millis(500);

/// The stand-in lives in time as it is; the house's control plane, in the time of its paused runtime.
#[test]
fn ten_minutes_of_trouble_change_nothing() {
    let outer = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build();
    let outer = outer.unwrap();
    let (vast, old, new) = {
        let _inside = outer.enter();
        (VastAi::new(), Origin::saying("old"), service("new"))
    };
    vast.be_patient();
    vast.put(row(1, &new));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("figshift.toml");
    std::fs::write(&path, plan(&vast, &old, 100, "").text(folder.path())).unwrap();
    let inner = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build();
    inner.unwrap().block_on(live(&vast, &path));
    outer.shutdown_background();
}

async fn live(vast: &VastAi, path: &std::path::Path) {
    // While something blocks, the clock stands still but for us.
    let (end, ended) = mpsc::channel::<()>();
    tokio::task::spawn_blocking(move || ended.recv().ok());
    let (controller, door) = Controller::open(path, 1).unwrap();
    let (publisher, config) = (controller.publisher(), controller.config_in_force());
    tokio::spawn(controller.run(std::time::Instant::now(), |_| {}));
    let finds = Finds::default();
    tokio::spawn(discover(Lookers {
        config,
        finds: finds.clone(),
        outside: Outside::default(),
        door,
    }));
    let keys = || {
        let snapshot = publisher.current();
        let new = snapshot
            .backends
            .iter()
            .find(|backend| &*backend.name == "new")
            .unwrap();
        new.members
            .iter()
            .map(|member| member.endpoint.key.to_string())
            .collect::<Vec<_>>()
    };
    while keys() != ["vastai:1"] {
        step().await;
    }

    let (begin, before) = (Instant::now(), vast.count(Place::Instances));
    let moods = moods();
    let mut was_stale = false;
    while begin.elapsed() < Duration::from_secs(600) {
        let turn = begin.elapsed().as_secs() / 25;
        let mood = moods[turn as usize % moods.len()].0.clone();
        vast.behave(Place::Instances, mood);
        step().await;
        assert_eq!(keys(), ["vastai:1"]);
        let known = finds.known.load();
        let stale = known["new"].is_stale(Instant::now().into_std());
        assert!(!was_stale || stale, "it was taken for good news");
        was_stale = stale;
    }
    assert!(was_stale && finds.known.load()["new"].error.is_some());
    let calls = vast.count(Place::Instances) - before;
    assert!(
        (10..=200).contains(&calls),
        "{calls} calls in ten minutes of trouble"
    );

    vast.behave(Place::Instances, Mood::Fine);
    let recovery = Instant::now();
    while finds.known.load()["new"].error.is_some() {
        step().await;
    }
    assert!(
        recovery.elapsed() <= Duration::from_secs(70),
        "{:?}",
        recovery.elapsed()
    );
    drop(end);
}

/// Half a second, and as long as a call takes in real time.
async fn step() {
    advance(STEP).await;
    for _ in 0..3 {
        let pause = tokio::task::spawn_blocking(|| thread::sleep(Duration::from_millis(1)));
        pause.await.unwrap();
    }
}
