//! Going to an endpoint as its backend does it, step by step, with a remedy for what fails.

use std::time::Duration;

use super::finding::Findings;
use crate::control::{health_question, judge_health, judge_proof, proof_question, tls_to};
use crate::outbound::{Fault, Limits, Question, Reply, Step, Stopped, trip};
use crate::snapshot::{Backend, Endpoint, Member, Protocol, Target};

/// For a backend that says nothing of how long an answer may take.
const ANSWER: Duration = Duration::from_secs(10);

/// What is asked of an endpoint.
struct Asked {
    /// `ready`, `health` or `answer`.
    check: &'static str,
    question: Question,
    limit: Duration,
}

/// Resolves, connects, shakes hands and asks; `all` gets a line for each.
pub(super) async fn knock(backend: &Backend, member: &Member, all: &mut Findings) {
    let endpoint = &*member.endpoint;
    let (host, port) = match &endpoint.target {
        Target::Address(address) => (address.ip().to_string(), address.port()),
        Target::Name(host, port) => (host.to_string(), *port),
    };
    let tls = match tls_to(endpoint, backend.connector.as_deref()) {
        Ok(tls) => tls,
        Err(why) => {
            all.wrong("tls", why, format!("add [backends.{}.tls]", backend.name));
            return;
        }
    };
    let asked = Asked::of(backend, member);
    let limits = Limits {
        connect: backend.connect_timeout,
        answer: asked.limit,
    };
    let trip = trip(&host, port, tls, &asked.question, limits).await;
    if let (Target::Name(..), Some((addresses, time))) = (&endpoint.target, trip.resolved) {
        let s = if addresses == 1 { "" } else { "es" };
        all.ok("resolve", format!("{host} has {addresses} address{s}"));
        all.took(time);
    }
    if let Some(time) = trip.connected {
        let to = trip.address.map(|address| address.to_string());
        all.ok("connect", to.unwrap_or_else(|| format!("{host}:{port}")));
        all.took(time);
    }
    if let Some((agreed, time)) = trip.secured {
        all.ok("tls", agreed);
        all.took(time);
    }
    if let Some((reply, time)) = trip.answered {
        asked.judge(backend, member, &reply, all);
        all.took(time);
    }
    if let Some(stopped) = trip.stopped {
        let check = match stopped.step {
            Step::Answer => asked.check,
            step => step.word(),
        };
        let what = match stopped.step {
            Step::Resolve => format!("{host}: {}", stopped.why),
            Step::Connect => format!("{host}:{port}: {}", stopped.why),
            _ => stopped.why.clone(),
        };
        all.wrong(check, what, remedy(&stopped, backend, endpoint));
        all.took(stopped.after);
    }
}

impl Asked {
    /// What the backend says: `ready` where endpoints prove themselves, else `health`, else any page.
    fn of(backend: &Backend, member: &Member) -> Self {
        match &backend.health {
            _ if member.endpoint.proves => Self {
                check: "ready",
                question: proof_question(backend, member),
                limit: backend.ready.timeout.get(),
            },
            Some(health) => Self {
                check: "health",
                question: health_question(backend, member, health),
                limit: health.timeout.get(),
            },
            None => Self {
                check: "answer",
                question: Question {
                    url: format!("{}/", member.endpoint.url),
                    http2: backend.protocol == Protocol::H2,
                    authorization: member.authorization.own().cloned(),
                    ..Question::default()
                },
                limit: ANSWER,
            },
        }
    }

