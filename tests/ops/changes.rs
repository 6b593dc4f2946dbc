//! What the API changes, and every way in which it refuses to.

use figshift::api::{HouseStatus, Journal, Moved, Phase, Problem};
use serde_json::{Value, json};

use super::desk::Desk;

fn refused<T: std::fmt::Debug>(answer: Result<T, Problem>) -> (u16, String) {
    let problem = answer.unwrap_err();
    (problem.status, problem.reason)
}

fn moved(from: f64, to: f64) -> Vec<Moved> {
    let route = "all".to_owned();
    vec![Moved { route, from, to }]
}

#[tokio::test]
async fn rollback_shift_and_resume_tell_what_they_did() {
    let desk = Desk::open().await;
    let state = desk.state().await;
    assert_eq!((state.phase, state.status), (Phase::Shift, HouseStatus::Ok));
    let shift =
        json!({ "route": "all", "percent": 12.34, "reason": "day two", "if_epoch": state.epoch });
    let shifted = desk.post("shift", &shift).await.unwrap();
    assert_eq!(shifted.moves, moved(25.0, 12.34));
    assert!(shifted.persisted && shifted.epoch > state.epoch);
    assert_eq!(desk.in_force(), 1_234);
    assert_eq!(
        desk.why(),
        "12.34 % ← shift 12.34 % by operator: day two ← file 25 %"
    );

    let rollback = json!({ "route": "all", "reason": "too slow" });
    let back = desk.post("rollback", &rollback).await.unwrap();
    assert_eq!(back.moves, moved(12.34, 0.0));
    let state = desk.state().await;
    assert_eq!(
        (state.phase, state.status),
        (Phase::RolledBack, HouseStatus::Degraded)
    );
    let route = &state.routes[0];
    assert!(route.killed);
    assert_eq!(route.why, desk.why());
    let chain: Vec<(&str, f64)> = route.chain.iter().map(|l| (&*l.what, l.percent)).collect();
    assert_eq!(
        chain,
        [("route_rollback", 0.0), ("shift", 12.34), ("file", 25.0)]
    );
    assert_eq!(route.chain[0].reason.as_deref(), Some("too slow"));
    assert!(route.chain[0].at.as_deref().unwrap().starts_with("20"));
    assert_eq!(
        (
            route.primary.percent,
            route.candidate.as_ref().unwrap().percent
        ),
        (100.0, 0.0)
    );
    assert!(!state.backends["new"].enabled && state.backends["old"].enabled);

    let resumed = desk
        .post("resume", &json!({ "route": "all" }))
        .await
        .unwrap();
    assert_eq!(resumed.moves, moved(0.0, 12.34));
    // The file's own percent is no override.
    assert_eq!(desk.shift(25.0).await.unwrap().moves, moved(12.34, 25.0));
    assert_eq!(desk.why(), "25 % ← file 25 %");

    let journal = desk.journal().await;
    let what: Vec<&str> = journal.entries.iter().map(|entry| &*entry.what).collect();
    assert_eq!(what, ["shift", "rollback", "resume", "shift"]);
    let seqs: Vec<u64> = journal.entries.iter().map(|entry| entry.seq).collect();
    assert!(seqs.windows(2).all(|two| two[0] + 1 == two[1]), "{seqs:?}");
    assert_eq!(journal.entries[0].reason.as_deref(), Some("day two"));
    let last: Journal = desk.get("/api/v1/journal?tail=1").await;
    assert_eq!(last.entries, journal.entries[3..]);
}

#[tokio::test]
async fn each_refusal_has_its_status_and_changes_nothing() {
    let desk = Desk::open().await;
    let epoch = desk.house.standing().epoch;
    let stale = json!({ "route": "all", "percent": 5, "if_epoch": epoch + 7 });
    let answer = refused(desk.post("shift", &stale).await);
    assert_eq!(answer, (409, "stale_epoch".to_owned()));
    for what in ["rollback", "resume"] {
        let stale = json!({ "if_epoch": epoch + 7 });
        assert_eq!(refused(desk.post(what, &stale).await).0, 409);
        let nowhere = json!({ "route": "nowhere" });
        let answer = refused(desk.post(what, &nowhere).await);
        assert_eq!(answer, (404, "no_route".to_owned()));
    }
    let nowhere = json!({ "route": "nowhere", "percent": 1 });
    assert_eq!(refused(desk.post("shift", &nowhere).await).0, 404);
    assert_eq!(
        (desk.house.standing().epoch, desk.in_force()),
        (epoch, 2_500)
    );

    desk.rollback().await;
    let answer = refused(desk.shift(50.0).await);
    assert_eq!(answer, (409, "killed".to_owned()));
    let one = json!({ "route": "all" });
    let answer = refused(desk.post("resume", &one).await);
    assert_eq!(answer, (409, "all_rolled_back".to_owned()));
    assert_eq!(desk.in_force(), 0);
}

