//! The file is saved again and again under load, and nobody notices.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use figshift::outbound::near;

use super::house::{House, Site, backend};
use super::load::Load;
use super::origin::{Origin, events};
use super::wait::until;

/// A good save must be in force by then.
const IN_FORCE: Duration = Duration::from_secs(1);
/// To see that one that is too late comes at all.
const PATIENCE: Duration = Duration::from_secs(10);

/// The ways of saving.
#[derive(Debug, Clone, Copy)]
enum Way {
    /// The file is cut to nothing and written.
    InPlace,
    /// A new one is renamed over it, as editors do.
    Rename,
    /// The folder behind the link is changed for another, as Kubernetes does with a `ConfigMap`.
    Swap,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs nginx, wrk, prometheus: tests/run"]
async fn twenty_saves_under_load_fail_nobody_and_cut_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let legacy = Origin::start("legacy", folder.path()).await;
    let vastai = Origin::start("vastai", folder.path()).await;
    let mut mount = Mount::new(folder.path());
    let mut site = Site::new(folder.path());
    site.file = mount.file.clone();
    let all_to_vastai = site.split(&legacy, &vastai, "100");
    let all_to_legacy = site.split(&legacy, &vastai, "0");
    let without_vastai = alone(&site, &legacy);
    mount.save(&all_to_vastai, Way::InPlace);
    let house = site.serve().await;
    assert_eq!(backend(&house.get("/").await), "vastai");

    let saves = Arc::new(AtomicU32::new(0));
    let streams = tokio::spawn(read_streams(house.url(Origin::EVENTS), Arc::clone(&saves)));
    let load = Load::start(&house.url("/"), 64, Duration::from_secs(240), folder.path());
    let hits = || legacy.hits() + vastai.hits();
    until("load", PATIENCE, async || (hits() > 1000).then_some(())).await;

    let mut slowest = Duration::ZERO;
    let broken = broken_files(&all_to_legacy);
    let mut broken = broken.iter();
    let ways = [Way::InPlace, Way::Rename];
    for turn in 0..20_usize {
        let way = match turn {
            6 => Way::Swap,
            _ => ways[turn % 2],
        };
        if turn % 4 == 3 {
            mount.save(broken.next().unwrap(), way);
            refused(&house).await;
        } else {
            let (text, expected) = match turn {
                _ if backend(&house.get("/").await) == "legacy" => (&all_to_vastai, "vastai"),
                // The backend of the streams goes altogether.
                10 => (&without_vastai, "legacy"),
                _ => (&all_to_legacy, "legacy"),
            };
            let took = in_force(&house, &mut mount, text, way, expected).await;
            slowest = slowest.max(took);
        }
        saves.fetch_add(1, Ordering::Relaxed);
        let before = hits();
        until("load", PATIENCE, async || {
            (hits() > before + 300).then_some(())
        })
        .await;
    }

