//! Who writes the journal, and when.

use std::fs;
use std::time::Instant;

use super::super::change::{Change, Refused, What};
use super::super::journal::{journal_path, read_journal};
use super::super::{Controller, Door};
use super::*;

const FILE: &str = "[listen]\nhttp = \"127.0.0.1:0\"\n[backends.a]\nendpoints = []\n[backends.b]\nendpoints = []\n\
                    [[routes]]\nname = \"r\"\nprimary = \"a\"\ncandidate = \"b\"\npercent = 10\n";

struct Running {
    folder: tempfile::TempDir,
    door: Door,
    succession: Succession,
}

fn start() -> Running {
    start_with(FILE)
}

fn start_with(text: &str) -> Running {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("figshift.toml");
    let state = folder.path().join("state");
    fs::write(&path, format!("state_dir = {state:?}\n{text}")).unwrap();
    let (controller, door) = Controller::open(&path, 1).unwrap();
    let succession = controller.succession();
    tokio::spawn(controller.run(Instant::now(), |_| {}));
    Running {
        folder,
        door,
        succession,
    }
}

impl Running {
    async fn shift(&self, hundredths: u16) -> Result<(), Refused> {
        let what = What::Shift {
            route: "r".to_owned(),
            hundredths,
            force: false,
        };
        let change = Change::new(what, Actor::Operator);
        self.door.ask(change).await.map(|_| ())
    }

    fn shares(&self) -> Vec<u16> {
        let journal = journal_path(&self.folder.path().join("state"));
        let entries = read_journal(&journal, 100).unwrap();
        let moves = entries.iter().flat_map(|entry| &entry.moves);
        moves.map(|moved| moved.to).collect()
    }
}

#[tokio::test]
async fn a_change_waits_while_the_successor_may_come_and_holds_when_it_does_not() {
    let house = start();
    house.shift(2000).await.unwrap();
    let still = house.succession.let_go().await.unwrap();
    let waits = house.shift(3000);
    tokio::pin!(waits);
    tokio::select! {
        biased;
        _ = &mut waits => panic!("it is in force"),
        () = tokio::time::sleep(std::time::Duration::from_millis(200)) => {}
    }
    assert_eq!(house.shares(), [2000]);
    drop(still);
    waits.await.unwrap();
    assert_eq!(house.shares(), [2000, 3000]);
}

#[tokio::test]
async fn what_a_failed_successor_has_written_holds() {
    let house = start();
    house.shift(2000).await.unwrap();
    let still = house.succession.let_go().await.unwrap();
    {
        let path = house.folder.path().join("figshift.toml");
        let (mut other, _door) = Controller::open(&path, 1).unwrap();
        let what = What::Rollback {
            route: None,
            hard: false,
        };
        other.apply(Change::new(what, Actor::Operator)).unwrap();
    }
    drop(still);
    // A raise is refused under a rollback.
    let refused = house.shift(4000).await.unwrap_err();
    assert!(matches!(refused, Refused::Capped(_)), "{refused}");
}

#[tokio::test]
async fn after_the_successor_has_come_no_change_is_taken() {
    let house = start();
    let still = house.succession.let_go().await.unwrap();
    still.for_good();
    let refused = house.shift(4000).await.unwrap_err();
    assert!(matches!(refused, Refused::Gone), "{refused}");
    assert_eq!(house.shares(), Vec::<u16>::new());
    assert!(house.succession.let_go().await.is_none());
}

#[tokio::test]
async fn the_books_change_hands_too() {
    let priced = FILE.replace("[backends.b]", "[backends.b]\ndollars_per_hour = 3600");
    let house = start_with(&priced);
    house.shift(2000).await.unwrap();
    let kept = house.folder.path().join("state/spend.json");
    while !kept.exists() {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    fs::remove_file(&kept).unwrap();
    let still = house.succession.let_go().await.unwrap();
    // All that was spent is there for the successor, who is the only one to write it from now on.
    let text = fs::read_to_string(&kept).unwrap();
    assert!(text.contains("\"hundredths\":2000"), "{text}");
    fs::write(&kept, "the successor's").unwrap();
    still.for_good();
    assert!(house.succession.let_go().await.is_none());
    assert!(house.shift(3000).await.is_err());
    assert_eq!(fs::read_to_string(&kept).unwrap(), "the successor's");
}
