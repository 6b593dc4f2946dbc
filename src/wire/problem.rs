//! Problem documents (RFC 9457) for the answers that figshift gives by itself, and events that tell
//! the same within a stream.

use http::HeaderValue;
use serde_json::json;

/// The body of a problem answer. `reason` is a word of a closed set, `detail` says what to do.
pub fn problem_json(status: u16, title: &str, reason: &str, detail: &str, id: &str) -> Vec<u8> {
    let document = json!({
        "type": format!("urn:figshift:problem:{reason}"),
        "title": title,
        "status": status,
        "detail": detail,
        "reason": reason,
        "request_id": id,
    });
    let mut body = document.to_string().into_bytes();
    body.push(b'\n');
    body
}

/// An event that tells the client of a stream that it goes wrong, in the shape in which OpenAI's
/// clients look for it. It ends a line that may be open.
pub fn error_event((status, kind, message): (u16, &str, &str), id: &HeaderValue) -> String {
    let error = json!({
        "error": {
            "type": kind,
            "code": status,
            "message": message,
            "request_id": id.to_str().unwrap_or_default(),
        }
    });
    format!("\nevent: error\ndata: {error}\n\n")
}
