//! The events as they happen: over the admin port, and by `figshift events --follow`.

use figshift::api::{JournalEntry, Problem};
use serde_json::json;

use super::desk::{Desk, TOKEN};
use super::served::{Lasting, Served};
use crate::support::client::Client;

/// A stream without the framing of chunks, which HTTP/1.0 does not know.
struct Stream(Client);

impl Stream {
    async fn open(desk: &Desk, query: &str, lines: &str) -> Self {
        let mut client = Client::new(desk.port()).await;
        let head = format!("GET /api/v1/events{query} HTTP/1.0\r\nhost: localhost\r\n{lines}\r\n");
        client.send(head).await;
        let head = client.read_head().await;
        assert!(head.first.ends_with(" 200 OK"), "{head:?}");
        assert_eq!(head.get("content-type"), Some("text/event-stream"));
        assert_eq!(head.get("cache-control"), Some("no-store"));
        assert_eq!(head.get("x-accel-buffering"), Some("no"));
        Self(client)
    }

    async fn next(&mut self) -> JournalEntry {
        let event = self.0.read_until("\n\n").await;
        let lines: Vec<&str> = event.trim_end().lines().collect();
        let [id, what, data] = lines.as_slice() else {
            panic!("{event:?}");
        };
        let entry: JournalEntry =
            serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap();
        assert_eq!(*id, format!("id: {}", entry.seq));
        assert_eq!(*what, format!("event: {}", entry.what));
        entry
    }

    async fn seqs(&mut self, count: usize) -> Vec<u64> {
        let mut seqs = Vec::new();
        while seqs.len() < count {
            seqs.push(self.next().await.seq);
        }
        seqs
    }
}

#[tokio::test]
async fn the_past_then_what_happens_and_again_from_there() {
    let desk = Desk::open().await;
    let mut nothing_yet = Stream::open(&desk, "?after=0", "").await;
    desk.rollback().await;
    desk.post("resume", &json!({ "reason": "better" }))
        .await
        .unwrap();
    desk.shift(30.0).await.unwrap();
    let first = nothing_yet.next().await;
    assert_eq!((first.seq, &*first.what), (1, "rollback"));
    assert_eq!(nothing_yet.seqs(2).await, [2, 3]);

    let mut from_now = Stream::open(&desk, "", "").await;
    let mut last_two = Stream::open(&desk, "?tail=2", "").await;
    let mut resumed = Stream::open(&desk, "?tail=3", "Last-Event-ID: 2\r\n").await;
    desk.shift(40.0).await.unwrap();
    let told = from_now.next().await;
    assert_eq!(told, desk.journal().await.entries[3]);
    assert_eq!((told.seq, told.moves[0].to), (4, 40.0));
    assert_eq!(last_two.seqs(3).await, [2, 3, 4]);
    assert_eq!(resumed.seqs(2).await, [3, 4]);
    // A saved file is an event too.
    desk.save("35").await;
    assert_eq!(from_now.next().await.what, "file");
    // What changes nothing is in the journal as well.
    desk.rollback().await;
    desk.rollback().await;
    assert_eq!(from_now.seqs(2).await, [6, 7]);

    let refused = desk
        .raw("GET /api/v1/events?tail=x", &["host: localhost"], "")
        .await;
    let problem: Problem = serde_json::from_slice(&refused.body).unwrap();
    assert_eq!((problem.status, &*problem.reason), (400, "bad_request"));
    // Open streams keep no house from ending.
    desk.house.stop().await;
    assert!(from_now.0.is_closed().await);
}

#[tokio::test]
async fn under_a_storm_of_changes_nobody_misses_one_or_gets_one_twice() {
    let desk = Desk::open().await;
    let changes = async {
        for n in 0..60 {
            desk.shift(f64::from(n)).await.unwrap();
        }
    };
    let readers = async {
        let mut streams = Vec::new();
        for _ in 0..20 {
            streams.push(Stream::open(&desk, "?after=0", "").await);
            tokio::task::yield_now().await;
        }
        streams
    };
    let ((), mut streams) = tokio::join!(changes, readers);
    for stream in &mut streams {
        assert_eq!(stream.seqs(60).await, (1..=60).collect::<Vec<_>>());
    }
}

/// What could not be written down is in force and no event: it has no number.
#[tokio::test]
async fn what_is_not_in_the_journal_is_no_event() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("state/journal.ndjson")).unwrap();
    let desk = Desk::in_folder(folder, "25", "").await;
    assert!(!desk.rollback().await.persisted);
    let host = "host: localhost";
    let answer = desk.raw("GET /api/v1/events", &[host], "").await;
    let problem: Problem = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!((problem.status, &*problem.reason), (503, "journal"));
}

#[tokio::test]
async fn the_command_shows_rows_and_documents_until_ctrl_c() {
    let served = Served::start(&format!("admin.token = {TOKEN:?}\n")).await;
    assert_eq!(
        served
            .command(&["rollback", "--reason", "first"])
            .await
            .code,
        0
    );
    let file = served.file.display().to_string();
    let admin = served.admin().to_string();
    let args = [
        "events", "-f", "--tail", "1", "--config", &file, "--admin", &admin,
    ];
    let args: Vec<String> = args.map(str::to_owned).into();
    let rows = Lasting::start(&args, served.folder.path());
    let documents = Lasting::start(
        &[args, vec!["--json".to_owned()]].concat(),
        served.folder.path(),
    );
    rows.says("first\n").await;
    documents.says("\n").await;
    assert_eq!(
        served.command(&["resume", "--reason", "second"]).await.code,
        0
    );
    rows.says("second\n").await;
    let out = rows.out();
    let places: Vec<_> = ["WHAT", "rollback", "resume"]
        .map(|word| out.lines().find_map(|line| line.find(word)))
        .into();
    assert!(places.iter().all(|place| *place == places[0]), "{out}");
    eventually_two(&documents).await;
    let entries: Vec<JournalEntry> = documents
        .out()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(
        (&*entries[0].what, &*entries[1].what),
        ("rollback", "resume")
    );
    for command in [rows, documents] {
        assert_eq!(command.err(), "");
        assert_eq!(command.interrupt().await, 0);
    }
}

async fn eventually_two(documents: &Lasting) {
    let two = || documents.out().matches('\n').count() == 2;
    crate::support::eventually("two documents", two).await;
}

#[tokio::test]
async fn who_never_answered_is_not_waited_for() {
    let served = Served::on_disk("");
    let said = served.command(&["events", "--follow"]).await;
    assert_eq!((said.code, &*said.out), (4, ""), "{said:?}");
    let served = Served::start(&format!("admin.token = {TOKEN:?}\n")).await;
    let wrong = [
        "events",
        "--follow",
        "--token",
        "wrong-horse-battery-staple",
    ];
    assert_eq!(served.command(&wrong).await.code, 2);
}