    fn judge(&self, backend: &Backend, member: &Member, reply: &Reply, all: &mut Findings) {
        let status = reply.status;
        let name = &backend.name;
        let good = match &backend.health {
            _ if member.endpoint.proves => judge_proof(&backend.ready, reply),
            Some(health) => judge_health(health, reply),
            None => Ok(()),
        };
        match good {
            Ok(()) if self.check == "answer" && status >= 500 => all.odd(
                self.check,
                format!("GET / is answered with {status}"),
                "name a page that shows whether it is well: `health` of the backend",
            ),
            Ok(()) => all.ok(self.check, format!("{status} to {}", self.said())),
            Err(why) => {
                let why = match reply.is_placeholder {
                    true => format!("{why} (status {status}, X-Portal-Placeholder)"),
                    false => why,
                };
                let remedy = match (reply.is_placeholder, status) {
                    (true, _) => {
                        "wait until the service in the instance is up; if it stays, look into its log and at \
                         PORTAL_CONFIG: it must name the port that the service listens on"
                            .to_owned()
                    }
                    (false, 401) if member.authorization.own().is_some() => format!(
                        "the portal refuses what [backends.{name}.auth] says: set `bearer` to OPEN_BUTTON_TOKEN or \
                         WEB_PASSWORD of this instance, or give it its own in [backends.{name}.auth.instances]"
                    ),
                    (false, 401) => format!(
                        "the portal of the instance asks who is there: set `bearer` in [backends.{name}.auth] to its \
                         OPEN_BUTTON_TOKEN or WEB_PASSWORD (or launch it with ENABLE_AUTH=false)"
                    ),
                    (false, 300..=399) if self.check == "ready" => {
                        "if it leads to https, write scheme = \"https\" in `discover`; else choose another \
                         path for `ready`"
                            .to_owned()
                    }
                    (false, 403) => format!("check what [backends.{name}.auth] says"),
                    (false, 404 | 405) => format!("check `path` of [backends.{name}.{}]", self.check),
                    (false, 502..=504) => {
                        "the service behind the port is not up: wait, or look into its log".to_owned()
                    }
                    _ => format!("see what the service says, or correct [backends.{name}.{}]", self.check),
                };
                all.wrong(self.check, why, remedy);
            }
        }
    }

    /// `GET /health`.
    fn said(&self) -> String {
        let method = match self.question.body {
            Some(_) => "POST",
            None => "GET",
        };
        let url = self.question.url.parse::<http::Uri>();
        let path = url.as_ref().map_or("/", |url| url.path());
        format!("{method} {path}")
    }
}

fn remedy(stopped: &Stopped, backend: &Backend, endpoint: &Endpoint) -> String {
    let name = &backend.name;
    let rented = backend.source == Some("vastai");
    match (stopped.step, stopped.fault) {
        (Step::Resolve, _) => "check the host name, and the name servers of this machine".to_owned(),
        (Step::Connect, Fault::Refused) if rented => {
            "nothing listens behind this port: the service must be up and bound to 0.0.0.0 on it; \
             the machine may also just have been taken away"
                .to_owned()
        }
        (Step::Connect, Fault::Refused) => "start the service, or correct its port".to_owned(),
        (Step::Connect, _) => {
            "check that this machine may connect there (firewall, route), or raise `timeouts.connect`".to_owned()
        }
        (Step::Tls, Fault::Issuer) if rented => format!(
            "set `ca` in [backends.{name}.tls] to a file with Vast's root \
             (https://console.vast.ai/static/jvastai_root.cer); if the instance has signed its own, pin it: `pin`"
        ),
        (Step::Tls, Fault::Issuer) => {
            format!("set `ca` in [backends.{name}.tls] to the authority that has signed its certificate")
        }
        (Step::Tls, Fault::Name) => format!(
            "set `name` in [backends.{name}.tls] to a name that the certificate is for (at Vast.ai it may be \
             \"0.0.0.0\"; any instance can show that one), or pin the certificate: `pin`"
        ),
        (Step::Tls, Fault::Time) => {
            "look at the clock of this machine; if it is right, the certificate has to be renewed".to_owned()
        }
        (Step::Tls, Fault::Pin) => format!(
            "if this is the right machine, add the digest to `pin` in [backends.{name}.tls]"
        ),
        (Step::Tls, Fault::NoTls) if rented => {
            format!("the port speaks plain HTTP: write scheme = \"http\" in [backends.{name}.discover.vastai], or set ENABLE_HTTPS=true in the instance")
        }
        (Step::Tls, Fault::NoTls) => "the port speaks plain HTTP: write http:// in the URL".to_owned(),
        (Step::Tls, Fault::Late) => {
            "whoever listens there may not speak TLS: check the port and the scheme, or raise `timeouts.connect`".to_owned()
        }
        (Step::Tls, _) => format!("check [backends.{name}.tls], and what listens there"),
        (Step::Answer, Fault::Late) => format!(
            "the service may still load its model; else raise the time in [backends.{name}], or ask less of it"
        ),
        (Step::Answer, _) if endpoint.server_name.is_none() => {
            "the port may speak TLS, or not HTTP: check the port and the scheme".to_owned()
        }
        (Step::Answer, _) => "check that HTTP is spoken behind the port, and `protocol`".to_owned(),
    }
}
