//! From the file as written to a snapshot. A pure function: what is unchanged is taken over from
//! the previous snapshot, so counters, breakers and connections survive a reload.

use std::fmt;
use std::sync::Arc;

use http::Method;
use http::header::{HeaderName, HeaderValue};

use super::Snapshot;
use super::adapter::Adapter;
use super::address::Addresses;
use super::backend::{Backend, HostRule};
use super::endpoints::{Compiled, Endpoints};
use super::ownership::Ownership;
use super::rate::RateLimit;
use super::route::{Arm, Match, Route, Sticky};
use super::router::Router;
use super::seats::{Limit, Seats};
use super::serverless::Serverless;
use super::status::Statuses;
use crate::config::model::{self, Config, Discover, HostPolicy, OnDisconnect, SideAdapters};
use crate::config::scalar::StickyKey;
use crate::policy::{Salt, Split, Weights};
use crate::stats::{Cells, Cohorts, Side};
use crate::tls::{Connector, Material};

/// A value that validation should have refused. Seeing one is a fault of ours, not of the file.
#[derive(Debug, PartialEq, Eq)]
pub struct Unsound {
    /// The key path.
    pub at: String,
    /// The value.
    pub value: String,
}

impl fmt::Display for Unsound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: `{}` cannot be used", self.at, self.value)
    }
}

impl std::error::Error for Unsound {}

/// Compiles the next snapshot after `previous`, for this many workers, with what TLS needs and what was
/// discovered last.
///
/// # Errors
///
/// A value that does not parse although the file was validated.
pub fn compile(
    config: &Config,
    material: &Arc<Material>,
    addresses: &Addresses,
    previous: &Snapshot,
    workers: usize,
) -> Result<Snapshot, Unsound> {
    let mut next_endpoint = previous.next_endpoint;
    let mut backends = Vec::with_capacity(config.backends.len());
    for (name, backend) in &config.backends {
        let found = addresses.get(name).filter(|_| backend.discover.is_some());
        let compiled = Endpoints {
            name,
            written: backend,
            old: (previous.backends.iter()).find(|old| *old.name == **name),
            workers,
            next: &mut next_endpoint,
        }
        .compile(found.map_or(&[], Vec::as_slice))?;
        let connector = material.connectors.get(name).cloned();
        backends.push(Arc::new(compile_backend(
            name, backend, compiled, connector, previous, workers,
        )?));
    }
    let adapters = config.adapters.iter().map(|(name, written)| {
        let old = (previous.adapters.iter()).find(|old| *old.name == **name);
        Adapter::compile(name, written, old, workers)
    });
    let adapters: Box<[_]> = adapters.collect::<Result<_, _>>()?;
    let ownership = config.ownership.iter().map(|written| {
        let old = (previous.ownership.iter()).find(|old| *old.name == *written.name);
        Ownership::compile(written, old, workers)
    });
    let ownership: Box<[_]> = ownership.collect::<Result<_, _>>()?;
    let shared = Shared {
        backends: &backends,
        adapters: &adapters,
        ownership: &ownership,
    };
    let mut routes = Vec::with_capacity(config.routes.len());
    let mut router = Router::default();
    for (index, route) in config.routes.iter().enumerate() {
        router.add(
            index as u32,
            route.matches.host.as_deref(),
            route.matches.path.as_deref(),
        );
        routes.push(compile_route(route, &shared, previous, workers)?);
    }
    Ok(Snapshot {
        epoch: previous.epoch + 1,
        routes: routes.into(),
        backends: backends.into(),
        adapters,
        ownership,
        owners: Arc::clone(&previous.owners),
        router,
        client_idle: config.listen.idle.get(),
        limits: (&config.listen.limits).into(),
        cuts: previous.cuts.clone(),
        material: Arc::clone(material),
        redirect: redirect(&config.listen),
        hsts: hsts(&config.listen)?,
        handshake: config.listen.handshake.get(),
        announcing: config.listen.proxy_protocol.clone().into(),
        trusted: config.listen.trusted.clone().into(),
        next_endpoint,
    })
}

/// The port of TLS that plain requests are sent to.
fn redirect(listen: &model::Listen) -> Option<u16> {
    let tls = listen.tls.as_ref().filter(|tls| tls.redirect)?;
    let own = listen
        .https
        .as_ref()?
        .parse::<std::net::SocketAddr>()
        .ok()?;
    Some(tls.redirect_port.unwrap_or(own.port()))
}

fn hsts(listen: &model::Listen) -> Result<Option<HeaderValue>, Unsound> {
    let Some(age) = listen.tls.as_ref().and_then(|tls| tls.hsts) else {
        return Ok(None);
    };
    let value = format!("max-age={}", age.get().as_secs());
    let at = "listen.tls.hsts".to_owned();
    let value = HeaderValue::from_str(&value).map_err(|_| Unsound { at, value });
    value.map(Some)
}

