//! Which requests are meant, and where they go instead: a method, and a path with names for its parts.

use std::fmt::Write as _;

use http::Method;

/// A method and a path such as `POST /api/jobs/{id}`; `{rest...}` at the end takes all that is left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    method: Option<Method>,
    segments: Box<[Segment]>,
    /// The name of what is left.
    rest: Option<Box<str>>,
    /// Behind a `?`, for where a request goes.
    query: Option<Box<str>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    Fixed(Box<str>),
    Named(Box<str>),
}

/// Why a text is no pattern, and what to write instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadPattern {
    /// What is wrong with it, to stand behind the text.
    pub message: &'static str,
    /// What to do.
    pub hint: &'static str,
}

const fn bad(message: &'static str, hint: &'static str) -> BadPattern {
    BadPattern { message, hint }
}

/// What the names of a pattern have taken from a path, as it was written there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Taken(Vec<(Box<str>, Box<str>)>);

impl Taken {
    /// What a name has taken.
    pub fn get(&self, name: &str) -> Option<&str> {
        let mut pairs = self.iter();
        pairs.find(|(known, _)| *known == name).map(|pair| pair.1)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (&**name, &**value))
    }

    /// One more.
    pub fn add(&mut self, name: &str, value: &str) {
        self.0.push((name.into(), value.into()));
    }

    /// Puts something else in the place of what a name has taken.
    pub fn set(&mut self, name: &str, value: &str) {
        if let Some(pair) = self.0.iter_mut().find(|(known, _)| **known == *name) {
            pair.1 = value.into();
        }
    }
}

impl Pattern {
    /// Reads one. Without a method it means any.
    ///
    /// # Errors
    ///
    /// It is none.
    pub fn parse(text: &str) -> Result<Self, BadPattern> {
        let (method, path) = match text.split_once(' ') {
            Some((method, path)) => (Some(parse_method(method)?), path.trim_start()),
            None => (None, text),
        };
        if !path.starts_with('/') {
            return Err(bad(
                "has no path",
                "write a method and a path: \"POST /api/jobs/{id}\"",
            ));
        }
        if path.contains(|c: char| c.is_whitespace() || c.is_control() || !c.is_ascii() || c == '#')
        {
            return Err(bad(
                "has a character that no request path has",
                "write it percent-encoded, as clients send it",
            ));
        }
        let (path, query) = match path.split_once('?') {
            Some((path, query)) => (path, Some(query.into())),
            None => (path, None),
        };
        let mut segments = Vec::new();
        let mut rest = None;
        let mut names: Vec<Box<str>> = Vec::new();
        // The first part is what stands before the first slash: nothing.
        for part in path.split('/').skip(1) {
            if rest.is_some() {
                return Err(bad(
                    "goes on behind `{name...}`",
                    "that takes all that is left: put it at the end",
                ));
            }
            let (name, takes_rest) = match named(part)? {
                None => {
                    segments.push(Segment::Fixed(part.into()));
                    continue;
                }
                Some(named) => named,
            };
            if names.iter().any(|known| **known == *name) {
                return Err(bad("has a name twice", "give each `{name}` one of its own"));
            }
            names.push(name.into());
            match takes_rest {
                true => rest = Some(name.into()),
                false => segments.push(Segment::Named(name.into())),
            }
        }
        Ok(Self {
            method,
            segments: segments.into(),
            rest,
            query,
        })
    }

    /// The same path with any method.
    pub fn without_method(&self) -> Self {
        Self {
            method: None,
            ..self.clone()
        }
    }

    /// The method, if it means one.
    pub fn method(&self) -> Option<&Method> {
        self.method.as_ref()
    }

    /// Whether it has a query, which clients' requests are not told by.
    pub fn has_query(&self) -> bool {
        self.query.is_some()
    }

    /// Its query.
    pub fn query(&self) -> Option<&str> {
        self.query.as_deref()
    }

