//! A reader of requests that takes nothing but what RFC 9110 and 9112 let a client send, and so
//! reads each byte in one way only. It shares no code with the house or with the other readers.

/// A request that is whole and beyond doubt.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Whole {
    pub(crate) method: String,
    pub(crate) target: String,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    pub(crate) body: Vec<u8>,
    pub(crate) trailers: Vec<(String, Vec<u8>)>,
}

impl Whole {
    pub(crate) fn all(&self, name: &str) -> Vec<&[u8]> {
        let named = self.headers.iter().filter(|(known, _)| known == name);
        named.map(|(_, value)| value.as_slice()).collect()
    }
}

/// What can go wrong, in words.
type Wrong = String;

/// Reads a request from the start of the bytes and says how long it is; `None` while more must
/// come.
pub(crate) fn read(bytes: &[u8]) -> Result<Option<(Whole, usize)>, Wrong> {
    let mut at = Cursor { bytes, at: 0 };
    let Some(line) = at.line()? else {
        return Ok(None);
    };
    let mut whole = request_line(line)?;
    let Some(headers) = fields(&mut at)? else {
        return Ok(None);
    };
    whole.headers = headers;
    let done = match framing(&whole)? {
        Framing::Length(length) => match at.take(length) {
            Some(body) => {
                whole.body = body.to_vec();
                true
            }
            None => false,
        },
        Framing::Chunked => chunks(&mut at, &mut whole)?,
    };
    Ok(done.then_some((whole, at.at)))
}

struct Cursor<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl<'b> Cursor<'b> {
    /// A line without its CRLF. A CR or LF that stands alone is wrong.
    fn line(&mut self) -> Result<Option<&'b [u8]>, Wrong> {
        let rest = &self.bytes[self.at..];
        let Some(end) = rest.iter().position(|byte| matches!(byte, b'\r' | b'\n')) else {
            return Ok(None);
        };
        match (rest[end], rest.get(end + 1)) {
            (b'\r', None) => Ok(None),
            (b'\r', Some(b'\n')) => {
                self.at += end + 2;
                Ok(Some(&rest[..end]))
            }
            _ => Err(format!(
                "a line end that is no CRLF after {:?}",
                text(&rest[..end])
            )),
        }
    }

    fn take(&mut self, len: usize) -> Option<&'b [u8]> {
        let part = self.bytes.get(self.at..self.at.checked_add(len)?)?;
        self.at += len;
        Some(part)
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn request_line(line: &[u8]) -> Result<Whole, Wrong> {
    let wrong = || format!("no request line: {:?}", text(line));
    let parts: Vec<&[u8]> = line.split(|byte| *byte == b' ').collect();
    let [method, target, b"HTTP/1.1"] = parts[..] else {
        return Err(wrong());
    };
    let path = target.starts_with(b"/") || (target == b"*" && method == b"OPTIONS");
    // Raw UTF-8 is no grammar, but common, and nobody takes it for the end of anything.
    let bare = target
        .iter()
        .all(|byte| (0x21..0x7f).contains(byte) || *byte >= 0x80);
    if !is_token(method) || !path || !bare || target.contains(&b'#') {
        return Err(wrong());
    }
    Ok(Whole {
        method: text(method),
        target: String::from_utf8(target.to_vec()).map_err(|_| wrong())?,
        ..Whole::default()
    })
}

fn is_token(name: &[u8]) -> bool {
    let mark = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    !name.is_empty() && name.iter().all(mark)
}

/// Header or trailer fields up to and with the empty line.
#[expect(
    clippy::type_complexity,
    reason = "a list of fields that may not be there yet"
)]
fn fields(at: &mut Cursor<'_>) -> Result<Option<Vec<(String, Vec<u8>)>>, Wrong> {
    let mut fields = Vec::new();
    loop {
        let Some(line) = at.line()? else {
            return Ok(None);
        };
        if line.is_empty() {
            return Ok(Some(fields));
        }
        let wrong = || format!("no header field: {:?}", text(line));
        let colon = line
            .iter()
            .position(|byte| *byte == b':')
            .ok_or_else(wrong)?;
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        let visible = |byte: &u8| *byte == b'\t' || (*byte >= 0x20 && *byte != 0x7f);
        if !is_token(name) || !value.iter().all(visible) {
            return Err(wrong());
        }
        fields.push((text(name).to_ascii_lowercase(), value.to_vec()));
    }
}

enum Framing {
    Length(usize),
    Chunked,
}