fn compile_backend(
    name: &str,
    written: &model::Backend,
    Compiled { members, away }: Compiled,
    connector: Option<Arc<Connector>>,
    previous: &Snapshot,
    workers: usize,
) -> Result<Backend, Unsound> {
    let value = |at: &str, text: &str| {
        HeaderValue::from_str(text).map_err(|_| Unsound {
            at: format!("backends.{name}{at}"),
            value: text.to_owned(),
        })
    };
    Ok(Backend {
        name: name.into(),
        header: value("", name)?,
        weights: Weights::new(members.iter().map(|member| member.weight)),
        members: members.into(),
        away: away.into(),
        source: written.discover.as_ref().map(Discover::source),
        ready: written.ready.clone().unwrap_or_default(),
        connector,
        protocol: written.protocol,
        host: match &written.host {
            // The front of others does not know the client's.
            HostPolicy::Preserve if written.serverless.is_some() => HostRule::Endpoint,
            HostPolicy::Preserve => HostRule::Preserve,
            HostPolicy::Endpoint => HostRule::Endpoint,
            HostPolicy::Fixed(host) => HostRule::Fixed(value(".host", host)?),
        },
        connect_timeout: written.timeouts.connect.get(),
        head_timeout: written.timeouts.head.get(),
        first_event: written.timeouts.first_event.get(),
        gap: written.timeouts.gap.get(),
        body_gap: written.timeouts.body_gap.map(|gap| gap.get()),
        drain: match written.on_disconnect {
            OnDisconnect::Cancel => None,
            OnDisconnect::Drain => Some(written.drain_limit.get()),
        },
        tunnel_idle: Some(written.timeouts.tunnel_idle.get()).filter(|limit| !limit.is_zero()),
        pool_idle: written.pool.idle.get(),
        pool_max_idle: written.pool.max_idle,
        pool_ping: written.pool.ping.map(|ping| ping.get()),
        breaker_statuses: Statuses::new(&written.breaker.statuses),
        slow_start: written.breaker.slow_start.get(),
        health: written.health.clone(),
        limit: (written.limit.as_ref())
            .map(|limit| Limit::new(limit, known_seats(previous, name).unwrap_or_default())),
        serverless: written.serverless.as_ref().map(|serverless| {
            let mut backends = previous.backends.iter();
            let old = backends.find(|old| &*old.name == name);
            let old = old.and_then(|old| old.serverless.as_deref());
            Box::new(Serverless::compile(serverless, old, workers))
        }),
    })
}

/// What routes share.
struct Shared<'a> {
    backends: &'a [Arc<Backend>],
    adapters: &'a [Arc<Adapter>],
    ownership: &'a [Arc<Ownership>],
}

fn compile_route(
    written: &model::Route,
    shared: &Shared<'_>,
    previous: &Snapshot,
    workers: usize,
) -> Result<Route, Unsound> {
    let unsound = |at: &str, value: &str| Unsound {
        at: format!("routes.{}.{at}", written.name),
        value: value.to_owned(),
    };
    let arm = |side: Side, backend: &str| {
        let backend = (shared.backends)
            .iter()
            .find(|known| &*known.name == backend)
            .ok_or_else(|| unsound(side.as_str(), backend))?;
        let adapter = match side {
            Side::Primary => &written.adapters.primary,
            Side::Candidate => &written.adapters.candidate,
        };
        let adapter = adapter.as_ref().map(|name| {
            let known = (shared.adapters.iter()).find(|known| *known.name == **name);
            known.cloned().ok_or_else(|| unsound("adapters", name))
        });
        Ok(Arm {
            backend: Arc::clone(backend),
            adapter: adapter.transpose()?,
            cells: known_cells(previous, &written.name, side, &backend.name)
                .unwrap_or_else(|| Arc::new(Cells::new(workers))),
        })
    };
    let candidate = written.candidate.as_deref();
    let primary = arm(Side::Primary, &written.primary)?;
    let candidate_arm = candidate
        .map(|backend| arm(Side::Candidate, backend))
        .transpose()?;
    let ownership = match candidate {
        Some(_) => Ownership::of_route(shared.ownership, written.matches.path.as_deref()),
        // There is nowhere else.
        None => Box::default(),
    };
    let drains = |arm: &Arm| arm.backend.drain.is_some();
    let may_outlive = written.keep_alive.is_some()
        || drains(&primary)
        || candidate_arm.as_ref().is_some_and(drains);
    Ok(Route {
        name: written.name.as_str().into(),
        matches: compile_match(&written.matches)
            .map_err(|(at, value)| unsound(&format!("match.{at}"), &value))?,
        split: Split::new(match candidate {
            Some(_) => written.percent.hundredths(),
            None => 0,
        }),
        why: "file".into(),
        salt: Salt::new(written.salt.as_deref().unwrap_or(&written.name)),
        sticky: written
            .sticky
            .iter()
            .map(|key| compile_sticky(key).ok_or_else(|| unsound("sticky", &format!("{key:?}"))))
            .collect::<Result<_, _>>()?,
        primary,
        candidate: candidate_arm,
        cohorts: candidate.filter(|_| written.guard.enabled).map(|_| {
            known_cohorts(written, previous)
                .unwrap_or_else(|| Arc::new(Cohorts::new(workers, !written.sticky.is_empty())))
        }),
        is_plain: ownership.is_empty() && written.adapters == SideAdapters::default(),
        ownership,
        fallback_on: Statuses::new(&written.fallback_on),
        replay_bytes: written.replay_bytes.bytes(),
        rate: (written.rate_limit.as_ref())
            .map(|limit| {
                let unsound = || unsound("rate_limit", &format!("{limit:?}"));
                compile_rate(limit, &written.name, previous).ok_or_else(unsound)
            })
            .transpose()?,
        max_body: written.max_body.map(|most| most.bytes() as u64),
        idempotent: written.idempotent,
        hold: written.hold,
        may_outlive,
        keep_alive: written.keep_alive.map(|every| every.get()),
        upgrade: written.upgrade,
        side_header: written.side_header,
        backend_header: written.backend_header,
    })
}

