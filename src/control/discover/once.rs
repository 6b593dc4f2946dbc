//! One look at a source, for a command.

use super::super::discovered::Found;
use super::dns::Names;
use super::file::TargetFile;
use super::http::TargetUrl;
use super::source::Source;
use crate::config::model::Discover;
use crate::outbound::Outside;

/// Looks once at a source that is not Vast.ai, of which one look serves many backends.
///
/// # Errors
///
/// It cannot be found out; the text says why, without a secret.
pub async fn look_once(written: &Discover, outside: &Outside) -> Result<Vec<Found>, String> {
    let seen = match written {
        Discover { dns: Some(dns), .. } => Names::new(dns.clone()).look().await,
        Discover {
            file: Some(file), ..
        } => TargetFile(file.clone()).look().await,
        Discover {
            http: Some(http), ..
        } => {
            let (written, outside) = (http.clone(), outside.clone());
            TargetUrl { written, outside }.look().await
        }
        _ => return Ok(Vec::new()),
    };
    seen.map(|seen| seen.found)
}
