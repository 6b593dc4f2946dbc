//! Where a request says which thing it means, and where a response says how one is called.

use http::HeaderName;

use super::{BadPattern, Pattern, Place};

/// The name that stands for an id in a path.
pub const ID: &str = "id";

/// A part of a request that is an id: `GET /api/jobs/{id}`, or `POST /api/cancel body:.job_id`.
#[derive(Debug)]
pub struct Spot {
    /// Requests that have it; without one, all.
    pub pattern: Option<Pattern>,
    /// Where they have it.
    pub part: Part,
}

/// Where in a request.
#[derive(Debug)]
pub enum Part {
    /// `{id}` of the path.
    Path,
    /// This parameter of the query.
    Query(Box<str>),
    /// This header line.
    Header(HeaderName),
    /// This cookie.
    Cookie(Box<str>),
    /// Here in the body, which is JSON.
    Body(Place),
}

/// Where in a response.
#[derive(Debug)]
pub enum Named {
    /// The last segment of `Location`.
    Location,
    /// Another header line.
    Header(HeaderName),
    /// Here in the body, or in one of the first events of a stream.
    Body(Place),
}

const fn bad(message: &'static str, hint: &'static str) -> BadPattern {
    BadPattern { message, hint }
}

impl Spot {
    /// Reads one.
    ///
    /// # Errors
    ///
    /// It is none.
    pub fn parse(text: &str) -> Result<Self, BadPattern> {
        let (pattern, part) = match text.rsplit_once(' ') {
            _ if is_part(text) => (None, Some(text)),
            Some((pattern, part)) if is_part(part) => (Some(pattern.trim_end()), Some(part)),
            _ => (Some(text), None),
        };
        let pattern = pattern.map(Pattern::parse).transpose()?;
        if pattern.as_ref().is_some_and(Pattern::has_query) {
            return Err(bad(
                "has a query",
                "name the parameter: \"GET /api/status query:job_id\"",
            ));
        }
        let has_id = (pattern.as_ref()).is_some_and(|pattern| pattern.names().any(|n| n == ID));
        let part = match part {
            Some(_) if has_id => {
                return Err(bad(
                    "has two places for an id",
                    "leave out `{id}`, or what stands behind the path",
                ));
            }
            Some(part) => read_part(part)?,
            None if has_id => Part::Path,
            None => {
                return Err(bad(
                    "does not say where the id is",
                    "write `{id}` in the path, or behind it `query:NAME`, `header:NAME`, `cookie:NAME` or `body:.name`",
                ));
            }
        };
        if matches!(part, Part::Body(_)) && pattern.is_none() {
            return Err(bad(
                "would look into every body",
                "say in which: \"POST /api/cancel body:.job_id\"",
            ));
        }
        Ok(Self { pattern, part })
    }
}

const KINDS: [&str; 4] = ["query:", "header:", "cookie:", "body:"];

fn is_part(text: &str) -> bool {
    KINDS.iter().any(|kind| text.starts_with(kind))
}

fn read_part(text: &str) -> Result<Part, BadPattern> {
    let (kind, name) = text.split_once(':').unwrap_or((text, ""));
    let plain = |name: &str| !name.is_empty() && !name.contains(['&', '=', '#', ';', ',']);
    match kind {
        "query" if plain(name) => Ok(Part::Query(name.into())),
        "cookie" if plain(name) => Ok(Part::Cookie(name.into())),
        "header" => Ok(Part::Header(header(name)?)),
        "body" => Ok(Part::Body(place(name)?)),
        _ => Err(bad(
            "does not name a parameter or a cookie",
            "write its name behind the colon: `query:job_id`",
        )),
    }
}

fn header(name: &str) -> Result<HeaderName, BadPattern> {
    HeaderName::from_bytes(name.as_bytes()).map_err(|_| {
        bad(
            "does not name a header",
            "write its name behind the colon: `header:x-job-id`",
        )
    })
}

fn place(text: &str) -> Result<Place, BadPattern> {
    Place::parse(text).map_err(|_| {
        bad(
            "does not name a place in JSON",
            "write it as `.job_id`, `.data.id` or `/data/id`",
        )
    })
}

impl Named {
    /// Reads one.
    ///
    /// # Errors
    ///
    /// It is none.
    pub fn parse(text: &str) -> Result<Self, BadPattern> {
        match text.strip_prefix("header:") {
            Some(name) if name.eq_ignore_ascii_case("location") => Ok(Self::Location),
            Some(name) => header(name).map(Self::Header),
            None => place(text).map(Self::Body),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spot_is_a_path_with_an_id_or_names_another_part() {
        for (text, has_pattern) in [
            ("/a/{id}", true),
            ("GET /a/{id}/{rest...}", true),
            ("header:x-session", false),
            ("cookie:sid", false),
            ("query:job", false),
            ("GET /a query:job", true),
            ("POST /a body:.job.id", true),
        ] {
            let spot = Spot::parse(text).unwrap();
            assert_eq!(spot.pattern.is_some(), has_pattern, "{text}");
        }
        for text in [
            "",
            "/a",
            "/a/{job}",
            "body:.id",
            "query:",
            "header:a b",
            "/a/{id} query:job",
            "/a?x=1 query:job",
            "POST /a body:id",
        ] {
            assert!(Spot::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_id_is_named_in_a_body_or_a_header() {
        assert!(matches!(
            Named::parse("header:Location"),
            Ok(Named::Location)
        ));
        assert!(matches!(Named::parse("header:x-id"), Ok(Named::Header(_))));
        assert!(matches!(Named::parse(".a.id"), Ok(Named::Body(_))));
        assert!(Named::parse("header:").is_err());
        assert!(Named::parse("id").is_err());
    }
}
