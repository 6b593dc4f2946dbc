//! Clients for what is near, and what went wrong with one.

use std::error::Error;
use std::iter;

use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder};

use crate::tls::install;

/// A client for backends and admin ports: no proxy, no redirects, no authority is trusted for
/// `https://`. The caller says how long it waits.
pub fn near() -> ClientBuilder {
    install();
    Client::builder()
        .no_proxy()
        .redirect(Policy::none())
        .tls_certs_only(iter::empty())
}

/// The cause at the bottom: reqwest's own text repeats the address and says little more than that a
/// request failed.
pub fn cause(error: &reqwest::Error) -> String {
    bottom(error)
}

/// The cause at the bottom of any error.
pub(super) fn bottom(error: &(dyn Error + 'static)) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}
