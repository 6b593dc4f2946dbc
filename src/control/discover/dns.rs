//! Names in the DNS, looked up again when their time to live is over. A name without records is trouble, not
//! a backend without endpoints: that is how a broken zone looks.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::RData;

use super::super::discovered::Found;
use super::source::{Seen, Source};
use super::targets::at_url;
use crate::config::model::{DnsDiscovery, DnsRecord};

/// Nothing is asked less often, however long its records live: they are changed by hand too.
const LONGEST: Duration = Duration::from_secs(3600);

/// See the module.
pub(super) struct Names {
    written: DnsDiscovery,
    /// Made at the first look, and again after each that failed: the system's settings may be others by then.
    resolver: Option<TokioResolver>,
}

impl Names {
    pub(super) fn new(written: DnsDiscovery) -> Self {
        Self {
            written,
            resolver: None,
        }
    }

    fn resolver(&mut self) -> Result<&TokioResolver, String> {
        if self.resolver.is_none() {
            let server = self.written.server.as_ref();
            let made = resolver(server.and_then(|server| server.parse().ok()));
            let made = made.map_err(|error| format!("no name can be looked up: {error}"))?;
            self.resolver = Some(made);
        }
        self.resolver.as_ref().ok_or_else(String::new)
    }

    async fn ask(&mut self) -> Result<(Vec<Found>, Instant), String> {
        let written = self.written.clone();
        let (name, scheme) = (&written.name, written.scheme.as_str());
        let failed = |error: &dyn std::fmt::Display| format!("{name}: {error}");
        let resolver = self.resolver()?;
        match written.record {
            DnsRecord::A => {
                let port = written.port.unwrap_or_default();
                let answer = resolver.lookup_ip(&**name).await;
                let answer = answer.map_err(|error| failed(&error))?;
                let urls = answer.iter().map(|ip| {
                    let address = SocketAddr::new(ip, port);
                    at_url(format!("{scheme}://{address}"), 1)
                });
                Ok((urls.collect(), answer.valid_until()))
            }
            DnsRecord::Srv => {
                let answer = resolver.srv_lookup(&**name).await;
                let answer = answer.map_err(|error| failed(&error))?;
                let services = answer
                    .answers()
                    .iter()
                    .filter_map(|record| match &record.data {
                        RData::SRV(service) => Some(service),
                        _ => None,
                    });
                // The lowest is preferred, and others are for when all of those are gone.
                let first = services.clone().map(|service| service.priority).min();
                let preferred = services.filter(|service| Some(service.priority) == first);
                let urls = preferred.map(|service| {
                    let host = service.target.to_ascii();
                    let host = host.trim_end_matches('.');
                    let weight = u32::from(service.weight).clamp(1, 1000);
                    at_url(format!("{scheme}://{host}:{}", service.port), weight)
                });
                Ok((urls.collect(), answer.valid_until()))
            }
        }
    }
}

fn resolver(server: Option<SocketAddr>) -> Result<TokioResolver, Box<dyn std::error::Error>> {
    let mut builder = match server {
        None => TokioResolver::builder_tokio()?,
        Some(server) => {
            let ways = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut way| {
                way.port = server.port();
                way
            });
            let one = NameServerConfig::new(server.ip(), true, ways.into());
            let config = ResolverConfig::from_parts(None, Vec::new(), vec![one]);
            TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
        }
    };
    // Whoever looks, looks when it is time to.
    builder.options_mut().cache_size = 0;
    Ok(builder.build()?)
}

impl Source for Names {
    async fn look(&mut self) -> Result<Seen, String> {
        let asked = self.ask().await;
        if asked.is_err() {
            self.resolver = None;
        }
        let (found, until) = asked?;
        if found.is_empty() {
            return Err(format!("{}: there are no records", self.written.name));
        }
        let lives = until.saturating_duration_since(Instant::now());
        let again = lives.max(self.written.interval.get()).min(LONGEST);
        Ok(Seen { found, again })
    }

    fn patience(&self) -> Duration {
        self.written.interval.get()
    }
}
