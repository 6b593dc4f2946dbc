//! Asking a running house over its admin port.

use std::fmt;
use std::time::Duration;

use reqwest::{Client, RequestBuilder, Response, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use super::Exit;
use super::address::Address;
use super::stream::Stream;
use crate::api::{Applied, Journal, Problem, State};
use crate::config::scalar::Secret;
use crate::outbound::cause;

/// An operator who takes traffic back does not wait longer for a port that is dead.
const PATIENCE: Duration = Duration::from_secs(3);

/// A stream of events shows much more often that it lives.
const SILENCE: Duration = Duration::from_secs(50);

/// The admin port of a house.
#[derive(Debug)]
pub(super) struct Ask {
    pub(super) admin: Address,
    token: Option<Secret>,
    client: Client,
}

/// Why there is no answer to work with.
#[derive(Debug)]
pub(super) enum Failed {
    /// Nobody answers.
    Unreachable(String),
    /// The house says no.
    Refused(Problem),
    /// It answers something else: it may be no figshift, or another version.
    Strange(String),
}

/// Where a stream of events begins.
#[derive(Debug, Clone, Copy)]
pub(super) enum Begin {
    /// With so many of the past.
    Tail(usize),
    /// After the entry with this number.
    After(u64),
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable(why) | Self::Strange(why) => f.write_str(why),
            Self::Refused(problem) if problem.status == 401 => {
                write!(
                    f,
                    "{} (give it by --token or FIGSHIFT_TOKEN)",
                    problem.detail
                )
            }
            Self::Refused(problem) => f.write_str(&problem.detail),
        }
    }
}

impl Failed {
    pub(super) fn exit(&self) -> Exit {
        match self {
            Self::Refused(problem) if problem.status == 409 => Exit::No,
            Self::Refused(problem) if problem.status < 500 => Exit::BadInput,
            _ => Exit::Unreachable,
        }
    }

    /// The house itself cannot do it now, so another way has to be taken.
    pub(super) fn is_house(&self) -> bool {
        self.exit() == Exit::Unreachable
    }
}

impl Ask {
    pub(super) fn new(admin: Address, token: Option<Secret>) -> Result<Self, Failed> {
        match admin.client().timeout(PATIENCE).build() {
            Ok(client) => Ok(Self {
                admin,
                token,
                client,
            }),
            Err(error) => Err(Failed::Unreachable(error.to_string())),
        }
    }

    pub(super) async fn state(&self) -> Result<State, Failed> {
        self.get("/api/v1/state").await
    }

    pub(super) async fn journal(&self, tail: usize) -> Result<Journal, Failed> {
        self.get(&format!("/api/v1/journal?tail={tail}")).await
    }

    pub(super) async fn change(
        &self,
        what: &str,
        body: &impl Serialize,
    ) -> Result<Applied, Failed> {
        self.post(&format!("/api/v1/{what}"), body).await
    }

    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, Failed> {
        let url = self.admin.url(path);
        self.read(self.client.post(url).json(body)).await
    }

    pub(super) async fn delete<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failed> {
        let url = self.admin.url(path);
        self.read(self.client.delete(url)).await
    }

    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failed> {
        let url = self.admin.url(path);
        self.read(self.client.get(url)).await
    }

    pub(super) async fn text(&self, path: &str) -> Result<String, Failed> {
        let url = self.admin.url(path);
        let answer = self.send(self.client.get(url)).await?;
        answer
            .text()
            .await
            .map_err(|error| self.unreachable(&error))
    }

    /// Opens the stream of events. It may be silent for long, so only the way to it is short of time.
    pub(super) async fn events(&self, from: Begin) -> Result<Stream, Failed> {
        let client = self
            .admin
            .client()
            .connect_timeout(PATIENCE)
            .read_timeout(SILENCE);
        let client = client.build().map_err(|error| self.unreachable(&error))?;
        let url = self.admin.url("/api/v1/events");
        let request = match from {
            Begin::Tail(tail) => client.get(format!("{url}?tail={tail}")),
            Begin::After(seq) => client.get(url).header("last-event-id", seq),
        };
        let answer = timeout(PATIENCE, self.send(request)).await;
        let answer = answer.map_err(|_| self.silent("it does not answer in time"))??;
        if answer.status().is_success() {
            return Ok(Stream::new(answer));
        }
        let status = answer.status();
        let bytes = answer.bytes().await;
        Err(self.refusal(status, &bytes.unwrap_or_default()))
    }

    async fn read<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, Failed> {
        let answer = self.send(request).await?;
        let status = answer.status();
        let bytes = answer
            .bytes()
            .await
            .map_err(|error| self.unreachable(&error))?;
        // `/health` answers 503 with its whole page.
        if let Ok(value) = serde_json::from_slice(&bytes) {
            return Ok(value);
        }
        Err(self.refusal(status, &bytes))
    }

    fn refusal(&self, status: StatusCode, bytes: &[u8]) -> Failed {
        match serde_json::from_slice::<Problem>(bytes) {
            Ok(problem) => Failed::Refused(problem),
            Err(_) => Failed::Strange(format!(
                "{}: not the answer of a figshift of this version (status {status})",
                self.admin
            )),
        }
    }

    async fn send(&self, request: RequestBuilder) -> Result<Response, Failed> {
        let request = match &self.token {
            Some(token) if !token.is_empty() => request.bearer_auth(token.expose()),
            _ => request,
        };
        request
            .send()
            .await
            .map_err(|error| self.unreachable(&error))
    }

    fn unreachable(&self, error: &reqwest::Error) -> Failed {
        self.silent(&cause(error))
    }

    fn silent(&self, why: &str) -> Failed {
        Failed::Unreachable(format!(
            "{}: no answer from the admin port: {why}",
            self.admin
        ))
    }
}
