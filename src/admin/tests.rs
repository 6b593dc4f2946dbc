//! The port as its callers see it, over a real socket.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use axum::http::{Method, StatusCode};
use reqwest::Response;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use super::{Inquirer, MOST_STREAMS, Patience, View, router, serve};
use crate::api::{
    BreakerState, ConfigStatus, Health, HouseStatus, Problem, Readiness, ServiceStatus,
};
use crate::control::{Door, Events, Outcome, Standing};
use crate::outbound::near;
use crate::recall::Board;
use crate::snapshot::Snapshot;
use crate::stats::Class;
use crate::telemetry::{Window, sample};

const TEXT: &str = "admin.token = 'correct-horse-battery' # ours\n";

pub(super) struct Port {
    pub(super) address: SocketAddr,
    pub(super) view: View,
    url: String,
    pub(super) serving: JoinHandle<()>,
}

impl Port {
    pub(super) async fn open() -> Self {
        Self::with(Patience::default()).await
    }

    pub(super) async fn with(patience: Patience) -> Self {
        let house = sample::house();
        let view = View {
            metrics: Arc::new(house.metrics()),
            window: Arc::new(Window::new(house.publisher.clone())),
            flags: Arc::default(),
            finds: Default::default(),
            costs: Arc::default(),
            access: Arc::default(),
            door: Door::to_nobody(),
            journal: std::path::Path::new("nowhere").into(),
            events: Events::new(),
            streams: Arc::new(Semaphore::new(MOST_STREAMS)),
            inquirer: Arc::new(Inquirer::new(Board::new(0))),
            publisher: house.publisher,
            standing: house.standing,
            patience,
            findings: Arc::default(),
            config: house.config,
            text: Arc::new(ArcSwap::from_pointee(TEXT.to_owned())),
            file: std::path::Path::new("figshift.toml").into(),
            leaving: Arc::default(),
            born: Instant::now(),
        };
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .unwrap();
        let address = listener.local_addr().unwrap();
        let url = format!("http://{address}");
        let router = router(view.clone());
        let serving = tokio::spawn(serve(listener, router, patience, std::future::pending()));
        Self {
            address,
            url,
            view,
            serving,
        }
    }

    async fn ask(&self, method: Method, path: &str) -> Response {
        let client = near().build().unwrap();
        let url = format!("{}{path}", self.url);
        client.request(method, url).send().await.unwrap()
    }

    pub(super) async fn get(&self, path: &str) -> Response {
        self.ask(Method::GET, path).await
    }

    pub(super) async fn health(&self) -> (StatusCode, Health) {
        let answer = self.get("/health").await;
        (answer.status(), answer.json().await.unwrap())
    }

    fn set_healthy(&self, backend: &str, healthy: bool) {
        for known in &self.view.publisher.current().backends {
            if &*known.name == backend {
                for member in &known.members {
                    member.endpoint.fitness.set_healthy(healthy);
                }
            }
        }
    }
}

#[tokio::test]
async fn metrics_are_text_and_probes_are_short() {
    let port = Port::open().await;
    let answer = port.get("/metrics").await;
    assert_eq!(
        answer.headers()["content-type"],
        "text/plain; version=0.0.4; charset=utf-8"
    );
    assert_eq!(answer.headers()["cache-control"], "no-store");
    assert!(
        answer
            .text()
            .await
            .unwrap()
            .contains("figshift_requests_total{")
    );
    for path in ["/livez", "/readyz"] {
        let answer = port.get(path).await;
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(answer.text().await.unwrap(), "ok\n");
    }
    let head = port.ask(Method::HEAD, "/livez").await;
    assert_eq!(head.status(), StatusCode::OK);
    assert_eq!(head.text().await.unwrap(), "");
}

