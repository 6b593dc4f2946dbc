//! Asking a running house over its admin port.

use std::fmt;
use std::time::Duration;

use http::uri::Authority;
use reqwest::{Client, RequestBuilder, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Exit;
use crate::api::{Applied, Journal, Problem, State};
use crate::config::scalar::Secret;
use crate::outbound::{cause, near};

/// An operator who takes traffic back does not wait longer for a port that is dead.
const PATIENCE: Duration = Duration::from_secs(3);

/// The admin port of a house.
#[derive(Debug)]
pub(super) struct Ask {
    pub(super) admin: Authority,
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
    pub(super) fn new(admin: Authority, token: Option<Secret>) -> Result<Self, Failed> {
        let client = near().timeout(PATIENCE).build();
        match client {
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
        let url = format!("http://{}/api/v1/{what}", self.admin);
        self.read(self.client.post(url).json(body)).await
    }

    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failed> {
        let url = format!("http://{}{path}", self.admin);
        self.read(self.client.get(url)).await
    }

    pub(super) async fn text(&self, path: &str) -> Result<String, Failed> {
        let url = format!("http://{}{path}", self.admin);
        let answer = self.send(self.client.get(url)).await?;
        answer
            .text()
            .await
            .map_err(|error| self.unreachable(&error))
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
        match serde_json::from_slice::<Problem>(&bytes) {
            Ok(problem) => Err(Failed::Refused(problem)),
            Err(_) => Err(Failed::Strange(format!(
                "{}: not the answer of a figshift of this version (status {status})",
                self.admin
            ))),
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
        let why = cause(error);
        Failed::Unreachable(format!(
            "{}: no answer from the admin port: {why}",
            self.admin
        ))
    }
}
