//! What an operation of an adapter makes of one message, without anybody to send it to.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap};
use http::{Method, StatusCode};

use super::adapters::{PATIENCE, unknown};
use super::given::Given;
use crate::adapt::{Taken, escaped};
use crate::snapshot::{Adapter, Asked, EventStream, Job, Misfit, Operation};
use crate::stats::Direction;

/// What would be sent.
#[derive(Debug)]
pub(super) struct Sent {
    /// Its first line, and its header lines.
    pub(super) head: Vec<String>,
    pub(super) body: Vec<u8>,
    /// No program has made it.
    pub(super) passes: bool,
    /// How long the programs took.
    pub(super) took: Duration,
}

/// Why nothing would.
#[derive(Debug)]
pub(super) enum NotSent {
    /// There is no such message.
    Bad(String),
    /// It cannot be adapted.
    Fault {
        why: String,
        /// The events before.
        so_far: Vec<u8>,
    },
}

impl From<String> for NotSent {
    fn from(why: String) -> Self {
        Self::Bad(why)
    }
}

/// What figshift would send in place of a message.
///
/// # Errors
///
/// Nothing.
pub(super) fn rehearse(
    adapter: &Arc<Adapter>,
    at: usize,
    direction: Direction,
    given: &Given,
    body: &[u8],
) -> Result<Sent, NotSent> {
    let operation = &adapter.operations[at];
    let (method, path, taken) = target(adapter, operation, given)?;
    let query: Vec<_> = (given.query.iter())
        .map(|(name, value)| format!("{}={}", escaped(name), escaped(value)))
        .collect();
    let query = Some(query.join("&")).filter(|query| !query.is_empty());
    let mut asked = Asked::new(&taken, query.as_deref(), &given.request_id, given.time);
    let scene = Scene {
        adapter,
        operation,
        given,
    };
    if direction == Direction::Request {
        return scene.request(&method, &path, query.as_deref(), &taken, &asked, body);
    }
    let status = scene.status(direction)?;
    if operation.replies_with_request() {
        let job = scene.job(None, &given.request, &asked, None);
        let lenient = operation.request.is_none();
        let read = Job { lenient, ..job }.work(PATIENCE.get());
        let read = read.map_err(|fault| format!("the body of the request: {}", fault.detail()))?;
        asked.request = read.input;
    }
    match direction {
        Direction::Event => scene.events(at, status, &asked, body),
        _ => scene.response(direction, status, &asked, body),
    }
}

/// The client's method and path, and what the names of that have taken.
fn target(
    adapter: &Adapter,
    operation: &Operation,
    given: &Given,
) -> Result<(Method, String, Taken), String> {
    let known = || operation.client.names();
    let all: Vec<_> = known().collect();
    if let Some((name, _)) = (given.path.iter()).find(|(name, _)| !all.contains(&&**name)) {
        return Err(unknown("name in the path", name, all.iter().copied()));
    }
    let mut taken = Taken::default();
    for name in known() {
        let mut pairs = given.path.iter();
        let Some((_, value)) = pairs.find(|(given, _)| given == name) else {
            return Err(format!(
                "nothing is given for `{{{name}}}` of the path\n    hint: --path {name}=…, or \"path\" in .vars.json"
            ));
        };
        let parts: Vec<_> = value.split('/').map(escaped).collect();
        taken.add(name, &parts.join("/"));
    }
    let method = operation.client.method().cloned().unwrap_or(Method::GET);
    let path = operation.client.fill(&taken);
    match adapter.find(&method, &path) {
        Some((at, taken)) if adapter.operations[at].name == operation.name => {
            Ok((method, path, taken))
        }
        Some((at, _)) => Err(format!(
            "{method} {path} is operation `{}`, which takes it more exactly",
            adapter.operations[at].name
        )),
        None => Err(format!("{method} {path} is not what the operation takes")),
    }
}

struct Scene<'a> {
    adapter: &'a Arc<Adapter>,
    operation: &'a Operation,
    given: &'a Given,
}

