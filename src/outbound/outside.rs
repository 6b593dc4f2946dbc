//! Asking services outside.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::header::RETRY_AFTER;
use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder, RequestBuilder, Response, Url};
use serde::Serialize;
use tokio::sync::OnceCell;

use super::answer::{Answer, NoAnswer};
use super::near::cause;
use super::retry_after;
use crate::tls;

/// Answers to what is posted are a few hundred bytes; nobody may fill the memory with one.
const LONGEST: usize = 64 * 1024;
/// One dead address of several is left for the next.
const CONNECT: Duration = Duration::from_secs(5);
/// Below the keep-alive time of most servers.
const IDLE: Duration = Duration::from_secs(30);

/// Asks services outside: with the proxies of `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` (never for
/// this machine itself), without following redirects, trusting `SSL_CERT_FILE` and `SSL_CERT_DIR`,
/// else the system. All of that is read once, at the first question. Copies share it.
#[derive(Debug, Clone)]
pub struct Outside {
    clients: Arc<OnceCell<Clients>>,
    /// Idle connections that are kept for each host.
    idle: usize,
}

#[derive(Debug)]
struct Clients {
    by_proxy: Client,
    straight: Client,
}

impl Default for Outside {
    fn default() -> Self {
        Self::keeping(1)
    }
}

impl Outside {
    /// Keeps so many idle connections to each host, for who asks several things at a time.
    pub fn keeping(idle: usize) -> Self {
        Self {
            clients: Arc::default(),
            idle,
        }
    }

    /// Posts JSON, with `Authorization: Bearer` if there is a token, and waits for the whole answer, which
    /// may be 64 KiB long.
    ///
    /// # Errors
    ///
    /// There is no whole answer within `timeout`.
    pub async fn post(
        &self,
        url: &str,
        token: Option<&str>,
        body: &impl Serialize,
        timeout: Duration,
    ) -> Result<Answer, NoAnswer> {
        let asked = async {
            let request = self.client(url).await?.post(url).json(body);
            send(request, token, LONGEST).await
        };
        let answer = tokio::time::timeout(timeout, asked).await;
        answer.unwrap_or(Err(NoAnswer::Late(timeout)))
    }

    /// Gets a URL, with `Authorization: Bearer` if there is a token, and waits for the whole answer, which
    /// may be `longest` bytes long.
    ///
    /// # Errors
    ///
    /// There is no whole answer within `timeout`.
    pub async fn get(
        &self,
        url: &str,
        token: Option<&str>,
        longest: usize,
        timeout: Duration,
    ) -> Result<Answer, NoAnswer> {
        let asked = async {
            let request = self.client(url).await?.get(url);
            send(request, token, longest).await
        };
        let answer = tokio::time::timeout(timeout, asked).await;
        answer.unwrap_or(Err(NoAnswer::Late(timeout)))
    }

    async fn client(&self, url: &str) -> Result<&Client, NoAnswer> {
        let clients = &self.clients;
        let clients = clients.get_or_try_init(|| Clients::make(self.idle)).await?;
        Ok(clients.to(url))
    }
}

impl Clients {
    /// On a thread of its own: it reads files.
    async fn make(idle: usize) -> Result<Self, NoAnswer> {
        let made = tokio::task::spawn_blocking(move || {
            let tls = tls::outside().map_err(|error| error.to_string())?;
            let builder = || {
                Client::builder()
                    .tls_backend_preconfigured(tls.clone())
                    .redirect(Policy::none())
                    .connect_timeout(CONNECT)
                    .pool_idle_timeout(IDLE)
                    .pool_max_idle_per_host(idle)
                    .user_agent(concat!("figshift/", env!("CARGO_PKG_VERSION")))
            };
            let build = |builder: ClientBuilder| builder.build().map_err(|error| cause(&error));
            Ok(Self {
                by_proxy: build(builder())?,
                straight: build(builder().no_proxy())?,
            })
        });
        let made = made.await.map_err(|error| error.to_string());
        made.and_then(|made| made).map_err(NoAnswer::Client)
    }

    /// The client for this URL.
    fn to(&self, url: &str) -> &Client {
        if is_here(url) {
            &self.straight
        } else {
            &self.by_proxy
        }
    }
}

/// Whether a URL leads to this machine itself: its host is `localhost` or a loopback address.
pub fn is_here(url: &str) -> bool {
    let url = Url::parse(url).ok();
    let host = url.as_ref().and_then(Url::host_str).unwrap_or_default();
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

async fn send(
    mut request: RequestBuilder,
    token: Option<&str>,
    longest: usize,
) -> Result<Answer, NoAnswer> {
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    let answer = request.send().await.map_err(|error| broken(&error))?;
    read(answer, longest).await
}

async fn read(mut answer: Response, longest: usize) -> Result<Answer, NoAnswer> {
    let status = answer.status().as_u16();
    let wait = answer.headers().get(RETRY_AFTER);
    let wait = wait.filter(|_| matches!(status, 429 | 503));
    let wait = wait.and_then(|wait| wait.to_str().ok());
    let retry_after = wait.and_then(|wait| retry_after::read(wait, SystemTime::now()));
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| broken(&error))? {
        if body.len() + chunk.len() > longest {
            return Err(NoAnswer::TooLong(longest));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Answer {
        status,
        retry_after,
        headers: std::mem::take(answer.headers_mut()),
        body,
    })
}

fn broken(error: &reqwest::Error) -> NoAnswer {
    NoAnswer::Broken(cause(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_needs_no_proxy() {
        for url in [
            "http://localhost:1/x",
            "https://127.8.0.1",
            "http://[::1]:80/",
        ] {
            assert!(is_here(url), "{url}");
        }
        for url in [
            "http://localhost.example.com",
            "http://10.0.0.1",
            "http://[2001:db8::1]/",
            "x",
        ] {
            assert!(!is_here(url), "{url}");
        }
    }
}
