//! Reading single values out of a cookie header or a query string, without decoding: a sticky key
//! only has to be the same bytes each time.

use http::header::{COOKIE, HeaderMap, HeaderValue};

/// The value of a cookie; the first one wins. An empty value counts as absent.
pub fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a [u8]> {
    headers
        .get_all(COOKIE)
        .iter()
        .flat_map(|line| line.as_bytes().split(|byte| *byte == b';'))
        .find_map(|pair| value_of(pair.trim_ascii(), name))
}

/// Makes one line of several, as HTTP/1.1 needs it: HTTP/2 may send each cookie in a line of its own
/// (RFC 9113, 8.2.3).
pub fn join_cookies(headers: &mut HeaderMap) {
    let mut lines = headers.get_all(COOKIE).iter();
    let (Some(_), Some(_)) = (lines.next(), lines.next()) else {
        return;
    };
    let lines: Vec<&[u8]> = headers
        .get_all(COOKIE)
        .iter()
        .map(HeaderValue::as_bytes)
        .collect();
    if let Ok(line) = HeaderValue::from_bytes(&lines.join(&b"; "[..])) {
        headers.insert(COOKIE, line);
    }
}

/// The value of a query parameter; the first one wins. An empty value counts as absent.
pub fn query<'a>(query: Option<&'a str>, name: &str) -> Option<&'a [u8]> {
    query?
        .as_bytes()
        .split(|byte| *byte == b'&')
        .find_map(|pair| value_of(pair, name))
}

fn value_of<'a>(pair: &'a [u8], name: &str) -> Option<&'a [u8]> {
    pair.strip_prefix(name.as_bytes())?
        .strip_prefix(b"=")
        .filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn cookies_are_found_by_their_whole_name() {
        let mut headers = HeaderMap::new();
        headers.append(
            COOKIE,
            HeaderValue::from_static("xsid=1; sid=; sid=abc; sid=d"),
        );
        headers.append(COOKIE, HeaderValue::from_static("other=z"));
        assert_eq!(cookie(&headers, "sid"), Some(&b"abc"[..]));
        assert_eq!(cookie(&headers, "other"), Some(&b"z"[..]));
        assert_eq!(cookie(&headers, "si"), None);
    }

    #[test]
    fn cookie_crumbs_become_one_line() {
        let mut headers = HeaderMap::new();
        for crumb in ["a=1", "b=2; c=3", "d=4"] {
            headers.append(COOKIE, HeaderValue::from_static(crumb));
        }
        join_cookies(&mut headers);
        let lines: Vec<_> = headers.get_all(COOKIE).iter().collect();
        assert_eq!(lines, ["a=1; b=2; c=3; d=4"]);
    }

    #[test]
    fn query_values_are_raw() {
        assert_eq!(
            query(Some("a=1&user=x%20y&user=z"), "user"),
            Some(&b"x%20y"[..])
        );
        assert_eq!(query(Some("user="), "user"), None);
        assert_eq!(query(None, "user"), None);
    }
}
