//! Owners and drains over the port.

use axum::http::{Method, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::tests::Port;
use crate::api::{
    DrainWord, Drains, Forgotten, Imported, LiveOwners, Owner, Problem, RefusedOwner,
};
use crate::outbound::near;
use crate::telemetry::sample::owning;

/// Jobs that are remembered, and uploads that say themselves whose they are.
const RULES: &str = r#"
    [backends.old]
    endpoints = ["http://127.0.0.1:1"]
    [backends.new]
    endpoints = ["http://127.0.0.1:2"]
    [[routes]]
    name = "all"
    primary = "old"
    candidate = "new"
    [[ownership]]
    name = "jobs"
    create = ["POST /jobs"]
    use = ["/jobs/{id}"]
    ttl = "1h"
"#;
const UPLOADS: &str = r#"
    [[ownership]]
    name = "uploads"
    create = ["POST /uploads"]
    use = ["/uploads/{id}"]
    id_mode = "prefix"
    prefixes = { new = "v1~" }
"#;

async fn open(uploads: &str) -> Port {
    let port = Port::open().await;
    let house = owning(&format!("{RULES}{uploads}"));
    house.owners.follows(&["jobs"], 0);
    port.view.publisher.publish(house);
    port
}

async fn ask(port: &Port, method: Method, path: &str, body: Option<&Value>) -> (StatusCode, Value) {
    let url = format!("http://{}{path}", port.address);
    let request = near().build().unwrap().request(method, url);
    let request = match body {
        Some(body) => request.json(body),
        None => request,
    };
    let answer = request.send().await.unwrap();
    (answer.status(), answer.json().await.unwrap())
}

async fn good<T: DeserializeOwned>(
    port: &Port,
    method: Method,
    path: &str,
    body: Option<&Value>,
) -> T {
    let (status, told) = ask(port, method, path, body).await;
    assert_eq!(status, 200, "{told}");
    serde_json::from_value(told).unwrap()
}

async fn bad(port: &Port, method: Method, path: &str, body: Option<&Value>) -> (u16, String) {
    let (status, told) = ask(port, method, path, body).await;
    let problem: Problem = serde_json::from_value(told).unwrap();
    assert_eq!(problem.status, status);
    (problem.status, problem.reason)
}

#[tokio::test]
async fn owners_are_learned_shown_listed_and_forgotten() {
    let port = open("").await;
    let list = json!([
        { "rule": "jobs", "id": "a/b c", "backend": "new", "as": "n-1" },
        { "rule": "jobs", "id": "2", "backend": "new", "ttl_s": 60 },
        { "rule": "jobs", "id": "3", "backend": "old" },
    ]);
    let path = "/api/v1/owners";
    let told: Imported = good(&port, Method::POST, path, Some(&list)).await;
    let expected = Imported {
        learned: 3,
        ..Imported::default()
    };
    assert_eq!(told, expected);
    let again = json!([
        { "rule": "jobs", "id": "2", "backend": "new" },
        { "rule": "jobs", "id": "3", "backend": "new" },
    ]);
    let told: Imported = good(&port, Method::POST, path, Some(&again)).await;
    assert_eq!((told.learned, told.known, told.moved), (0, 1, 1));

    let one = "/api/v1/owners/jobs/a%2Fb%20c";
    let owner: Owner = good(&port, Method::GET, one, None).await;
    assert_eq!((&*owner.id, &*owner.backend), ("a/b c", "new"));
    assert_eq!((owner.theirs.as_deref(), owner.done), (Some("n-1"), false));
    assert!(owner.learned.unwrap().starts_with("20"));

    let listed: LiveOwners = good(&port, Method::GET, "/api/v1/owners?backend=new", None).await;
    assert_eq!((listed.live, listed.truncated), (3, false));
    assert!(listed.owners.iter().all(|owner| owner.rule == "jobs"));
    let none: LiveOwners = good(&port, Method::GET, "/api/v1/owners?backend=old", None).await;
    assert_eq!((none.live, none.owners.len()), (0, 0));

    let gone: Forgotten = good(&port, Method::DELETE, one, None).await;
    assert_eq!((&*gone.rule, &*gone.id), ("jobs", "a/b c"));
    let unknown = (404, "unknown_owner".to_owned());
    assert_eq!(bad(&port, Method::DELETE, one, None).await, unknown);
    assert_eq!(bad(&port, Method::GET, one, None).await, unknown);
}

#[tokio::test]
async fn what_cannot_be_learned_is_refused_one_by_one() {
    let port = open(UPLOADS).await;
    let list = json!([
        { "rule": "nope", "id": "1", "backend": "new" },
        { "rule": "jobs", "id": "1", "backend": "nope" },
        { "rule": "uploads", "id": "1", "backend": "new" },
        { "rule": "jobs", "id": "", "backend": "new" },
        { "rule": "jobs", "id": "x".repeat(257), "backend": "new" },
        { "rule": "jobs", "id": "1", "backend": "new", "as": "" },
        { "rule": "jobs", "id": "1", "backend": "new", "ttl_s": 0 },
        { "rule": "jobs", "id": "1", "backend": "new" },
    ]);
    let path = "/api/v1/owners";
    let told: Imported = good(&port, Method::POST, path, Some(&list)).await;
    assert_eq!((told.learned, told.known, told.moved), (1, 0, 0));
    let why: Vec<_> = told
        .refused
        .iter()
        .map(|RefusedOwner { at, why }| (*at, &**why))
        .collect();
    let id = "an id has 1 to 256 bytes";
    assert_eq!(
        why,
        [
            (0, "there is no rule `nope`"),
            (1, "there is no backend `nope`"),
            (
                2,
                "rule `uploads` remembers no owners (id_mode = \"prefix\")"
            ),
            (3, id),
            (4, id),
            (5, id),
            (6, "`ttl_s` is 1 to 31536000"),
        ]
    );
    // A body that is no list of owners changes nothing at all.
    let entry = json!({ "rule": "jobs", "id": "9", "backend": "new" });
    let many = json!(vec![
        json!({ "rule": "j", "id": "9", "backend": "n" });
        1_001
    ]);
    for (body, status) in [
        (entry.clone(), 400),
        (json!([entry, { "rule": "jobs" }]), 400),
        (
            json!([{ "rule": "jobs", "id": "9", "backend": "new", "by": 1 }]),
            400,
        ),
        (many, 400),
        (json!(["x".repeat(65_536)]), 413),
    ] {
        assert_eq!(bad(&port, Method::POST, path, Some(&body)).await.0, status);
    }
    let unknown = bad(&port, Method::GET, "/api/v1/owners/jobs/9", None).await;
    assert_eq!(unknown, (404, "unknown_owner".to_owned()));
}

#[tokio::test]
async fn what_nobody_knows_is_told_apart() {
    let port = open(UPLOADS).await;
    let by_prefix: Owner = good(&port, Method::GET, "/api/v1/owners/uploads/v1~7", None).await;
    assert_eq!(
        (&*by_prefix.backend, by_prefix.theirs.as_deref()),
        ("new", Some("7"))
    );
    assert_eq!(by_prefix.learned, None);
    for (method, path, status, reason) in [
        (
            Method::GET,
            "/api/v1/owners/uploads/7",
            404,
            "unknown_owner",
        ),
        (Method::GET, "/api/v1/owners/nope/7", 404, "no_rule"),
        (Method::DELETE, "/api/v1/owners/nope/7", 404, "no_rule"),
        (Method::GET, "/api/v1/owners/jobs/%ff", 400, "bad_request"),
        (Method::GET, "/api/v1/owners", 400, "bad_request"),
        (Method::GET, "/api/v1/owners?backend=", 400, "bad_request"),
        (
            Method::GET,
            "/api/v1/owners?backend=new&x=1",
            400,
            "bad_request",
        ),
        (
            Method::GET,
            "/api/v1/owners?backend=nope",
            404,
            "no_backend",
        ),
    ] {
        let told = bad(&port, method, path, None).await;
        assert_eq!(told, (status, reason.to_owned()), "{path}");
    }
}

#[tokio::test]
async fn drains_are_told_with_their_reasons() {
    let port = open("").await;
    let drains = async || -> Drains { good(&port, Method::GET, "/api/v1/drain", None).await };
    let told = drains().await;
    assert_eq!(told.rules, ["jobs"]);
    assert_eq!((told.table.entries, told.table.capacity), (0, 16));
    assert_eq!(told.table.since, "1970-01-01T00:00:00Z");
    assert!(told.table.blind_until.is_none() && !told.table.on_disk);
    let words: Vec<_> = told
        .backends
        .iter()
        .map(|one| (&*one.backend, one.state, one.safe_to_stop))
        .collect();
    assert_eq!(
        words,
        [
            ("new", DrainWord::Drained, true),
            ("old", DrainWord::Serving, false)
        ]
    );
    let list = json!([{ "rule": "jobs", "id": "1", "backend": "new" }]);
    let _: Imported = good(&port, Method::POST, "/api/v1/owners", Some(&list)).await;
    let told = drains().await;
    let new = &told.backends[0];
    assert_eq!(
        (new.state, new.safe_to_stop, new.live),
        (DrainWord::Draining, false, 1)
    );
    assert_eq!((&*new.owned[0].rule, new.owned[0].live), ("jobs", 1));
    assert!(
        new.owned[0]
            .oldest_live
            .as_deref()
            .unwrap()
            .starts_with("20")
    );
    assert!(
        new.because[0].starts_with("1 of rule `jobs` is live there"),
        "{new:?}"
    );
    // More than fits: what was lost makes everybody unknown.
    let many: Vec<_> = (0..200)
        .map(|n| json!({ "rule": "jobs", "id": n.to_string(), "backend": "old", "ttl_s": 60 }))
        .collect();
    let _: Imported = good(&port, Method::POST, "/api/v1/owners", Some(&json!(many))).await;
    let told = drains().await;
    assert!(told.table.evicted_live > 0 && told.table.blind_until.is_some());
    let new = &told.backends[0];
    assert_ne!(new.state, DrainWord::Drained);
    assert!(!new.safe_to_stop);
}
