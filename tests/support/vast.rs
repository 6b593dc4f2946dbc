//! A stand-in for Vast.ai's API: real paging, filters and limits over instances that tests add, alter and remove
//! while it runs, and every way of misbehaving that is known of the real one, per endpoint. It records each call
//! with its time, so that a test can assert that nobody asked too often.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::origin::{Do, Origin, Seen, raw, status};
pub(crate) use super::vast_rows::Row;

/// The key that the stand-in accepts, until [`VastAi::set_key`].
pub(crate) const KEY: &str = "vast-key-0123456789abcdef-correct-horse";

/// What can be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Place {
    /// `GET /api/v1/instances/`
    Instances,
    /// `GET /api/v0/endptjobs/`
    Endpoints,
    /// `GET /api/v0/users/current/`
    Account,
    /// `POST /route/`
    Route,
    /// Anything else.
    Other,
}

/// How a place answers instead of well.
#[derive(Debug, Clone)]
pub(crate) enum Mood {
    Fine,
    /// 429, plain text.
    Limited,
    /// 429, `{"detail": …}`.
    LimitedDetail,
    /// 429, `rate_limit_exceeded`.
    LimitedJson,
    /// 429 with `Retry-After` in seconds.
    LimitedFor(u64),
    /// 429 until midnight, with `X-RateLimit-Reset` (seconds since 1970) if one is given.
    Quota(Option<u64>),
    /// 200 with `success: false`.
    SaysNo,
    /// 200 with an empty list of the wrong kind: `{"instances": null}`.
    Null,
    /// 403 with a page, as the edge sends it.
    HtmlForbidden,
    /// 401 `auth_error`.
    WrongKey,
    /// The same as a 404.
    WrongKeyAs404,
    /// 404 of an ended session.
    SessionExpired,
    /// 403 with JSON.
    NoScope,
    /// 410 `deprecated_endpoint`.
    Retired,
    /// 400 with a text that repeats the key.
    Echo,
    /// 200 that is no JSON.
    Garbage,
    /// 200 with a page.
    Html,
    /// 200 with nothing.
    Empty,
    /// The body ends in the middle.
    Truncated,
    /// The body is JSON and ends in the middle, properly framed.
    HalfJson,
    /// A status of this line with a page, such as `502 Bad Gateway`.
    Status(&'static str),
    /// 308 to there.
    Redirect(String),
    /// Well, after this time.
    Slow(Duration),
    /// Nothing, ever.
    Stall,
    /// The connection is reset.
    Reset,
    /// Every page has a next one.
    EndlessPages,
    /// Every page has the same next one.
    RepeatedToken,
    /// A page without the next one, of so many instances.
    LostPages(usize),
    /// Well, but the total is that of the account, whatever is asked for.
    TotalOfAll,
    /// More bytes than anybody wants.
    Flood,
}

/// A call as it came.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) at: Instant,
    pub(crate) place: Place,
    pub(crate) seen: Seen,
}

impl Call {
    /// What it was asked with: limits hold for each key.
    fn key(&self) -> Option<&str> {
        self.seen.head.get("authorization")
    }

    /// A parameter of the query, decoded.
    pub(crate) fn parameter(&self, name: &str) -> Option<String> {
        parameters(self.seen.target()).remove(name)
    }
}

type OnRoute = dyn Fn(&Seen) -> Vec<Do> + Send + Sync;

struct State {
    key: String,
    scopes: Vec<&'static str>,
    rows: BTreeMap<u64, Row>,
    endpoints: Vec<Value>,
    account: Value,
    moods: HashMap<Place, (Mood, usize)>,
    calls: Vec<Call>,
    tokens: u64,
    /// Told instead of the real one.
    total: Option<usize>,
    /// Nobody is told that it was too soon: for clocks that run faster.
    is_patient: bool,
    on_route: Option<Arc<OnRoute>>,
}

/// See the module. Ends with its value.
pub(crate) struct VastAi {
    origin: Origin,
    state: Arc<Mutex<State>>,
}

