//! What becomes of a query and of header lines.

use http::header::{HeaderMap, HeaderName, HeaderValue};

use crate::adapt::{escaped, query_pairs, unescaped};
use crate::config::model;
use crate::config::scalar::Credential;

/// `query` of an operation.
#[derive(Debug, Default)]
pub(super) struct QueryRules {
    rename: Box<[(Box<str>, Box<str>)]>,
    remove: Box<[Box<str>]>,
    /// As they are written: escaped.
    set: Box<[(Box<str>, Box<str>)]>,
    all: bool,
}

impl QueryRules {
    pub(super) fn compile(written: &model::QueryRules) -> Self {
        let pairs = |(from, to): (&String, &String)| (from.as_str().into(), to.as_str().into());
        let safe = |(name, value): (&String, &Credential)| {
            let pair = format!("{}={}", escaped(name), escaped(value.expose()));
            (name.as_str().into(), pair.into())
        };
        Self {
            rename: written.rename.iter().map(pairs).collect(),
            remove: written
                .remove
                .iter()
                .map(|name| name.as_str().into())
                .collect(),
            set: written.set.iter().map(safe).collect(),
            all: written.remove.iter().any(|name| name == "*"),
        }
    }

    /// The query that a backend gets; `own` always belongs to it. What passes keeps its escapes.
    pub(super) fn apply(&self, query: Option<&str>, own: Option<&str>) -> String {
        let mut whole = own.unwrap_or_default().to_owned();
        let own: Vec<String> = query_pairs(&whole).map(|(name, _)| name).collect();
        let mut add = |pair: &str| {
            if !whole.is_empty() {
                whole.push('&');
            }
            whole.push_str(pair);
        };
        let pairs = query.unwrap_or_default().split('&');
        for pair in pairs.filter(|pair| !pair.is_empty() && !self.all) {
            let (name, value) = match pair.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (pair, None),
            };
            let name = unescaped(&name.replace('+', " "));
            let is = |known: &str| known == name;
            if own.iter().any(|known| is(known)) {
                // What the backend is asked by is not the client's to say.
                continue;
            }
            if self.remove.iter().any(|known| is(known)) || self.set.iter().any(|set| is(&set.0)) {
                continue;
            }
            match self.rename.iter().find(|(from, _)| is(from)) {
                Some((_, to)) => match value {
                    Some(value) => add(&format!("{}={value}", escaped(to))),
                    None => add(&escaped(to)),
                },
                None => add(pair),
            }
        }
        for (_, pair) in &self.set {
            add(pair);
        }
        whole
    }
}

/// `headers` of an operation.
#[derive(Debug, Default)]
pub(super) struct HeaderRules {
    copy: Box<[(HeaderName, HeaderName)]>,
    remove: Box<[HeaderName]>,
    set: Box<[(HeaderName, HeaderValue)]>,
}

impl HeaderRules {
    pub(super) fn compile(written: &model::HeaderRules) -> Result<Self, String> {
        let name =
            |text: &String| HeaderName::from_bytes(text.as_bytes()).map_err(|_| text.clone());
        let copy = written.copy.iter();
        let copy = copy.map(|(from, to)| Ok((name(from)?, name(to)?)));
        let set = written.set.iter().map(|(header, value)| {
            // It may be a secret, so it is not shown.
            let mut value = HeaderValue::from_str(value.expose()).map_err(|_| header.clone())?;
            value.set_sensitive(true);
            Ok((name(header)?, value))
        });
        Ok(Self {
            copy: copy.collect::<Result<_, String>>()?,
            remove: written.remove.iter().map(name).collect::<Result<_, _>>()?,
            set: set.collect::<Result<_, String>>()?,
        })
    }

    /// Copies, then removes, then sets.
    pub(super) fn apply(&self, headers: &mut HeaderMap) {
        for (from, to) in &self.copy {
            if let Some(value) = headers.get(from).cloned() {
                headers.insert(to, value);
            }
        }
        for name in &self.remove {
            headers.remove(name);
        }
        for (name, value) in &self.set {
            headers.insert(name, value.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_mapped_and_keeps_its_escapes() {
        let written = model::QueryRules {
            rename: [("n".to_owned(), "limit".to_owned())].into(),
            remove: vec!["api key".to_owned()],
            set: [("wait".to_owned(), "a b".parse().unwrap())].into(),
        };
        let rules = QueryRules::compile(&written);
        for (query, own, whole) in [
            (None, None, "wait=a%20b"),
            (Some("n=2&x=%41&n"), None, "limit=2&x=%41&limit&wait=a%20b"),
            (
                Some("api+key=1&&wait=0&y&v=3"),
                Some("v=2"),
                "v=2&y&wait=a%20b",
            ),
        ] {
            assert_eq!(rules.apply(query, own), whole, "{query:?}");
        }
        let none = model::QueryRules {
            remove: vec!["*".to_owned()],
            ..model::QueryRules::default()
        };
        assert_eq!(QueryRules::compile(&none).apply(Some("a=1"), None), "");
    }

    #[test]
    fn header_lines_are_copied_then_removed_then_set() {
        let written = model::HeaderRules {
            copy: [("x-user".to_owned(), "x-tenant".to_owned())].into(),
            remove: vec!["x-user".to_owned(), "x-old".to_owned()],
            set: [("x-kind".to_owned(), "new".parse().unwrap())].into(),
        };
        let rules = HeaderRules::compile(&written).unwrap();
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("x-user", "7"),
            ("x-old", "1"),
            ("x-kind", "old"),
            ("a", "b"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        rules.apply(&mut headers);
        let mut lines: Vec<_> = headers
            .iter()
            .map(|(n, v)| format!("{n}: {}", v.to_str().unwrap()))
            .collect();
        lines.sort();
        assert_eq!(lines, ["a: b", "x-kind: new", "x-tenant: 7"]);
    }
}
