//! gRPC over HTTP/2, as far as a proxy has to know it: how a call says how it ended, and how to say
//! so oneself. Codes and their HTTP statuses are those of gRPC's status document and of
//! `google.rpc.Code`.

use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};

/// How a call ended, in the trailers, or in the head of a response without a body.
pub const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
/// The same in words, percent-encoded.
pub const GRPC_MESSAGE: HeaderName = HeaderName::from_static("grpc-message");
/// The media type of calls and answers.
pub const GRPC: HeaderValue = HeaderValue::from_static("application/grpc");

/// HTTP statuses by gRPC code.
const STATUSES: [u16; 17] = [
    200, // OK
    499, // CANCELLED
    500, // UNKNOWN
    400, // INVALID_ARGUMENT
    504, // DEADLINE_EXCEEDED
    404, // NOT_FOUND
    409, // ALREADY_EXISTS
    403, // PERMISSION_DENIED
    429, // RESOURCE_EXHAUSTED
    400, // FAILED_PRECONDITION
    409, // ABORTED
    400, // OUT_OF_RANGE
    501, // UNIMPLEMENTED
    500, // INTERNAL
    503, // UNAVAILABLE
    500, // DATA_LOSS
    401, // UNAUTHENTICATED
];
const UNKNOWN: usize = 2;

/// Whether a message belongs to a gRPC call. gRPC-Web is another protocol, with its status in the body.
pub fn is_grpc(headers: &HeaderMap) -> bool {
    let Some(kind) = headers.get(CONTENT_TYPE) else {
        return false;
    };
    kind.as_bytes()
        .strip_prefix(b"application/grpc")
        .is_some_and(|rest| matches!(rest.first(), None | Some(b'+' | b';' | b' ')))
}

/// The HTTP status that says the same as the `grpc-status` in these headers or trailers; without one
/// `None`. What is no code is an unknown error.
pub fn grpc_status(headers: &HeaderMap) -> Option<u16> {
    let code = headers.get(GRPC_STATUS)?.to_str().ok();
    let code = code.and_then(|code| code.parse().ok()).unwrap_or(UNKNOWN);
    Some(STATUSES.get(code).copied().unwrap_or(STATUSES[UNKNOWN]))
}

/// The code for an answer that figshift gives with this HTTP status, by the mapping for proxies that
/// know nothing of gRPC (gRPC, "HTTP to gRPC Status Code Mapping"), where it has one.
pub fn grpc_code(status: u16) -> HeaderValue {
    HeaderValue::from_static(match status {
        400 => "13",
        401 => "16",
        403 => "7",
        404 => "12",
        408 | 504 => "4",
        413 | 414 | 431 => "8",
        429 | 502 | 503 => "14",
        501 => "12",
        _ => "2",
    })
}

/// A text as the value of `grpc-message`.
pub fn grpc_message(text: &str) -> HeaderValue {
    let mut value = String::with_capacity(text.len());
    for byte in text.bytes() {
        if (b' '..=b'~').contains(&byte) && byte != b'%' {
            value.push(char::from(byte));
        } else {
            value.push_str(&format!("%{byte:02X}"));
        }
    }
    HeaderValue::from_str(&value).unwrap_or_else(|_| HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
    }

    #[test]
    fn calls_are_known_by_their_type() {
        for (kind, is) in [
            ("application/grpc", true),
            ("application/grpc+proto", true),
            ("application/grpc; charset=utf-8", true),
            ("application/grpc-web", false),
            ("application/grpc-web-text", false),
            ("application/json", false),
        ] {
            assert_eq!(is_grpc(&with(CONTENT_TYPE, kind)), is, "{kind}");
        }
        assert!(!is_grpc(&HeaderMap::new()));
    }

    #[test]
    fn codes_have_statuses() {
        for (code, status) in [
            ("0", 200),
            ("14", 503),
            ("8", 429),
            ("16", 401),
            ("17", 500),
            ("-1", 500),
            ("x", 500),
        ] {
            assert_eq!(
                grpc_status(&with(GRPC_STATUS, code)),
                Some(status),
                "{code}"
            );
        }
        assert_eq!(grpc_status(&HeaderMap::new()), None);
    }

    #[test]
    fn messages_are_encoded() {
        assert_eq!(grpc_message("100 % ä"), "100 %25 %C3%A4");
    }
}