    /// Its names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let named = self.segments.iter().filter_map(|segment| match segment {
            Segment::Named(name) => Some(&**name),
            Segment::Fixed(_) => None,
        });
        named.chain(self.rest.as_deref())
    }

    /// Whether its last segment is this name.
    pub fn ends_in(&self, name: &str) -> bool {
        let last = self.segments.last();
        self.rest.is_none() && matches!(last, Some(Segment::Named(known)) if **known == *name)
    }

    /// How exactly it says which path it means; of two that take the same one, the higher one is meant.
    pub fn exactness(&self) -> (usize, usize, bool) {
        let fixed = |segment: &&Segment| matches!(segment, Segment::Fixed(_));
        let fixed = self.segments.iter().filter(fixed).count();
        (fixed, self.segments.len(), self.rest.is_none())
    }

    /// Whether two patterns take the same requests, however their names are called.
    pub fn takes_same(&self, other: &Self) -> bool {
        let same = |(one, other): (&Segment, &Segment)| match (one, other) {
            (Segment::Fixed(one), Segment::Fixed(other)) => one == other,
            (Segment::Named(_), Segment::Named(_)) => true,
            _ => false,
        };
        self.method == other.method
            && self.rest.is_some() == other.rest.is_some()
            && self.segments.len() == other.segments.len()
            && self.segments.iter().zip(&other.segments).all(same)
    }

    /// Whether there can be a path that both take; `*` stands for one segment in `matched`, and at its end for all
    /// that is left.
    pub fn may_meet(&self, matched: &str) -> bool {
        let (base, below) = match matched.strip_suffix("/*") {
            Some(base) => (base, true),
            None => (matched, false),
        };
        let theirs: Vec<&str> = base.split('/').skip(1).collect();
        let agree = self
            .segments
            .iter()
            .zip(&theirs)
            .all(|(own, their)| match own {
                Segment::Fixed(fixed) => *their == "*" || **fixed == **their,
                Segment::Named(_) => true,
            });
        let (own, their) = (self.segments.len(), theirs.len());
        let enough = own == their || (own > their && below) || (own < their && self.rest.is_some());
        agree && enough
    }

    /// What its names take of a request, if it means that. A HEAD is a GET without a body.
    pub fn take(&self, method: &Method, path: &str) -> Option<Taken> {
        let means = match &self.method {
            None => true,
            Some(own) => own == method || (own == Method::GET && method == Method::HEAD),
        };
        means.then(|| self.take_path(path)).flatten()
    }

    /// The same where only an id is looked for: what a name takes may hide a slash, and one may stand at the end.
    pub fn take_id(&self, method: &Method, path: &str) -> Option<Taken> {
        let means = self
            .method
            .as_ref()
            .is_none_or(|own| own == method || (own == Method::GET && method == Method::HEAD));
        let shorter = path.strip_suffix('/').filter(|path| !path.is_empty());
        let take = |path| self.take_by(path, leads_up_inside);
        means
            .then(|| take(path).or_else(|| take(shorter?)))
            .flatten()
    }

    /// What its names take of a path, whatever the method.
    pub fn take_path(&self, path: &str) -> Option<Taken> {
        self.take_by(path, leads_up)
    }

    fn take_by(&self, path: &str, leads_up: impl Fn(&str) -> bool + Copy) -> Option<Taken> {
        let mut left = path.strip_prefix('/');
        let mut taken = Taken::default();
        for segment in &self.segments {
            let (part, after) = match left?.split_once('/') {
                Some((part, after)) => (part, Some(after)),
                None => (left?, None),
            };
            match segment {
                Segment::Fixed(fixed) if **fixed == *part => {}
                Segment::Named(name) if !part.is_empty() && !leads_up(part) => {
                    taken.0.push((name.clone(), part.into()));
                }
                _ => return None,
            }
            left = after;
        }
        match (&self.rest, left) {
            (None, None) => Some(taken),
            (Some(name), Some(rest)) if !rest.split('/').any(leads_up) => {
                taken.0.push((name.clone(), rest.into()));
                Some(taken)
            }
            _ => None,
        }
    }

    /// The path that it is with what was taken; its own query does not stand there.
    pub fn fill(&self, taken: &Taken) -> String {
        let mut path = String::new();
        for segment in &self.segments {
            let part = match segment {
                Segment::Fixed(fixed) => fixed,
                Segment::Named(name) => taken.get(name).unwrap_or_default(),
            };
            path.push('/');
            path.push_str(part);
        }
        if let Some(name) = &self.rest {
            path.push('/');
            path.push_str(taken.get(name).unwrap_or_default());
        }
        path
    }
}

fn parse_method(text: &str) -> Result<Method, BadPattern> {
    if text.bytes().any(|byte| byte.is_ascii_lowercase()) {
        return Err(bad(
            "has a method that is not in upper case",
            "write it as in \"POST /api/jobs\"",
        ));
    }
    match Method::from_bytes(text.as_bytes()) {
        Ok(method) if method != Method::CONNECT => Ok(method),
        _ => Err(bad(
            "has no method that could be adapted",
            "write it as in \"POST /api/jobs\"",
        )),
    }
}

