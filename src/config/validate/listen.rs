//! `[listen]` and `[log]`.

use std::net::SocketAddr;

use crate::config::model::Config;
use crate::config::sheet::Sheet;
use crate::config::tree::Path;

use super::super::structure::nearest;
use super::{limits, tls};

const LEVELS: [&str; 6] = ["error", "warn", "info", "debug", "trace", "off"];

pub(super) fn check(config: &Config, sheet: &mut Sheet<'_>) {
    let at = Path::root().key("listen");
    let http = address(&config.listen.http, &at.key("http"), sheet);
    let admin = address(&config.listen.admin, &at.key("admin"), sheet);
    if let (Some(http), Some(admin)) = (http, admin)
        && overlaps(http, admin)
    {
        let quote = sheet.quote(&at.key("http"));
        let message = format!("the admin port would listen on the address of `http`, {quote}");
        sheet.at_value(&at.key("admin"), message, "give it another port");
    }
    if let Some(text) = &config.listen.https {
        let path = at.key("https");
        let https = address(text, &path, sheet);
        for (key, other) in [("http", http), ("admin", admin)] {
            if let (Some(https), Some(other)) = (https, other)
                && overlaps(https, other)
            {
                let quote = sheet.quote(&at.key(key));
                let message = format!("it would listen on the address of `{key}`, {quote}");
                sheet.at_value(&path, message, "give it another port");
            }
        }
    }
    tls::listen(&config.listen, &at, sheet);
    if config.listen.idle.get().is_zero() {
        let hint = "write at least \"1s\"; the default is \"75s\"";
        sheet.at_value(&at.key("idle"), "no connection could be kept alive", hint);
    }
    limits::check(&config.listen.limits, &at.key("limits"), sheet);
    if let Some(level) = &config.log.level {
        log_level(level, sheet);
    }
}

fn address(text: &str, path: &Path, sheet: &mut Sheet<'_>) -> Option<SocketAddr> {
    let parsed = text.parse().ok();
    if parsed.is_none() {
        let hint = if text.parse::<std::net::IpAddr>().is_ok() {
            "add the port: \"0.0.0.0:8080\", \"[::1]:8080\""
        } else if text.starts_with(':') || text.bytes().all(|b| b.is_ascii_digit()) {
            "add the IP address: \"0.0.0.0:8080\" listens on all of them"
        } else if text.starts_with("localhost") {
            "write the IP address: \"127.0.0.1:8080\""
        } else {
            "write an IP address and a port: \"0.0.0.0:8080\", \"127.0.0.1:8080\", \"[::]:8080\""
        };
        let message = format!("{} is not an `ip:port` to listen on", sheet.quote(path));
        sheet.at_value(path, message, hint);
    }
    parsed
}

/// Whether both cannot be listened on at once. Port 0 lets the system choose a free one.
fn overlaps(one: SocketAddr, other: SocketAddr) -> bool {
    let any = one.ip().is_unspecified() || other.ip().is_unspecified();
    let same_family = one.is_ipv4() == other.is_ipv4();
    one.port() != 0 && one.port() == other.port() && (one.ip() == other.ip() || any && same_family)
}

/// The filter syntax of the logs, as far as a slip is likely: levels, and `target=level` pairs.
fn log_level(filter: &str, sheet: &mut Sheet<'_>) {
    let path = Path::root().key("log").key("level");
    let hint =
        "write error, warn, info, debug or trace, or a filter: \"info,figshift::proxy=debug\"";
    if filter.trim().is_empty() {
        sheet.at_value(&path, "the log level is empty", hint);
        return;
    }
    for part in filter.split(',').map(str::trim) {
        let (target, level) = match part.rsplit_once('=') {
            Some((target, level)) => (target, level),
            None => ("", part),
        };
        let lower = level.to_ascii_lowercase();
        let is_target = |text: &str| {
            text.bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"_:-.".contains(&b))
        };
        // A bare path is a filter too: everything of that target.
        let is_bare_target = target.is_empty() && part.contains("::") && is_target(part);
        if is_bare_target || (LEVELS.contains(&lower.as_str()) && is_target(target)) {
            continue;
        }
        let hint = match nearest(&lower, LEVELS) {
            Some(near) if !LEVELS.contains(&lower.as_str()) => format!("did you mean `{near}`?"),
            _ => hint.to_owned(),
        };
        let message = format!("{} is not a log level or filter", sheet.quote(&path));
        sheet.at_value(&path, message, &hint);
        return;
    }
}
