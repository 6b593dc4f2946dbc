//! Problem documents (RFC 9457) for the answers that figshift gives by itself.

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
