//! What a request costs: each step by itself, and a whole exchange beside the same one without
//! figshift. `benches/README.md` tells how to run and how to read it. One binary for all, because
//! an optimised link of the whole house takes minutes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::let_underscore_must_use,
    reason = "a bench may panic"
)]

mod adapt;
mod client;
mod exchange;
mod fitness;
mod framing;
mod pin;
mod recall;
mod record;
mod route;
mod split;
mod stand;
#[path = "../../tests/support/mod.rs"]
mod support;

use figshift::config::{Config, EmptyEnv, parse};
use figshift::snapshot::{Addresses, Snapshot, compile};

fn main() {
    divan::main();
    stand::stop();
}

/// A configuration of as many routes, all like the one of the template, changed one by one.
fn snapshot(
    routes: usize,
    change: impl Fn(usize, &mut figshift::config::model::Route),
) -> Snapshot {
    let text = "[listen]\nhttp = \"127.0.0.1:0\"\n[backends.old]\nendpoints = []\n\
                [[routes]]\nname = \"r\"\nprimary = \"old\"\n";
    let mut config: Config = parse(text, "bench.toml", &EmptyEnv).unwrap();
    let template = config.routes.remove(0);
    for index in 0..routes {
        let mut route = template.clone();
        route.name = format!("r{index}");
        change(index, &mut route);
        config.routes.push(route);
    }
    compile(
        &config,
        &std::sync::Arc::default(),
        &Addresses::new(),
        &Snapshot::empty(),
        1,
    )
    .unwrap()
}
