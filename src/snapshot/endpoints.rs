//! The endpoints of one backend, by the file or by what was discovered. Old ones are taken over with all
//! that is known of them; one that has moved keeps its counters, and one that is gone waits for its return.

use std::net::SocketAddr;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::uri::Scheme;
use http::{HeaderValue, Uri};

use super::address::Address;
use super::backend::{Authorization, Backend, Endpoint, Member, Target};
use super::compile::Unsound;
use super::fitness::Fitness;
use super::serverless::KeySlot;
use crate::config::model::{self, BackendAuth, ServerlessMode};
use crate::config::scalar::Credential;
use crate::stats::{Cells, EndpointCell};
use crate::tls::server_name;

/// So many that are gone are remembered for each backend, the last ones.
const MOST_AWAY: usize = 64;

/// What becomes of the endpoints of one backend.
pub(super) struct Endpoints<'a> {
    pub(super) name: &'a str,
    pub(super) written: &'a model::Backend,
    /// The backend of the same name.
    pub(super) old: Option<&'a Arc<Backend>>,
    pub(super) workers: usize,
    pub(super) next: &'a mut u64,
}

/// What has become of them.
pub(super) struct Compiled {
    pub(super) members: Vec<Member>,
    pub(super) away: Vec<Arc<Endpoint>>,
}

