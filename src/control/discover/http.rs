//! A URL that answers with targets.

use std::time::Duration;

use super::source::{Seen, Source};
use super::targets;
use crate::config::model::HttpDiscovery;
use crate::outbound::Outside;

const TIMEOUT: Duration = Duration::from_secs(10);
const LONGEST: usize = 4 * 1024 * 1024;

/// See the module.
pub(super) struct TargetUrl {
    pub(super) written: HttpDiscovery,
    pub(super) outside: Outside,
}

impl Source for TargetUrl {
    async fn look(&mut self) -> Result<Seen, String> {
        let token = self
            .written
            .token
            .as_ref()
            .filter(|token| !token.is_empty());
        let token = token.map(|token| token.expose());
        let url = &self.written.url;
        let asked = self.outside.get(url, token, LONGEST, TIMEOUT).await;
        let answer = asked.map_err(|no_answer| no_answer.to_string())?;
        match answer.status {
            200 => {
                let found = targets::read(&answer.body, self.written.scheme)?;
                let again = self.written.interval.get();
                Ok(Seen { found, again })
            }
            401 | 403 => Err(format!(
                "status {}: the token is not accepted",
                answer.status
            )),
            status => Err(format!("status {status}")),
        }
    }

    fn patience(&self) -> Duration {
        self.written.interval.get()
    }
}