#[tokio::test]
async fn ready_while_each_route_has_somebody() {
    let port = Port::open().await;
    for (legacy, vastai, status) in [(true, false, 200), (false, true, 200), (false, false, 503)] {
        port.set_healthy("legacy", legacy);
        port.set_healthy("vastai", vastai);
        let answer = port.get("/readyz?verbose").await;
        assert_eq!(answer.status(), status, "{legacy} {vastai}");
        let readiness: Readiness = answer.json().await.unwrap();
        let route = readiness.routes["route0"];
        assert_eq!((route.primary, route.candidate), (legacy, Some(vastai)));
        assert_eq!(route.ready, status == 200);
    }
    let text = port.get("/readyz").await.text().await.unwrap();
    assert_eq!(text, "routes that nobody can serve: route0\n");
    assert_eq!(port.get("/livez").await.status(), StatusCode::OK);
    port.view.publisher.publish(Snapshot::empty());
    assert_eq!(
        port.get("/readyz").await.status(),
        StatusCode::SERVICE_UNAVAILABLE
    );
}

#[tokio::test]
async fn health_follows_the_backends() {
    let port = Port::open().await;
    let (status, health) = port.health().await;
    assert_eq!((status, health.status), (StatusCode::OK, HouseStatus::Ok));
    assert_eq!(health.config.applied_at, "1970-01-01T00:00:01Z");
    let shares = |health: &Health| {
        let share = |name: &str| health.services[name].percent["route0"];
        (share("legacy"), share("vastai"))
    };
    assert_eq!(shares(&health), (87.5, 12.5));

    port.set_healthy("vastai", false);
    let (status, health) = port.health().await;
    assert_eq!(
        (status, health.status),
        (StatusCode::OK, HouseStatus::Degraded)
    );
    assert_eq!(health.services["vastai"].status, ServiceStatus::Down);
    assert_eq!(shares(&health), (100.0, 0.0));
    let route = &health.routes["route0"];
    let percents = (route.percent_configured, route.percent_in_force);
    assert_eq!((percents, route.percent_effective), ((12.5, 12.5), 0.0));
    assert_eq!(route.why, "12.5 % ← file 12.5 %");

    port.set_healthy("legacy", false);
    let (status, health) = port.health().await;
    assert_eq!(
        (status, health.status),
        (StatusCode::SERVICE_UNAVAILABLE, HouseStatus::Down)
    );
}

#[tokio::test]
async fn health_tells_breakers_and_the_last_minute() {
    let port = Port::open().await;
    port.view.window.tick(Duration::ZERO);
    let snapshot = port.view.publisher.current();
    let arm = snapshot.routes[0].candidate.as_ref().unwrap();
    arm.cells.of(0).attempts[Class::Ok as usize].add(3);
    arm.cells.of(1).attempts[Class::Reset as usize].add(1);
    arm.cells.of(1).total.record(200_000);
    let endpoint = &arm.backend.members[0].endpoint;
    let now = port.view.now();
    let ticket = endpoint.fitness.admit(now, 0).unwrap();
    while !endpoint.fitness.fail(now, ticket, 0) {}
    endpoint.cells.of(0).in_flight.up();

    let (_, health) = port.health().await;
    let service = &health.services["vastai"];
    assert_eq!(service.status, ServiceStatus::Degraded);
    assert_eq!((service.requests, service.error_rate), (4, Some(0.25)));
    assert!(
        (190.0..270.0).contains(&service.p50_ms.unwrap()),
        "{service:?}"
    );
    let told = &service.endpoints[0];
    assert_eq!(told.url, "http://127.0.0.1:2");
    assert_eq!(
        (told.breaker, told.healthy, told.in_flight),
        (BreakerState::Open, true, 1)
    );
    assert_eq!(health.services["legacy"].error_rate, None);
}

#[tokio::test]
async fn health_tells_of_kill_switches_and_of_the_journal() {
    let port = Port::open().await;
    assert!(port.health().await.1.services["vastai"].enabled);
    let mut standing = Standing::clone(&port.view.standing.load());
    standing.journal_sound = false;
    port.view.standing.store(Arc::new(standing.clone()));
    assert_eq!(port.health().await.1.status, HouseStatus::Degraded);
    standing.journal_sound = true;
    standing
        .forces
        .insert("route0".to_owned(), sample::force(true));
    port.view.standing.store(Arc::new(standing));
    let (_, health) = port.health().await;
    assert_eq!(health.status, HouseStatus::Degraded);
    let why = "0 % ← KILL file by kill_file ← file 12.5 %";
    assert_eq!(health.routes["route0"].why, why);
    assert!(!health.services["vastai"].enabled);
    assert!(health.services["legacy"].enabled);
}

