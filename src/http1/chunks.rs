//! The chunked coding of a response (RFC 9112, 7.1), by the letter: lines end in CRLF, a size has
//! digits, and behind the data comes nothing but a line end.

use bytes::{Buf, Bytes};
use http::{HeaderMap, HeaderName, HeaderValue};

/// What may stand behind the size of one chunk.
const MOST_EXTENSION: u32 = 4 * 1024;
/// Lines and bytes of trailers.
const MOST_TRAILERS: usize = 100;
const MOST_TRAILER_BYTES: usize = 16 * 1024;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    Size {
        size: u64,
        digits: u8,
    },
    /// Behind the size, where space may stand.
    Space(u64),
    Extension {
        size: u64,
        came: u32,
    },
    SizeLf(u64),
    Data(u64),
    DataCr,
    DataLf,
    Trailers,
    End,
}

/// Reads the coding, in whatever parts it comes.
#[derive(Debug)]
pub(super) struct Chunks {
    at: At,
    /// Trailers that are not whole.
    trailers: Vec<u8>,
}

/// What the bytes so far bring.
#[derive(Debug)]
pub(super) enum Step {
    Data(Bytes),
    /// The end, with trailers if there are any.
    End(Option<HeaderMap>),
    /// All of them are read, and it needs more.
    More,
}

/// Behind the data of the last chunk.
const PLAIN_END: &[u8] = b"\r\n0\r\n\r\n";
const START: At = At::Size { size: 0, digits: 0 };

impl Default for Chunks {
    fn default() -> Self {
        Self {
            at: START,
            trailers: Vec::new(),
        }
    }
}

impl Chunks {
    pub(super) fn has_ended(&self) -> bool {
        self.at == At::End
    }

    /// Reads from the front of these bytes.
    ///
    /// # Errors
    ///
    /// They are no chunks.
    pub(super) fn step(&mut self, bytes: &mut Bytes) -> Result<Step, &'static str> {
        loop {
            match self.at {
                At::Data(left) if !bytes.is_empty() => {
                    return Ok(Step::Data(self.data(left, bytes)));
                }
                At::Trailers if !bytes.is_empty() => {
                    if let Some(trailers) = self.trailers(bytes)? {
                        self.at = At::End;
                        return Ok(Step::End(Some(trailers).filter(|all| !all.is_empty())));
                    }
                }
                At::End => return Ok(Step::End(None)),
                at => {
                    let Some(byte) = bytes.first().copied() else {
                        return Ok(Step::More);
                    };
                    bytes.advance(1);
                    self.at = next(at, byte)?;
                }
            }
        }
    }

    /// The data that is here. When the plain end stands behind it, that is read too, so that nobody has
    /// to ask once more.
    fn data(&mut self, left: u64, bytes: &mut Bytes) -> Bytes {
        let here = left.min(bytes.len() as u64) as usize;
        self.at = match left - here as u64 {
            0 => At::DataCr,
            left => At::Data(left),
        };
        let data = bytes.split_to(here);
        if self.at == At::DataCr && bytes.starts_with(PLAIN_END) {
            bytes.advance(PLAIN_END.len());
            self.at = At::End;
        }
        data
    }

    /// The trailers, if they are whole.
    fn trailers(&mut self, bytes: &mut Bytes) -> Result<Option<HeaderMap>, &'static str> {
        if self.trailers.is_empty() && bytes.starts_with(b"\r\n") {
            bytes.advance(2);
            return Ok(Some(HeaderMap::new()));
        }
        // Byte by byte, so that none behind their end is taken; they are few.
        while let Some(byte) = bytes.first().copied() {
            bytes.advance(1);
            if byte == b'\n' && self.trailers.last() != Some(&b'\r') {
                return Err("a trailer line ends in LF without CR");
            }
            self.trailers.push(byte);
            if self.trailers == b"\r\n" || self.trailers.ends_with(b"\r\n\r\n") {
                return parse_trailers(&std::mem::take(&mut self.trailers)).map(Some);
            }
            if self.trailers.len() > MOST_TRAILER_BYTES {
                return Err("its trailers are too long");
            }
        }
        Ok(None)
    }
}

