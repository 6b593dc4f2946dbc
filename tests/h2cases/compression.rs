//! RFC 7541: header blocks that cannot be what they say.

use super::case::{COMPRESSION, Want, case, run_all};
use super::support::frames::{END_HEADERS, END_STREAM, HEADERS, field, frame, get, get_frame};

fn head(parts: &[&[u8]]) -> Vec<u8> {
    frame(HEADERS, END_HEADERS | END_STREAM, 1, &parts.concat())
}

#[tokio::test]
async fn blocks_that_cannot_be_read_end_the_connection() {
    let bad = Want::Connection(&[COMPRESSION]);
    let plain = get("/");
    run_all(
        "HPACK",
        vec![
            case(
                "fields of the static table",
                &[head(&[&[0x82, 0x86, 0x84], &field(b":authority", b"a")])],
                Want::Served(1),
            ),
            case(
                "a literal with a name of the static table",
                &[head(&[&[0x82, 0x86, 0x84, 0x41, 1, b'a']])],
                Want::Served(1),
            ),
            case(
                "a Huffman string",
                &[head(&[&[0x82, 0x86, 0x84, 0x41, 0x81, 0x1f]])],
                Want::Served(1),
            ),
            case(
                "a literal that is never indexed",
                &[head(&[&[0x82, 0x86, 0x84, 0x11, 1, b'a']])],
                Want::Served(1),
            ),
            case(
                "a field of the dynamic table",
                &[head(&[&[
                    0x82, 0x86, 0x84, 0x41, 1, b'a', 0x40, 1, b'x', 1, b'y', 0xbe,
                ]])],
                Want::Served(1),
            ),
            case(
                "the dynamic table on the next stream",
                &[
                    head(&[&[0x82, 0x86, 0x84, 0x41, 1, b'a']]),
                    frame(
                        HEADERS,
                        END_HEADERS | END_STREAM,
                        3,
                        &[0x82, 0x86, 0x84, 0xbe],
                    ),
                ],
                Want::Served(3),
            ),
            case(
                "a smaller table at the beginning",
                &[head(&[&[0x20], &plain])],
                Want::Served(1),
            ),
            case(
                "two changes of the table",
                &[head(&[&[0x20, 0x3f, 0xe1, 0x1f], &plain])],
                Want::Served(1),
            ),
            case("index 0", &[head(&[&plain, &[0x80]])], bad),
            case(
                "an index beyond the tables",
                &[head(&[&plain, &[0xc6]])],
                bad,
            ),
            case(
                "a name beyond the tables",
                &[head(&[&plain, &[0x7f, 0x07, 1, b'y']])],
                bad,
            ),
            case(
                "a table above the limit",
                &[head(&[&[0x3f, 0xe2, 0x1f], &plain])],
                bad,
            ),
            case(
                "a change of the table at the end",
                &[head(&[&plain, &[0x20]])],
                bad,
            ),
            case(
                "a string that is longer than the block",
                &[head(&[&plain, &[0x00, 0x7f, 0x7f]])],
                bad,
            ),
            case(
                "a name without a value",
                &[head(&[&plain, &[0x00, 1, b'x']])],
                bad,
            ),
            case(
                "an integer without end",
                &[head(&[
                    &plain,
                    &[
                        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                        0x01,
                    ],
                ])],
                bad,
            ),
            case("an integer that is cut", &[head(&[&plain, &[0xff]])], bad),
            case(
                "Huffman padding of more than 7 bits",
                &[head(&[
                    &plain,
                    &[
                        0x00, 0x85, 0xf2, 0xb2, 0x4a, 0x84, 0xff, 0x84, 0x49, 0x50, 0x9f, 0xff,
                    ],
                ])],
                bad,
            ),
            case(
                "Huffman padding of zeros",
                &[head(&[
                    &plain,
                    &[
                        0x00, 0x85, 0xf2, 0xb2, 0x4a, 0x84, 0xff, 0x83, 0x49, 0x50, 0x90,
                    ],
                ])],
                bad,
            ),
            case(
                "the end of Huffman in a string",
                &[head(&[
                    &plain,
                    &[
                        0x00, 0x85, 0xf2, 0xb2, 0x4a, 0x84, 0xff, 0x87, 0x49, 0x51, 0x59, 0xff,
                        0xff, 0xff, 0xbf,
                    ],
                ])],
                bad,
            ),
            case(
                "a fault on one stream ends all",
                &[
                    get_frame(1, "/"),
                    frame(HEADERS, END_HEADERS | END_STREAM, 3, &[0x80]),
                ],
                bad,
            ),
        ],
    )
    .await;
}
