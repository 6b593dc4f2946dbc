//! The few values that only a restart can change. Everything else is applied on save.

use super::model::Config;

/// The keys whose new value waits for a restart.
pub fn needs_restart(running: &Config, new: &Config) -> Vec<&'static str> {
    let changed = [
        ("listen.http", running.listen.http != new.listen.http),
        ("listen.https", running.listen.https != new.listen.https),
        ("listen.admin", running.listen.admin != new.listen.admin),
        (
            "listen.workers",
            running.listen.workers != new.listen.workers,
        ),
        ("admin.socket", running.admin.socket != new.admin.socket),
        ("state_dir", running.state_dir != new.state_dir),
    ];
    let changed = changed.into_iter().filter(|(_, changed)| *changed);
    changed.map(|(key, _)| key).collect()
}

/// Puts the running values of those keys into the new configuration, so that it says what is in force.
pub fn keep_running_values(running: &Config, new: &mut Config) {
    // The file may drop the token because its new address needs none; the old one is still open.
    if new.admin.token.is_none() && new.listen.admin != running.listen.admin {
        new.admin.token.clone_from(&running.admin.token);
    }
    // The same of the certificates: the old address goes on being served.
    if running.listen.https.is_some() && new.listen.tls.is_none() {
        new.listen.tls.clone_from(&running.listen.tls);
    }
    new.listen.http.clone_from(&running.listen.http);
    new.listen.https.clone_from(&running.listen.https);
    new.listen.admin.clone_from(&running.listen.admin);
    new.listen.workers = running.listen.workers;
    new.admin.socket.clone_from(&running.admin.socket);
    new.state_dir.clone_from(&running.state_dir);
}
