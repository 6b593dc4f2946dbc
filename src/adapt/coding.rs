//! Bodies as they were before they were compressed. What comes out is bounded while it comes, and so
//! is what the decoders need; what follows the end of the coded data is a fault.

use std::io::{self, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};

use brotli_decompressor::{BrotliDecompressStream, BrotliResult, BrotliState, StandardAlloc};
use flate2::bufread::{DeflateDecoder, GzDecoder, ZlibDecoder};
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use super::fault::{Coding, Fault};

/// Codings that are applied one after the other.
const MOST_CODINGS: usize = 3;
/// How a member of gzip begins.
const GZIP: &[u8] = &[0x1f, 0x8b];
/// Bytes that are decoded in one go.
const STEP: usize = 32 * 1024;
/// What a decoder of Zstandard must grant on the web (RFC 9659).
const ZSTD_WINDOW: usize = 8 * 1024 * 1024;

type Decoded = Result<Vec<u8>, Coding>;

/// Decodes a body of the given `Content-Encoding`, which may be a list; `None` if there is nothing to
/// decode. At most `most` bytes may come out of each coding.
///
/// Known are `gzip` (and `x-gzip`), `deflate`, `br`, `zstd` and `identity`.
///
/// # Errors
/// [`Fault::Coding`] with what is wrong.
pub fn decode(content_encoding: &str, body: &[u8], most: usize) -> Result<Option<Vec<u8>>, Fault> {
    let codings = content_encoding.split(',').map(str::trim);
    let codings: Vec<&str> = codings
        .filter(|coding| !coding.is_empty() && !coding.eq_ignore_ascii_case("identity"))
        .collect();
    if codings.len() > MOST_CODINGS {
        return Err(Fault::Coding(Coding::Unknown));
    }
    let mut decoded: Option<Vec<u8>> = None;
    for coding in codings.iter().rev() {
        let body = decoded.as_deref().unwrap_or(body);
        decoded = Some(decode_one(coding, body, most).map_err(Fault::Coding)?);
    }
    Ok(decoded)
}

fn decode_one(coding: &str, body: &[u8], most: usize) -> Decoded {
    let decoder = match coding.to_ascii_lowercase().as_str() {
        "gzip" | "x-gzip" => gzip,
        "deflate" => deflate,
        "br" => brotli,
        "zstd" => zstd,
        _ => return Err(Coding::Unknown),
    };
    // A decoder that does not expect some input may panic; that is no more than a corrupt body.
    catch_unwind(AssertUnwindSafe(|| decoder(body, most))).unwrap_or(Err(Coding::Corrupt))
}

/// Appends all that a reader gives.
fn read_all(from: &mut impl Read, out: &mut Vec<u8>, most: usize) -> Result<(), Coding> {
    let mut room = vec![0; STEP];
    loop {
        let read = match from.read(&mut room) {
            Ok(0) => return Ok(()),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                return Err(Coding::Truncated);
            }
            Err(_) => return Err(Coding::Corrupt),
        };
        push(out, room.get(..read).unwrap_or_default(), most)?;
    }
}

fn push(out: &mut Vec<u8>, bytes: &[u8], most: usize) -> Result<(), Coding> {
    if out.len() + bytes.len() > most {
        return Err(Coding::TooLarge);
    }
    out.extend_from_slice(bytes);
    Ok(())
}

/// One member after the other, and nothing behind them.
fn gzip(body: &[u8], most: usize) -> Decoded {
    let (mut rest, mut out) = (body, Vec::new());
    loop {
        let mut decoder = GzDecoder::new(rest);
        read_all(&mut decoder, &mut out, most)?;
        rest = decoder.into_inner();
        if rest.is_empty() {
            return Ok(out);
        }
        if !rest.starts_with(GZIP) {
            return Err(Coding::Corrupt);
        }
    }
}

