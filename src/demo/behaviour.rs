//! How a sample backend behaves, and the words that alter it.

use std::time::Duration;

use serde::Serialize;

/// Longest delay that may be asked for: an hour is as good as for ever on a demo.
const MAX_MS: u64 = 3_600_000;

/// What a sample backend does with a request; altered live.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Behaviour {
    /// Added before every answer.
    pub latency_ms: u64,
    /// Time to the first token.
    pub ttft_ms: u64,
    /// Time per further token.
    pub token_ms: u64,
    /// Share of requests that fail, 0 to 1.
    pub error_rate: f64,
    /// Status of those failures.
    pub error_status: u16,
    /// Streams fall silent half way, with the connection open.
    pub stall: bool,
    /// A dead host: nothing listens, open connections are reset.
    pub crash: bool,
}

impl Behaviour {
    /// A healthy backend with this pace.
    pub fn healthy(ttft_ms: u64, token_ms: u64) -> Self {
        Self {
            latency_ms: 0,
            ttft_ms,
            token_ms,
            error_rate: 0.0,
            error_status: 500,
            stall: false,
            crash: false,
        }
    }

    /// A healthy backend that answers at once, for tests.
    pub fn instant() -> Self {
        Self::healthy(0, 0)
    }

    /// Sets one field from its name and a written value.
    pub fn alter(&mut self, key: &str, value: &str) -> Result<(), String> {
        match key {
            "latency_ms" => self.latency_ms = millis(key, value)?,
            "ttft_ms" => self.ttft_ms = millis(key, value)?,
            "token_ms" => self.token_ms = millis(key, value)?,
            "error_rate" => self.error_rate = share(key, value)?,
            "error_status" => self.error_status = status(key, value)?,
            "stall" => self.stall = switch(key, value)?,
            "crash" => self.crash = switch(key, value)?,
            _ => {
                return Err(format!(
                    "unknown setting `{key}`: there are latency_ms, ttft_ms, token_ms, error_rate, error_status, stall, crash"
                ));
            }
        }
        Ok(())
    }

    /// Sets what a query such as `error_rate=0.5&crash=off` names, all of it or, on an error, nothing.
    pub fn with_query(&self, query: &str) -> Result<Self, String> {
        let mut next = self.clone();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            // `?crash` alone reads as "crash it".
            let (key, value) = pair.split_once('=').unwrap_or((pair, "on"));
            next.alter(key, value)?;
        }
        Ok(next)
    }

    /// Sets what a JSON object names, all of it or, on an error, nothing.
    pub fn with_json(&self, body: &[u8]) -> Result<Self, String> {
        let fields: serde_json::Map<String, serde_json::Value> =
            serde_json::from_slice(body).map_err(|error| format!("not a JSON object: {error}"))?;
        let mut next = self.clone();
        for (key, value) in &fields {
            match value.as_str() {
                Some(text) => next.alter(key, text)?,
                None => next.alter(key, &value.to_string())?,
            }
        }
        Ok(next)
    }

    /// The added delay.
    pub fn latency(&self) -> Duration {
        Duration::from_millis(self.latency_ms)
    }

    /// The time to the first token.
    pub fn ttft(&self) -> Duration {
        Duration::from_millis(self.ttft_ms)
    }

    /// The time per further token.
    pub fn per_token(&self) -> Duration {
        Duration::from_millis(self.token_ms)
    }
}

fn millis(key: &str, value: &str) -> Result<u64, String> {
    match value.parse() {
        Ok(number) if number <= MAX_MS => Ok(number),
        _ => Err(format!(
            "`{key}` is a whole number of milliseconds up to {MAX_MS}, not `{value}`"
        )),
    }
}

fn share(key: &str, value: &str) -> Result<f64, String> {
    match value.parse() {
        Ok(number) if (0.0..=1.0).contains(&number) => Ok(number),
        _ => Err(format!("`{key}` is a share from 0 to 1, not `{value}`")),
    }
}

fn status(key: &str, value: &str) -> Result<u16, String> {
    match value.parse() {
        Ok(number) if (400..=599).contains(&number) => Ok(number),
        _ => Err(format!(
            "`{key}` is a status from 400 to 599, not `{value}`"
        )),
    }
}

fn switch(key: &str, value: &str) -> Result<bool, String> {
    match value {
        "on" | "true" | "yes" | "1" => Ok(true),
        "off" | "false" | "no" | "0" => Ok(false),
        _ => Err(format!("`{key}` is `on` or `off`, not `{value}`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_sets_what_it_names_and_leaves_the_rest() {
        let next = Behaviour::healthy(40, 4)
            .with_query("error_rate=0.5&latency_ms=400&crash=on")
            .unwrap();
        assert_eq!(
            (next.error_rate, next.latency_ms, next.crash, next.ttft_ms),
            (0.5, 400, true, 40)
        );
    }

    #[test]
    fn json_takes_numbers_switches_and_text() {
        let next = Behaviour::instant()
            .with_json(br#"{"error_rate":1,"stall":true,"crash":"off"}"#)
            .unwrap();
        assert_eq!(
            (next.error_rate, next.stall, next.crash),
            (1.0, true, false)
        );
    }

    #[test]
    fn nonsense_is_refused_and_says_what_would_do() {
        let calm = Behaviour::instant();
        assert!(
            calm.with_query("eror_rate=1")
                .unwrap_err()
                .contains("error_rate")
        );
        assert!(
            calm.with_query("error_rate=50")
                .unwrap_err()
                .contains("0 to 1")
        );
        assert!(calm.with_query("error_rate=NaN").is_err());
        assert!(calm.with_query("latency_ms=-1").is_err());
        assert!(calm.with_query("crash=maybe").is_err());
        assert!(calm.with_json(b"[1]").is_err());
    }
}
