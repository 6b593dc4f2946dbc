//! The table of raw requests, `tests/smuggling.txt`; its format is told at its top.

/// What must become of what was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Want {
    /// The origin sees this request, whole, and its answer comes back.
    Passes(Request),
    /// An answer of 400 or more, or the end of the connection; the origin sees nothing whole.
    Refused,
    /// Nothing at all, as more bytes must come.
    Waits,
}

/// A request as the origin must see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) body: Vec<u8>,
}

/// One block.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) kind: &'static str,
    pub(crate) name: &'static str,
    pub(crate) bytes: Vec<u8>,
    pub(crate) wants: Vec<Want>,
    /// The connection ends after it; without this word, what passes leaves it open.
    pub(crate) closes: bool,
    /// `name: value` that the first request must have at the origin.
    pub(crate) has: Vec<(&'static str, &'static str)>,
    /// Names of headers that it must not have there.
    pub(crate) lacks: Vec<&'static str>,
}

impl Row {
    /// The requests that the origin must see.
    pub(crate) fn passing(&self) -> impl Iterator<Item = &Request> {
        self.wants.iter().filter_map(|want| match want {
            Want::Passes(request) => Some(request),
            Want::Refused | Want::Waits => None,
        })
    }

    pub(crate) fn is_refused(&self) -> bool {
        self.wants.contains(&Want::Refused)
    }

    pub(crate) fn waits(&self) -> bool {
        self.wants.contains(&Want::Waits)
    }
}

/// All rows, in order.
pub(crate) fn rows() -> Vec<Row> {
    let mut kind = "";
    let mut rows = Vec::new();
    for block in include_str!("../smuggling.txt").split("\n\n") {
        let block = block.trim_matches('\n');
        if let Some(title) = block.strip_prefix("== ") {
            kind = title;
        } else if !block.is_empty() && !block.starts_with("# ") {
            rows.push(row(kind, block));
        }
    }
    rows
}

fn row(kind: &'static str, block: &'static str) -> Row {
    let mut row = Row {
        kind,
        name: "",
        bytes: Vec::new(),
        wants: Vec::new(),
        closes: false,
        has: Vec::new(),
        lacks: Vec::new(),
    };
    for line in block.lines() {
        let (key, value) = line.split_once(": ").unwrap_or((line, ""));
        match key {
            "name" => row.name = value,
            "send" => row.bytes.extend(unescape(value)),
            "want" => row.wants.push(want(value)),
            "then" if value == "closed" => row.closes = true,
            "has" => row.has.push(value.split_once(": ").expect(line)),
            "lacks" => row.lacks.push(value),
            _ => panic!("no such line: {line}"),
        }
    }
    assert!(!row.name.is_empty() && !row.wants.is_empty(), "{block}");
    row
}

fn want(value: &str) -> Want {
    match value {
        "refused" => Want::Refused,
        "waits" => Want::Waits,
        _ => {
            let (line, body) = value.split_once(" = ").unwrap_or((value, ""));
            let (method, target) = line.split_once(' ').expect(value);
            Want::Passes(Request {
                method: method.to_owned(),
                target: String::from_utf8(unescape(target)).unwrap(),
                body: unescape(body),
            })
        }
    }
}

/// `\r \n \t \v \0 \\ \xHH`, and `\*{N TEXT}` for N times TEXT.
pub(crate) fn unescape(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        bytes.extend_from_slice(before.as_bytes());
        let (code, after) = after.split_at(1);
        rest = after;
        match code {
            "r" => bytes.push(b'\r'),
            "n" => bytes.push(b'\n'),
            "t" => bytes.push(b'\t'),
            "v" => bytes.push(0x0b),
            "0" => bytes.push(0),
            "\\" => bytes.push(b'\\'),
            "x" => {
                let (digits, after) = rest.split_at(2);
                bytes.push(u8::from_str_radix(digits, 16).unwrap());
                rest = after;
            }
            "*" => {
                let (inner, after) = rest.split_once('}').unwrap();
                let (times, unit) = inner.trim_start_matches('{').split_once(' ').unwrap();
                bytes.extend(unescape(unit).repeat(times.parse().unwrap()));
                rest = after;
            }
            other => panic!("no such escape: {other} in {text}"),
        }
    }
    bytes.extend_from_slice(rest.as_bytes());
    bytes
}
