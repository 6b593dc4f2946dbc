//! The framing that is followed beside the engine, at once and in parts.

use super::*;

/// What is found, however the bytes are cut.
fn found(text: &str) -> Option<(u32, Flaw)> {
    let bytes = text.as_bytes();
    let mut at_once = Framing::default();
    at_once.follow(bytes);
    for size in [1, 2, 3, 7] {
        let mut framing = Framing::default();
        for part in bytes.chunks(size) {
            framing.follow(part);
        }
        assert_eq!(
            framing.flaw(),
            at_once.flaw(),
            "{text:?} in parts of {size}"
        );
    }
    at_once.flaw()
}

#[test]
fn sound_requests_are_followed_to_their_end() {
    let all = concat!(
        "\r\nGET /a HTTP/1.1\r\nHost: a\r\n\r\n",
        "POST /b HTTP/1.1\r\nHost: a\r\nContent-Length:  3 \r\n\r\na\nb",
        "POST /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "3 ;x\r\n\n\n\n\r\n0A\r\n0123456789\r\n0\r\nX: y\r\n\r\n",
    );
    let long = format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "x".repeat(200));
    for text in [all, long.as_str()] {
        assert_eq!(found(text), None);
        // The next bytes are those of a request again.
        assert_eq!(
            found(&format!("{text}GET / HTTP/1.1\n")).unwrap().1,
            Flaw::BareLf
        );
    }
    assert_eq!(found(&format!("{all}\n")), Some((3, Flaw::BareLf)));
}

#[test]
fn flaws_are_found_with_the_number_of_heads_before_them() {
    let good = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    for (lines, flaw) in [
        (
            "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n",
            Flaw::TwoFramings,
        ),
        (
            "transfer-encoding: x\r\nCONTENT-LENGTH: 1\r\n",
            Flaw::TwoFramings,
        ),
        ("Content-Length: 1\r\nContent-Length: 1\r\n", Flaw::Length),
        ("Content-Length: +1\r\n", Flaw::Length),
        ("Content-Length:\r\n", Flaw::Length),
        ("Content-Length: 1,1\r\n", Flaw::Length),
        ("Content-Length: 99999999999999999999\r\n", Flaw::Length),
        ("Content_Length: 1\r\n", Flaw::Lookalike),
        ("Transfer_Encoding: chunked\r\n", Flaw::Lookalike),
        ("X: y\n", Flaw::BareLf),
    ] {
        let bad = format!("POST / HTTP/1.1\r\n{lines}\r\n");
        assert_eq!(found(&bad), Some((0, flaw)), "{lines:?}");
        assert_eq!(found(&format!("{good}{bad}")), Some((1, flaw)), "{lines:?}");
    }
    assert_eq!(found("GET /a#b HTTP/1.1\r\n"), Some((0, Flaw::Fragment)));
}

#[test]
fn a_flawed_body_is_not_handed_on() {
    let head = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
    for body in ["3\nabc", "x\r\n", "3 x\r\n", "0\r\nX: y\n\r\n", "0\r\n\n"] {
        let text = format!("{head}1\r\na\r\n{body}");
        let mut framing = Framing::default();
        let sound = framing.follow(text.as_bytes());
        assert_eq!(framing.flaw(), Some((1, Flaw::Chunk)), "{body:?}");
        let rest = text.get(sound..).unwrap();
        assert!(
            body.ends_with(rest) && !rest.is_empty(),
            "{body:?}: {rest:?}"
        );
    }
    assert_eq!(found(&format!("{head}1\r\naX\r\n")), Some((1, Flaw::Chunk)));
    // However it comes, a size is not taken for its beginning.
    let padded = format!("{head}{}1\r\na\r\n0\r\n\r\n", "0".repeat(64));
    assert_eq!(found(&padded), Some((1, Flaw::Chunk)));
}
