//! What the split comes to in the present state of the endpoints. The rules are those by which the
//! proxy bypasses a side that is out; metrics and `/health` tell them from here.

use std::time::Duration;

use super::backend::{Backend, Endpoint};
use super::route::Route;
use crate::policy::Phase;

impl Endpoint {
    /// Whether it takes its share. A probe is one request at a time, which is no share.
    pub fn carries(&self) -> bool {
        let sight = self.fitness.sight();
        sight.healthy && sight.proven && matches!(sight.phase, Phase::Closed | Phase::Warming)
    }
}

impl Backend {
    /// Whether some endpoint takes its share.
    pub fn carries(&self) -> bool {
        self.members.iter().any(|member| member.endpoint.carries())
    }

    /// Whether some endpoint could take a request at `now`, if only as a probe.
    pub fn can_serve(&self, now: Duration) -> bool {
        self.members
            .iter()
            .any(|member| member.endpoint.fitness.could_admit(now))
    }
}

impl Route {
    /// Whether some side that may serve could take a request at `now`. A candidate at 0 % may not.
    pub fn can_serve(&self, now: Duration) -> bool {
        let candidate = self.candidate.as_ref().filter(|_| self.split.is_open());
        self.primary.backend.can_serve(now)
            || candidate.is_some_and(|arm| arm.backend.can_serve(now))
    }

    /// The share that the candidate gets at present, in hundredths of a percent: nothing while it
    /// is out, everything while the primary is out, as configured while both are (then each
    /// request is tried on the side that the split chose).
    pub fn effective_hundredths(&self) -> u16 {
        let configured = self.split.hundredths();
        let Some(candidate) = self.candidate.as_ref().filter(|_| self.split.is_open()) else {
            return 0;
        };
        match (self.primary.backend.carries(), candidate.backend.carries()) {
            (true, true) | (false, false) => configured,
            (true, false) => 0,
            (false, true) => 10_000,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{EmptyEnv, parse};
    use crate::snapshot::{Addresses, Snapshot, compile};

    const NOW: Duration = Duration::from_secs(9);

    fn house(percent: &str) -> Snapshot {
        let text = format!(
            r#"
            [listen]
            http = "127.0.0.1:8080"
            [backends.old]
            endpoints = ["http://127.0.0.1:1"]
            [backends.new]
            endpoints = ["http://127.0.0.1:2", "http://127.0.0.1:3"]
            [[routes]]
            name = "all"
            primary = "old"
            candidate = "new"
            percent = {percent}
            "#
        );
        let config = parse(&text, "test.toml", &EmptyEnv).unwrap();
        compile(
            &config,
            &std::sync::Arc::default(),
            &Addresses::new(),
            &Snapshot::empty(),
            1,
        )
        .unwrap()
    }

    fn set(route: &Route, primary: bool, candidate: [bool; 2]) {
        let candidates = &route.candidate.as_ref().unwrap().backend.members;
        route.primary.backend.members[0]
            .endpoint
            .fitness
            .set_healthy(primary);
        for (member, healthy) in candidates.iter().zip(candidate) {
            member.endpoint.fitness.set_healthy(healthy);
        }
    }

    #[test]
    fn the_share_follows_what_is_out() {
        for (percent, primary, candidate, effective, serves) in [
            ("10", true, [true, true], 1000, true),
            ("10", true, [false, true], 1000, true),
            ("10", true, [false, false], 0, true),
            ("10", false, [false, true], 10_000, true),
            ("10", false, [false, false], 1000, false),
            ("0", true, [true, true], 0, true),
            ("0", false, [true, true], 0, false),
            ("100", true, [false, false], 0, true),
            ("100", false, [true, true], 10_000, true),
        ] {
            let house = house(percent);
            let route = &house.routes[0];
            set(route, primary, candidate);
            let case = format!("{percent} {primary} {candidate:?}");
            assert_eq!(route.effective_hundredths(), effective, "{case}");
            assert_eq!(route.can_serve(NOW), serves, "{case}");
        }
    }

    #[test]
    fn a_probe_is_service_but_no_share() {
        let house = house("10");
        let route = &house.routes[0];
        set(route, true, [true, false]);
        let backend = &route.candidate.as_ref().unwrap().backend;
        let fitness = &backend.members[0].endpoint.fitness;
        let ticket = fitness.admit(NOW, 0).unwrap();
        while !fitness.fail(NOW, ticket, 0) {}
        assert!(!backend.can_serve(NOW) && !backend.carries());
        assert_eq!(route.effective_hundredths(), 0);

        let later = NOW + Duration::from_secs(2);
        assert!(backend.can_serve(later) && !backend.carries());
        let probe = fitness.admit(later, 0).unwrap();
        assert!(probe.probe);
        assert!(backend.can_serve(later) && !backend.carries());
        fitness.succeed(later, probe);
        for _ in 0..2 {
            let probe = fitness.admit(later, 0).unwrap();
            fitness.succeed(later, probe);
        }
        assert!(backend.carries());
        assert_eq!(route.effective_hundredths(), 1000);
    }
}
