//! Bodies in each coding, whole, cut and swollen.

use std::io::Write;

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use ruzstd::encoding::{CompressionLevel, compress_to_vec};

use super::*;

const MOST: usize = 1 << 20;

fn text() -> Vec<u8> {
    b"{\"model\":\"m\",\"prompt\":\"so it goes\"}".repeat(1_000)
}

fn gzipped(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

fn zlibbed(body: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

fn deflated(body: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

fn brotlied(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut encoder = brotli::CompressorWriter::new(&mut out, 4096, 4, 22);
    encoder.write_all(body).unwrap();
    drop(encoder);
    out
}

fn zstded(body: &[u8]) -> Vec<u8> {
    compress_to_vec(body, CompressionLevel::Fastest)
}

fn all(body: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("gzip", gzipped(body)),
        ("x-gzip", gzipped(body)),
        ("deflate", zlibbed(body)),
        ("deflate", deflated(body)),
        ("br", brotlied(body)),
        ("zstd", zstded(body)),
    ]
}

fn fails(coding: &str, body: &[u8], most: usize) -> Coding {
    match decode(coding, body, most) {
        Err(Fault::Coding(coding)) => coding,
        other => panic!("{coding}: {other:?}"),
    }
}

#[test]
fn what_was_coded_is_decoded() {
    for (coding, body) in all(&text()) {
        assert_eq!(decode(coding, &body, MOST), Ok(Some(text())), "{coding}");
        assert_eq!(
            decode(&coding.to_uppercase(), &body, MOST),
            Ok(Some(text()))
        );
    }
    for (coding, body) in all(b"") {
        assert_eq!(
            decode(coding, &body, MOST),
            Ok(Some(Vec::new())),
            "{coding}"
        );
    }
    assert_eq!(decode("", b"x", 0), Ok(None));
    assert_eq!(decode("identity, ", b"x", 0), Ok(None));
}

#[test]
fn codings_are_undone_from_the_last() {
    let body = brotlied(&gzipped(&text()));
    assert_eq!(decode("gzip, br", &body, MOST), Ok(Some(text())));
    assert_eq!(fails("br, gzip", &body, MOST), Coding::Corrupt);
    assert_eq!(fails("gzip,gzip,gzip,gzip", &body, MOST), Coding::Unknown);
    assert_eq!(fails("compress", &body, MOST), Coding::Unknown);
}

#[test]
fn members_and_frames_follow_each_other() {
    let twice = |body: Vec<u8>| [body.clone(), body].concat();
    let wanted = Ok(Some(text().repeat(2)));
    assert_eq!(decode("gzip", &twice(gzipped(&text())), MOST), wanted);
    assert_eq!(decode("zstd", &twice(zstded(&text())), MOST), wanted);
    let skipped = [
        &[0x50, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 1, 2][..],
        &zstded(&text()),
    ]
    .concat();
    assert_eq!(decode("zstd", &skipped, MOST), Ok(Some(text())));
}

#[test]
fn what_is_cut_or_followed_by_something_is_a_fault() {
    for (coding, body) in all(&text()) {
        for kept in [0, 1, 5, body.len() / 2, body.len() - 1] {
            let end = fails(coding, &body[..kept], MOST);
            assert!(
                matches!(end, Coding::Truncated | Coding::Corrupt),
                "{coding} {kept}"
            );
        }
        let followed = [&body[..], b"garbage"].concat();
        assert_eq!(fails(coding, &followed, MOST), Coding::Corrupt, "{coding}");
        let end = fails(coding, &[0xff; 8], MOST);
        assert!(
            matches!(end, Coding::Truncated | Coding::Corrupt),
            "{coding}"
        );
    }
}

#[test]
fn what_was_altered_is_a_fault() {
    let mut body = gzipped(&text());
    let at = body.len() - 6;
    body[at] ^= 1;
    assert_eq!(fails("gzip", &body, MOST), Coding::Corrupt);
}

#[test]
fn no_bomb_goes_off() {
    let zeros = vec![0; 4 << 20];
    for (coding, body) in all(&zeros) {
        assert_eq!(fails(coding, &body, MOST), Coding::TooLarge, "{coding}");
        assert_eq!(
            fails(coding, &body, (4 << 20) - 1),
            Coding::TooLarge,
            "{coding}"
        );
        assert!(decode(coding, &body, 4 << 20).is_ok(), "{coding}");
    }
    assert_eq!(
        fails("gzip, gzip", &gzipped(&gzipped(&zeros)), 1_000),
        Coding::TooLarge
    );
}

#[test]
fn windows_are_bounded() {
    // A frame that asks for a window of 1 GiB, and one raw block.
    let frame = [0x28, 0xb5, 0x2f, 0xfd, 0, 20 << 3, 9, 0, 0, b'a'];
    assert_eq!(fails("zstd", &frame, MOST), Coding::TooLarge);
    // A stream of the extension for large windows, of 2^30 bytes.
    assert_eq!(fails("br", &[0x11, 30, 3], MOST), Coding::Corrupt);
}
