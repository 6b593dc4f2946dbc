//! RFC 9113, 6.9 and 6.10: windows, and header blocks in several frames.

use super::case::{BODY, FLOW_CONTROL, FRAME_SIZE, PROTOCOL, STREAM_CLOSED, Want, case, run_all};
use super::frames::{HIGHEST, setting};
use super::support::frames::{
    CONTINUATION, DATA, END_HEADERS, END_STREAM, HEADERS, PING, WINDOW_UPDATE, field, frame, get,
    get_frame,
};

fn window(stream: u32, more: u32) -> Vec<u8> {
    frame(WINDOW_UPDATE, 0, stream, &more.to_be_bytes())
}

#[tokio::test]
async fn windows() {
    let open = frame(HEADERS, END_HEADERS, 1, &get("/"));
    let all = BODY.len();
    let overflow: &[u32] = &[FLOW_CONTROL];
    run_all(
        "6.9",
        vec![
            case(
                "0 on the connection",
                &[window(0, 0)],
                Want::Connection(&[PROTOCOL]),
            ),
            case(
                "0 on a stream",
                &[open.clone(), window(1, 0)],
                Want::Stream(&[PROTOCOL]),
            ),
            case(
                "of 3 bytes",
                &[frame(WINDOW_UPDATE, 0, 0, &[0; 3])],
                Want::Connection(&[FRAME_SIZE]),
            ),
            case(
                "of 5 bytes",
                &[frame(WINDOW_UPDATE, 0, 0, &[0; 5])],
                Want::Connection(&[FRAME_SIZE]),
            ),
            case(
                "over 31 bits on the connection",
                &[window(0, HIGHEST), window(0, HIGHEST)],
                Want::Connection(overflow),
            ),
            case(
                "over 31 bits on a stream",
                &[open.clone(), window(1, HIGHEST), window(1, HIGHEST)],
                Want::Stream(overflow),
            ),
            case(
                "by SETTINGS over 31 bits",
                &[
                    open.clone(),
                    window(1, HIGHEST - 65_535),
                    setting(4, HIGHEST),
                ],
                Want::Connection(overflow),
            ),
            case(
                "at 31 bits it is fine",
                &[window(0, HIGHEST - 65_535), get_frame(1, "/")],
                Want::Served(1),
            ),
            case(
                "of one byte is kept",
                &[setting(4, 1), get_frame(1, "/")],
                Want::Data(1, 1),
            ),
            case(
                "of one byte grows by one",
                &[setting(4, 1), get_frame(1, "/"), window(1, 1), window(1, 1)],
                Want::Data(3, 3),
            ),
            case(
                "of 0 that SETTINGS open later",
                &[setting(4, 0), get_frame(1, "/"), setting(4, 5)],
                Want::Data(all, all),
            ),
            case(
                "below 0 is made good by updates",
                &[
                    setting(4, 3),
                    get_frame(1, "/"),
                    setting(4, 1),
                    window(1, 4),
                ],
                Want::Data(all, all),
            ),
            case(
                "the last bit of an update is ignored",
                &[
                    frame(WINDOW_UPDATE, 0, 0, &0x8000_0001u32.to_be_bytes()),
                    get_frame(1, "/"),
                ],
                Want::Served(1),
            ),
            case(
                "DATA beyond the window",
                &[
                    open,
                    // The server's windows are larger than what HTTP/2 begins with; no window is larger than this.
                    frame(DATA, 0, 1, &[0; 16384]).repeat(400),
                ],
                Want::Stream(&[FLOW_CONTROL, STREAM_CLOSED]),
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn continuations() {
    let head = get("/");
    let (first, rest) = head.split_at(9);
    let (second, third) = rest.split_at(7);
    let begin = frame(HEADERS, END_STREAM, 1, first);
    let last = frame(CONTINUATION, END_HEADERS, 1, rest);
    run_all(
        "6.10",
        vec![
            case("one", &[begin.clone(), last.clone()], Want::Served(1)),
            case(
                "two",
                &[
                    begin.clone(),
                    frame(CONTINUATION, 0, 1, second),
                    frame(CONTINUATION, END_HEADERS, 1, third),
                ],
                Want::Served(1),
            ),
            case(
                "an empty one",
                &[begin.clone(), frame(CONTINUATION, 0, 1, &[]), last.clone()],
                Want::Served(1),
            ),
            case(
                "after an empty HEADERS",
                &[
                    frame(HEADERS, END_STREAM, 1, &[]),
                    frame(CONTINUATION, END_HEADERS, 1, &head),
                ],
                Want::Served(1),
            ),
            case(
                "then DATA",
                &[
                    begin.clone(),
                    frame(CONTINUATION, 0, 1, second),
                    frame(DATA, 0, 1, b"x"),
                ],
                Want::Connection(&[PROTOCOL]),
            ),
            case(
                "then PING",
                &[begin.clone(), frame(PING, 0, 0, &[0; 8])],
                Want::Connection(&[PROTOCOL]),
            ),
            case(
                "of another stream",
                &[begin, frame(CONTINUATION, END_HEADERS, 3, rest)],
                Want::Connection(&[PROTOCOL]),
            ),
            case(
                "on stream 0",
                &[frame(CONTINUATION, END_HEADERS, 0, &head)],
                Want::Connection(&[PROTOCOL]),
            ),
            case(
                "after END_HEADERS",
                &[get_frame(1, "/"), last.clone()],
                Want::Connection(&[PROTOCOL]),
            ),
            case(
                "after DATA",
                &[
                    frame(HEADERS, END_HEADERS, 1, &head),
                    frame(DATA, 0, 1, b"x"),
                    last,
                ],
                Want::Connection(&[PROTOCOL]),
            ),
            case(
                "without end, none of it empty",
                &[
                    frame(HEADERS, END_STREAM, 1, &head),
                    frame(CONTINUATION, 0, 1, &field(b"x", &[b'y'; 16000])).repeat(100),
                ],
                Want::Connection(&[11, PROTOCOL]),
            ),
        ],
    )
    .await;
}
