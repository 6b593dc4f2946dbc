//! Changes of protocol on a connection (RFC 9110, 7.8): which ones a request asks for and which one
//! an answer agrees to. Another HTTP, or TLS, inside of a tunnel would carry requests that nobody
//! has routed, so those are not asked for on anybody's behalf.

use http::header::{CONNECTION, HeaderMap, HeaderName, HeaderValue, UPGRADE};

const OPTION: HeaderValue = HeaderValue::from_static("upgrade");

/// The protocols that a request asks for and that can be carried; `None` when there is none. Without
/// `Connection: upgrade`, the header is not meant for us and says nothing.
pub fn asked_upgrade(headers: &HeaderMap) -> Option<HeaderValue> {
    if !has_option(headers) {
        return None;
    }
    let carried: Vec<&[u8]> = protocols(headers).filter(|name| is_carried(name)).collect();
    HeaderValue::from_bytes(&carried.join(&b", "[..]))
        .ok()
        .filter(|value| !value.is_empty())
}

/// The protocol that the head of a 101 changes to: exactly one, and one of those asked for.
pub fn agreed_upgrade(headers: &HeaderMap, asked: &HeaderValue) -> Option<HeaderValue> {
    let mut named = protocols(headers);
    let (Some(name), None) = (named.next(), named.next()) else {
        return None;
    };
    let among = items(asked).any(|asked| asked.eq_ignore_ascii_case(name));
    (among && has_option(headers))
        .then(|| HeaderValue::from_bytes(name).ok())
        .flatten()
}

/// Says it for our own hop.
pub fn say_upgrade(headers: &mut HeaderMap, protocols: HeaderValue) {
    headers.insert(CONNECTION, OPTION);
    headers.insert(UPGRADE, protocols);
}

fn has_option(headers: &HeaderMap) -> bool {
    list(headers, &CONNECTION).any(|option| option.eq_ignore_ascii_case(OPTION.as_bytes()))
}

fn protocols(headers: &HeaderMap) -> impl Iterator<Item = &[u8]> {
    list(headers, &UPGRADE)
}

fn list<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a [u8]> {
    headers.get_all(name).iter().flat_map(items)
}

fn items(line: &HeaderValue) -> impl Iterator<Item = &[u8]> {
    line.as_bytes()
        .split(|byte| *byte == b',')
        .map(<[u8]>::trim_ascii)
        .filter(|item| !item.is_empty())
}

/// `h2c`, `HTTP/2.0`, `TLS/1.0` and their kin are not, nor is what is no token with perhaps a version:
/// a lenient backend could find one of them in it.
fn is_carried(protocol: &[u8]) -> bool {
    let mut parts = protocol.split(|byte| *byte == b'/');
    let (name, version) = (parts.next().unwrap_or(b""), parts.next());
    let plain = is_token(name) && version.is_none_or(is_token) && parts.next().is_none();
    plain
        && !["h2c", "h2", "http", "tls"]
            .iter()
            .any(|other| name.eq_ignore_ascii_case(other.as_bytes()))
}

fn is_token(text: &[u8]) -> bool {
    let mark = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    !text.is_empty() && text.iter().all(mark)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    #[test]
    fn only_what_can_be_carried_is_asked_for() {
        for (connection, upgrade, asked) in [
            ("Upgrade", "websocket", Some("websocket")),
            ("keep-alive, UPGRADE", "WebSocket", Some("WebSocket")),
            ("upgrade", "chat/2, h2c ,, other", Some("chat/2, other")),
            ("keep-alive", "websocket", None),
            ("upgrade", "", None),
            ("upgrade", "h2c", None),
            ("upgrade", "h2c x, \"h2c\", h2c;q=1, a/h2c/b, /h2c", None),
            ("upgrade", "web\tsocket, websocket", Some("websocket")),
            ("upgrade", "H2C, HTTP/2.0, TLS/1.0, h2", None),
        ] {
            let map = headers(&[("connection", connection), ("upgrade", upgrade)]);
            let found = asked_upgrade(&map);
            let found = found.as_ref().map(|value| value.to_str().unwrap());
            assert_eq!(found, asked, "{connection}: {upgrade}");
        }
        assert_eq!(asked_upgrade(&headers(&[("upgrade", "websocket")])), None);
        let lines = [
            ("connection", "upgrade"),
            ("upgrade", "a"),
            ("upgrade", "b"),
        ];
        assert_eq!(asked_upgrade(&headers(&lines)).unwrap(), "a, b");
    }

    #[test]
    fn an_answer_agrees_to_one_of_them() {
        let asked = HeaderValue::from_static("chat/2, websocket");
        for (lines, agreed) in [
            (
                &[("connection", "Upgrade"), ("upgrade", "WebSocket")][..],
                Some("WebSocket"),
            ),
            (
                &[("connection", "upgrade"), ("upgrade", "chat/2")],
                Some("chat/2"),
            ),
            (&[("connection", "upgrade"), ("upgrade", "chat")], None),
            (
                &[("connection", "upgrade"), ("upgrade", "chat/2, websocket")],
                None,
            ),
            (
                &[
                    ("connection", "upgrade"),
                    ("upgrade", "websocket"),
                    ("upgrade", "websocket"),
                ],
                None,
            ),
            (&[("connection", "upgrade")], None),
            (&[("upgrade", "websocket")], None),
        ] {
            let found = agreed_upgrade(&headers(lines), &asked);
            let found = found.as_ref().map(|value| value.to_str().unwrap());
            assert_eq!(found, agreed, "{lines:?}");
        }
    }
}
