//! The files in `config/` are what users copy: each must load, without any environment.

use std::path::PathBuf;

use super::check;
use crate::config::model::{ClientLimits, HostPolicy, LogFormat};
use crate::config::scalar::{Percent, StickyKey};
use crate::config::{Problems, load};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("config")
}

#[test]
fn every_example_is_in_order() {
    let mut seen = 0;
    for entry in std::fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|ext| ext != "toml") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        if let Err(problems) = check(&text) {
            panic!("{}: {problems}", path.display());
        }
        seen += 1;
    }
    assert!(seen >= 5, "only {seen} examples");
}

#[test]
fn the_main_example_means_what_it_says() {
    let loaded = load(&folder().join("figshift.toml")).unwrap();
    let config = loaded.config;
    let chat = &config.routes[0];
    assert_eq!(chat.percent, Percent::from_hundredths(1000));
    assert_eq!(chat.candidate.as_deref(), Some("vastai"));
    assert_eq!(chat.sticky[0], StickyKey::Header("x-user-id".to_owned()));
    assert_eq!(config.backends["vastai"].endpoints[0].weight(), 2);
    assert_eq!(config.backends["vastai"].host, HostPolicy::Endpoint);
    assert_eq!(config.log.format, LogFormat::Auto);
    assert!(loaded.text.starts_with("# figshift"));
}

#[test]
fn full_names_every_key_of_the_schema() {
    let text = std::fs::read_to_string(folder().join("full.toml")).unwrap();
    let schema = crate::config::schema();
    let tables = schema["$defs"]
        .as_object()
        .unwrap()
        .values()
        .chain([&schema]);
    for table in tables {
        for key in table["properties"].as_object().into_iter().flatten() {
            assert!(
                text.contains(key.0),
                "config/full.toml does not name `{}`",
                key.0
            );
        }
    }
}

#[test]
fn full_gives_the_true_defaults() {
    let with_defaults = load(&folder().join("minimal.toml")).unwrap().config;
    let full = load(&folder().join("full.toml")).unwrap().config;
    assert_eq!(full.state_dir, with_defaults.state_dir);
    assert_eq!(full.listen.admin, with_defaults.listen.admin);
    assert_eq!(full.listen.idle, with_defaults.listen.idle);
    assert_eq!(full.listen.drain, with_defaults.listen.drain);
    let limits = ClientLimits {
        connections: None,
        connections_per_client: None,
        ..full.listen.limits
    };
    assert_eq!(limits, with_defaults.listen.limits);
    let (full_backend, backend) = (&full.backends["legacy"], &with_defaults.backends["legacy"]);
    assert_eq!(full_backend.timeouts, backend.timeouts);
    let mut pool = full_backend.pool.clone();
    pool.ping = None;
    assert_eq!(pool, backend.pool);
    assert_eq!(full_backend.breaker, backend.breaker);
    assert_eq!(
        full.routes[0].replay_bytes,
        with_defaults.routes[0].replay_bytes
    );
    let guarded = &full.routes[0];
    assert_eq!(guarded.guard, with_defaults.routes[0].guard);
    let bare = "backends.a = { endpoints = [], limit = { in_flight = 64 } }\nlisten.http = \"0.0.0.0:1\"\n\
                [[routes]]\nname = \"a\"\nprimary = \"a\"\nrate_limit = { requests = 10, burst = 20 }\n";
    let bare = check(bare).unwrap();
    assert_eq!(full_backend.limit, bare.backends["a"].limit);
    assert_eq!(full.routes[0].rate_limit, bare.routes[0].rate_limit);
    let bare = "[listen]\nhttp = \"0.0.0.0:1\"\n[backends.a]\nendpoints = []\nhealth.path = \"/health\"\n\
                [[routes]]\nname = \"a\"\nprimary = \"a\"\n";
    assert_eq!(
        full_backend.health,
        check(bare).unwrap().backends["a"].health
    );
}

#[test]
fn full_gives_the_true_defaults_of_ramp_and_flag() {
    let full = load(&folder().join("full.toml")).unwrap().config;
    let backends = "[listen]\nhttp = \"0.0.0.0:1\"\n\
                    [backends.a]\nendpoints = []\n[backends.b]\nendpoints = []\n";
    let route = "[[routes]]\nname = \"r\"\nprimary = \"a\"\ncandidate = \"b\"\n";
    let only = |table: &str| check(&format!("{backends}{route}{table}")).unwrap().routes[0].clone();

    let bare = only("ramp = { steps = [1], schedule = {}, gate = { url = \"http://a\" } }");
    let (mut ramp, bare) = (full.routes[0].ramp.clone().unwrap(), bare.ramp.unwrap());
    ramp.steps.clone_from(&bare.steps);
    let gate = ramp.gate.as_mut().unwrap();
    gate.url = "http://a".to_owned();
    assert!(gate.token.take().unwrap().is_empty());
    assert_eq!(ramp, bare);

    let bare = only("flag = { url = \"http://a\", key = \"k\" }");
    let (mut flag, bare) = (full.routes[1].flag.clone().unwrap(), bare.flag.unwrap());
    (flag.url, flag.key) = (bare.url.clone(), bare.key.clone());
    assert!(flag.token.take().unwrap().is_empty());
    assert_eq!(flag, bare);
}

#[test]
fn full_gives_the_true_defaults_of_adapters_and_ownership() {
    let full = load(&folder().join("full.toml")).unwrap().config;
    let bare = "listen.http = \"0.0.0.0:1\"\nbackends.a.endpoints = []\n\
                adapters.a.operations.o.client = \"GET /a\"\n\
                [[ownership]]\nname = \"o\"\ncreate = [\"POST /a\"]\nuse = [\"/a/{id}\"]\n\
                [[routes]]\nname = \"a\"\nprimary = \"a\"\n";
    let bare = check(bare).unwrap();

    let (mut adapter, bare_adapter) = (full.adapters["jobs"].clone(), &bare.adapters["a"]);
    adapter.operations.clone_from(&bare_adapter.operations);
    assert_eq!(adapter, *bare_adapter);

    let (jobs, bare) = (&full.ownership[0], &bare.ownership[0]);
    assert_eq!(
        (jobs.ttl, jobs.unknown, jobs.id_mode),
        (bare.ttl, bare.unknown, bare.id_mode)
    );
    let (bare_id, uploads) = (&[".id"], &full.ownership[1]);
    assert_eq!(
        (&bare.id[..], &uploads.id[..]),
        (&bare_id.map(str::to_owned)[..], &bare.id[..])
    );
    assert_eq!((uploads.list, uploads.ttl), (bare.list, bare.ttl));
}

#[test]
fn unreadable_files_are_problems_too() {
    let dir = tempfile::tempdir().unwrap();
    let only = |problems: Problems| problems.list[0].clone();
    let missing = only(load(&dir.path().join("none.toml")).unwrap_err());
    assert!(
        missing.message.starts_with("cannot read the file"),
        "{missing:?}"
    );
    assert!(load(dir.path()).is_err());

    let path = dir.path().join("latin1.toml");
    std::fs::write(&path, b"[listen]\nhttp = \"caf\xe9\"\n").unwrap();
    let latin = only(load(&path).unwrap_err());
    assert_eq!((latin.line, latin.column), (2, 12));
    assert!(latin.message.contains("UTF-8"));

    std::fs::write(&path, "#".repeat(1024 * 1024 + 1)).unwrap();
    assert!(
        only(load(&path).unwrap_err())
            .message
            .contains("larger than 1 MiB")
    );
}
