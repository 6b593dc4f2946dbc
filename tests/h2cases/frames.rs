//! RFC 9113, 6.1 to 6.8 and 7: each kind of frame.

use super::case::{FLOW_CONTROL, FRAME_SIZE, NO_ERROR, PROTOCOL, Want, case, run_all};
use super::support::frames::{
    ACK, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PADDED, PING, PRIORITY, PUSH_PROMISE,
    RST_STREAM, SETTINGS, frame, get, get_frame,
};

pub(crate) const HIGHEST: u32 = 0x7fff_ffff;

pub(crate) fn setting(id: u16, value: u32) -> Vec<u8> {
    let mut payload = id.to_be_bytes().to_vec();
    payload.extend(value.to_be_bytes());
    frame(SETTINGS, 0, 0, &payload)
}

fn padded(kind: u8, flags: u8, stream: u32, pad: u8, payload: &[u8], zeros: usize) -> Vec<u8> {
    let payload = [&[pad], payload, &vec![0; zeros]].concat();
    frame(kind, flags | PADDED, stream, &payload)
}

#[tokio::test]
async fn data_headers_priority_and_resets() {
    let open = frame(HEADERS, END_HEADERS, 1, &get("/"));
    let ends = END_HEADERS | END_STREAM;
    let code = |code: u32| code.to_be_bytes();
    run_all(
        "6.1 to 6.4, 7",
        vec![
            case(
                "DATA with padding",
                &[open.clone(), padded(DATA, END_STREAM, 1, 5, b"x", 5)],
                Want::Served(1),
            ),
            case(
                "DATA of padding only",
                &[open.clone(), padded(DATA, END_STREAM, 1, 5, b"", 5)],
                Want::Served(1),
            ),
            case(
                "DATA on stream 0",
                &[frame(DATA, 0, 0, b"x")],
                Want::Connection(&[PROTOCOL]),
            ),
            case(
                "DATA with more padding than there is",
                &[open.clone(), padded(DATA, END_STREAM, 1, 6, b"x", 4)],
                Want::Connection(&[PROTOCOL]),
            ),
            case(
                "DATA with padding and no length of it",
                &[open.clone(), frame(DATA, PADDED, 1, b"")],
                Want::Connection(&[FRAME_SIZE, PROTOCOL]),
            ),
            case(
                "HEADERS with padding",
                &[padded(HEADERS, ends, 1, 5, &get("/"), 5)],
                Want::Served(1),
            ),
            case(
                "HEADERS on stream 0",
                &[frame(HEADERS, ends, 0, &get("/"))],
                Want::Connection(&[PROTOCOL]),
            ),
            case(
                "HEADERS with more padding than there is",
                &[padded(HEADERS, ends, 1, 255, &get("/"), 0)],
                Want::Connection(&[PROTOCOL]),
            ),
            case(
                "PRIORITY on stream 0",
                &[frame(PRIORITY, 0, 0, &[0, 0, 0, 1, 1])],
                Want::Connection(&[PROTOCOL]),
            ),
            case(
                "PRIORITY of 4 bytes",
                &[frame(PRIORITY, 0, 1, &[0; 4])],
                Want::Stream(&[FRAME_SIZE]),
            ),
            case(
                "RST_STREAM on stream 0",
                &[frame(RST_STREAM, 0, 0, &code(8))],
                Want::Connection(&[PROTOCOL]),
            ),
            case(
                "RST_STREAM of 3 bytes",
                &[open.clone(), frame(RST_STREAM, 0, 1, &[0; 3])],
                Want::Connection(&[FRAME_SIZE]),
            ),
            case(
                "RST_STREAM of 5 bytes",
                &[open.clone(), frame(RST_STREAM, 0, 1, &[0; 5])],
                Want::Connection(&[FRAME_SIZE]),
            ),
            case(
                "RST_STREAM with an unknown code",
                &[
                    open.clone(),
                    frame(RST_STREAM, 0, 1, &code(0xff)),
                    get_frame(3, "/"),
                ],
                Want::Served(3),
            ),
            case(
                "PUSH_PROMISE from a client",
                &[
                    open,
                    frame(
                        PUSH_PROMISE,
                        END_HEADERS,
                        1,
                        &[&code(2)[..], &get("/")].concat(),
                    ),
                ],
                Want::Connection(&[PROTOCOL]),
            ),
            case(
                "PUSH_PROMISE on stream 0",
                &[frame(PUSH_PROMISE, END_HEADERS, 0, &code(2))],
                Want::Connection(&[PROTOCOL]),
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn settings() {
    run_all(
        "6.5",
        vec![
            case(
                "are acknowledged",
                &[frame(SETTINGS, 0, 0, &[])],
                Want::Acknowledged,
            ),
            case(
                "an unknown one is ignored",
                &[setting(0xff, 1), get_frame(1, "/")],
                Want::Served(1),
            ),
            case(
                "an acknowledgement with a payload",
                &[frame(SETTINGS, ACK, 0, &[0; 6])],
                Want::Connection(&[FRAME_SIZE]),
            ),
            case(
                "on a stream",
                &[frame(SETTINGS, 0, 1, &[])],
                Want::Connection(&[PROTOCOL]),
            ),
            case(
                "of 5 bytes",
                &[frame(SETTINGS, 0, 0, &[0; 5])],
                Want::Connection(&[FRAME_SIZE]),
            ),
            case(
                "ENABLE_PUSH of 2",
                &[setting(2, 2)],
                Want::Connection(&[PROTOCOL]),
            ),
            case(
                "INITIAL_WINDOW_SIZE over 31 bits",
                &[setting(4, HIGHEST + 1)],
                Want::Connection(&[FLOW_CONTROL]),
            ),
            case(
                "MAX_FRAME_SIZE too low",
                &[setting(5, 16383)],
                Want::Connection(&[PROTOCOL]),
            ),
            case(
                "MAX_FRAME_SIZE too high",
                &[setting(5, 1 << 24)],
                Want::Connection(&[PROTOCOL]),
            ),
            case(
                "MAX_FRAME_SIZE at its highest",
                &[setting(5, (1 << 24) - 1), get_frame(1, "/")],
                Want::Served(1),
            ),
            case(
                "HEADER_TABLE_SIZE of 0",
                &[setting(1, 0), get_frame(1, "/")],
                Want::Served(1),
            ),
            case(
                "MAX_HEADER_LIST_SIZE of 1 is advice",
                &[setting(6, 100_000), get_frame(1, "/")],
                Want::Served(1),
            ),
            case(
                "MAX_CONCURRENT_STREAMS of 0 is about pushes",
                &[setting(3, 0), get_frame(1, "/")],
                Want::Served(1),
            ),
            case(
                "NO_RFC7540_PRIORITIES is known or ignored",
                &[setting(9, 1), get_frame(1, "/")],
                Want::Served(1),
            ),
            case(
                "the last of several counts",
                &[
                    frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 100, 0, 4, 0, 0, 0, 1]),
                    get_frame(1, "/"),
                ],
                Want::Data(1, 1),
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn pings_and_goaways() {
    run_all(
        "6.7, 6.8",
        vec![
            case(
                "PING is answered",
                &[frame(PING, 0, 0, b"figshift")],
                Want::Pong(*b"figshift"),
            ),
            case(
                "PING during a request",
                &[get_frame(1, "/"), frame(PING, 0, 0, b"figshift")],
                Want::Pong(*b"figshift"),
            ),
            case(
                "an answer to no PING is ignored",
                &[
                    frame(PING, ACK, 0, b"unasked!"),
                    frame(PING, 0, 0, b"figshift"),
                ],
                Want::Pong(*b"figshift"),
            ),
            case(
                "PING on a stream",
                &[frame(PING, 0, 1, &[0; 8])],
                Want::Connection(&[PROTOCOL]),
            ),
            case(
                "PING of 6 bytes",
                &[frame(PING, 0, 0, &[0; 6])],
                Want::Connection(&[FRAME_SIZE]),
            ),
            case(
                "PING of 9 bytes",
                &[frame(PING, 0, 0, &[0; 9])],
                Want::Connection(&[FRAME_SIZE]),
            ),
            case(
                "GOAWAY on a stream",
                &[frame(GOAWAY, 0, 1, &[0; 8])],
                Want::Connection(&[PROTOCOL]),
            ),
            case(
                "GOAWAY of 7 bytes",
                &[frame(GOAWAY, 0, 0, &[0; 7])],
                Want::Connection(&[FRAME_SIZE]),
            ),
            case(
                "GOAWAY with an unknown code ends the connection",
                &[frame(GOAWAY, 0, 0, &[0, 0, 0, 0, 0, 0, 0, 0xff])],
                Want::Connection(&[NO_ERROR, 0xff]),
            ),
            case(
                "a request before GOAWAY is served",
                &[get_frame(1, "/"), frame(GOAWAY, 0, 0, &[0; 8])],
                Want::Served(1),
            ),
        ],
    )
    .await;
}