/// The name in a segment, and whether it takes all that is left.
fn named(part: &str) -> Result<Option<(&str, bool)>, BadPattern> {
    let Some(inner) = part.strip_prefix('{').and_then(|p| p.strip_suffix('}')) else {
        return match part.contains(['{', '}']) {
            true => Err(bad(
                "has a name beside other characters",
                "`{name}` stands for a whole segment: \"/api/jobs/{id}\"",
            )),
            false => Ok(None),
        };
    };
    let (name, takes_rest) = match inner.strip_suffix("...") {
        Some(name) => (name, true),
        None => (inner, false),
    };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let begins = name.bytes().next().is_some_and(|b| !b.is_ascii_digit());
    match begins && name.bytes().all(plain) {
        true => Ok(Some((name, takes_rest))),
        false => Err(bad(
            "has a name that is none",
            "a name takes letters, digits and `_`, and begins with a letter: `{id}`",
        )),
    }
}

/// Whether a segment leads up, out of where it stands, also when it is encoded, or hides a slash.
fn leads_up(part: &str) -> bool {
    if !part.contains(['.', '%', '\\', ';']) {
        return false;
    }
    let plain = part.to_ascii_lowercase();
    let plain = plain.replace("%25", "%").replace("%2e", ".");
    if plain.contains('\\') || plain.contains("%2f") || plain.contains("%5c") {
        return true;
    }
    // Some leave out what stands behind a semicolon.
    let name = plain.split(';').next().unwrap_or_default();
    matches!(name, "." | "..")
}

/// Whether a segment leads up, or one that it hides does.
fn leads_up_inside(part: &str) -> bool {
    let plain = part.to_ascii_lowercase().replace("%25", "%");
    let plain = plain.replace("%2f", "/").replace("%5c", "/");
    plain.split(['/', '\\']).any(leads_up)
}

/// Whether an id cannot stand in a path: nothing, or what would lead elsewhere.
pub fn leads_away(id: &str) -> bool {
    id.is_empty() || leads_up_inside(id)
}

/// The pairs of a query with what they stand for: `+` and `%41` as the characters that they mean. What is no text
/// then keeps its escapes.
pub fn query_pairs(query: &str) -> impl Iterator<Item = (String, String)> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs.map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let plain = |text: &str| unescaped(&text.replace('+', " "));
        (plain(name), plain(value))
    })
}

/// A text with each `%41` as the character that it stands for; as it is, if that would be no text.
pub fn unescaped(text: &str) -> String {
    String::from_utf8(decoded(text.as_bytes())).unwrap_or_else(|_| text.to_owned())
}

/// With each `%41` as the byte that it stands for.
pub fn decoded(text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [byte, after @ ..] = rest {
        let digits = after.get(..2).filter(|_| *byte == b'%');
        let digits = digits.and_then(|two| std::str::from_utf8(two).ok());
        let digits = digits.filter(|two| two.bytes().all(|digit| digit.is_ascii_hexdigit()));
        match digits.and_then(|two| u8::from_str_radix(two, 16).ok()) {
            Some(decoded) => {
                bytes.push(decoded);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*byte);
                rest = after;
            }
        }
    }
    bytes
}