impl VastAi {
    /// With no instance.
    pub(crate) fn new() -> Self {
        let state = Arc::new(Mutex::new(State {
            key: KEY.to_owned(),
            scopes: vec!["instance_read", "misc", "user_read"],
            rows: BTreeMap::new(),
            endpoints: Vec::new(),
            account: json!({"id": 120_001, "email": "shop@example.com", "balance": 0.0, "credit": 42.5, "api_key": KEY}),
            moods: HashMap::new(),
            calls: Vec::new(),
            tokens: 0,
            total: None,
            is_patient: false,
            on_route: None,
        }));
        let asked = Arc::clone(&state);
        let origin = Origin::new(move |seen| State::answer(&asked, seen));
        Self { origin, state }
    }

    /// With the five instances of the fixture.
    pub(crate) fn with_fixture() -> Self {
        let vast = Self::new();
        Row::fixture().into_iter().for_each(|row| vast.put(row));
        vast
    }

    /// Takes calls however often they come.
    pub(crate) fn be_patient(&self) {
        self.lock().is_patient = true;
    }

    /// The base URL.
    pub(crate) fn url(&self) -> String {
        self.origin.url()
    }

    /// The origin beneath, to kill and revive it.
    pub(crate) fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Adds an instance, or replaces the one with its id.
    pub(crate) fn put(&self, row: Row) {
        self.lock().rows.insert(row.id(), row);
    }

    /// Alters an instance.
    pub(crate) fn alter(&self, id: u64, how: impl FnOnce(Row) -> Row) {
        let mut state = self.lock();
        let row = state.rows.remove(&id).expect("there is such an instance");
        let row = how(row);
        state.rows.insert(row.id(), row);
    }

    /// Forgets an instance: destroyed.
    pub(crate) fn remove(&self, id: u64) {
        self.lock().rows.remove(&id);
    }

    /// The endpoints of Serverless, as rows of `results`.
    pub(crate) fn set_endpoints(&self, endpoints: Vec<Value>) {
        self.lock().endpoints = endpoints;
    }

    /// Accepts this key and no other.
    pub(crate) fn set_key(&self, key: &str) {
        self.lock().key = key.to_owned();
    }

