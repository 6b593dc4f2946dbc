//! Who may ask what. Everybody who reaches the port may read its metrics and probes, under a known
//! name. `/api/v1` is for whoever has the token, and never for a page of somebody else in a browser.

use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, HOST, ORIGIN, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::Response;

use super::problem::problem;
use super::view::View;
use super::{host, router};
use crate::config::model::Admin;

/// Stands before every path.
pub(super) async fn guard(State(view): State<View>, request: Request, next: Next) -> Response {
    let admin = view.access.load();
    let refused = known_host(&request, &admin).and_then(|host| {
        let path = request.uri().path();
        if !path.starts_with(router::API) || path == router::WEBHOOK {
            return Ok(());
        }
        own_origin(request.headers(), host.as_deref())?;
        token(request.headers(), &admin)
    });
    drop(admin);
    match refused {
        Ok(()) => next.run(request).await,
        Err(answer) => *answer,
    }
}

pub(super) type Checked<T> = Result<T, Box<Response>>;

/// The name that the request goes to, if it has one. Browsers always send it; an old prober that
/// does not is no danger.
fn known_host(request: &Request, admin: &Admin) -> Checked<Option<String>> {
    let host = only(request.headers(), &HOST)?;
    let target = request.uri().authority().map(|target| target.as_str());
    let names = host.into_iter().chain(target);
    for name in names.clone() {
        if !host::is_known(name, &admin.hosts) {
            let detail = "The port is called by an IP address, by localhost, or by a name in \
                          `admin.hosts` of the file";
            let status = StatusCode::MISDIRECTED_REQUEST;
            return Err(refuse(status, "Unknown host", "unknown_host", detail));
        }
    }
    Ok(names.last().map(str::to_owned))
}

fn own_origin(headers: &HeaderMap, host: Option<&str>) -> Checked<()> {
    match only(headers, &ORIGIN)? {
        Some(origin) if !host::is_own_origin(origin, host) => {
            let detail = "A page of another origin may not use the API";
            let status = StatusCode::FORBIDDEN;
            Err(refuse(status, "Foreign origin", "foreign_origin", detail))
        }
        _ => Ok(()),
    }
}

fn token(headers: &HeaderMap, admin: &Admin) -> Checked<()> {
    let Some(wanted) = &admin.token else {
        return Ok(());
    };
    let given = only(headers, &AUTHORIZATION)?.and_then(|value| value.split_once(' '));
    let given = given
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim());
    let detail = match given {
        _ if wanted.is_empty() => "The API is closed: `admin.token` in the file is empty",
        None => "Send `Authorization: Bearer TOKEN`, with `admin.token` of the file",
        Some(given) if !same(given.as_bytes(), wanted.expose().as_bytes()) => {
            "The token is not that of the file"
        }
        Some(_) => return Ok(()),
    };
    let mut answer = refuse(StatusCode::UNAUTHORIZED, "No access", "no_access", detail);
    let challenge = HeaderValue::from_static("Bearer realm=\"figshift\"");
    answer.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    Err(answer)
}

/// Takes a time that depends on what was given and not on how much of it is right.
fn same(given: &[u8], wanted: &[u8]) -> bool {
    let mut differ = u8::from(given.len() != wanted.len());
    for (at, byte) in given.iter().enumerate() {
        let index = at % wanted.len().max(1);
        differ |= byte ^ wanted.get(index).copied().unwrap_or(0);
    }
    std::hint::black_box(differ) == 0
}

/// The one value of a header. Of several, two readers could take different ones.
pub(super) fn only<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Checked<Option<&'h str>> {
    let mut values = headers.get_all(name).iter();
    let (first, second) = (values.next(), values.next());
    match (first.map(HeaderValue::to_str), second) {
        (None, _) => Ok(None),
        (Some(Ok(value)), None) => Ok(Some(value)),
        _ => {
            let detail = format!("The header `{name}` is there twice, or is no plain text");
            let status = StatusCode::BAD_REQUEST;
            Err(refuse(status, "Bad header", "bad_header", &detail))
        }
    }
}

fn refuse(status: StatusCode, title: &str, reason: &str, detail: &str) -> Box<Response> {
    Box::new(problem(status, title, reason, detail.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::same;

    #[test]
    fn only_the_whole_token_is_the_token() {
        assert!(same(b"0123456789abcdef", b"0123456789abcdef"));
        for wrong in [
            &b""[..],
            b"0",
            b"0123456789abcde",
            b"0123456789abcdeg",
            b"0123456789abcdef0",
            b"0123456789abcdef0123456789abcdef",
        ] {
            assert!(!same(wrong, b"0123456789abcdef"), "{wrong:?}");
        }
        assert!(!same(b"x", b""));
    }
}
