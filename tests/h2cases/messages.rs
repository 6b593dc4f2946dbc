//! RFC 9113, 8: requests that are malformed, and those that are not.

use super::case::{PROTOCOL, Want, case, run_all};
use super::support::frames::{DATA, END_HEADERS, END_STREAM, HEADERS, block, frame};

const PLAIN: [(&str, &str); 4] = [
    (":method", "POST"),
    (":scheme", "http"),
    (":authority", "test"),
    (":path", "/"),
];

fn with(more: &[(&str, &str)]) -> Vec<u8> {
    let fields = [&PLAIN[..], more].concat();
    frame(HEADERS, END_HEADERS | END_STREAM, 1, &block(&fields))
}

fn without(name: &str) -> Vec<u8> {
    let fields: Vec<_> = PLAIN.into_iter().filter(|field| field.0 != name).collect();
    frame(HEADERS, END_HEADERS | END_STREAM, 1, &block(&fields))
}

fn posts(fields: &[(&str, &str)], data: &[&[u8]]) -> Vec<u8> {
    let mut bytes = frame(
        HEADERS,
        END_HEADERS,
        1,
        &block(&[&PLAIN[..], fields].concat()),
    );
    for (nth, part) in data.iter().enumerate() {
        let ends = if nth + 1 == data.len() { END_STREAM } else { 0 };
        bytes.extend(frame(DATA, ends, 1, part));
    }
    bytes
}

#[tokio::test]
async fn malformed_ones_end_their_stream() {
    let bad = Want::Stream(&[PROTOCOL]);
    let open = frame(HEADERS, END_HEADERS, 1, &block(&PLAIN));
    let trailers = |flags, fields: &[(&str, &str)]| frame(HEADERS, flags, 1, &block(fields));
    let ends = END_HEADERS | END_STREAM;
    run_all(
        "8",
        vec![
            case("a plain one", &[with(&[])], Want::Served(1)),
            case("with data", &[posts(&[], &[b"a", b"b"])], Want::Served(1)),
            case(
                "with the length of its data",
                &[posts(&[("content-length", "2")], &[b"a", b"b"])],
                Want::Served(1),
            ),
            case(
                "with trailers",
                &[open.clone(), trailers(ends, &[("x", "y")])],
                Want::Served(1),
            ),
            case(
                "with trailers after data",
                &[
                    posts(&[], &[]),
                    frame(DATA, 0, 1, b"a"),
                    trailers(ends, &[("x", "y")]),
                ],
                Want::Served(1),
            ),
            case(
                "te: trailers",
                &[with(&[("te", "trailers")])],
                Want::Served(1),
            ),
            case(
                "trailers that do not end it",
                &[open, trailers(END_HEADERS, &[("x", "y")])],
                bad,
            ),
            case("an upper case name", &[with(&[("X-Test", "y")])], bad),
            case("an unknown pseudo-header", &[with(&[(":test", "y")])], bad),
            case(
                "a pseudo-header of responses",
                &[with(&[(":status", "200")])],
                bad,
            ),
            case(
                "a pseudo-header after others",
                &[frame(
                    HEADERS,
                    ends,
                    1,
                    &block(&[PLAIN[0], PLAIN[1], PLAIN[2], ("x", "y"), PLAIN[3]]),
                )],
                bad,
            ),
            case("connection", &[with(&[("connection", "keep-alive")])], bad),
            case("keep-alive", &[with(&[("keep-alive", "timeout=1")])], bad),
            case(
                "proxy-connection",
                &[with(&[("proxy-connection", "keep-alive")])],
                bad,
            ),
            case(
                "transfer-encoding",
                &[with(&[("transfer-encoding", "chunked")])],
                bad,
            ),
            case("upgrade", &[with(&[("upgrade", "h2c")])], bad),
            case(
                "te: gzip",
                &[with(&[("te", "trailers, deflate;q=0.5")])],
                bad,
            ),
            case(
                "an empty :path",
                &[frame(
                    HEADERS,
                    ends,
                    1,
                    &block(&[PLAIN[0], PLAIN[1], PLAIN[2], (":path", "")]),
                )],
                bad,
            ),
            case("no :method", &[without(":method")], bad),
            case("no :scheme", &[without(":scheme")], bad),
            case("no :path", &[without(":path")], bad),
            case("two of :method", &[with(&[(":method", "POST")])], bad),
            case("two of :scheme", &[with(&[(":scheme", "http")])], bad),
            case("two of :authority", &[with(&[(":authority", "test")])], bad),
            case("two of :path", &[with(&[(":path", "/")])], bad),
            case(
                "a length below the data",
                &[posts(&[("content-length", "1")], &[b"test"])],
                bad,
            ),
            case(
                "a length above the data",
                &[posts(&[("content-length", "5")], &[b"test"])],
                bad,
            ),
            case(
                "a length below the data in parts",
                &[posts(&[("content-length", "1")], &[b"te", b"st"])],
                bad,
            ),
            case(
                "a length and no data",
                &[with(&[("content-length", "1")])],
                bad,
            ),
            case("CR in a value", &[with(&[("x", "y\r")])], bad),
            case("LF in a value", &[with(&[("x", "y\nz")])], bad),
            case("NUL in a value", &[with(&[("x", "y\0")])], bad),
            case(
                "CONNECT",
                &[frame(
                    HEADERS,
                    ends,
                    1,
                    &block(&[(":method", "CONNECT"), PLAIN[2]]),
                )],
                bad,
            ),
            case(
                "CONNECT with a scheme",
                &[frame(
                    HEADERS,
                    ends,
                    1,
                    &block(&[(":method", "CONNECT"), PLAIN[1], PLAIN[2], PLAIN[3]]),
                )],
                bad,
            ),
        ],
    )
    .await;
}
