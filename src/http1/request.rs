//! The head of a request, as it is written.

use http::header::{
    AUTHORIZATION, CONTENT_LENGTH, HOST, HeaderMap, HeaderName, HeaderValue, TRANSFER_ENCODING,
};
use http::{Method, Uri};

/// A request without its body.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Its method.
    pub method: &'a Method,
    /// Its target, in origin form or `*`.
    pub target: &'a Uri,
    /// Its `Host`, whatever stands among the headers.
    pub host: &'a HeaderValue,
    /// What becomes of the `Authorization` among the headers.
    pub authorization: Authorization<'a>,
    /// All other headers. A body is framed as they say: by `Content-Length`, else in chunks.
    pub headers: &'a HeaderMap,
    /// Further lines, or parts of such, as they are written: whoever gives them answers for them.
    pub ready: &'a [&'a [u8]],
}

/// What becomes of the `Authorization` among the headers.
#[derive(Debug, Clone, Copy)]
pub enum Authorization<'a> {
    /// It is written as the others are.
    Kept,
    /// It is left out.
    Removed,
    /// It is left out, and this is written.
    Replaced(&'a HeaderValue),
}

/// How a body is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// With so many bytes to come.
    Length(u64),
    Chunked,
}

impl Request<'_> {
    /// Writes it, and says how a body has to follow.
    pub(super) fn write(&self, has_body: bool, out: &mut Vec<u8>) -> Framing {
        out.extend_from_slice(self.method.as_str().as_bytes());
        out.push(b' ');
        // It has a path here also where it is written without one.
        out.extend_from_slice(self.target.path().as_bytes());
        if let Some(query) = self.target.query() {
            out.push(b'?');
            out.extend_from_slice(query.as_bytes());
        }
        out.extend_from_slice(b" HTTP/1.1\r\nhost: ");
        out.extend_from_slice(self.host.as_bytes());
        out.extend_from_slice(b"\r\n");
        let length = match self.authorization {
            Authorization::Kept => write_fields(self.headers.iter(), out),
            own => {
                if let Authorization::Replaced(own) = own {
                    out.extend_from_slice(b"authorization: ");
                    out.extend_from_slice(own.as_bytes());
                    out.extend_from_slice(b"\r\n");
                }
                let others = self.headers.iter();
                write_fields(others.filter(|(name, _)| **name != AUTHORIZATION), out)
            }
        };
        for part in self.ready {
            out.extend_from_slice(part);
        }
        let framing = match length {
            Some(length) => Framing::Length(length),
            None if has_body => {
                out.extend_from_slice(b"transfer-encoding: chunked\r\n");
                Framing::Chunked
            }
            None => Framing::Length(0),
        };
        out.extend_from_slice(b"\r\n");
        framing
    }
}

/// Writes the headers, but for the two that are ours, and gives the length that they tell.
fn write_fields<'a>(
    fields: impl Iterator<Item = (&'a HeaderName, &'a HeaderValue)>,
    out: &mut Vec<u8>,
) -> Option<u64> {
    let mut length = None;
    for (name, value) in fields {
        if *name == HOST || *name == TRANSFER_ENCODING {
            continue;
        }
        if *name == CONTENT_LENGTH {
            length = value.to_str().ok().and_then(|text| text.parse().ok());
        }
        out.extend_from_slice(name.as_str().as_bytes());
        out.extend_from_slice(b": ");
        out.extend_from_slice(value.as_bytes());
        out.extend_from_slice(b"\r\n");
    }
    length
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(headers: &[(&'static str, &'static str)], has_body: bool) -> (String, Framing) {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_static(value));
        }
        let request = Request {
            method: &Method::POST,
            target: &Uri::from_static("/a?b=c"),
            host: &HeaderValue::from_static("h:1"),
            authorization: Authorization::Kept,
            headers: &map,
            ready: &[b"y: ", b"3\r\n"],
        };
        let mut out = Vec::new();
        let framing = request.write(has_body, &mut out);
        (String::from_utf8(out).unwrap(), framing)
    }

    #[test]
    fn a_head_says_how_its_body_is_framed() {
        let (text, framing) = written(&[("host", "other"), ("x", "1"), ("x", "2")], false);
        assert_eq!(
            text,
            "POST /a?b=c HTTP/1.1\r\nhost: h:1\r\nx: 1\r\nx: 2\r\ny: 3\r\n\r\n"
        );
        assert_eq!(framing, Framing::Length(0));
        let (text, framing) = written(&[("transfer-encoding", "chunked")], true);
        assert!(
            text.ends_with("\r\ntransfer-encoding: chunked\r\n\r\n"),
            "{text}"
        );
        assert_eq!(
            (text.matches("chunked").count(), framing),
            (1, Framing::Chunked)
        );
        let (text, framing) = written(&[("content-length", "7")], true);
        assert!(!text.contains("chunked"), "{text}");
        assert_eq!(framing, Framing::Length(7));
    }

    #[test]
    fn another_authorization_takes_the_place_of_the_first() {
        let mut map = HeaderMap::new();
        for (name, value) in [
            ("authorization", "Bearer theirs"),
            ("x", "1"),
            ("authorization", "2"),
        ] {
            map.append(name, HeaderValue::from_static(value));
        }
        let ours = HeaderValue::from_static("Bearer ours");
        for (authorization, line) in [
            (
                Authorization::Replaced(&ours),
                "authorization: Bearer ours\r\n",
            ),
            (Authorization::Removed, ""),
        ] {
            let request = Request {
                method: &Method::POST,
                target: &Uri::from_static("/"),
                host: &HeaderValue::from_static("h"),
                authorization,
                headers: &map,
                ready: &[],
            };
            let mut out = Vec::new();
            request.write(false, &mut out);
            let text = format!("POST / HTTP/1.1\r\nhost: h\r\n{line}x: 1\r\n\r\n");
            assert_eq!(String::from_utf8(out).unwrap(), text);
        }
    }

    #[test]
    fn a_target_has_a_path() {
        for (target, written) in [("http://h?b=c", "/?b=c"), ("/a?", "/a?"), ("*", "*")] {
            let request = Request {
                method: &Method::OPTIONS,
                target: &target.parse().unwrap(),
                host: &HeaderValue::from_static("h"),
                authorization: Authorization::Kept,
                headers: &HeaderMap::new(),
                ready: &[],
            };
            let mut out = Vec::new();
            request.write(false, &mut out);
            let line = format!("OPTIONS {written} HTTP/1.1\r\n");
            assert!(out.starts_with(line.as_bytes()), "{target}");
        }
    }
}