impl Scene<'_> {
    fn job(
        &self,
        direction: Option<Direction>,
        body: &[u8],
        asked: &Asked,
        status: Option<StatusCode>,
    ) -> Job {
        let filter = match direction {
            Some(Direction::Request) => &self.operation.request,
            Some(Direction::Error) => &self.operation.error,
            Some(Direction::Response | Direction::Event) => &self.operation.response,
            None => &None,
        };
        Job {
            filter: filter.clone(),
            body: Bytes::copy_from_slice(body),
            coding: None,
            values: asked.values(status),
            most: self.adapter.max_body,
            lenient: direction == Some(Direction::Error),
        }
    }

    /// What a program makes of a body.
    fn work(&self, job: &Job) -> Result<(Vec<u8>, Duration), NotSent> {
        let fault = |why: String| NotSent::Fault {
            why,
            so_far: Vec::new(),
        };
        if job.body.len() > self.adapter.max_body {
            return Err(fault("the body is larger than `max_body`".to_owned()));
        }
        let begun = Instant::now();
        let made = job.work(PATIENCE.get());
        let made = made.map_err(|why| fault(why.detail()))?;
        Ok((made.json, begun.elapsed()))
    }

    fn request(
        &self,
        method: &Method,
        path: &str,
        query: Option<&str>,
        taken: &Taken,
        asked: &Asked,
        body: &[u8],
    ) -> Result<Sent, NotSent> {
        let operation = self.operation;
        let (made, took) = match operation.reads_request() {
            true => {
                let lenient = operation.request.is_none();
                let job = self.job(Some(Direction::Request), body, asked, None);
                self.work(&Job { lenient, ..job })?
            }
            false => (Vec::new(), Duration::ZERO),
        };
        let Some((method, target)) = operation.target(method, taken, query) else {
            let from = query.map_or_else(|| path.to_owned(), |query| format!("{path}?{query}"));
            let why = format!("what {from} becomes is no target that could be sent");
            return Err(NotSent::Fault {
                why,
                so_far: Vec::new(),
            });
        };
        let mut headers = self.given.headers.clone();
        if !body.is_empty() && !headers.contains_key(CONTENT_LENGTH) {
            headers.insert(CONTENT_LENGTH, body.len().into());
        }
        let makes = operation.makes_body();
        operation.dress_request(&mut headers, makes.then_some(made.len()));
        Ok(Sent {
            head: head(format!("{method} {target}"), &headers),
            body: if makes { made } else { body.to_vec() },
            passes: !makes,
            took,
        })
    }

    /// The status of the response.
    fn status(&self, direction: Direction) -> Result<StatusCode, String> {
        let (default, is_one): (u16, fn(u16) -> bool) = match direction {
            Direction::Error => (500, |status| status >= 400),
            _ => (200, |status| (200..300).contains(&status)),
        };
        let status = self.given.status.unwrap_or(default);
        if !is_one(status) {
            let runs = "`response` runs for statuses from 200 to 299, `error` from 400 on";
            return Err(format!("nothing runs for it with status {status}: {runs}"));
        }
        StatusCode::from_u16(status).map_err(|_| format!("{status} is no status"))
    }

    fn response(
        &self,
        direction: Direction,
        status: StatusCode,
        asked: &Asked,
        body: &[u8],
    ) -> Result<Sent, NotSent> {
        let job = self.job(Some(direction), body, asked, Some(status));
        let made = match job.filter.is_some() {
            true => Some(self.work(&job)?),
            false => None,
        };
        let (mut status, mut headers) = (status, self.given.headers.clone());
        let length = body.len();
        (self.operation).dress_response(&mut status, &mut headers, made.is_some());
        match &made {
            Some((json, _)) => Operation::tell_body(&mut headers, json.len()),
            None => {
                headers.entry(CONTENT_LENGTH).or_insert(length.into());
            }
        }
        let passes = made.is_none();
        let (body, took) = made.unwrap_or_else(|| (body.to_vec(), Duration::ZERO));
        Ok(Sent {
            head: head(status.as_u16().to_string(), &headers),
            body,
            passes,
            took,
        })
    }

    fn events(
        &self,
        at: usize,
        status: StatusCode,
        asked: &Asked,
        body: &[u8],
    ) -> Result<Sent, NotSent> {
        if !self.operation.of_events {
            let hint = "add `stream = \"event\"`, or take the direction `response`";
            return Err(NotSent::Bad(format!(
                "the operation has no events\n    hint: {hint}"
            )));
        }
        let mut stream = EventStream::new(Arc::clone(self.adapter), at, asked.values(Some(status)));
        let (mut out, mut took) = (Vec::new(), Duration::ZERO);
        let mut told = |time: Duration, _: Option<&_>| took = took.max(time);
        let fed = stream.push(body, &mut out, &mut told);
        if let Err(misfit) = fed.and_then(|()| stream.end(&mut out, &mut told)) {
            return Err(unfit(&misfit, out));
        }
        let (mut status, mut headers) = (status, self.given.headers.clone());
        let kind = http::HeaderValue::from_static("text/event-stream");
        headers.entry(CONTENT_TYPE).or_insert(kind);
        (self.operation).dress_response(&mut status, &mut headers, true);
        Ok(Sent {
            head: head(status.as_u16().to_string(), &headers),
            body: out,
            passes: false,
            took,
        })
    }
}

fn unfit(misfit: &Misfit, so_far: Vec<u8>) -> NotSent {
    let why = match misfit {
        Misfit::Fault(fault) => fault.detail(),
        Misfit::TooLarge => "an event is larger than `max_body`".to_owned(),
    };
    NotSent::Fault { why, so_far }
}

/// The lines of a head; secrets are not shown.
fn head(first: String, headers: &HeaderMap) -> Vec<String> {
    let mut lines: Vec<_> = (headers.iter())
        .map(|(name, value)| match value.is_sensitive() {
            true => format!("{name}: ***"),
            false => format!("{name}: {}", String::from_utf8_lossy(value.as_bytes())),
        })
        .collect();
    lines.sort();
    lines.insert(0, first);
    lines
}
