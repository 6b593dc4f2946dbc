//! The house rules, asserted on the sources. A rule that nobody checks is a wish: each test here
//! holds one of them and names the file, the line and the reason where it is broken.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test may panic"
)]

#[path = "support/sources.rs"]
mod sources;

use std::collections::BTreeSet;

use sources::{Source, is_word, sources};

/// Who may import whom, as `ARCHITECTURE.md` shows it. A room may use only rooms that stand above
/// it in this list, so there can be no circle.
const ROOMS: [(&str, &str); 20] = [
    ("adapt", ""),
    ("owners", ""),
    ("config", "adapt"),
    ("stats", ""),
    ("wire", ""),
    ("http1", ""),
    ("api", ""),
    ("tls", ""),
    ("outbound", "tls"),
    ("vast", "outbound"),
    ("policy", "stats"),
    ("snapshot", "adapt config owners policy stats tls wire"),
    ("recall", "snapshot stats"),
    // A Serverless backend has no address: its engine is asked for one with each request, which is a
    // question to a service outside that only the request itself can wait for.
    (
        "proxy",
        "adapt owners recall snapshot policy stats tls http1 wire vast outbound",
    ),
    (
        "control",
        "config outbound owners vast snapshot policy stats tls",
    ),
    ("telemetry", "config control owners snapshot policy stats"),
    (
        "admin",
        "api config control owners recall snapshot telemetry policy stats",
    ),
    ("demo", "outbound policy stats"),
    ("app", ALL_ABOVE),
    ("cli", ALL_ABOVE),
];
const ALL_ABOVE: &str = "all";
/// The two files that are no rooms.
const DOORS: [&str; 2] = ["lib", "main"];
const LONGEST_FILE: usize = 600;
const LONGEST_DOOR: usize = 80;

/// What was found against a rule.
#[derive(Default)]
struct Found(Vec<String>);

impl Found {
    fn add(&mut self, source: &Source, line: usize, what: &str, reason: &str) {
        let path = &source.path;
        self.0.push(format!("src/{path}:{line}: {what}: {reason}"));
    }

    #[track_caller]
    fn must_be_none(self) {
        assert!(self.0.is_empty(), "\n{}\n", self.0.join("\n"));
    }
}

/// What a room may use.
fn allowed(room: &str) -> Vec<&'static str> {
    let at = ROOMS.iter().position(|(name, _)| *name == room);
    match at.map(|at| (at, ROOMS[at].1)) {
        Some((at, ALL_ABOVE)) => ROOMS[..at].iter().map(|(name, _)| *name).collect(),
        Some((_, names)) => names.split(' ').filter(|name| !name.is_empty()).collect(),
        None => vec!["cli"],
    }
}

/// Notes each of these words in the lines of the program.
fn forbid(found: &mut Found, source: &Source, words: &[&str], reason: &str) {
    for (line, code) in source.program() {
        for word in words.iter().filter(|word| has_word(code, word)) {
            found.add(source, line, &format!("`{word}`"), reason);
        }
    }
}

/// Whether the text stands there and is not part of a longer word.
fn has_word(code: &str, word: &str) -> bool {
    let joins = |inner: Option<char>, outer: Option<char>| {
        inner.is_some_and(is_word) && outer.is_some_and(is_word)
    };
    code.match_indices(word).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        let after = code[at + word.len()..].chars().next();
        !joins(word.chars().next(), before) && !joins(word.chars().next_back(), after)
    })
}

/// The rooms that the program of a file names, each with its line.
fn imports(source: &Source) -> Vec<(usize, String)> {
    let code = source.program_text();
    let mut found = Vec::new();
    for root in ["crate::", "figshift::"] {
        for (at, _) in code.match_indices(root) {
            if !code[..at].ends_with(is_word) {
                let names = first_names(&code[at + root.len()..]);
                found.extend(names.into_iter().map(|name| (at, name)));
            }
        }
    }
    let path = source.path.trim_end_matches(".rs").trim_end_matches("/mod");
    let above = "super::".repeat(path.split('/').count());
    for (at, _) in code.match_indices(&above) {
        let names = first_names(&code[at + above.len()..]);
        found.extend(names.into_iter().map(|name| (at, name)));
    }
    let line = |at: usize| code[..at].matches('\n').count() + 1;
    found.into_iter().map(|(at, n)| (line(at), n)).collect()
}

