//! The head of a response: read, checked, and freed of what concerns this hop only.

use std::mem::MaybeUninit;

use bytes::Bytes;
use http::header::{
    CONNECTION, CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue, TRANSFER_ENCODING,
};
use http::{Method, Response, StatusCode, Version};
use hyper::ext::ReasonPhrase;

use super::buffers::Buffers;
use super::error::Error;

const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
/// Header lines in a response.
const MOST_LINES: usize = 100;
/// Lines that are added to it before it goes to a client.
const MORE_LINES: usize = 4;

/// How the end of a body is told (RFC 9112, 6.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Length {
    /// So many bytes; 0 where there is no body.
    Exactly(u64),
    Chunked,
    /// By the end of the connection.
    UntilClose,
}

#[derive(Debug)]
pub(super) struct Head {
    pub(super) response: Response<()>,
    pub(super) length: Length,
    /// Another request may follow on the connection.
    pub(super) keeps: bool,
}

/// What was read of this length: a response, or an interim one, which is passed over.
pub(super) type Parsed = (usize, Option<Head>);

/// Reads the head at the front of these bytes; `None` while it is not whole.
///
/// # Errors
///
/// It is none, or it can be read in two ways.
pub(super) fn parse(
    bytes: &Bytes,
    head_only: bool,
    buffers: &Buffers,
) -> Result<Option<Parsed>, Error> {
    let mut places = [const { MaybeUninit::uninit() }; MOST_LINES];
    let mut found = httparse::Response::new(&mut []);
    let config = httparse::ParserConfig::default();
    let length = match config.parse_response_with_uninit_headers(&mut found, bytes, &mut places) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => {
            return Err(Error::Malformed("it has more than 100 header lines"));
        }
        Err(_) => return Err(Error::Malformed("its head is not proper")),
    };
    let status = found.code.and_then(|code| StatusCode::from_u16(code).ok());
    let status = status.ok_or(Error::Malformed("its status is none"))?;
    if status.is_informational() && status != StatusCode::SWITCHING_PROTOCOLS {
        return Ok(Some((length, None)));
    }
    let version = match found.version {
        Some(0) => Version::HTTP_10,
        _ => Version::HTTP_11,
    };
    let mut response = Response::new(());
    *response.status_mut() = status;
    *response.version_mut() = version;
    *response.headers_mut() = buffers.map();
    let lines = take_lines(bytes, found.headers, status, response.headers_mut())?;
    if let Some(reason) = found.reason
        && Some(reason) != status.canonical_reason()
        && let Ok(reason) = ReasonPhrase::try_from(reason.as_bytes())
    {
        response.extensions_mut().insert(reason);
    }
    let keeps = match version {
        Version::HTTP_10 => lines.says_keep_alive && !lines.says_close,
        _ => !lines.says_close,
    };
    let body = lines.body(version, status, head_only)?;
    let head = Head {
        response,
        length: body,
        keeps: keeps && body != Length::UntilClose && status != StatusCode::SWITCHING_PROTOCOLS,
    };
    Ok(Some((length, Some(head))))
}

/// What its lines say of the hop and of the body.
#[derive(Debug, Default)]
struct Lines {
    says_close: bool,
    says_keep_alive: bool,
    length: Option<u64>,
    chunked: bool,
}

fn take_lines(
    bytes: &Bytes,
    found: &[httparse::Header<'_>],
    status: StatusCode,
    headers: &mut HeaderMap,
) -> Result<Lines, Error> {
    let mut lines = Lines::default();
    headers.reserve(found.len() + MORE_LINES);
    // What is agreed on by a 101 is for who has asked.
    let switches = status == StatusCode::SWITCHING_PROTOCOLS;
    for line in found {
        let name = HeaderName::from_bytes(line.name.as_bytes());
        let name = name.map_err(|_| Error::Malformed("it has a header without a proper name"))?;
        let goes_on = match name {
            CONNECTION => lines.read_connection(line.value) || switches,
            TRANSFER_ENCODING => {
                lines.read_coding(line.value)?;
                false
            }
            CONTENT_LENGTH => {
                lines.read_length(line.value)?;
                true
            }
            _ => name != KEEP_ALIVE,
        };
        if goes_on {
            let value = HeaderValue::from_maybe_shared(bytes.slice_ref(line.value));
            let value =
                value.map_err(|_| Error::Malformed("it has a header without a proper value"))?;
            headers.append(name, value);
        }
    }
    Ok(lines)
}

impl Lines {
    /// Whether it names anything but what is understood here.
    fn read_connection(&mut self, value: &[u8]) -> bool {
        let mut names_more = false;
        for option in value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii) {
            if option.eq_ignore_ascii_case(b"close") {
                self.says_close = true;
            } else if option.eq_ignore_ascii_case(b"keep-alive") {
                self.says_keep_alive = true;
            } else {
                names_more |= !option.is_empty();
            }
        }
        names_more
    }

    fn read_coding(&mut self, value: &[u8]) -> Result<(), Error> {
        if self.chunked || !value.eq_ignore_ascii_case(b"chunked") {
            return Err(Error::Malformed(
                "its Transfer-Encoding is not just `chunked`",
            ));
        }
        self.chunked = true;
        Ok(())
    }

    fn read_length(&mut self, value: &[u8]) -> Result<(), Error> {
        let digits = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
        let length = std::str::from_utf8(value).ok().filter(|_| digits);
        let length = length.and_then(|text| text.parse().ok());
        match (length, self.length) {
            (Some(length), None) => {
                self.length = Some(length);
                Ok(())
            }
            _ => Err(Error::Malformed(
                "its Content-Length is not one plain number",
            )),
        }
    }

    fn body(&self, version: Version, status: StatusCode, head_only: bool) -> Result<Length, Error> {
        if self.chunked && (self.length.is_some() || version == Version::HTTP_10) {
            return Err(Error::Malformed("it says in two ways where its body ends"));
        }
        let bodiless = head_only
            || status.is_informational()
            || status == StatusCode::NO_CONTENT
            || status == StatusCode::NOT_MODIFIED;
        Ok(match self.length {
            _ if bodiless => Length::Exactly(0),
            _ if self.chunked => Length::Chunked,
            Some(length) => Length::Exactly(length),
            None => Length::UntilClose,
        })
    }
}

/// Whether the response to a request with this method has no body, whatever its head says.
pub(super) fn is_head_only(method: &Method) -> bool {
    *method == Method::HEAD
}