/// The seats at the backend of the same name.
fn known_seats(previous: &Snapshot, backend: &str) -> Option<Arc<Seats>> {
    let mut backends = previous.backends.iter();
    let old = backends.find(|old| &*old.name == backend)?;
    Some(Arc::clone(&old.limit.as_ref()?.seats))
}

/// The rate limit of a route; what clients have used of one that stays the same is remembered.
fn compile_rate(
    written: &model::RateLimit,
    route: &str,
    previous: &Snapshot,
) -> Option<Arc<RateLimit>> {
    let mut routes = previous.routes.iter();
    let old = routes.find(|old| &*old.name == route);
    let old = old.and_then(|old| old.rate.as_ref());
    if let Some(same) = old.filter(|old| old.is_as(written)) {
        return Some(Arc::clone(same));
    }
    let key = compile_sticky(&written.key)?;
    RateLimit::new(written, key).map(Arc::new)
}

/// The counters of the same side of the same route with the same backend.
fn known_cells(
    previous: &Snapshot,
    route: &str,
    side: Side,
    backend: &str,
) -> Option<Arc<Cells<crate::stats::SideCell>>> {
    let old = previous.routes.iter().find(|old| &*old.name == route)?;
    let arm = old.arm(side)?;
    (&*arm.backend.name == backend).then(|| Arc::clone(&arm.cells))
}

/// The cohorts of the same route between the same backends, drawing for the same.
fn known_cohorts(written: &model::Route, previous: &Snapshot) -> Option<Arc<Cohorts>> {
    let mut routes = previous.routes.iter();
    let old = routes.find(|old| *old.name == *written.name)?;
    let candidate = old.candidate.as_ref()?;
    let cohorts = old.cohorts.as_ref()?;
    let same = *old.primary.backend.name == *written.primary
        && Some(&*candidate.backend.name) == written.candidate.as_deref()
        && cohorts.is_sticky() != written.sticky.is_empty();
    same.then(|| Arc::clone(cohorts))
}

fn compile_match(written: &model::Match) -> Result<Match, (&'static str, String)> {
    let methods = written
        .methods
        .iter()
        .map(|method| {
            Method::from_bytes(method.as_bytes()).map_err(|_| ("methods", method.clone()))
        })
        .collect::<Result<_, _>>()?;
    let headers = written
        .headers
        .iter()
        .map(|(name, value)| {
            let name =
                HeaderName::from_bytes(name.as_bytes()).map_err(|_| ("headers", name.clone()))?;
            let value = match value.as_str() {
                "*" => None,
                text => {
                    Some(HeaderValue::from_str(text).map_err(|_| ("headers", text.to_owned()))?)
                }
            };
            Ok((name, value))
        })
        .collect::<Result<_, _>>()?;
    Ok(Match { methods, headers })
}

fn compile_sticky(key: &StickyKey) -> Option<Sticky> {
    Some(match key {
        StickyKey::Header(name) => Sticky::Header(HeaderName::from_bytes(name.as_bytes()).ok()?),
        StickyKey::Cookie(name) => Sticky::Cookie(name.as_str().into()),
        StickyKey::Query(name) => Sticky::Query(name.as_str().into()),
        StickyKey::ClientIp => Sticky::ClientIp,
    })
}