#[tokio::test]
async fn every_path_of_the_table_is_served() {
    let port = Port::open().await;
    for (method, path) in super::router::PATHS {
        let method: Method = method.to_uppercase().parse().unwrap();
        let path = path.replace("{name}", "route0");
        let answer = port.ask(method, &path).await;
        let status = answer.status().as_u16();
        if path.contains("{rule}") {
            assert_eq!(status, 404, "{path}");
            let problem: Problem = answer.json().await.unwrap();
            assert_eq!(problem.reason, "no_rule");
        } else if path.ends_with("{id}") {
            assert_eq!(status, 404, "{path}");
            let problem: Problem = answer.json().await.unwrap();
            assert_eq!(problem.reason, "unknown_request");
        } else if path == super::router::WEBHOOK {
            assert_eq!(status, 404, "{path}");
            let problem: Problem = answer.json().await.unwrap();
            assert_eq!(problem.reason, "no_webhook");
        } else {
            assert!(!matches!(status, 404 | 405), "{path}");
        }
    }
}

#[tokio::test]
async fn a_house_that_ends_takes_no_change() {
    let port = Port::open().await;
    let client = near().build().unwrap();
    let asked = client.post(format!("{}/api/v1/rollback", port.url));
    let answer = asked.json(&serde_json::json!({})).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.json::<Problem>().await.unwrap().reason, "ending");
}

#[tokio::test]
async fn half_a_body_is_not_waited_for() {
    let patience = Patience {
        reading: Duration::from_millis(200),
        ..Patience::default()
    };
    let port = Port::with(patience).await;
    let mut stream = tokio::net::TcpStream::connect(port.address).await.unwrap();
    let half = "POST /api/v1/rollback HTTP/1.1\r\nhost: localhost\r\n\
                content-type: application/json\r\ncontent-length: 9\r\n\r\n{";
    stream.write_all(half.as_bytes()).await.unwrap();
    let mut answer = String::new();
    let read = stream.read_to_string(&mut answer);
    tokio::time::timeout(Duration::from_secs(20), read)
        .await
        .expect("it ends")
        .unwrap();
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(answer.contains("too_slow"), "{answer}");
}

#[tokio::test]
async fn health_tells_where_the_file_stands() {
    let port = Port::open().await;
    let mut standing = Standing::clone(&port.view.standing.load());
    standing.last = Outcome::Refused("line 3: no\nline 7: neither".into());
    standing.needs_restart = vec!["listen.http"];
    port.view.standing.store(Arc::new(standing.clone()));
    let (status, health) = port.health().await;
    assert_eq!(
        (status, health.status),
        (StatusCode::OK, HouseStatus::Degraded)
    );
    assert_eq!(health.config.status, ConfigStatus::Refused);
    assert_eq!(health.config.problems, ["line 3: no", "line 7: neither"]);
    assert_eq!(health.config.needs_restart, ["listen.http"]);
    standing.from_last_good = true;
    port.view.standing.store(Arc::new(standing));
    assert_eq!(port.health().await.1.config.status, ConfigStatus::LastGood);
}

#[tokio::test]
async fn refusals_say_what_to_do() {
    let port = Port::open().await;
    for (method, path, status) in [
        (Method::GET, "/", 404),
        (Method::GET, "/metrics/", 404),
        (Method::POST, "/nothing", 404),
        (Method::POST, "/health", 405),
        (Method::DELETE, "/metrics", 405),
    ] {
        let answer = port.ask(method.clone(), path).await;
        assert_eq!(answer.status(), status, "{method} {path}");
        assert_eq!(answer.headers()["content-type"], "application/problem+json");
        if status == 405 {
            assert_eq!(answer.headers()["allow"], "GET,HEAD");
        }
        let problem: Problem = answer.json().await.unwrap();
        assert_eq!(problem.status, status);
        assert_eq!(
            status == 404,
            problem
                .detail
                .contains("/metrics, /livez, /readyz, /health")
        );
    }
}
