//! `[listen.tls]` and `[backends.NAME.tls]`, as far as they say it. Whether the files are any good is
//! found when they are read.

use crate::config::model::{Backend, BackendTls, ClientAuth, Listen, ListenTls};
use crate::config::scalar::Duration;
use crate::config::sheet::Sheet;
use crate::config::tree::Path;

use super::bounds::{MINUTE, clock};
use super::names::is_host;

pub(super) fn listen(listen: &Listen, at: &Path, sheet: &mut Sheet<'_>) {
    clock(listen.handshake, MINUTE, &at.key("handshake"), sheet);
    let at_tls = at.key("tls");
    match (&listen.https, &listen.tls) {
        (Some(_), None) => {
            let hint =
                "add `[listen.tls]` with `certificates = [{ cert = \"...\", key = \"...\" }]`";
            sheet.at_value(&at.key("https"), "there is no certificate to show", hint);
        }
        (None, Some(_)) => {
            let hint = "add `https = \"0.0.0.0:8443\"` to `[listen]`, or remove this table";
            sheet.at_key(&at_tls, "nothing listens for TLS", hint);
        }
        (Some(_), Some(tls)) => shown(tls, &at_tls, sheet),
        (None, None) => {}
    }
}

fn shown(tls: &ListenTls, at: &Path, sheet: &mut Sheet<'_>) {
    let list = at.key("certificates");
    if tls.certificates.is_empty() {
        let hint = "name at least one: [{ cert = \"...\", key = \"...\" }]";
        sheet.at_value(&list, "there is no certificate to show", hint);
    }
    for (index, pair) in tls.certificates.iter().enumerate() {
        let item = list.index(index);
        for (key, path) in [("cert", &pair.cert), ("key", &pair.key)] {
            file(path.to_string_lossy().as_ref(), &item.key(key), sheet);
        }
    }
    let ca = at.key("client_ca");
    match (&tls.client_ca, tls.client_auth) {
        (None, ClientAuth::Optional | ClientAuth::Required) => {
            let hint = "add `client_ca = \"/path\"`: a file with the authorities that sign them";
            let message = "nobody says whose client certificates are good";
            sheet.at_value(&at.key("client_auth"), message, hint);
        }
        (Some(_), ClientAuth::Off) => {
            let hint = "add `client_auth = \"required\"` or `\"optional\"`, or remove it";
            sheet.at_value(&ca, "clients are not asked for certificates", hint);
        }
        (Some(path), _) => file(path.to_string_lossy().as_ref(), &ca, sheet),
        (None, ClientAuth::Off) => {}
    }
    if tls.redirect_port.is_some() && !tls.redirect {
        let hint = "add `redirect = true`, or remove it";
        sheet.at_value(&at.key("redirect_port"), "nobody is sent there", hint);
    }
    if tls.hsts.is_some_and(|hsts| hsts < Duration::from_secs(1)) {
        let hint = "write at least \"1s\", or remove it";
        sheet.at_value(&at.key("hsts"), "it would be over at once", hint);
    }
}

pub(super) fn backend(backend: &Backend, at: &Path, sheet: &mut Sheet<'_>) {
    let Some(tls) = &backend.tls else { return };
    let has_some = backend.discover.is_some() || !backend.endpoints.is_empty();
    if has_some && !backend.speaks_tls() {
        let hint = match backend.discover {
            Some(_) => "add `scheme = \"https\"` to what is discovered, or remove this table",
            None => "write \"https://host:port\" for its endpoints, or remove this table",
        };
        sheet.at_key(
            &at.key("tls"),
            "no endpoint of this backend speaks TLS",
            hint,
        );
        return;
    }
    checks(tls, &at.key("tls"), sheet);
}

fn checks(tls: &BackendTls, at: &Path, sheet: &mut Sheet<'_>) {
    for (index, path) in tls.ca.iter().enumerate() {
        file(path, &at.key("ca").index(index), sheet);
    }
    if let Some(name) = &tls.name {
        let path = at.key("name");
        let bare = name.parse::<std::net::IpAddr>().is_ok();
        if !bare && (!is_host(name) || name.contains('_')) {
            let message = format!("{} is not a name for a certificate", sheet.quote(&path));
            let hint = "write a host name or an IP address, without a port";
            sheet.at_value(&path, message, hint);
        }
    }
    if tls.insecure && !(tls.ca.is_empty() && tls.pin.is_empty()) {
        let hint = "remove `insecure`, or `ca` and `pin`";
        let message = "what is insecure is not checked, and `ca` or `pin` say how to check it";
        sheet.at_value(&at.key("insecure"), message, hint);
    }
    for (one, other, path) in [
        ("cert", "key", (&tls.cert, &tls.key)),
        ("key", "cert", (&tls.key, &tls.cert)),
    ] {
        match path {
            (Some(_), None) => {
                let hint = format!("add `{other} = \"/path\"`");
                sheet.at_value(
                    &at.key(one),
                    format!("there is no `{other}` with it"),
                    &hint,
                );
            }
            (Some(path), Some(_)) => file(path.to_string_lossy().as_ref(), &at.key(one), sheet),
            (None, _) => {}
        }
    }
}

fn file(path: &str, at: &Path, sheet: &mut Sheet<'_>) {
    if path.is_empty() {
        sheet.at_value(at, "the file has no name", "write its path");
    }
}