fn framing(whole: &Whole) -> Result<Framing, Wrong> {
    let hosts = whole.all("host");
    if hosts.len() != 1 {
        return Err(format!("{} Host fields", hosts.len()));
    }
    let asks = match whole.all("upgrade")[..] {
        [list] => list.split(|byte| *byte == b',').all(|item| {
            let mut parts = item.trim_ascii().split(|byte| *byte == b'/');
            parts.all(is_token) && !item.trim_ascii().eq_ignore_ascii_case(b"h2c")
        }),
        _ => false,
    };
    let asks = asks && whole.all("connection") == [b"upgrade"];
    for name in [
        "connection",
        "upgrade",
        "expect",
        "keep-alive",
        "te",
        "http2-settings",
    ] {
        let values = whole.all(name);
        let harmless = match name {
            "te" => values == [b"trailers"],
            "connection" | "upgrade" => asks,
            _ => false,
        };
        if !values.is_empty() && !harmless {
            return Err(format!("a field of the other hop: {name}"));
        }
    }
    match (
        &whole.all("content-length")[..],
        &whole.all("transfer-encoding")[..],
    ) {
        ([], []) => Ok(Framing::Length(0)),
        ([], [b"chunked"]) => Ok(Framing::Chunked),
        ([length], []) if !length.is_empty() && length.iter().all(u8::is_ascii_digit) => {
            let length = text(length).parse();
            length
                .map(Framing::Length)
                .map_err(|error| format!("{error}"))
        }
        (lengths, codings) => Err(format!("two framings: {lengths:?} and {codings:?}")),
    }
}

/// A chunked body to its end; `false` while more must come.
fn chunks(at: &mut Cursor<'_>, whole: &mut Whole) -> Result<bool, Wrong> {
    loop {
        let Some(line) = at.line()? else {
            return Ok(false);
        };
        let digits = !line.is_empty() && line.iter().all(u8::is_ascii_hexdigit);
        let size = usize::from_str_radix(&text(line), 16);
        let (true, Ok(size)) = (digits, size) else {
            return Err(format!("no chunk size: {:?}", text(line)));
        };
        if size == 0 {
            break;
        }
        let Some(chunk) = at.take(size) else {
            return Ok(false);
        };
        whole.body.extend_from_slice(chunk);
        match at.take(2) {
            Some(b"\r\n") => {}
            Some(other) => return Err(format!("after a chunk: {:?}", text(other))),
            None => return Ok(false),
        }
    }
    let Some(trailers) = fields(at)? else {
        return Ok(false);
    };
    for (name, _) in &trailers {
        let forbidden = [
            "content-length",
            "transfer-encoding",
            "host",
            "trailer",
            "authorization",
        ];
        if forbidden.contains(&name.as_str()) || name.starts_with("x-forwarded") {
            return Err(format!("a trailer that may not be one: {name}"));
        }
    }
    whole.trailers = trailers;
    Ok(true)
}

#[test]
fn what_is_strict_is_read_and_what_is_not_is_not() {
    let good: &[u8] = b"POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\
        3\r\nabc\r\n0\r\nX: y\r\n\r\n";
    let (whole, length) = read(good).unwrap().unwrap();
    assert_eq!((length, whole.body.as_slice()), (good.len(), &b"abc"[..]));
    for end in 0..good.len() {
        assert_eq!(read(&good[..end]), Ok(None), "{end}");
    }
    let head = |lines: &str| format!("POST / HTTP/1.1\r\nHost: a\r\n{lines}\r\n0\r\n\r\n");
    for bad in [
        "Content-Length: 1\r\nContent-Length: 1\r\n",
        "Content-Length: +1\r\n",
        "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: Chunked\r\n",
        "Transfer-Encoding: gzip, chunked\r\n",
        "Host: a\r\n",
        "X : y\r\n",
        "X: y\r\n z\r\n",
        "X: y\nZ: z\r\n",
        "X: y\rZ: z\r\n",
        "X: \u{1}\r\n",
        "Connection: close\r\n",
    ] {
        assert!(read(head(bad).as_bytes()).is_err(), "{bad:?}");
    }
    for bad in [
        "GET  / HTTP/1.1\r\n",
        "GET / HTTP/1.0\r\n",
        "GET http://a/ HTTP/1.1\r\n",
        "\r\n",
    ] {
        assert!(
            read(format!("{bad}Host: a\r\n\r\n").as_bytes()).is_err(),
            "{bad:?}"
        );
    }
}
