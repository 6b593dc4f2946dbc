//! A small house for tests: what the collector, the window and the admin port read.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;

use crate::config::{EmptyEnv, parse};
use crate::control::{Force, Outcome, Overrides, RouteOverride, Stamp, Standing, Switches};
use crate::snapshot::{Publisher, Snapshot, compile};
use crate::stats::{Cells, WorkerCell};

/// Workers of the house.
pub(crate) const WORKERS: usize = 2;

/// Its parts.
pub(crate) struct House {
    pub(crate) publisher: Publisher,
    pub(crate) workers: Arc<Cells<WorkerCell>>,
    pub(crate) standing: Arc<ArcSwap<Standing>>,
}

/// This many routes from `legacy` to `vastai`, 10 % shifted.
pub(crate) fn snapshot(routes: usize, previous: &Snapshot) -> Snapshot {
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
            "#
        );
    }
    let config = parse(&text, "test.toml", &EmptyEnv).unwrap();
    compile(&config, previous, WORKERS).unwrap()
}

/// With one route.
pub(crate) fn house() -> House {
    let now = SystemTime::UNIX_EPOCH + Duration::from_millis(1_500);
    House {
        publisher: Publisher::new(snapshot(1, &Snapshot::empty())),
        workers: Arc::new(Cells::new(WORKERS)),
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
