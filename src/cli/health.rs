//! `figshift health`: what a container's health check runs.

use std::io::{self, Write as _};
use std::time::Duration;

use super::Exit;
use super::address::Address;
use super::serve::{on_control_runtime, say};
use crate::outbound::cause;

/// A house that takes longer to say `ok` is not well.
const PATIENCE: Duration = Duration::from_secs(2);

/// Asks `/readyz` on the admin port. Anything but `ok` goes to standard error.
pub(super) fn run(admin: &Address) -> Exit {
    on_control_runtime(async {
        match ask(admin).await {
            Ok((true, answer)) => {
                write!(io::stdout(), "{answer}").map_or(Exit::Unreachable, |()| Exit::Done)
            }
            Ok((false, answer)) => say(&answer, Exit::No),
            Err(problem) => say(&problem, Exit::Unreachable),
        }
    })
}

/// Whether it is ready, and what it says.
async fn ask(admin: &Address) -> Result<(bool, String), String> {
    let unreachable = |error: reqwest::Error| {
        format!("{admin}: no answer from the admin port: {}", cause(&error))
    };
    let client = admin.client().timeout(PATIENCE).build();
    let client = client.map_err(unreachable)?;
    let asked = client.get(admin.url("/readyz")).send().await;
    let answer = asked.map_err(unreachable)?;
    let ready = answer.status().is_success();
    let text = answer.text().await.map_err(unreachable)?;
    Ok((ready, text))
}