    /// What the key may do: of `instance_read`, `misc`, `user_read`.
    pub(crate) fn set_scopes(&self, scopes: &[&'static str]) {
        self.lock().scopes = scopes.to_vec();
    }

    /// A place behaves like this until it is told otherwise.
    pub(crate) fn behave(&self, place: Place, mood: Mood) {
        self.lock().moods.insert(place, (mood, usize::MAX));
    }

    /// A place behaves like this for that many calls, and then well.
    pub(crate) fn behave_times(&self, place: Place, mood: Mood, times: usize) {
        self.lock().moods.insert(place, (mood, times));
    }

    /// Answers `POST /route/`, of which the stand-in knows nothing by itself. Moods and calls work there too.
    pub(crate) fn on_route(&self, script: impl Fn(&Seen) -> Vec<Do> + Send + Sync + 'static) {
        self.lock().on_route = Some(Arc::new(script));
    }

    /// All calls so far.
    pub(crate) fn calls(&self) -> Vec<Call> {
        self.lock().calls.clone()
    }

    /// How many calls there were of a place.
    pub(crate) fn count(&self, place: Place) -> usize {
        let state = self.lock();
        state
            .calls
            .iter()
            .filter(|call| call.place == place)
            .count()
    }

    /// Calls that came sooner after the one before than the published limit allows. Must be empty.
    pub(crate) fn too_fast(&self) -> Vec<String> {
        let calls = self.calls();
        let mut found = Vec::new();
        for place in [Place::Instances, Place::Endpoints, Place::Account] {
            let of_place: Vec<_> = calls.iter().filter(|call| call.place == place).collect();
            for (at, call) in of_place.iter().enumerate() {
                let mut before = of_place[..at].iter().rev();
                let before = before.find(|before| before.key() == call.key());
                let gap = before.map(|before| call.at - before.at);
                if let Some(gap) = gap.filter(|gap| *gap < least_gap(place)) {
                    let least = least_gap(place);
                    found.push(format!("{place:?}: after {gap:?} instead of {least:?}"));
                }
            }
        }
        found
    }

    /// Forgets the calls: a test goes on with another client.
    pub(crate) fn forget_calls(&self) {
        self.lock().calls.clear();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

fn least_gap(place: Place) -> Duration {
    match place {
        Place::Instances | Place::Account => Duration::from_secs(1),
        Place::Endpoints => Duration::from_secs(3),
        Place::Route | Place::Other => Duration::ZERO,
    }
}

impl State {
    fn answer(state: &Mutex<Self>, seen: &Seen) -> Vec<Do> {
        let mut state = state.lock().unwrap();
        let target = seen.target();
        let path = target.split('?').next().unwrap_or_default();
        let place = match (seen.method(), path) {
            ("GET", "/api/v1/instances/") => Place::Instances,
            ("GET", "/api/v0/endptjobs/") => Place::Endpoints,
            ("GET", "/api/v0/users/current/") => Place::Account,
            ("POST", "/route/") => Place::Route,
            _ => Place::Other,
        };
        let at = Instant::now();
        let call = Call {
            at,
            place,
            seen: seen.clone(),
        };
        let mut before = state.calls.iter().rev();
        let before = before.find(|before| before.place == place && before.key() == call.key());
        let too_fast = before.is_some_and(|before| at - before.at < least_gap(place));
        state.calls.push(call);
        if too_fast && !state.is_patient {
            return limited_detail(least_gap(place));
        }
        match state.mood(place) {
            Mood::Fine => state.fine(place, path, seen),
            Mood::Slow(time) => {
                let mut steps = vec![Do::Pause(time)];
                steps.extend(state.fine(place, path, seen));
                steps
            }
            Mood::EndlessPages => {
                state.tokens += 1;
                let token = state.tokens;
                page(&[Row::new(token).value()], 1, Some(&format!("t{token}")))
            }
            Mood::RepeatedToken => page(&[Row::new(1).value()], 1, Some("same")),
            Mood::LostPages(total) => page(&[], total, None),
            Mood::TotalOfAll => {
                state.total = Some(state.rows.len());
                let steps = state.fine(place, path, seen);
                state.total = None;
                steps
            }
            mood => astray(mood, &state.key),
        }
    }

    fn mood(&mut self, place: Place) -> Mood {
        match self.moods.get_mut(&place) {
            Some((mood, times)) if *times > 0 => {
                *times -= 1;
                mood.clone()
            }
            _ => Mood::Fine,
        }
    }

    fn fine(&self, place: Place, path: &str, seen: &Seen) -> Vec<Do> {
        if place == Place::Route {
            return match &self.on_route {
                Some(script) => script(seen),
                None => said("404 Not Found", &json!({"error": "not_found"})),
            };
        }
        // In the header and nowhere else.
        let bearer = format!("Bearer {}", self.key);
        if seen.head.get("authorization") != Some(&*bearer) || seen.target().contains("api_key") {
            return astray(Mood::WrongKey, &self.key);
        }
        let scope = match place {
            Place::Endpoints => "misc",
            Place::Account => "user_read",
            _ => "instance_read",
        };
        if !self.scopes.contains(&scope) {
            return astray(Mood::NoScope, &self.key);
        }
        match (place, path) {
            (Place::Instances, _) => self.list(seen.target()),
            (Place::Endpoints, _) => said(OK, &json!({"success": true, "results": self.endpoints})),
            (Place::Account, _) => said(OK, &self.account),
            (_, "/api/v0/instances/") => astray(Mood::Retired, &self.key),
            _ => match path
                .strip_prefix("/api/v0/instances/")
                .map(|id| id.trim_end_matches('/').parse())
            {
                Some(Ok(id)) => {
                    let row = self.rows.get(&id).map(Row::value);
                    said(OK, &json!({"instances": row}))
                }
                _ => said(
                    "404 Not Found",
                    &json!({"success": false, "error": "not_found"}),
                ),
            },
        }
    }

    fn list(&self, target: &str) -> Vec<Do> {
        let mut parameters = parameters(target);
        let bad = |error: &str, msg: String| {
            said(
                "400 Bad Request",
                &json!({"success": false, "error": error, "msg": msg}),
            )
        };
        let limit = parameters
            .remove("limit")
            .map_or(Ok(25), |limit| limit.parse::<i64>());
        let limit = match limit {
            Ok(limit) if limit <= 0 => 5,
            Ok(limit) => limit.min(25) as usize,
            Err(_) => return bad("invalid_request", "limit".to_owned()),
        };
        let after = match parameters.remove("after_token") {
            None => 0,
            // As it was given, without quotes around it.
            Some(token) => match token_to_id(&token) {
                Some(id) => id,
                None => return bad("invalid_token", "no such cursor".to_owned()),
            },
        };
        let filters = parameters.remove("select_filters");
        let filters = filters.map_or(Ok(json!({})), |filters| {
            serde_json::from_str::<Value>(&filters)
        });
        let Ok(Value::Object(filters)) = filters else {
            return bad("invalid_request", "select_filters".to_owned());
        };
        for name in filters.keys() {
            if !["label", "id", "actual_status", "gpu_name", "verification"]
                .contains(&name.as_str())
            {
                return bad(
                    "invalid_request",
                    format!("Error in query parameters: {name} is not a valid search key"),
                );
            }
        }
        let passes = |row: &Value| {
            filters.iter().all(|(name, test)| {
                test.as_object().is_some_and(|test| {
                    test.iter()
                        .all(|(operator, operand)| match operator.as_str() {
                            "eq" => row[name] == *operand,
                            "neq" => row[name] != *operand,
                            "in" => operand
                                .as_array()
                                .is_some_and(|all| all.contains(&row[name])),
                            "notin" => operand
                                .as_array()
                                .is_some_and(|all| !all.contains(&row[name])),
                            _ => false,
                        })
                })
            })
        };
        let all: Vec<_> = self.rows.values().map(Row::value).filter(passes).collect();
        let total = self.total.unwrap_or(all.len());
        let mut left = all
            .into_iter()
            .filter(|row| row["id"].as_u64() > Some(after));
        let rows: Vec<_> = left.by_ref().take(limit).collect();
        let next = left.next().and_then(|_| rows.last());
        let next = next.map(|row| format!("after+/{}==", row["id"]));
        page(&rows, total, next.as_deref())
    }
}

/// A token has characters in it that a query must have escaped.
fn token_to_id(token: &str) -> Option<u64> {
    let id = token.strip_prefix("after+/")?.strip_suffix("==")?;
    id.parse().ok()
}

const OK: &str = "200 OK";

fn said(line: &str, body: &Value) -> Vec<Do> {
    let body = body.to_string();
    vec![status(
        line,
        &["content-type: application/json"],
        body.as_bytes(),
    )]
}

fn html(line: &str) -> Vec<Do> {
    let body = format!(
        "<!DOCTYPE html>\n<html><head><title>{line}</title></head><body>{line}</body></html>"
    );
    vec![status(line, &["content-type: text/html"], body.as_bytes())]
}

fn page(rows: &[Value], total: usize, next: Option<&str>) -> Vec<Do> {
    let mut labels: BTreeMap<String, usize> = BTreeMap::new();
    for row in rows {
        *labels
            .entry(row["label"].as_str().unwrap_or_default().to_owned())
            .or_default() += 1;
    }
    said(
        OK,
        &json!({"success": true, "instances_found": rows.len(), "total_instances": total, "label_counts": labels,
                "next_token": next, "instances": rows}),
    )
}

fn limited_detail(gap: Duration) -> Vec<Do> {
    let text = format!(
        "API requests too frequent endpoint threshold={:.1}",
        gap.as_secs_f64()
    );
    said("429 Too Many Requests", &json!({"detail": text}))
}

/// The moods that need nothing of the state.
fn astray(mood: Mood, key: &str) -> Vec<Do> {
    const LIMITED: &str = "429 Too Many Requests";
    let no = |line: &str, error: &str, msg: &str| {
        said(line, &json!({"success": false, "error": error, "msg": msg}))
    };
    let text = |body: &[u8]| vec![status(OK, &["content-type: application/json"], body)];
    match mood {
        Mood::Limited => vec![status(
            LIMITED,
            &["content-type: text/plain"],
            b"API requests too frequent",
        )],
        Mood::LimitedDetail => limited_detail(Duration::from_secs(1)),
        Mood::LimitedJson => no(
            LIMITED,
            "rate_limit_exceeded",
            "Too many requests, slow down",
        ),
        Mood::LimitedFor(seconds) => {
            let wait = format!("retry-after: {seconds}");
            vec![status(LIMITED, &[&wait], b"API requests too frequent")]
        }
        Mood::Quota(reset) => {
            let reset = reset.map(|at| format!("x-ratelimit-reset: {at}"));
            let reset: Vec<_> = reset.iter().map(String::as_str).collect();
            let body =
                json!({"success": false, "error": "search_quota_exceeded", "msg": "Daily quota"})
                    .to_string();
            vec![status(LIMITED, &reset, body.as_bytes())]
        }
        Mood::SaysNo => no(
            OK,
            "resources_unavailable",
            "Required resources are currently unavailable, state change queued.",
        ),
        Mood::Null => said(OK, &json!({"instances": null})),
        Mood::HtmlForbidden => html("403 Forbidden"),
        Mood::WrongKey => no("401 Unauthorized", "auth_error", "Invalid user key"),
        Mood::WrongKeyAs404 => no("404 Not Found", "auth_error", "Invalid user key"),
        Mood::SessionExpired => said(
            "404 Not Found",
            &json!({"success": false, "msg": "Session expired. Log in again."}),
        ),
        Mood::NoScope => no(
            "403 Forbidden",
            "forbidden",
            "This key has no permission for that",
        ),
        Mood::Retired => no(
            "410 Gone",
            "deprecated_endpoint",
            "/api/v0/instances/ is deprecated. Use /api/v1/instances/ instead.",
        ),
        Mood::Echo => no(
            "400 Bad Request",
            "invalid_request",
            &format!(
                "bad call with key {key} in it, {} and with {key} again",
                "x".repeat(110)
            ),
        ),
        Mood::Garbage => text(b"\x00\xff\x1b[2J{{{{ not json"),
        Mood::Html => html(OK),
        Mood::Empty => text(b""),
        Mood::Truncated => vec![
            raw("HTTP/1.1 200 OK\r\ncontent-length: 5000\r\n\r\n{\"instances\": [{\"id\":"),
            Do::Close,
        ],
        Mood::HalfJson => text(b"{\"success\": true, \"instances\": [{\"id\": 1"),
        Mood::Status(line) => html(line),
        Mood::Redirect(to) => {
            let to = format!("location: {to}");
            vec![status("308 Permanent Redirect", &[&to], b"")]
        }
        Mood::Stall => vec![Do::Stall],
        Mood::Reset => vec![Do::Reset],
        Mood::Flood => text(&vec![b' '; 6 * 1024 * 1024]),
        Mood::Fine
        | Mood::Slow(_)
        | Mood::EndlessPages
        | Mood::RepeatedToken
        | Mood::LostPages(_)
        | Mood::TotalOfAll => unreachable!(),
    }
}

/// The parameters of a target, decoded.
fn parameters(target: &str) -> HashMap<String, String> {
    let query = target.split_once('?').map_or("", |(_, query)| query);
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs
        .map(|(name, value)| (name.to_owned(), decoded(value)))
        .collect()
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'%' => {
                let digits: String = rest.by_ref().take(2).map(char::from).collect();
                bytes.push(u8::from_str_radix(&digits, 16).expect("two digits"));
            }
            b'+' => bytes.push(b' '),
            other => bytes.push(other),
        }
    }
    String::from_utf8(bytes).expect("UTF-8")
}