/// With its header (RFC 1950), as it should be, or without it, as some send it.
fn deflate(body: &[u8], most: usize) -> Decoded {
    let mut out = Vec::new();
    let is_zlib = match body {
        [method, flags, ..] => {
            method & 15 == 8 && u16::from_be_bytes([*method, *flags]).is_multiple_of(31)
        }
        _ => return Err(Coding::Truncated),
    };
    let rest = if is_zlib {
        let mut decoder = ZlibDecoder::new(body);
        read_all(&mut decoder, &mut out, most)?;
        decoder.into_inner()
    } else {
        let mut decoder = DeflateDecoder::new(body);
        read_all(&mut decoder, &mut out, most)?;
        decoder.into_inner()
    };
    if rest.is_empty() {
        Ok(out)
    } else {
        Err(Coding::Corrupt)
    }
}

/// Windows of up to 16 MiB; the larger ones of an extension are refused.
fn brotli(body: &[u8], most: usize) -> Decoded {
    let (bytes, words) = (StandardAlloc::default(), StandardAlloc::default());
    let codes: StandardAlloc = StandardAlloc::default();
    let mut state = BrotliState::<_, _, StandardAlloc>::new_strict(bytes, words, codes);
    let (mut available, mut at, mut total) = (body.len(), 0, 0);
    let (mut out, mut room) = (Vec::new(), vec![0; STEP]);
    loop {
        let (mut free, mut filled) = (room.len(), 0);
        let result = BrotliDecompressStream(
            &mut available,
            &mut at,
            body,
            &mut free,
            &mut filled,
            &mut room,
            &mut total,
            &mut state,
        );
        push(&mut out, room.get(..filled).unwrap_or_default(), most)?;
        match result {
            BrotliResult::ResultSuccess if available == 0 => return Ok(out),
            BrotliResult::ResultSuccess | BrotliResult::ResultFailure => {
                return Err(Coding::Corrupt);
            }
            BrotliResult::NeedsMoreInput => return Err(Coding::Truncated),
            BrotliResult::NeedsMoreOutput => {}
        }
    }
}

/// One frame after the other.
fn zstd(body: &[u8], most: usize) -> Decoded {
    let (mut rest, mut out) = (body, Vec::new());
    let mut decoder = FrameDecoder::new();
    decoder.set_max_window_size(most.max(ZSTD_WINDOW) as u64);
    if rest.is_empty() {
        return Err(Coding::Truncated);
    }
    while !rest.is_empty() {
        match decoder.init(&mut rest) {
            Ok(()) => frame(&mut decoder, &mut rest, &mut out, most)?,
            Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                length,
                ..
            })) => {
                let length = usize::try_from(length).unwrap_or(usize::MAX);
                rest = rest.get(length..).ok_or(Coding::Truncated)?;
            }
            Err(FrameDecoderError::WindowSizeTooBig { .. }) => return Err(Coding::TooLarge),
            Err(_) if rest.is_empty() => return Err(Coding::Truncated),
            Err(_) => return Err(Coding::Corrupt),
        }
    }
    Ok(out)
}

fn frame(
    decoder: &mut FrameDecoder,
    rest: &mut &[u8],
    out: &mut Vec<u8>,
    most: usize,
) -> Result<(), Coding> {
    while !decoder.is_finished() {
        let decoded = decoder.decode_blocks(&mut *rest, BlockDecodingStrategy::UptoBytes(STEP));
        if decoded.is_err() {
            let is_cut = rest.len() < 4;
            return Err(if is_cut {
                Coding::Truncated
            } else {
                Coding::Corrupt
            });
        }
        let ready = decoder.can_collect();
        if out.len() + ready > most {
            return Err(Coding::TooLarge);
        }
        push(out, &decoder.collect().unwrap_or_default(), most)?;
    }
    let told = decoder.get_checksum_from_data();
    let is_whole = told.is_none() || told == decoder.get_calculated_checksum();
    if is_whole {
        Ok(())
    } else {
        Err(Coding::Corrupt)
    }
}

#[cfg(test)]
#[path = "coding_tests.rs"]
mod tests;
