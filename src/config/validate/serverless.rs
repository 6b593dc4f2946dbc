//! `[backends.NAME.serverless]`, and what goes with it.

use crate::config::model::{Backend, Protocol, Serverless, ServerlessCost, ServerlessMode};
use crate::config::scalar::{Duration, Size};
use crate::config::sheet::Sheet;
use crate::config::tree::Path;

use super::bounds::{HOUR, within};
use super::urls;

/// Longer than any name at Vast.ai.
const LONGEST_NAME: usize = 256;

pub(super) fn check(backend: &Backend, at_backend: &Path, sheet: &mut Sheet<'_>) {
    let Some(serverless) = &backend.serverless else {
        return;
    };
    let at = at_backend.key("serverless");
    for other in ["endpoints", "discover"] {
        if sheet.written.at(&at_backend.key(other)).is_some() {
            let message = format!("this backend has `{other}` and `serverless`");
            sheet.at_key(&at, message, "remove one of the two");
        }
    }
    name(serverless, &at.key("endpoint"), sheet);
    let shortest = Duration::from_millis(100);
    within(serverless.wait, shortest, HOUR, &at.key("wait"), sheet);
    // A body is held whole and looked through in one go, for which others of its thread wait.
    let (least, most) = (Size::kib(1), Size::kib(16 * 1024));
    within(serverless.max_body, least, most, &at.key("max_body"), sheet);
    if let ServerlessCost::Field(cost) = &serverless.cost
        && cost.field.is_empty()
    {
        let path = at.key("cost").key("field");
        sheet.at_value(&path, "the field has no name", "write \"max_tokens\"");
    }
    for (key, url) in [
        ("api", &serverless.api),
        ("engine", &serverless.engine),
        ("front", &serverless.front),
    ] {
        urls::with_key(url, &at.key(key), sheet);
    }
    company(backend, serverless, at_backend, sheet);
}

fn name(serverless: &Serverless, path: &Path, sheet: &mut Sheet<'_>) {
    let name = &serverless.endpoint;
    let in_path = |c: char| c.is_ascii_alphanumeric() || "-_.~".contains(c);
    if name.trim().is_empty() {
        sheet.at_value(
            path,
            "the endpoint has no name",
            "write its name at Vast.ai",
        );
    } else if name.len() > LONGEST_NAME || name.chars().any(char::is_control) {
        let message = format!("{} is not a name of an endpoint", sheet.quote(path));
        sheet.at_value(path, message, "write its name at Vast.ai");
    } else if serverless.mode == ServerlessMode::Openai
        && (!name.chars().all(in_path) || name.chars().all(|c| c == '.'))
    {
        let message = format!("{} cannot stand in a path", sheet.quote(path));
        let hint = "call it by letters, digits, `-` and `_` at Vast.ai, or use `mode = \"worker\"`";
        sheet.at_value(path, message, hint);
    }
}

/// What does not go with it.
fn company(backend: &Backend, serverless: &Serverless, at: &Path, sheet: &mut Sheet<'_>) {
    let is_worker = serverless.mode == ServerlessMode::Worker;
    if backend.health.is_some() {
        let message = "a Serverless endpoint has no address that could be checked";
        let hint = "remove it: the breaker hears when no worker can be had";
        sheet.at_key(&at.key("health"), message, hint);
    }
    if backend.auth.is_some() {
        let message = match is_worker {
            true => "a Serverless worker belongs to a stranger, and gets no credentials",
            false => "what stands in `Authorization` there is the key of the account",
        };
        sheet.at_key(&at.key("auth"), message, "remove it");
    }
    if is_worker && backend.protocol == Protocol::H2 {
        let message = "Serverless workers speak HTTP/1.1 only";
        sheet.at_value(&at.key("protocol"), message, "remove it");
    }
    let at_tls = at.key("tls");
    if is_worker && backend.tls.is_none() && !serverless.allow_http && !sheet.is_spoiled(&at_tls) {
        let message = "it is not said whose certificates workers have to show";
        let hint = "add `tls = { ca = [\"/path/to/vast-root.pem\"] }` to the backend: the root that signs them is at \
                    https://console.vast.ai/static/jvastai_root.cer";
        sheet.at_key(&at.key("serverless"), message, hint);
    }
}
