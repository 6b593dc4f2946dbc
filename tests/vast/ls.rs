//! `figshift vast ls`.

use serde_json::json;

use crate::shell::{LABEL, Shell};
use crate::support::vast::{Mood, Place, Row};

#[tokio::test]
async fn instances_are_shown_with_what_matters() {
    let shell = Shell::new();
    for row in Row::fixture() {
        shell.api.put(row);
    }
    shell.api.put(
        Row::new(7)
            .label(LABEL)
            .set("num_gpus", 2)
            .set("direct_port_count", 0),
    );
    shell.api.put(Row::new(8).label("esc\u{1b}[2J"));
    shell.write("", "");
    let said = shell.run("vast ls").await;
    let lines: Vec<Vec<&str>> = said
        .text
        .lines()
        .map(|line| {
            line.split("  ")
                .map(str::trim)
                .filter(|cell| !cell.is_empty())
                .collect()
        })
        .collect();
    let head = [
        "ID",
        "LABEL",
        "BACKEND",
        "STATE",
        "STATUS",
        "GPU",
        "$/H",
        "INTERRUPTIBLE",
        "ADDRESS",
        "NOTE",
    ];
    assert_eq!(lines[0], head);
    assert_eq!(
        lines[1],
        [
            "7",
            LABEL,
            "rented",
            "running",
            "running",
            "2x RTX 4090",
            "0.3526",
            "no",
            "-",
            "its host has no direct ports"
        ]
    );
    assert_eq!(lines[2][1], "esc[2J");
    let first = [
        "41000101",
        "shop-inference",
        "-",
        "running",
        "running",
        "RTX 4090",
        "0.3526",
        "no",
    ];
    assert_eq!(lines[3][..8], first);
    assert!(
        lines[3][8].contains("8000=203.0.113.24:40012"),
        "{:?}",
        lines[3]
    );
    assert_eq!(lines[5][9], "loads its image or starts; Pulling fs layer");
    // Stopped: its storage is what it costs.
    assert_eq!(
        lines[6][3..8],
        ["preempted", "exited, stopped", "RTX 4090", "0.0026", "yes"]
    );
    assert_eq!(lines.len(), 8);
    assert_eq!(said.code, 0);

    shell.api.forget_calls();
    let json = shell.run("vast ls --json").await.json();
    assert_eq!(json.as_array().unwrap().len(), 7);
    assert_eq!(json[0]["backends"], json!(["rented"]));
    assert_eq!(json[2]["addresses"]["8000"], "203.0.113.24:40012");
    assert_eq!(json[5]["state"], "preempted");
    assert!(!json.to_string().contains("00000000000"));
}

#[tokio::test]
async fn trouble_is_told() {
    let mut shell = Shell::new();
    shell.write("", "");
    shell.run("vast ls").await.is(0, &["no instances"]);
    for (mood, code, part) in [
        (
            Mood::WrongKey,
            1,
            "auth_error: Invalid user key\n  remedy: set a valid key",
        ),
        (Mood::NoScope, 1, "instance_read"),
        (Mood::Garbage, 4, "not JSON"),
        (Mood::Truncated, 4, "no answer"),
    ] {
        shell.api.forget_calls();
        shell.api.behave(Place::Instances, mood);
        shell.run("vast ls").await.is(code, &[part]);
    }
    shell.key = None;
    shell
        .run("vast ls")
        .await
        .is(1, &["no API key of Vast.ai: set VAST_API_KEY"]);
    shell
        .run("vast ls --config none.toml")
        .await
        .is(2, &["none.toml"]);
}

/// Where there is no file, all that the account has is shown.
#[tokio::test]
async fn no_file_is_needed() {
    let shell = Shell::new();
    for row in Row::fixture() {
        shell.api.put(row);
    }
    let said = shell.run("vast ls").await;
    said.is(0, &["41000105", "8888=198.51.100.9:20545"]);
    assert!(!said.text.contains("rented"));
}

/// Two accounts, one of which answers.
#[tokio::test]
async fn one_of_two_accounts_is_a_part() {
    let shell = Shell::new();
    shell.api.put(Row::new(7).label(LABEL));
    let api = shell.api.url();
    let backend = |name: &str, key: &str| {
        format!(
            "[backends.{name}.discover.vastai]\nlabel = {LABEL:?}\nport = 8000\napi = {api:?}\n{key}\n"
        )
    };
    let other = backend("other", "api_key = \"another-key-0123456789\"");
    shell.write_whole(
        &(backend("rented", "") + &backend("same", "api_key = \"${VAST_API_KEY}\"") + &other),
    );
    shell.api.behave_times(Place::Instances, Mood::WrongKey, 1);
    let said = shell.run("vast ls").await;
    said.is(3, &["rented,same", "Invalid user key"]);
}