#[tokio::test]
async fn a_broken_request_is_told_what_is_wrong() {
    let desk = Desk::open().await;
    let epoch = desk.house.standing().epoch;
    let bodies: [(&str, Value); 14] = [
        ("shift", json!({ "route": "all", "percent": 100.01 })),
        ("shift", json!({ "route": "all", "percent": -1 })),
        ("shift", json!({ "route": "all", "percent": 12.345 })),
        ("shift", json!({ "route": "all", "percent": "12" })),
        ("shift", json!({ "route": "all" })),
        ("shift", json!({ "percent": 12 })),
        (
            "shift",
            json!({ "route": "all", "percent": 12, "persent": 1 }),
        ),
        ("rollback", json!({ "rout": "all" })),
        ("rollback", json!({ "if_epoch": -1 })),
        ("rollback", json!({ "hard": 1 })),
        ("resume", json!({ "hard": true })),
        ("rollback", json!({ "reason": "two\nlines" })),
        ("rollback", json!({ "reason": "\u{1b}[2J" })),
        ("resume", json!({ "reason": "x".repeat(501) })),
    ];
    for (what, body) in bodies {
        let problem = desk.post(what, &body).await.unwrap_err();
        assert_eq!(
            (problem.status, &*problem.reason),
            (400, "bad_request"),
            "{body}"
        );
    }
    let host = format!("host: {}", desk.port());
    let lines = [&*host, "content-type: application/json; charset=utf-8"];
    for body in [
        "",
        "{",
        "[]",
        "null",
        "{} {}",
        "{\"route\":1}",
        "{\"route\":\"all\",\"route\":\"all\"}",
    ] {
        let answer = desk.raw("POST /api/v1/rollback", &lines, body).await;
        assert_eq!(answer.status, 400, "{body}");
    }
    let long = format!("{{\"reason\":\"{}\"}}", "x".repeat(64 * 1024));
    assert_eq!(
        desk.raw("POST /api/v1/rollback", &lines, &long)
            .await
            .status,
        413
    );
    let chunked = [lines[0], lines[1], "transfer-encoding: chunked"];
    let first = "POST /api/v1/rollback";
    let mut text = format!("{first} HTTP/1.1\r\n{}\r\n\r\n", chunked.join("\r\n"));
    text.push_str(&format!("{:x}\r\n{long}\r\n0\r\n\r\n", long.len()));
    let mut client = crate::support::client::Client::new(desk.port()).await;
    client.send(text).await;
    assert_eq!(client.read().await.unwrap().status, 413);
    for query in ["tail=0", "tail=1001", "tail=x", "tail", "head=3", "tail=-1"] {
        let answer = desk
            .raw(&format!("GET /api/v1/journal?{query}"), &[&host], "")
            .await;
        assert_eq!(answer.status, 400, "{query}");
    }
    let answer = desk.raw("GET /api/v1/rollback", &[&host], "").await;
    assert_eq!((answer.status, answer.get("allow")), (405, Some("POST")));
    assert_eq!(
        (desk.house.standing().epoch, desk.in_force()),
        (epoch, 2_500)
    );
}

#[tokio::test]
async fn at_nought_no_request_reaches_the_candidate() {
    let desk = Desk::open().await;
    desk.shift(100.0).await.unwrap();
    assert_eq!(desk.house.get("/").await.text(), "new");
    desk.rollback().await;
    for _ in 0..50 {
        assert_eq!(desk.house.get("/").await.text(), "old");
    }
    desk.post("resume", &json!({})).await.unwrap();
    assert_eq!(desk.house.get("/").await.text(), "new");
}