fn next(at: At, byte: u8) -> Result<At, &'static str> {
    Ok(match (at, byte) {
        (At::Size { size, digits }, _) if byte.is_ascii_hexdigit() && digits < 16 => {
            let digit = char::from(byte).to_digit(16).unwrap_or_default();
            At::Size {
                size: size << 4 | u64::from(digit),
                digits: digits + 1,
            }
        }
        (At::Size { size, digits: 1.. } | At::Space(size), b'\r') => At::SizeLf(size),
        (At::Size { size, digits: 1.. } | At::Space(size), b' ' | b'\t') => At::Space(size),
        (At::Size { size, digits: 1.. } | At::Space(size), b';') => At::Extension { size, came: 0 },
        (At::Extension { size, .. }, b'\r') => At::SizeLf(size),
        (At::Extension { size, came }, _) if byte != b'\n' && came < MOST_EXTENSION => {
            At::Extension {
                size,
                came: came + 1,
            }
        }
        (At::SizeLf(0), b'\n') => At::Trailers,
        (At::SizeLf(size), b'\n') => At::Data(size),
        (At::DataCr, b'\r') => At::DataLf,
        (At::DataLf, b'\n') => START,
        _ => return Err("it is not properly chunked"),
    })
}

fn parse_trailers(lines: &[u8]) -> Result<HeaderMap, &'static str> {
    let mut places = [httparse::EMPTY_HEADER; MOST_TRAILERS];
    let Ok(httparse::Status::Complete((_, found))) = httparse::parse_headers(lines, &mut places)
    else {
        return Err("its trailers are not proper");
    };
    let mut trailers = HeaderMap::with_capacity(found.len());
    for line in found {
        let name = HeaderName::from_bytes(line.name.as_bytes());
        let value = HeaderValue::from_bytes(line.value);
        let (Ok(name), Ok(value)) = (name, value) else {
            return Err("its trailers are not proper");
        };
        trailers.append(name, value);
    }
    Ok(trailers)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is read when it comes in parts of this size: the data, the trailers, and what is left.
    fn read(coded: &str, part: usize) -> Result<(String, Vec<String>, String), &'static str> {
        let (mut chunks, mut data) = (Chunks::default(), String::new());
        let mut rest = Bytes::copy_from_slice(coded.as_bytes());
        let mut here = Bytes::new();
        loop {
            match chunks.step(&mut here)? {
                Step::Data(part) => data.push_str(std::str::from_utf8(&part).unwrap()),
                Step::More if rest.is_empty() => return Err("more"),
                Step::More => here = rest.split_to(part.min(rest.len())),
                Step::End(trailers) => {
                    let name = |(name, value): (&HeaderName, &HeaderValue)| {
                        format!("{name}={}", value.to_str().unwrap())
                    };
                    let trailers = trailers.iter().flatten().map(name).collect();
                    let left = [here, rest].concat();
                    return Ok((data, trailers, String::from_utf8(left).unwrap()));
                }
            }
        }
    }

    #[test]
    fn what_is_proper_is_read_in_any_parts() {
        for (coded, data, trailers, left) in [
            ("0\r\n\r\n", "", &[][..], ""),
            ("3\r\nabc\r\n0\r\n\r\nx", "abc", &[], "x"),
            ("1\r\na\r\n2 \t;x=\"y\"\r\nbc\r\n00\r\n\r\n", "abc", &[], ""),
            (
                "A;\r\n0123456789\r\n0\r\nX: 1\r\ny:2\r\n\r\nz",
                "0123456789",
                &["x=1", "y=2"],
                "z",
            ),
        ] {
            for part in 1..=coded.len() {
                let (read, named, rest) = read(coded, part).unwrap();
                assert_eq!((&*read, &*rest), (data, left), "{coded:?} by {part}");
                assert_eq!(named, trailers, "{coded:?} by {part}");
            }
        }
    }

    #[test]
    fn what_is_not_is_refused_in_any_parts() {
        for coded in [
            "\r\nabc",
            "g\r\n",
            "-3\r\nabc\r\n",
            "3\nabc\r\n0\r\n\r\n",
            "3 4\r\nabc",
            "3\r\nabcd\r\n",
            "3\r\nabc\n0\r\n\r\n",
            "10000000000000003\r\nabc",
            "3;a\nabc\r\n",
            "0\r\nX Y: z\r\n\r\n",
            "0\r\nX: z\n\r\n",
        ] {
            for part in 1..=coded.len() {
                let error = read(coded, part).unwrap_err();
                assert_ne!(error, "more", "{coded:?} by {part}");
            }
        }
        let long = format!("3;{}\r\nabc", "a".repeat(5000));
        assert!(read(&long, 100).is_err());
        let long = format!("0\r\nx: {}\r\n\r\n", "a".repeat(20_000));
        assert!(read(&long, 100).is_err());
    }
}
