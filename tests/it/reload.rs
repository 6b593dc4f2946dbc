//! The file is saved while requests run: every way of saving is seen, a good file is in force soon,
//! a broken one changes nothing, and no request notices anything but the new split.

use std::os::unix::fs::symlink;
use std::time::{Duration, Instant};

use figshift::control::Outcome;
use figshift::stats::Side;

use crate::support::client::request;
use crate::support::eventually;
use crate::support::house::{House, Plan, two_sides};
use crate::support::load::Load;
use crate::support::origin::{Do, Gate, Origin, ok, raw};

/// How a text gets into the file.
#[derive(Debug, Clone, Copy)]
enum Way {
    InPlace,
    Rename,
    /// In two pieces, as an editor or a slow disk does it.
    Pieces,
}

async fn put(house: &House, way: Way, text: &str) {
    match way {
        Way::InPlace => house.write(text),
        Way::Rename => {
            let beside = house.folder.path().join("beside.toml");
            std::fs::write(&beside, text).unwrap();
            std::fs::rename(&beside, &house.path).unwrap();
        }
        Way::Pieces => {
            let (first, second) = text.split_at(text.len() / 2);
            house.write(first);
            tokio::time::sleep(Duration::from_millis(40)).await;
            house.write(&format!("{first}{second}"));
        }
    }
}

#[tokio::test]
async fn twenty_saves_under_load_cost_no_request() {
    let (old, new) = (Origin::saying("old"), Origin::saying("new"));
    let plan = Plan::sides(&old, &new, 0.0, "").workers(2);
    let house = plan.start().await;
    let load = Load::start(house.app.http, 32, 5);
    let (mut times, mut epoch) = (Vec::new(), house.standing().epoch);
    for save in 1..=20u32 {
        let before = house.standing();
        let way = [Way::InPlace, Way::Rename, Way::Pieces][save as usize % 3];
        let percent = f64::from(save * 5);
        let broken = save % 4 == 0;
        let mut plan = house.plan.clone();
        plan.rest = two_sides(&[&old], &[&new], "", percent, "");
        if broken {
            plan.rest += "nonsense = 1\n";
        }
        let since = Instant::now();
        put(&house, way, &plan.text(house.folder.path())).await;
        // A half-written file may be judged first, should the machine stand still just then.
        eventually("the save is judged", || {
            let now = house.standing();
            match &now.last {
                Outcome::Refused(said) => broken && said.contains("nonsense"),
                Outcome::Applied => !broken && now.applied > before.applied,
            }
        })
        .await;
        let standing = house.standing();
        times.push(since.elapsed());
        let snapshot = house.app.publisher.current();
        let split = snapshot.routes[0].split;
        if broken {
            assert_eq!(standing.epoch, epoch);
            assert_eq!(u32::from(split.hundredths()), (save - 1) * 500);
        } else {
            assert!(standing.epoch > epoch);
            assert_eq!(u32::from(split.hundredths()), save * 500);
            epoch = standing.epoch;
        }
        assert_eq!(snapshot.epoch, epoch);
    }
    let tally = load.stop().await;
    assert_eq!(tally.cut, Vec::<String>::new());
    let good = tally.of("GET 200") + tally.of("POST 200");
    assert_eq!(good, tally.all(), "{:?}", tally.answers);
    assert!(tally.of("GET 200 new") > 0 && tally.of("GET 200 old") > 0);
    // Half-written files of `Pieces` may have been refused on top of the five.
    assert_eq!(house.standing().applied, 16);
    assert!(house.standing().refused >= 5);
    // By the middle one, as a busy machine may delay any of them.
    times.sort_unstable();
    assert!(times[10] < Duration::from_secs(1), "{times:?}");
    house.at_rest().await;
    house.stop().await;
}

#[tokio::test]
async fn a_symlink_swap_is_a_save() {
    let (old, new) = (Origin::saying("old"), Origin::saying("new"));
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().to_owned();
    let plan = Plan::sides(&old, &new, 0.0, "");
    // As Kubernetes lays out a ConfigMap: file -> ..data/file, ..data -> the version's folder.
    let version = |name: &str, percent: f64| {
        let mut plan = plan.clone();
        plan.rest = two_sides(&[&old], &[&new], "", percent, "");
        std::fs::create_dir(at.join(name)).unwrap();
        std::fs::write(at.join(name).join("figshift.toml"), plan.text(&at)).unwrap();
        symlink(name, at.join("..data_tmp")).unwrap();
        std::fs::rename(at.join("..data_tmp"), at.join("..data")).unwrap();
    };
    version("..v0", 0.0);
    symlink("..data/figshift.toml", at.join("figshift.toml")).unwrap();
    let path = at.join("figshift.toml");
    let house = House::open(folder, path, plan.clone()).await.unwrap();
    assert_eq!(house.get("/").await.text(), "old");
    for (name, before, percent) in [("..v1", "..v0", 100.0), ("..v2", "..v1", 0.0)] {
        let standing = house.standing();
        version(name, percent);
        std::fs::remove_dir_all(at.join(before)).unwrap();
        assert_eq!(house.judged(&standing).await.last, Outcome::Applied);
        let expected = if percent > 0.0 { "new" } else { "old" };
        assert_eq!(house.get("/").await.text(), expected);
    }
    house.stop().await;
}