    let seen = load.stop().await;
    let lived_through = streams.await.unwrap();
    println!(
        "reload: 20 saves (15 good, the slowest in force after {} ms; 5 broken, refused) under {} requests: \
         {} failed; streams that lived through {lived_through:?} saves: none cut",
        slowest.as_millis(),
        seen.requests,
        seen.failed()
    );
    assert_eq!(seen.failed(), 0, "{seen:?}");
    assert!(slowest < IN_FORCE, "the slowest took {slowest:?}");
    let scrape = house.scrape().await;
    let reloads = |result| scrape.sum("figshift_config_reloads_total", &[result]);
    assert_eq!(reloads(r#"result="applied""#), 16.0, "the start and 15");
    assert_eq!(reloads(r#"result="refused""#), 5.0);
    assert_eq!(scrape.sum("figshift_panics_total", &[]), 0.0);
}

/// Saves and waits until requests go where the new text sends them. Tells how long it took.
async fn in_force(
    house: &House,
    mount: &mut Mount,
    text: &str,
    way: Way,
    expected: &str,
) -> Duration {
    let epoch = house.scrape().await.sum("figshift_config_epoch", &[]);
    let start = Instant::now();
    mount.save(text, way);
    let what = format!("{way:?} in force");
    until(&what, PATIENCE, async || {
        (backend(&house.get("/").await) == expected).then_some(())
    })
    .await;
    let took = start.elapsed();
    let now = house.scrape().await;
    assert_eq!(now.sum("figshift_config_epoch", &[]), epoch + 1.0);
    let successful = "figshift_config_last_reload_successful";
    assert_eq!(now.sum(successful, &[]), 1.0);
    assert_eq!(house.health().await["config"]["status"], "applied");
    took
}

/// Waits until the file is refused; what was in force must still be.
async fn refused(house: &House) {
    let before = house.scrape().await.sum("figshift_config_epoch", &[]);
    let health = until("the refusal", PATIENCE, async || {
        let health = house.health().await;
        (health["config"]["status"] == "refused").then_some(health)
    })
    .await;
    let problems = health["config"]["problems"].as_array().unwrap();
    assert!(!problems.is_empty(), "{health}");
    let now = house.scrape().await;
    assert_eq!(now.sum("figshift_config_epoch", &[]), before);
    let successful = "figshift_config_last_reload_successful";
    assert_eq!(now.sum(successful, &[]), 0.0);
}

/// Reads one slow stream after the other until all saves are made. Each must be whole. Tells how
/// many saves each has seen.
async fn read_streams(url: String, saves: Arc<AtomicU32>) -> Vec<u32> {
    let client = near().build().unwrap();
    let (whole, mut lived_through) = (events(), Vec::new());
    while saves.load(Ordering::Relaxed) < 20 {
        let first = saves.load(Ordering::Relaxed);
        let mut answer = client.get(&url).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        let mut read = Vec::new();
        while let Some(chunk) = answer.chunk().await.expect("a stream was cut") {
            read.extend_from_slice(&chunk);
        }
        assert_eq!(String::from_utf8(read).unwrap(), whole);
        lived_through.push(saves.load(Ordering::Relaxed) - first);
    }
    lived_through
}

fn alone(site: &Site, legacy: &Origin) -> String {
    format!(
        "{}[backends.legacy]\nendpoints = [\"{}\"]\n[[routes]]\nname = \"all\"\nprimary = \"legacy\"\n\
         backend_header = true\n",
        site.head(),
        legacy.url()
    )
}

fn broken_files(good: &str) -> [String; 5] {
    [
        good.replace("percent = 0", "percent = 101"),
        good.replace("primary =", "primry ="),
        good.replace("[[routes]]", "[[routes]"),
        good.replace("candidate = \"vastai\"", "candidate = \"nobody\""),
        String::new(),
    ]
}

/// A folder as Kubernetes mounts one: the file is a link through `..data`, itself a link to the
/// folder in force.
struct Mount {
    folder: PathBuf,
    file: PathBuf,
    versions: u32,
}

impl Mount {
    fn new(folder: &Path) -> Self {
        let folder = folder.join("mount");
        fs::create_dir(&folder).unwrap();
        let file = folder.join("figshift.toml");
        std::os::unix::fs::symlink("..data/figshift.toml", &file).unwrap();
        let mut mount = Self {
            folder,
            file,
            versions: 0,
        };
        mount.swap("");
        mount
    }

    fn save(&mut self, text: &str, way: Way) {
        match way {
            Way::InPlace => fs::write(&self.file, text).unwrap(),
            Way::Rename => {
                let target = fs::canonicalize(&self.file).unwrap();
                let beside = target.with_extension("new");
                fs::write(&beside, text).unwrap();
                fs::rename(beside, target).unwrap();
            }
            Way::Swap => self.swap(text),
        }
    }

    fn swap(&mut self, text: &str) {
        self.versions += 1;
        let version = format!("..version-{}", self.versions);
        fs::create_dir(self.folder.join(&version)).unwrap();
        fs::write(self.folder.join(&version).join("figshift.toml"), text).unwrap();
        let link = self.folder.join("..data_tmp");
        std::os::unix::fs::symlink(version, &link).unwrap();
        fs::rename(link, self.folder.join("..data")).unwrap();
    }
}