/// `a` of `a::b`, or `a` and `c` of `{a::b, c}`.
fn first_names(after: &str) -> Vec<String> {
    let first = |text: &str| -> String {
        let text = text.trim_start();
        text.chars().take_while(|c| is_word(*c)).collect()
    };
    let Some(group) = after.strip_prefix('{') else {
        return vec![first(after)];
    };
    let (mut depth, mut names, mut start) = (1, Vec::new(), 0);
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 || (depth == 1 && c == ',') {
            names.push(first(&group[start..at]));
            start = at + 1;
        }
        if depth == 0 {
            break;
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

#[test]
fn imports_go_downwards_only() {
    let mut found = Found::default();
    for source in sources() {
        let room = source.room().to_owned();
        let may = allowed(&room);
        for (line, name) in imports(&source) {
            let known = ROOMS.iter().any(|(known, _)| *known == name);
            let allowed = name == room || may.contains(&name.as_str());
            if known && !allowed {
                let what = format!("{room} uses {name}");
                found.add(&source, line, &what, "the import table does not allow it");
            } else if !known && room != "lib" {
                let reason = "the crate's root offers rooms and nothing else";
                found.add(&source, line, &format!("`{name}` in the root"), reason);
            }
        }
    }
    found.must_be_none();
}

#[test]
fn every_room_stands_in_the_table_below_what_it_uses() {
    let sources = sources();
    let rooms: BTreeSet<_> = sources.iter().map(Source::room).collect();
    let listed: BTreeSet<_> = ROOMS.iter().map(|(room, _)| *room).chain(DOORS).collect();
    assert_eq!(rooms, listed, "src/ on the left, the table on the right");
    for (index, (room, _)) in ROOMS.iter().enumerate() {
        for name in allowed(room) {
            let above = ROOMS[..index].iter().any(|(above, _)| *above == name);
            assert!(above, "{room} may use {name}, which is not above it");
        }
    }
    assert!(
        !allowed("proxy").contains(&"control"),
        "they meet in the snapshot"
    );
    assert!(
        !allowed("control").contains(&"proxy"),
        "they meet in the snapshot"
    );
}

#[test]
fn the_page_shows_the_same_table() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/ARCHITECTURE.md");
    let page = std::fs::read_to_string(page).unwrap();
    for (room, names) in ROOMS {
        let row = page
            .lines()
            .find(|line| line.starts_with(&format!("| `{room}` |")));
        let row = row.unwrap_or_else(|| panic!("{room} has no row"));
        let may = row.trim_end_matches([' ', '|']).rsplit('|').next().unwrap();
        let may = may.trim();
        if names == ALL_ABOVE {
            assert!(may.starts_with("all"), "{room}: {may}");
        } else {
            let shown: BTreeSet<_> = may.split('`').skip(1).step_by(2).collect();
            let held: BTreeSet<_> = allowed(room).into_iter().collect();
            assert_eq!(
                shown, held,
                "{room}: the page on the left, the test on the right"
            );
        }
    }
}

#[test]
fn files_are_short_and_doors_hold_no_furniture() {
    let mut found = Found::default();
    for source in sources() {
        let lines = source.code.len();
        let is_door = source.path.ends_with("/mod.rs");
        let most = if is_door { LONGEST_DOOR } else { LONGEST_FILE };
        if lines > most {
            let what = format!("{lines} lines");
            found.add(&source, lines, &what, &format!("{most} are the most here"));
        }
        if is_door {
            let furniture = ["fn", "impl", "struct", "enum", "trait", "macro_rules"];
            let reason = "mod.rs names the files of its room and has no code";
            forbid(&mut found, &source, &furniture, reason);
        }
    }
    found.must_be_none();
}

#[test]
fn the_data_plane_has_no_locks_no_channels_and_no_shared_counts() {
    let mut found = Found::default();
    let on_workers = |source: &&Source| matches!(source.room(), "proxy" | "recall");
    for source in sources().iter().filter(on_workers) {
        let locks = ["Mutex", "RwLock", "Condvar", "Barrier"];
        forbid(&mut found, source, &locks, "a worker waits for no thread");
        let channels = ["mpsc", "oneshot", "broadcast"];
        forbid(&mut found, source, &channels, "workers write cells only");
        let spawns = ["tokio::spawn", "task::spawn", "spawn_blocking"];
        let reason = "a request stays on its worker: spawn_local";
        // But for a program that takes long.
        if source.path != "proxy/adapt/run.rs" {
            forbid(&mut found, source, &spawns, reason);
        }
        // What is done once for a connection may cost something.
        let rare = ["proxy/connect.rs", "proxy/handshake.rs", "proxy/worker.rs"];
        // Only requests with an adapter or a rule of ownership come there.
        let special = ["proxy/adapt/", "proxy/own/"];
        let is_special = special.iter().any(|room| source.path.starts_with(room));
        if !rare.contains(&source.path.as_str()) && !is_special {
            let reason = "a shared count is a cache line that all workers write";
            forbid(&mut found, source, &["Arc::clone"], reason);
        }
    }
    found.must_be_none();
}

#[test]
fn policy_has_no_clock_no_dice_and_no_runtime() {
    let mut found = Found::default();
    for source in sources().iter().filter(|source| source.room() == "policy") {
        let words = ["Instant", "SystemTime", "rand::"];
        let reason = "times and draws are arguments, so that a simulation can give them";
        forbid(&mut found, source, &words, reason);
        for (index, code) in source.code.iter().enumerate() {
            if has_word(code, "tokio") {
                let reason = "policy does nothing by itself, not even in tests";
                found.add(source, index + 1, "`tokio`", reason);
            }
        }
    }
    found.must_be_none();
}

#[test]
fn what_tells_of_the_house_does_not_steer_it() {
    let mut found = Found::default();
    for source in sources().iter().filter(|s| s.room() == "telemetry") {
        let words = ["Controller", "Door", "Change"];
        forbid(&mut found, source, &words, "telemetry reads only");
    }
    found.must_be_none();
}

#[test]
fn http_clients_are_made_in_one_room() {
    let mut found = Found::default();
    for source in sources().iter().filter(|s| s.room() != "outbound") {
        let words = [
            "Client::builder",
            "reqwest::Client::new",
            "ClientBuilder::new",
        ];
        let reason = "a client without the TLS provider panics: use outbound";
        forbid(&mut found, source, &words, reason);
    }
    found.must_be_none();
}

#[test]
fn nothing_is_left_for_later() {
    let mut found = Found::default();
    for source in sources() {
        let words = ["todo!", "unimplemented!", "FIXME", "XXX", "TODO"];
        for (index, line) in source.text.lines().enumerate() {
            for word in words.iter().filter(|word| has_word(line, word)) {
                let reason = "do it now, or leave it out";
                found.add(&source, index + 1, &format!("`{word}`"), reason);
            }
        }
    }
    found.must_be_none();
}

#[test]
fn every_file_says_what_it_is() {
    let mut found = Found::default();
    for source in sources() {
        if !source.text.starts_with("//! ") {
            found.add(&source, 1, "no `//!`", "a reader begins at the first line");
        }
    }
    found.must_be_none();
}

#[test]
fn only_tests_may_panic() {
    let mut found = Found::default();
    for source in sources() {
        let words = [".unwrap()", ".expect(", "::unwrap)", "::expect)"];
        let reason = "a panic costs a connection or the house: handle it";
        forbid(&mut found, &source, &words, reason);
    }
    found.must_be_none();
}

/// The rules above are worth as much as the eyes that they look with.
#[test]
fn the_reader_sees_code_and_nothing_else() {
    let text = concat!(
        "//! Mutex\nuse crate::{config::Config, wire}; /* Mutex /* */ Mutex */\n",
        "fn f<'a>(x: &'a str) { g(\"Mutex \\\" Mutex\", '\"', r#\"Mutex\"#, b'\\''); }\n",
        "#[cfg(test)]\n#[allow(x)]\nmod tests {\n    use crate::cli;\n}\n",
        "fn after() { super::stats::x(); }\nstruct MutexLike;\n",
    );
    let source = Source::new("policy.rs", text);
    assert_eq!(source.code.len(), text.lines().count());
    assert!(!source.code.iter().any(|line| has_word(line, "Mutex")));
    assert!(source.code[2].contains("fn f<'a>(x: &'a str) { g("));
    assert!(source.code[2].ends_with("); }"));
    let tests: Vec<_> = source.test.iter().map(|test| u8::from(*test)).collect();
    assert_eq!(tests, [0, 0, 0, 1, 1, 1, 1, 1, 0, 0]);
    let rooms = [(2, "config"), (2, "wire"), (9, "stats")];
    let rooms = rooms.map(|(line, room)| (line, room.to_owned()));
    assert_eq!(imports(&source), rooms);
    let all = sources();
    let marked = |path: &str| {
        let source = all.iter().find(|source| source.path == path).unwrap();
        source.test.iter().all(|test| *test)
    };
    assert!(marked("config/tests/noise.rs") && marked("demo/play_tests.rs"));
    assert!(!marked("proxy/pool.rs") && !marked("demo/play.rs"));
}