/// A text as it may stand in a query or a segment.
pub fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            safe.push(char::from(byte));
        } else if write!(safe, "%{byte:02X}").is_err() {
            break;
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(pattern: &str, method: &Method, path: &str) -> Option<Vec<(String, String)>> {
        let taken = Pattern::parse(pattern).unwrap().take(method, path)?;
        let pairs = taken.iter();
        Some(pairs.map(|(n, v)| (n.to_owned(), v.to_owned())).collect())
    }

    fn pairs(of: &[(&str, &str)]) -> Option<Vec<(String, String)>> {
        let pairs = of.iter();
        Some(
            pairs
                .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
                .collect(),
        )
    }

    #[test]
    fn names_take_whole_segments() {
        let (get, post) = (Method::GET, Method::POST);
        for (pattern, method, path, taken) in [
            ("POST /a", &post, "/a", pairs(&[])),
            ("POST /a", &get, "/a", None),
            ("/a", &get, "/a", pairs(&[])),
            ("GET /a", &Method::HEAD, "/a", pairs(&[])),
            ("GET /a/{id}", &get, "/a/7%20b", pairs(&[("id", "7%20b")])),
            ("GET /a/{id}", &get, "/a/", None),
            ("GET /a/{id}", &get, "/a", None),
            ("GET /a/{id}", &get, "/a/7/", None),
            ("GET /a/{id}/c", &get, "/a/7/c", pairs(&[("id", "7")])),
            ("GET /a/{id}/c", &get, "/a/7/d", None),
            ("GET /a/{r...}", &get, "/a/7/d", pairs(&[("r", "7/d")])),
            ("GET /a/{r...}", &get, "/a/", pairs(&[("r", "")])),
            ("GET /a/{r...}", &get, "/a", None),
            ("GET /", &get, "/", pairs(&[])),
            ("GET /", &get, "/a", None),
        ] {
            assert_eq!(take(pattern, method, path), taken, "{pattern} {path}");
        }
    }

    #[test]
    fn a_name_never_leads_up() {
        for part in [
            "..",
            ".",
            "%2e%2E",
            "%252e%252e",
            "..;a",
            "a%2fb",
            "a\\b",
            "%5c",
        ] {
            let path = format!("/a/{part}");
            assert_eq!(take("GET /a/{id}", &Method::GET, &path), None, "{part}");
            let path = format!("/a/x/{part}");
            assert_eq!(take("GET /a/{r...}", &Method::GET, &path), None, "{part}");
        }
        for part in ["a.b", "...", "50%25", "a;b"] {
            let path = format!("/a/{part}");
            assert!(take("GET /a/{id}", &Method::GET, &path).is_some(), "{part}");
        }
    }

    #[test]
    fn an_id_may_hide_a_slash_and_never_dots() {
        let pattern = Pattern::parse("GET /a/{id}").unwrap();
        let id = |path: &str| {
            let taken = pattern.take_id(&Method::GET, path)?;
            taken.get("id").map(str::to_owned)
        };
        assert_eq!(id("/a/org%2Fm-7").as_deref(), Some("org%2Fm-7"));
        assert_eq!(id("/a/7/").as_deref(), Some("7"));
        for path in [
            "/a/",
            "/a/..",
            "/a/x%2F..",
            "/a/%2e%2e%2Fx",
            "/a/x%252f%252e%252e",
            "/a/..\\x",
        ] {
            assert_eq!(id(path), None, "{path}");
        }
        for id in ["", "..", "../x", "a/../b", "%2e%2e", "a\\..\\b"] {
            assert!(leads_away(id), "{id}");
        }
        for id in ["7", "org/m-7", "a..b", "v1~x"] {
            assert!(!leads_away(id), "{id}");
        }
    }

    #[test]
    fn what_was_taken_fills_another_one() {
        let taken = Pattern::parse("GET /a/{id}/{r...}").unwrap();
        let taken = taken.take(&Method::GET, "/a/7/x/y").unwrap();
        let fill = |text: &str| Pattern::parse(text).unwrap().fill(&taken);
        assert_eq!(fill("POST /v1/{id}?wait=true"), "/v1/7");
        assert_eq!(fill("/v1/{r...}"), "/v1/x/y");
        assert_eq!(fill("/"), "/");
    }

    #[test]
    fn it_is_known_which_routes_it_may_meet() {
        let meets =
            |pattern: &str, matched: &str| Pattern::parse(pattern).unwrap().may_meet(matched);
        for (pattern, matched) in [
            ("/a/{id}", "/*"),
            ("/a/{id}", "/a/*"),
            ("/a/{id}", "/a/b"),
            ("/a/{id}/c", "/a/*/c"),
            ("/a", "/a/*"),
            ("/a/{r...}", "/a/b/c"),
            ("/", "/*"),
        ] {
            assert!(meets(pattern, matched), "{pattern} {matched}");
        }
        for (pattern, matched) in [
            ("/a/{id}", "/b/*"),
            ("/a/{id}", "/a"),
            ("/a", "/a/b"),
            ("/a/{id}/c", "/a/*/d"),
        ] {
            assert!(!meets(pattern, matched), "{pattern} {matched}");
        }
    }

    #[test]
    fn the_more_exact_one_is_higher() {
        let of = |text: &str| Pattern::parse(text).unwrap().exactness();
        assert!(of("/a/b") > of("/a/{id}"));
        assert!(of("/a/{id}") > of("/a/{r...}"));
        assert!(of("/a/{id}/c") > of("/a/{id}"));
    }

    #[test]
    fn what_is_none_is_refused() {
        for text in [
            "",
            "POST",
            "api",
            "POST api",
            "post /a",
            "P(ST /a",
            "CONNECT /a",
            "/a/{id}x",
            "/{}",
            "/{1}",
            "/{a-b}",
            "/{a}/{a}",
            "/{r...}/a",
            "/a b",
            "/ä",
            "/a#b",
        ] {
            assert!(Pattern::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn escapes_come_and_go() {
        let pairs: Vec<_> = query_pairs("a=1+2&b=%41%zz&&c&d=%ff").collect();
        let own = |n: &str, v: &str| (n.to_owned(), v.to_owned());
        assert_eq!(
            pairs,
            [
                own("a", "1 2"),
                own("b", "A%zz"),
                own("c", ""),
                own("d", "%ff")
            ]
        );
        assert_eq!(escaped("a b/ä"), "a%20b%2F%C3%A4");
    }
}
