//! `GET /readyz`: whether traffic should come here. A dead candidate is no reason to stay away, nor
//! is a dead primary whose candidate may serve: a route is unready only when nobody is left. A house
//! that is ending wants no more traffic, although it still serves.

use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};

use crate::admin::view::View;
use crate::api::{Readiness, RouteReadiness};
use crate::snapshot::{Route, Snapshot};

pub(in crate::admin) async fn readyz(State(view): State<View>, uri: Uri) -> Response {
    let mut readiness = readiness(&view.publisher.current(), view.now());
    readiness.ending = view.leaving.load(Ordering::Relaxed);
    readiness.ready &= !readiness.ending;
    let status = if readiness.ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    if is_verbose(&uri) {
        (status, Json(readiness)).into_response()
    } else {
        (status, line(&readiness)).into_response()
    }
}

fn readiness(snapshot: &Snapshot, now: Duration) -> Readiness {
    let routes = snapshot.routes.iter();
    Readiness {
        ready: snapshot.epoch > 0 && routes.clone().all(|route| route.can_serve(now)),
        ending: false,
        epoch: snapshot.epoch,
        routes: routes
            .map(|route| (route.name.to_string(), of_route(route, now)))
            .collect(),
    }
}

fn of_route(route: &Route, now: Duration) -> RouteReadiness {
    let candidate = route.candidate.as_ref();
    RouteReadiness {
        ready: route.can_serve(now),
        primary: route.primary.backend.can_serve(now),
        candidate: candidate.map(|arm| arm.backend.can_serve(now)),
    }
}

fn line(readiness: &Readiness) -> String {
    if readiness.ready {
        return "ok\n".to_owned();
    }
    if readiness.ending {
        return "ending\n".to_owned();
    }
    if readiness.epoch == 0 {
        return "no configuration is in force yet\n".to_owned();
    }
    let unready = readiness.routes.iter().filter(|(_, route)| !route.ready);
    let names: Vec<&str> = unready.map(|(name, _)| name.as_str()).collect();
    format!("routes that nobody can serve: {}\n", names.join(", "))
}

fn is_verbose(uri: &Uri) -> bool {
    let mut pairs = uri.query().unwrap_or_default().split('&');
    pairs.any(|pair| pair == "verbose" || pair.starts_with("verbose="))
}
