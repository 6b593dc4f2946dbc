//! Who may ask what. What is refused changes nothing.

use figshift::api::Problem;

use super::desk::{Desk, TOKEN};
use crate::support::client::Answer;

const CHANGES: [(&str, &str); 4] = [
    ("rollback", "{}"),
    ("resume", "{}"),
    ("ramp", r#"{"route":"all","order":"promote"}"#),
    ("shift", r#"{"route":"all","percent":50}"#),
];
const READINGS: [&str; 6] = [
    "state",
    "routes/all",
    "config",
    "journal",
    "events",
    "openapi.json",
];
const JSON: &str = "content-type: application/json";

fn reason(answer: &Answer) -> String {
    let problem: Problem = serde_json::from_slice(&answer.body).unwrap();
    problem.reason
}

async fn locked() -> Desk {
    Desk::with(&format!(
        "[admin]\ntoken = {TOKEN:?}\nhosts = [\"figshift.internal\"]\n"
    ))
    .await
}

#[tokio::test]
async fn without_the_token_nothing_is_told_and_nothing_changes() {
    let desk = locked().await;
    let host = format!("host: {}", desk.port());
    let epoch = desk.house.standing().epoch;
    let wrong = [
        "",
        "authorization: Bearer",
        "authorization: Bearer ",
        "authorization: Bearer wrong-horse-battery-staple",
        "authorization: Bearer correct-horse-battery-stapl",
        "authorization: Bearer correct-horse-battery-staple2",
        "authorization: Basic correct-horse-battery-staple",
        "authorization: correct-horse-battery-staple",
        "x-token: correct-horse-battery-staple",
    ];
    for token in wrong {
        let lines: Vec<&str> = [&*host, JSON, token]
            .into_iter()
            .filter(|l| !l.is_empty())
            .collect();
        for (what, body) in CHANGES {
            let answer = desk
                .raw(&format!("POST /api/v1/{what}"), &lines, body)
                .await;
            assert_eq!(answer.status, 401, "{what} {token}");
            assert_eq!(
                answer.get("www-authenticate"),
                Some("Bearer realm=\"figshift\"")
            );
            assert_eq!(reason(&answer), "no_access");
        }
        for path in READINGS {
            let answer = desk.raw(&format!("GET /api/v1/{path}"), &lines, "").await;
            assert_eq!(answer.status, 401, "{path} {token}");
            assert!(!answer.text().contains("old"), "{}", answer.text());
        }
    }
    assert_eq!(
        (desk.house.standing().epoch, desk.in_force()),
        (epoch, 2_500)
    );
    for path in ["/metrics", "/livez", "/readyz", "/health"] {
        assert_eq!(
            desk.raw(&format!("GET {path}"), &[&host], "").await.status,
            200,
            "{path}"
        );
    }
    let right = format!("authorization: bearer {TOKEN}");
    for (what, body) in CHANGES {
        let lines = [&*host, JSON, &right];
        let answer = desk
            .raw(&format!("POST /api/v1/{what}"), &lines, body)
            .await;
        // There is no ramp; whoever gets so far has been let in.
        let status = if what == "ramp" { 409 } else { 200 };
        assert_eq!(answer.status, status, "{what}: {}", answer.text());
    }
    assert_eq!(desk.in_force(), 5_000);
    // Two of a header are two opinions.
    let lines = [&*host, &right, "authorization: Bearer x"];
    assert_eq!(desk.raw("GET /api/v1/state", &lines, "").await.status, 400);
}

#[tokio::test]
async fn an_empty_token_closes_the_api() {
    let desk = Desk::with("[admin]\ntoken = \"\"\n").await;
    let host = format!("host: {}", desk.port());
    for token in ["x: y", "authorization: Bearer ", "authorization: Bearer x"] {
        let answer = desk.raw("GET /api/v1/state", &[&host, token], "").await;
        assert_eq!(answer.status, 401);
        assert!(answer.text().contains("closed"), "{}", answer.text());
    }
}

#[tokio::test]
async fn a_new_token_holds_when_the_file_is_saved() {
    let desk = locked().await;
    let host = format!("host: {}", desk.port());
    let rest = desk
        .house
        .plan
        .rest
        .replace(TOKEN, "another-token-altogether");
    desk.house.save(&rest).await;
    let status = async |token: &str| {
        let line = format!("authorization: Bearer {token}");
        desk.raw("GET /api/v1/state", &[&host, &line], "")
            .await
            .status
    };
    crate::support::soon("the new token", async {
        while status("another-token-altogether").await != 200 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    })
    .await;
    assert_eq!(status(TOKEN).await, 401);
}

#[tokio::test]
async fn the_port_answers_under_known_names_only() {
    let desk = locked().await;
    let port = desk.port().port();
    let token = format!("authorization: Bearer {TOKEN}");
    for name in [
        "127.0.0.1",
        "[::1]",
        "10.9.8.7",
        "localhost",
        "FIGSHIFT.internal",
    ] {
        for host in [format!("host: {name}:{port}"), format!("host: {name}")] {
            for path in ["/livez", "/api/v1/state"] {
                let answer = desk.raw(&format!("GET {path}"), &[&host, &token], "").await;
                assert_eq!(answer.status, 200, "{host} {path}");
            }
        }
    }
    for name in [
        "evil.com",
        "localhost.evil.com",
        "127.0.0.1.evil.com",
        "x.figshift.internal",
        "",
    ] {
        let host = format!("host: {name}");
        for path in [
            "/metrics",
            "/livez",
            "/readyz",
            "/health",
            "/api/v1/state",
            "/nowhere",
        ] {
            let answer = desk.raw(&format!("GET {path}"), &[&host, &token], "").await;
            assert_eq!(
                (answer.status, reason(&answer)),
                (421, "unknown_host".to_owned()),
                "{host} {path}"
            );
        }
        let answer = desk
            .raw("POST /api/v1/rollback", &[&host, &token, JSON], "{}")
            .await;
        assert_eq!(answer.status, 421);
    }
    // The name in the target counts as well.
    let host = format!("host: 127.0.0.1:{port}");
    let answer = desk.raw("GET http://evil.com/livez", &[&host], "").await;
    assert_eq!(answer.status, 421);
    let answer = desk.raw("GET /livez", &[&host, "host: evil.com"], "").await;
    assert_eq!(answer.status, 400);
    assert_eq!(desk.in_force(), 2_500);
}

#[tokio::test]
async fn a_foreign_page_in_a_browser_gets_nowhere() {
    let desk = Desk::open().await;
    let host = format!("host: {}", desk.port());
    let epoch = desk.house.standing().epoch;
    let elsewhere = format!("origin: http://127.0.0.1:{}", desk.port().port() ^ 1);
    let origins = [
        "origin: http://evil.com",
        "origin: null",
        "origin: https://127.0.0.1",
        &elsewhere,
    ];
    for origin in origins {
        for (what, body) in CHANGES {
            let first = format!("POST /api/v1/{what}");
            let answer = desk.raw(&first, &[&host, origin, JSON], body).await;
            assert_eq!(
                (answer.status, reason(&answer)),
                (403, "foreign_origin".to_owned())
            );
        }
        for first in ["GET /api/v1/state", "OPTIONS /api/v1/rollback"] {
            let preflight = "access-control-request-method: POST";
            let answer = desk.raw(first, &[&host, origin, preflight], "").await;
            assert_eq!(answer.status, 403, "{first} {origin}");
            assert_eq!(answer.get("access-control-allow-origin"), None);
        }
    }
    // What a form can send without asking first.
    let forms = [
        "x: y",
        "content-type: text/plain",
        "content-type: application/x-www-form-urlencoded",
    ];
    for kind in forms {
        for (what, body) in CHANGES {
            let answer = desk
                .raw(&format!("POST /api/v1/{what}"), &[&host, kind], body)
                .await;
            assert_eq!(
                (answer.status, reason(&answer)),
                (415, "not_json".to_owned()),
                "{kind}"
            );
        }
    }
    assert_eq!(
        (desk.house.standing().epoch, desk.in_force()),
        (epoch, 2_500)
    );
    let own = format!("origin: http://{}", desk.port());
    let answer = desk
        .raw("POST /api/v1/rollback", &[&host, &own, JSON], "{}")
        .await;
    assert_eq!(answer.status, 200);
}