impl Endpoints<'_> {
    /// Those in the file, or else these that were found.
    pub(super) fn compile(mut self, found: &[Address]) -> Result<Compiled, Unsound> {
        let mut members = Vec::new();
        for endpoint in &self.written.endpoints {
            let url = endpoint.url().trim_end_matches('/');
            members.push(self.member(url, url, endpoint.weight())?);
        }
        for address in found {
            let url = address.url.trim_end_matches('/');
            members.push(self.member(&address.key, url, address.weight)?);
        }
        if let Some(serverless) = &self.written.serverless {
            // One for all its workers: whether they can be had is what its breaker is about.
            let url = match serverless.mode {
                ServerlessMode::Worker => &serverless.engine,
                ServerlessMode::Openai => &serverless.front,
            };
            let key = format!("serverless:{}", serverless.endpoint);
            members.push(self.member(&key, url.trim_end_matches('/'), 1)?);
        }
        let away = match self.written.discover {
            Some(_) => self.away(&members),
            None => Vec::new(),
        };
        Ok(Compiled { members, away })
    }

    fn member(&mut self, key: &str, url: &str, weight: u32) -> Result<Member, Unsound> {
        let proves = self.proves();
        let members = self.old.iter().flat_map(|old| &old.members);
        let members = members.map(|member| &member.endpoint);
        // What has to prove itself begins anew when it comes back.
        let away = self.old.iter().flat_map(|old| &old.away);
        let known = members
            .chain(away.filter(|_| !proves))
            .find(|endpoint| *endpoint.key == *key && endpoint.proves == proves)
            // With another key it is another one.
            .filter(|_| self.written.serverless.is_none() || self.slot().is_some());
        let endpoint = match known {
            Some(known) if *known.url == *url => Arc::clone(known),
            _ => Arc::new(self.fresh(key, url)?),
        };
        Ok(Member {
            authorization: self.authorization(&endpoint.key)?,
            endpoint,
            weight,
        })
    }

    /// Who rents a machine by the hour has to be sure each time that it is the right one that answers.
    fn proves(&self) -> bool {
        let discover = self.written.discover.as_ref();
        let rented = discover.is_some_and(|discover| discover.vastai.is_some());
        rented || self.written.ready.is_some()
    }

    /// The key of a Serverless backend that is taken over, if there is one yet.
    fn slot(&self) -> Option<&Arc<KeySlot>> {
        let written = self.written.serverless.as_ref()?;
        self.old?.serverless.as_ref()?.slot_for(written)
    }

    /// Nothing can be asked there before there is a key, which is not its fault.
    fn waits_for_key(&self) -> bool {
        let has_key = self.slot().is_some_and(|slot| slot.get().is_some());
        self.written.serverless.is_some() && !has_key
    }

    fn fresh(&mut self, key: &str, url: &str) -> Result<Endpoint, Unsound> {
        let unsound = || Unsound {
            at: format!("backends.{}.endpoints", self.name),
            value: url.to_owned(),
        };
        let uri: Uri = url.parse().map_err(|_| unsound())?;
        let authority = uri.authority().ok_or_else(unsound)?;
        let https = uri.scheme() == Some(&Scheme::HTTPS);
        let port = authority.port_u16().unwrap_or(if https { 443 } else { 80 });
        let host = authority.host();
        let server_name = https
            .then(|| server_name(host).ok_or_else(unsound))
            .transpose()?;
        let bare = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
            .unwrap_or(host);
        let target = match bare.parse() {
            Ok(address) => Target::Address(SocketAddr::new(address, port)),
            Err(_) => Target::Name(host.into(), port),
        };
        let slow_start = self.written.breaker.slow_start.get();
        let proves = self.proves();
        *self.next += 1;
        Ok(Endpoint {
            id: *self.next,
            key: key.into(),
            url: url.into(),
            target,
            server_name,
            authority: HeaderValue::from_str(authority.as_str()).map_err(|_| unsound())?,
            fitness: match proves {
                true => Fitness::unproven(slow_start),
                false if self.waits_for_key() => Fitness::untrusted(slow_start),
                false => Fitness::new(slow_start),
            },
            proves,
            cells: self
                .counted(key)
                .unwrap_or_else(|| Arc::new(Cells::new(self.workers))),
        })
    }

    /// What was counted of it at another address, or before it was gone.
    fn counted(&self, key: &str) -> Option<Arc<Cells<EndpointCell>>> {
        let old = self.old?;
        let members = old.members.iter().map(|member| &member.endpoint);
        let known = members.chain(&old.away).find(|known| *known.key == *key)?;
        Some(Arc::clone(&known.cells))
    }

    /// Those that were members or away before and are not there, the last ones first.
    fn away(&self, members: &[Member]) -> Vec<Arc<Endpoint>> {
        let Some(old) = self.old else {
            return Vec::new();
        };
        let is_there = |key: &str| members.iter().any(|member| *member.endpoint.key == *key);
        let gone = old.members.iter().map(|member| &member.endpoint);
        gone.chain(&old.away)
            .filter(|endpoint| !is_there(&endpoint.key))
            .take(MOST_AWAY)
            .cloned()
            .collect()
    }

    /// With `auth` the client's own never goes there, also where the secret that shall take its place is missing.
    fn authorization(&self, key: &str) -> Result<Authorization, Unsound> {
        let Some(auth) = &self.written.auth else {
            return Ok(Authorization::Theirs);
        };
        let Some(text) = authorization(auth, key) else {
            return Ok(Authorization::Nothing);
        };
        let mut value = HeaderValue::from_str(&text).map_err(|_| Unsound {
            at: format!("backends.{}.auth", self.name),
            value: "a secret".to_owned(),
        })?;
        value.set_sensitive(true);
        Ok(Authorization::Ours(value))
    }
}

/// What an endpoint is shown: its own, else that of the backend.
fn authorization(auth: &BackendAuth, key: &str) -> Option<String> {
    let id = key.rsplit(':').next().unwrap_or(key);
    let own = auth.instances.get(id);
    let (bearer, basic) = match own {
        Some(own) => (&own.bearer, &own.basic),
        None => (&auth.bearer, &auth.basic),
    };
    let given = |secret: &&Credential| !secret.is_empty();
    match (bearer.as_ref().filter(given), basic.as_ref().filter(given)) {
        (Some(token), _) => Some(format!("Bearer {}", token.expose())),
        (None, Some(login)) => Some(format!("Basic {}", STANDARD.encode(login.expose()))),
        (None, None) => None,
    }
}
