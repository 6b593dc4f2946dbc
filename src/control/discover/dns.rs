//! Names in the DNS, looked up again when their time to live is over. A name without records is trouble, not
//! a backend without endpoints: that is how a broken zone looks.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::RData;
use hickory_resolver::proto::rr::rdata::SRV;

use super::super::discovered::Found;
use super::source::{Seen, Source};
use super::targets::{at_url, cut, is_host};
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
                let records = answer.answers().iter();
                let services = records.filter_map(|record| match &record.data {
                    RData::SRV(service) => Some(service),
                    _ => None,
                });
                let urls = services_of(services, scheme).map_err(|why| failed(&why))?;
                Ok((urls, answer.valid_until()))
            }
        }
    }
}

/// Those that are preferred, with their weights.
///
/// # Errors
///
/// One of them is at no host.
fn services_of<'a>(
    services: impl Iterator<Item = &'a SRV>,
    scheme: &str,
) -> Result<Vec<Found>, String> {
    // The root in place of a target means that there is no such service.
    let there: Vec<&SRV> = services
        .filter(|service| !service.target.is_root())
        .collect();
    // The lowest is preferred, and others are for when all of those are gone.
    let first = there.iter().map(|service| service.priority).min();
    let preferred = there
        .iter()
        .filter(|service| Some(service.priority) == first);
    let largest = preferred.clone().map(|service| service.weight).max();
    let largest = largest.unwrap_or_default();
    let found = preferred.map(|service| {
        let host = service.target.to_ascii();
        let host = host.trim_end_matches('.');
        if !is_host(host) || service.port == 0 {
            let shown = cut(host, 80);
            let port = service.port;
            return Err(format!(
                "`{shown}:{port}` is nowhere to connect to: mend the record"
            ));
        }
        let url = format!("{scheme}://{host}:{}", service.port);
        Ok(at_url(url, scaled(service.weight, largest)))
    });
    found.collect()
}

/// A weight as ours are, from 1 to 1000, next to the largest one.
fn scaled(weight: u16, largest: u16) -> u32 {
    const MOST: u32 = 1_000;
    let (weight, largest) = (u32::from(weight), u32::from(largest));
    match largest {
        0..=MOST => weight.max(1),
        _ => ((weight * MOST + largest / 2) / largest).max(1),
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

#[cfg(test)]
mod tests {
    use super::*;
    use hickory_resolver::proto::rr::Name;

    fn name(text: &str) -> Name {
        let labels = text.split('.').filter(|label| !label.is_empty());
        Name::from_labels(labels.map(str::as_bytes)).unwrap()
    }

    fn urls(records: &[(u16, u16, u16, &str)]) -> Result<Vec<(String, u32)>, String> {
        let records: Vec<_> = records
            .iter()
            .map(|(priority, weight, port, target)| {
                SRV::new(*priority, *weight, *port, name(target))
            })
            .collect();
        let found = services_of(records.iter(), "http")?;
        Ok(found
            .into_iter()
            .map(|found| (found.key, found.weight))
            .collect())
    }

    #[test]
    fn the_root_is_no_service() {
        assert_eq!(urls(&[(0, 0, 0, ".")]), Ok(vec![]));
        let found = urls(&[(0, 0, 0, "."), (10, 5, 8001, "a.test.")]).unwrap();
        assert_eq!(found, [("http://a.test:8001".to_owned(), 5)]);
        for (port, target) in [(0, "a.test."), (80, "a$b.test."), (80, "a b.test.")] {
            let why = urls(&[(0, 1, port, target)]).unwrap_err();
            assert!(why.contains("nowhere"), "{why}");
        }
    }

    #[test]
    fn weights_keep_their_proportion() {
        let weights = |of: &[u16]| {
            let records: Vec<_> = of
                .iter()
                .map(|weight| (0, *weight, 80, "a.test."))
                .collect();
            let found = urls(&records).unwrap();
            found
                .into_iter()
                .map(|(_, weight)| weight)
                .collect::<Vec<_>>()
        };
        assert_eq!(weights(&[4_000, 1_000]), [1_000, 250]);
        assert_eq!(weights(&[65_535, 1, 0]), [1_000, 1, 1]);
        assert_eq!(weights(&[1_000, 250, 0]), [1_000, 250, 1]);
        assert_eq!(weights(&[0, 0]), [1, 1]);
    }
}
