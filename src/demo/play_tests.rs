//! The whole demo but for the proxy: its place is taken by one of the sample backends.

use super::*;
use crate::demo::{Behaviour, SampleBackend, SideReading};
use crate::policy::Phase;

fn observed(tries: u64) -> Observed {
    let side = |backend: &str, tries| SideObserved {
        backend: backend.to_owned(),
        reading: SideReading {
            tries,
            ..SideReading::default()
        },
        breaker: Phase::Closed,
    };
    Observed {
        route: RouteView {
            name: "chat".to_owned(),
            percent_configured: 10.0,
            percent_effective: 10.0,
            why: None,
            chain: String::new(),
        },
        sides: [side("legacy", tries), side("vastai", 0)],
        config: ConfigView {
            epoch: 1,
            last_reload: None,
        },
    }
}

#[tokio::test]
async fn it_introduces_shows_and_says_goodbye() {
    let stage = Stage::set_for([0, 0]).await.unwrap();
    let port = stage.proxy().rsplit(':').next().unwrap().parse().unwrap();
    let proxy = SampleBackend::start_on(port, "legacy", Behaviour::instant())
        .await
        .unwrap();
    let how = Play {
        terminal: false,
        colour: false,
        traffic: TrafficPlan {
            rate: 500.0,
            ..TrafficPlan::default()
        },
    };
    let enough = async {
        while proxy.requests() < 20 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    let mut out = Vec::new();
    let seen = play(&stage, how, &mut out, || observed(proxy.requests()), enough)
        .await
        .unwrap();
    let text = String::from_utf8(out).unwrap();
    assert!(text.starts_with(&stage.intro().text()));
    assert!(text.matches("\nroute chat").count() >= 1, "{text}");
    assert!(text.contains("The demo is over"), "{text}");
    assert_eq!(seen.failed, 0, "{:?}", seen.last_error);
    assert!(seen.ok >= 20);
    let folder = stage.file().parent().unwrap().to_owned();
    drop(stage);
    assert!(!folder.exists());
}

#[tokio::test]
async fn a_time_limit_ends_it() {
    curtain(Some(Duration::from_millis(1))).await;
}
