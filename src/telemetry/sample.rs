//! A small house for tests: what the collector, the window and the admin port read.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;

use crate::config::{Config, EmptyEnv, parse};
use crate::control::{
    Finding, Findings, Force, Hold, Outcome, Overrides, Part, RouteOverride, Stamp, Standing,
    Switches, Totals,
};
use crate::owners::{Learned, Owners};
use crate::policy::guard::{Against, Metric, Pair, Progress, Reason, Tally, Verdict};
use crate::snapshot::{Addresses, Publisher, Snapshot, compile};
use crate::stats::{Cells, Limits, WorkerCell};
use crate::telemetry::{Metrics, Sources};

/// Workers of the house.
pub(crate) const WORKERS: usize = 2;

/// Its parts.
pub(crate) struct House {
    pub(crate) publisher: Publisher,
    pub(crate) workers: Arc<Cells<WorkerCell>>,
    pub(crate) standing: Arc<ArcSwap<Standing>>,
    pub(crate) findings: Arc<ArcSwap<Findings>>,
    pub(crate) config: Arc<ArcSwap<Config>>,
}

impl House {
    pub(crate) fn metrics(&self) -> Metrics {
        let sources = Sources {
            publisher: self.publisher.clone(),
            workers: Arc::clone(&self.workers),
            standing: Arc::clone(&self.standing),
            findings: Arc::clone(&self.findings),
            config: Arc::clone(&self.config),
        };
        Metrics::new(sources).unwrap()
    }
}

/// This many routes from `legacy` to `vastai`, 12.5 % shifted, with further lines.
pub(crate) fn config(routes: usize, lines: &str) -> Config {
    let mut text = r#"
        [listen]
        http = "127.0.0.1:8080"
        [backends.legacy]
        endpoints = ["http://127.0.0.1:1"]
        [backends.vastai]
        endpoints = ["http://127.0.0.1:2", "http://127.0.0.1:3"]
    "#
    .to_owned();
    for index in 0..routes {
        text += &format!(
            r#"
            [[routes]]
            name = "route{index}"
            match = {{ path = "/{index}/*" }}
            primary = "legacy"
            candidate = "vastai"
            percent = 12.5
            {lines}
            "#
        );
    }
    parse(&text, "test.toml", &EmptyEnv).unwrap()
}

/// With that many routes.
pub(crate) fn snapshot(routes: usize, previous: &Snapshot) -> Snapshot {
    compile(
        &config(routes, ""),
        &Arc::default(),
        &Addresses::new(),
        previous,
        WORKERS,
    )
    .unwrap()
}

/// Of a file that says this beside where it listens, with a table of owners for 16.
pub(crate) fn owning(text: &str) -> Snapshot {
    let text = format!("[listen]\nhttp = \"127.0.0.1:8080\"\n{text}");
    let config = parse(&text, "test.toml", &EmptyEnv).unwrap_or_else(|bad| panic!("{bad}"));
    let mut empty = Snapshot::empty();
    empty.owners = Owners::memory(16);
    compile(&config, &Arc::default(), &Addresses::new(), &empty, WORKERS).unwrap()
}

/// Its table learns an owner, for a day.
pub(crate) fn learn(snapshot: &Snapshot, rule: &str, id: &str, backend: &str, now: u32) {
    let learned = Learned {
        rule,
        id: id.as_bytes(),
        backend,
        ttl: 86_400,
        origin: "",
        theirs: None,
    };
    snapshot.owners.learn(learned, now);
}

/// With one route.
pub(crate) fn house() -> House {
    let now = SystemTime::UNIX_EPOCH + Duration::from_millis(1_500);
    House {
        publisher: Publisher::new(snapshot(1, &Snapshot::empty())),
        workers: Arc::new(Cells::new(WORKERS)),
        findings: Arc::default(),
        config: Arc::new(ArcSwap::from_pointee(config(1, ""))),
        standing: Arc::new(ArcSwap::from_pointee(Standing {
            epoch: 1,
            last: Outcome::Applied,
            applied_at: now,
            attempted_at: now,
            applied: 1,
            refused: 0,
            from_last_good: false,
            needs_restart: Vec::new(),
            forces: [("route0".to_owned(), force(false))].into(),
            journal_sound: true,
        })),
    }
}

/// What is in force on its route, with the file `KILL` or without.
pub(crate) fn force(killed: bool) -> Force {
    let switches = Switches {
        kill_file: killed.then(|| Stamp {
            at: 1_500,
            actor: "kill_file".to_owned(),
            reason: String::new(),
        }),
        ..Switches::default()
    };
    let (route, house) = (RouteOverride::default(), Overrides::default());
    Force::of(1_250, &route, &house, &switches)
}

/// The same, held back by the guard.
pub(crate) fn held() -> Force {
    let hold = Hold {
        hundredths: 0,
        stamp: Stamp {
            at: 1_500,
            actor: "guard".to_owned(),
            reason: format!("at 12.5 %: {}", reason()),
        },
    };
    let route = RouteOverride {
        hold: Some(hold),
        ..RouteOverride::default()
    };
    let (house, switches) = (Overrides::default(), Switches::default());
    Force::of(1_250, &route, &house, &switches)
}

/// What a guard may have found: p95 speaks against the candidate, and errors have passed.
pub(crate) fn finding() -> Finding {
    let part = |metric, evidence| Part { metric, evidence };
    let pair = Pair {
        candidate: Tally::new(3, 200),
        primary: Tally::new(9, 600),
    };
    Finding {
        verdict: Verdict::Wait,
        detected: None,
        dry_run: false,
        evidence: 2.5,
        needed: 100.0,
        parts: vec![part(Metric::Errors, 0.4), part(Metric::P95, 4.0)],
        progress: vec![Progress {
            metric: Metric::Errors,
            evidence: 30.0,
            needed: 20.0,
            passed: true,
            counts: pair,
        }],
        units_at_step: 200,
        more_to_promote: Some(1_873),
        batches: 40,
        ratio_alarm: false,
        limits: Some(Limits {
            primary: [1_000, 2_000, 3_000],
            rollback: [1_050, 2_100, 3_150],
            promotion: [1_100, 2_200, 3_300],
        }),
        totals: [
            Totals {
                units: 600,
                bad: 9,
                slow: [300, 30, 6],
                timed: [590, 590, 590],
            },
            Totals {
                units: 200,
                bad: 3,
                slow: [80, 12, 2],
                timed: [197, 197, 197],
            },
        ],
    }
}

/// The reason of a rollback.
pub(crate) fn reason() -> Reason {
    Reason {
        metric: Metric::P95,
        evidence: 143.2,
        needed: 100.0,
        candidate: Tally::new(34, 210),
        against: Against::Primary(Tally::new(12, 240)),
    }
}