#[tokio::test]
async fn running_streams_go_on_when_their_backend_is_removed() {
    let gate = Gate::default();
    let wait = gate.clone();
    let new = Origin::new(move |_| {
        vec![
            raw("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nbegin\r\n"),
            Do::Await(wait.clone()),
            raw("4\r\n-end\r\n0\r\n\r\n"),
        ]
    });
    let old = Origin::saying("old");
    let house = Plan::sides(&old, &new, 100.0, "").start().await;
    let mut running = house.client().await;
    running.send(request("GET", "/", &[], b"")).await;
    running.read_head().await;
    // One more that has no head yet.
    let mut early = house.client().await;
    let standing = house.save(&Plan::alone(&old, "").rest).await;
    assert_eq!(standing.last, Outcome::Applied);
    assert_eq!(early.get("/").await.text(), "old");
    // The worker's looks at its pools pass.
    tokio::time::sleep(Duration::from_millis(1300)).await;
    assert_eq!(new.open(), 1);
    gate.open();
    let body = running
        .read_exactly(b"5\r\nbegin\r\n4\r\n-end\r\n0\r\n\r\n".len())
        .await;
    assert!(body.ends_with(b"-end\r\n0\r\n\r\n"));
    // Its connection is not kept for a backend that is no more.
    eventually("it is closed", || new.open() == 0).await;
    assert_eq!(running.get("/").await.text(), "old");
    eventually("nothing is in flight", || house.in_flight() == 0).await;
    house.stop().await;
}

#[tokio::test]
async fn what_is_known_of_endpoints_and_counts_survives_a_save() {
    let (old, new) = (Origin::saying("old"), Origin::dead());
    let house = Plan::sides(&old, &new, 100.0, "").start().await;
    for _ in 0..5 {
        assert_eq!(house.get("/").await.text(), "old");
    }
    house.at_rest().await;
    assert_eq!(house.trips(&new), 1);
    let (known, counts) = (house.endpoint(&new), house.counts(Side::Candidate));
    let standing = house.save(&two_sides(&[&old], &[&new], "", 50.0, "")).await;
    assert_eq!(standing.last, Outcome::Applied);
    assert!(std::sync::Arc::ptr_eq(&known, &house.endpoint(&new)));
    assert_eq!(house.counts(Side::Candidate), counts);
    let connections = old.accepted();
    let mut client = house.client().await;
    for _ in 0..20 {
        assert_eq!(client.get("/").await.text(), "old");
    }
    assert_eq!(old.accepted(), connections, "idle connections survive too");
    house.stop().await;
}

#[tokio::test]
async fn what_needs_a_restart_is_named() {
    let origin = Origin::saying("ok");
    let house = Plan::alone(&origin, "").start().await;
    let mut plan = house.plan.clone();
    plan.http = "127.0.0.1:1".to_owned();
    plan.workers = 3;
    plan.listen = "idle = \"400ms\"".to_owned();
    let standing = house.save_text(&plan.text(house.folder.path())).await;
    assert_eq!(standing.last, Outcome::Applied);
    assert_eq!(standing.needs_restart, ["listen.http", "listen.workers"]);
    // What needs none is in force.
    let mut client = house.client().await;
    assert_eq!(client.get("/").await.text(), "ok");
    assert!(client.is_closed().await);
    let standing = house.save_text(&house.plan.text(house.folder.path())).await;
    assert!(standing.needs_restart.is_empty());
    house.stop().await;
}

#[tokio::test]
async fn a_signal_reads_the_file_again() {
    let origin = Origin::new(|_| vec![ok(b"ok")]);
    let house = Plan::alone(&origin, "").start().await;
    for n in 2..=4 {
        let before = house.standing();
        house.app.reload().await;
        assert_eq!(house.judged(&before).await.applied, n);
    }
    house.stop().await;
}

#[tokio::test]
async fn a_restart_with_a_broken_file_starts_from_the_last_good_one() {
    let (old, new) = (Origin::saying("old"), Origin::saying("new"));
    let house = Plan::sides(&old, &new, 0.0, "").start().await;
    let good = two_sides(&[&old], &[&new], "", 100.0, "");
    assert_eq!(house.save(&good).await.last, Outcome::Applied);
    let broken = good.clone() + "nonsense = 1\n";
    assert!(matches!(
        house.save(&broken).await.last,
        Outcome::Refused(_)
    ));
    assert_eq!(house.get("/").await.text(), "new");
    let plan = Plan::new(broken);
    let house = plan.start_in(house.stop().await).await.unwrap();
    assert!(house.standing().from_last_good);
    assert_eq!(house.get("/").await.text(), "new");
    // A broken file stays refused, and the next good one is taken.
    let standing = house.save(&two_sides(&[&old], &[&new], "", 0.0, "")).await;
    assert_eq!(standing.last, Outcome::Applied);
    assert!(!standing.from_last_good);
    assert_eq!(house.get("/").await.text(), "old");
    house.stop().await;
    // Without any good file there is nothing to start.
    let empty = tempfile::tempdir().unwrap();
    assert!(Plan::new("nonsense = 1").start_in(empty).await.is_err());
}
