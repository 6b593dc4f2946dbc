//! RFC 9113, 3, 4 and 5.4: the preface, the format of frames, their sizes, unknown ones.

use super::case::{
    BODY, COMPRESSION, FRAME_SIZE, Outcome, PROTOCOL, Want, case, house, judge, run_all,
};
use super::support::frames::{
    DATA, END_HEADERS, END_STREAM, HEADERS, PING, PREFACE, PRIORITY, SETTINGS, Wire, frame, get,
    get_frame,
};

#[tokio::test]
async fn prefaces() {
    let (house, _origin) = house().await;
    let settings = frame(SETTINGS, 0, 0, &[]);
    // A preface in parts, and a request behind it in the same packet.
    for cut in [1, 3, 14, 18, 23] {
        let mut wire = Wire::silent(house.app.http).await;
        wire.send(&PREFACE[..cut]).await;
        tokio::task::yield_now().await;
        let rest = [&PREFACE[cut..], &settings, &get_frame(1, "/")].concat();
        wire.send(&rest).await;
        let served = judge(&mut wire, Want::Served(1)).await;
        assert_eq!(served, Ok(Outcome::Exact), "{cut}");
    }
    // Whatever comes first from the server is its SETTINGS.
    let mut wire = Wire::silent(house.app.http).await;
    wire.send(&[PREFACE, &settings].concat()).await;
    let first = wire.next().await.unwrap();
    assert_eq!((first.kind, first.flags, first.stream), (SETTINGS, 0, 0));
    // What begins like a preface and is none is a bad request in HTTP/1.1.
    for bad in [
        &b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n"[..],
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\n\n",
        b"PRI * HTTP/3.0\r\n\r\nSM\r\n\r\n",
    ] {
        let mut client = house.client().await;
        client.send(bad).await;
        assert!(
            client
                .read()
                .await
                .map_or(true, |answer| answer.status == 400)
        );
    }
    // After the preface come SETTINGS, by the letter. The engine is lenient about that, and it does
    // no harm; what is no frame at all ends the connection.
    for (first, want) in [
        (frame(PING, 0, 0, &[1; 8]), Want::Pong([1; 8])),
        (get_frame(1, "/"), Want::Served(1)),
        (
            b"GET / HTTP/1.1\r\n\r\n".to_vec(),
            Want::Connection(&[FRAME_SIZE]),
        ),
    ] {
        let mut wire = Wire::silent(house.app.http).await;
        wire.send(&[PREFACE, &first].concat()).await;
        let ended = judge(&mut wire, want).await;
        assert_eq!(ended, Ok(Outcome::Exact), "{want:?}");
    }
    assert_eq!(house.get("/").await.text(), BODY);
    house.stop().await;
}

#[tokio::test]
async fn formats_and_sizes() {
    let post = get("/");
    let open = frame(HEADERS, END_HEADERS, 1, &post);
    run_all(
        "4, 5.5",
        vec![
            case("a plain request", &[get_frame(1, "/")], Want::Served(1)),
            case(
                "an unknown frame is ignored",
                &[frame(0x16, 0xff, 0, &[1, 2, 3]), get_frame(1, "/")],
                Want::Served(1),
            ),
            case(
                "an unknown frame on a stream is ignored",
                &[
                    open.clone(),
                    frame(0x16, 0, 1, &[0; 8]),
                    frame(DATA, END_STREAM, 1, b"x"),
                ],
                Want::Served(1),
            ),
            case(
                "undefined flags are ignored",
                &[frame(PING, 0x1e, 0, b"12345678")],
                Want::Pong(*b"12345678"),
            ),
            case(
                "the reserved bit is ignored",
                &[frame(PING, 0, 0x8000_0000, b"12345678")],
                Want::Pong(*b"12345678"),
            ),
            case(
                "the reserved bit of a stream is ignored",
                &[frame(
                    HEADERS,
                    END_HEADERS | END_STREAM,
                    0x8000_0001,
                    &get("/"),
                )],
                Want::Served(1),
            ),
            case(
                "DATA of the largest size",
                &[open.clone(), frame(DATA, END_STREAM, 1, &[0; 16384])],
                Want::Served(1),
            ),
            case(
                "DATA beyond the largest size",
                &[open.clone(), frame(DATA, END_STREAM, 1, &[0; 16385])],
                Want::Stream(&[FRAME_SIZE]),
            ),
            case(
                "HEADERS beyond the largest size",
                &[frame(HEADERS, END_HEADERS | END_STREAM, 1, &[0; 16385])],
                Want::Connection(&[FRAME_SIZE]),
            ),
            case(
                "SETTINGS beyond the largest size",
                &[frame(SETTINGS, 0, 0, &[0; 16386])],
                Want::Connection(&[FRAME_SIZE]),
            ),
            case(
                "an unknown frame beyond the largest size",
                &[frame(0x16, 0, 0, &[0; 16385])],
                Want::Connection(&[FRAME_SIZE]),
            ),
            case(
                "a header block that cannot be read",
                &[frame(HEADERS, END_HEADERS | END_STREAM, 1, &[0xff; 20])],
                Want::Connection(&[COMPRESSION]),
            ),
            case(
                "PRIORITY inside a header block",
                &[
                    frame(HEADERS, END_STREAM, 1, &post),
                    frame(PRIORITY, 0, 1, &[0, 0, 0, 0, 1]),
                ],
                Want::Connection(&[PROTOCOL]),
            ),
            case(
                "HEADERS of another stream inside a header block",
                &[frame(HEADERS, END_STREAM, 1, &post), get_frame(3, "/")],
                Want::Connection(&[PROTOCOL]),
            ),
            case(
                "an unknown frame inside a header block",
                &[frame(HEADERS, END_STREAM, 1, &post), frame(0x16, 0, 1, &[])],
                Want::Connection(&[PROTOCOL]),
            ),
        ],
    )
    .await;
}
