//! The table, as a user reads it.

use super::*;

pub(in crate::demo) fn view() -> View {
    let side = |backend: &str, requests, rate| SideView {
        backend: backend.to_owned(),
        requests,
        rate,
        error_percent: Some(0.0),
        p50: Some(Duration::from_millis(98)),
        p95: Some(Duration::from_millis(121)),
        fallbacks: 0,
        in_flight: 3,
        breaker: Phase::Closed,
    };
    View {
        elapsed: Duration::from_secs(65),
        route: RouteView {
            name: "chat".to_owned(),
            percent_configured: 10.0,
            percent_effective: 10.0,
            why: None,
            chain: "10 % ← file 10 %".to_owned(),
        },
        sides: [side("legacy", 2304, 36.2), side("vastai", 256, 3.8)],
        clients: Counts {
            sent: 2564,
            ok: 2560,
            ..Counts::default()
        },
        config: ConfigView {
            epoch: 1,
            last_reload: None,
        },
    }
}

fn ailing() -> View {
    let mut view = view();
    view.route.percent_effective = 0.0;
    view.route.why = Some("guard hold".to_owned());
    view.route.chain = "0 % ← guard hold 0 %: at 50 %: errors worse: 25 of 43 bad against \
                        0 of 60, evidence 337 of 100 ← file 50 %"
        .to_owned();
    let candidate = &mut view.sides[1];
    candidate.error_percent = Some(48.26);
    candidate.p95 = Some(Duration::from_secs(31));
    candidate.fallbacks = 129;
    candidate.breaker = Phase::Open;
    view.clients.failed = 2;
    view.clients.last_error = Some("status 502 Bad Gateway\nand more".to_owned());
    view.config = ConfigView {
        epoch: 7,
        last_reload: Some(Err("line 27: `percent` is above 100".repeat(5))),
    };
    view
}

#[test]
fn a_calm_table() {
    let expected = "\
route chat: 10 % to vastai in the file                             epoch 1  1:05
legacy ==========================================================###### vastai

SIDE      BACKEND  REQUESTS  REQ/S ERRORS     P50     P95 FALLBACKS  NOW BREAKER
primary   legacy       2304   36.2   0.0%   98 ms  121 ms         0    3 closed
candidate vastai        256    3.8   0.0%   98 ms  121 ms         0    3 closed

clients   2564 sent, 2560 answered, 0 failed

file      as at the start
in force  10 % ← file 10 %
";
    assert_eq!(table(&view(), false), expected);
}

#[test]
fn an_ailing_table() {
    let expected = "\
route chat: 10 % to vastai in the file, 0 % in force (guard hold)  epoch 7  1:05
legacy ================================================================ vastai

SIDE      BACKEND  REQUESTS  REQ/S ERRORS     P50     P95 FALLBACKS  NOW BREAKER
primary   legacy       2304   36.2   0.0%   98 ms  121 ms         0    3 closed
candidate vastai        256    3.8  48.3%   98 ms    31 s       129    3 open

clients   2564 sent, 2560 answered, 2 failed
          the newest failure: status 502 Bad Gateway
file      refused: line 27: `percent` is above 100line 27: `percent` is above 1…
in force  0 % ← guard hold 0 %: at 50 %: errors worse: 25 of 43 bad against 0 o…
";
    assert_eq!(table(&ailing(), false), expected);
}

#[test]
fn colour_alters_nothing_but_the_colour() {
    let mut text = table(&ailing(), true);
    assert!(text.contains("\x1b[31m 48.3%\x1b[0m"));
    for code in ["2", "34", "32", "33", "31", "0"] {
        text = text.replace(&format!("\x1b[{code}m"), "");
    }
    assert_eq!(text, table(&ailing(), false));
}

#[test]
fn the_number_of_lines_never_changes() {
    let lines = |view: &View| table(view, false).lines().count();
    assert_eq!(lines(&view()), lines(&ailing()));
}

#[test]
fn a_hostile_message_cannot_move_the_cursor() {
    let mut view = view();
    view.clients.last_error = Some("\x1b[2J\u{7}gone".to_owned());
    assert!(!table(&view, false).contains('\x1b'));
}
