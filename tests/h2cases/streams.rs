//! RFC 9113, 5: the states of streams, their numbers, how many there may be, priorities.

use super::case::{PROTOCOL, REFUSED, STREAM_CLOSED, Want, case, house, run_all};
use super::support::eventually;
use super::support::frames::{
    CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PRIORITY, RST_STREAM,
    WINDOW_UPDATE, WITH_PRIORITY, Wire, frame, get, get_frame,
};

#[tokio::test]
async fn states() {
    let open = frame(HEADERS, END_HEADERS, 1, &get("/"));
    let whole = get_frame(1, "/");
    let reset = frame(RST_STREAM, 0, 1, &8u32.to_be_bytes());
    let data = frame(DATA, END_STREAM, 1, b"x");
    let more = frame(CONTINUATION, END_HEADERS, 1, &get("/"));
    let closed: &[u32] = &[STREAM_CLOSED, PROTOCOL];
    run_all(
        "5.1",
        vec![
            case(
                "idle: DATA",
                std::slice::from_ref(&data),
                Want::Connection(&[PROTOCOL]),
            ),
            case(
                "idle: RST_STREAM",
                std::slice::from_ref(&reset),
                Want::Connection(&[PROTOCOL]),
            ),
            case(
                "idle: WINDOW_UPDATE",
                &[frame(WINDOW_UPDATE, 0, 1, &1u32.to_be_bytes())],
                Want::Connection(&[PROTOCOL]),
            ),
            case(
                "idle: CONTINUATION",
                std::slice::from_ref(&more),
                Want::Connection(&[PROTOCOL]),
            ),
            case(
                "idle: PRIORITY is fine",
                &[frame(PRIORITY, 0, 1, &[0, 0, 0, 0, 1]), get_frame(3, "/")],
                Want::Served(3),
            ),
            case(
                "half closed: DATA",
                &[whole.clone(), data.clone()],
                Want::Stream(closed),
            ),
            case(
                "half closed: HEADERS",
                &[whole.clone(), whole.clone()],
                Want::Stream(closed),
            ),
            case(
                "half closed: CONTINUATION",
                &[whole.clone(), more.clone()],
                Want::Connection(closed),
            ),
            case(
                "half closed: WINDOW_UPDATE is fine",
                &[
                    whole.clone(),
                    frame(WINDOW_UPDATE, 0, 1, &1u32.to_be_bytes()),
                ],
                Want::Served(1),
            ),
            case(
                "half closed: PRIORITY is fine",
                &[whole.clone(), frame(PRIORITY, 0, 1, &[0, 0, 0, 0, 1])],
                Want::Served(1),
            ),
            case(
                "reset: HEADERS",
                &[open.clone(), reset.clone(), whole.clone()],
                Want::Stream(closed),
            ),
            case(
                "reset: DATA",
                &[open.clone(), reset.clone(), data.clone()],
                Want::Stream(closed),
            ),
            case(
                "reset: CONTINUATION",
                &[open.clone(), reset.clone(), more],
                Want::Connection(closed),
            ),
            case(
                "reset: others are served",
                &[open.clone(), reset.clone(), get_frame(3, "/")],
                Want::Served(3),
            ),
            case(
                "reset: a second one is fine",
                &[open.clone(), reset.clone(), reset, get_frame(3, "/")],
                Want::Served(3),
            ),
            case(
                "a second HEADERS without END_STREAM",
                &[open.clone(), open.clone()],
                Want::Stream(&[PROTOCOL]),
            ),
            case(
                "an even number",
                &[get_frame(2, "/")],
                Want::Connection(&[PROTOCOL]),
            ),
            case(
                "a lower number than before",
                &[get_frame(5, "/"), get_frame(3, "/")],
                Want::Connection(&[PROTOCOL, STREAM_CLOSED]),
            ),
            case(
                "numbers with gaps",
                &[get_frame(7, "/"), get_frame(101, "/")],
                Want::Served(101),
            ),
            case(
                "the highest number",
                &[get_frame(0x7fff_ffff, "/")],
                Want::Served(0x7fff_ffff),
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn priorities() {
    let depends = |stream: u32, on: u32| {
        let mut payload = on.to_be_bytes().to_vec();
        payload.push(16);
        payload.extend(get("/"));
        frame(
            HEADERS,
            END_HEADERS | END_STREAM | WITH_PRIORITY,
            stream,
            &payload,
        )
    };
    // RFC 9113 has no priorities any more; a dependence on itself is a fault by RFC 7540.
    run_all(
        "5.3, 6.3",
        vec![
            case("HEADERS with a priority", &[depends(1, 0)], Want::Served(1)),
            case(
                "HEADERS that depend on another stream",
                &[depends(1, 3)],
                Want::Served(1),
            ),
            case(
                "HEADERS that depend on themselves",
                &[depends(1, 1)],
                Want::Stream(&[PROTOCOL]),
            ),
            case(
                "PRIORITY that depends on itself",
                &[frame(PRIORITY, 0, 1, &[0, 0, 0, 1, 1]), get_frame(3, "/")],
                Want::Stream(&[PROTOCOL]),
            ),
        ],
    )
    .await;
}

/// More streams than the server allows are refused, and what is running goes on.
#[tokio::test]
async fn too_many_streams_are_refused() {
    let (house, origin) = house().await;
    let mut wire = Wire::open(house.app.http).await;
    let first = wire.next().await.unwrap();
    let most = first
        .payload
        .chunks(6)
        .find(|setting| setting[..2] == [0, 3]);
    let most = u32::from_be_bytes(most.expect("a limit of streams")[2..].try_into().unwrap());
    assert!(most <= 1000, "{most}");
    // Open, as they have no END_STREAM.
    let mut bytes = Vec::new();
    for nth in 0..=most {
        bytes.extend(frame(HEADERS, END_HEADERS, 2 * nth + 1, &get("/")));
    }
    wire.send(&bytes).await;
    let last = 2 * most + 1;
    loop {
        let frame = wire.next().await.expect("the connection goes on");
        assert_ne!(frame.kind, GOAWAY);
        if frame.kind == RST_STREAM {
            assert_eq!((frame.stream, frame.code()), (last, REFUSED));
            break;
        }
    }
    wire.send(&frame(DATA, END_STREAM, 1, b"x")).await;
    loop {
        let frame = wire.next().await.expect("the connection goes on");
        if frame.stream == 1 && frame.flags & END_STREAM != 0 {
            break;
        }
    }
    drop(wire);
    house.at_rest().await;
    eventually("the origin has one connection at most", || {
        origin.open() <= 1
    })
    .await;
    house.stop().await;
}
