//! `[admin]`.

use std::net::SocketAddr;

use crate::config::model::Config;
use crate::config::sheet::Sheet;
use crate::config::tree::Path;

use super::names::is_host;

/// What fits into the system's address of a socket, with the zero at its end.
const LONGEST_SOCKET: usize = 107;

pub(super) fn check(config: &Config, sheet: &mut Sheet<'_>) {
    let root = Path::root();
    let address = config.listen.admin.parse::<SocketAddr>();
    let beyond = address.is_ok_and(|address| !address.ip().to_canonical().is_loopback());
    // A token that is there and was refused is told where it stands.
    let token = root.key("admin").key("token");
    if beyond && config.admin.token.is_none() && !sheet.is_spoiled(&token) {
        let hint = "add `token = \"${file:/path}\"` under [admin], or listen on 127.0.0.1";
        let at = root.key("listen").key("admin");
        let message = "others than this machine could move the traffic: there is no `admin.token`";
        sheet.at_value(&at, message, hint);
    }
    if let Some(socket) = &config.admin.socket {
        let at = root.key("admin").key("socket");
        let length = socket.as_os_str().len();
        if length == 0 {
            let hint = "name a file, such as \"/run/figshift/admin.sock\", or leave the key out";
            sheet.at_value(&at, "the socket has no name", hint);
        } else if length > LONGEST_SOCKET {
            let message = format!("{} is too long for a socket", sheet.quote(&at));
            sheet.at_value(&at, message, "use a path of at most 107 bytes");
        }
    }
    for (index, host) in config.admin.hosts.iter().enumerate() {
        let at = root.key("admin").key("hosts").index(index);
        if !is_host(host) {
            let message = format!("{} is not a host name", sheet.quote(&at));
            sheet.at_value(
                &at,
                message,
                "write a name without port: \"figshift.internal\"",
            );
        }
    }
}
