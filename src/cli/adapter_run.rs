//! `figshift adapter run`.

use std::io::{self, IsTerminal as _, Read as _, Write as _};
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::{Args, ValueEnum};
use http::header::{HeaderMap, HeaderName, HeaderValue};

use super::Exit;
use super::adapters::Adapters;
use super::given::{Given, REQUEST_ID};
use super::json_text::set_out;
use super::rehearsal::{NotSent, Sent, rehearse};
use super::serve::say;
use crate::adapt::Val;
use crate::config::model::{Adapter, WhenUnfit};
use crate::stats::Direction;

/// The arguments.
#[derive(Debug, Args)]
pub(super) struct Run {
    /// The adapter and its operation, with a dot between them.
    #[arg(value_name = "NAME.OP")]
    operation: String,
    /// What stands on standard input.
    direction: Way,
    /// The configuration file.
    #[arg(long, value_name = "FILE", default_value = "figshift.toml")]
    config: PathBuf,
    /// What a name of the path stands for; once for each.
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    path: Vec<(String, String)>,
    /// A parameter of the query.
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    query: Vec<(String, String)>,
    /// A header line of the message.
    #[arg(long, short = 'H', value_name = "NAME: VALUE", value_parser = header)]
    header: Vec<(HeaderName, HeaderValue)>,
    /// The status of the response; 200 if nothing is said, 500 for an error.
    #[arg(long, value_name = "N")]
    status: Option<u16>,
    /// The body of the request to which a response belongs, for programs with $request.
    #[arg(long, value_name = "FILE")]
    request_body: Option<PathBuf>,
    /// What the request is called.
    #[arg(long, value_name = "ID", default_value = REQUEST_ID)]
    request_id: String,
    /// When it came, in seconds of Unix time; now if nothing is said.
    #[arg(long, value_name = "UNIX")]
    time: Option<u64>,
    /// Show the head too.
    #[arg(long)]
    head: bool,
}

/// What a message is.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Way {
    /// What a client sends.
    Request,
    /// What the backend answers with a status from 200 to 299.
    Response,
    /// What it answers with a status from 400 on.
    Error,
    /// A stream of events.
    Event,
}

impl From<Way> for Direction {
    fn from(way: Way) -> Self {
        match way {
            Way::Request => Self::Request,
            Way::Response => Self::Response,
            Way::Error => Self::Error,
            Way::Event => Self::Event,
        }
    }
}

fn pair(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=').filter(|(name, _)| !name.is_empty());
    let pair = pair.map(|(name, value)| (name.to_owned(), value.to_owned()));
    pair.ok_or_else(|| "write a name, `=` and a value".to_owned())
}

fn header(text: &str) -> Result<(HeaderName, HeaderValue), String> {
    let pair = text.split_once(':').and_then(|(name, value)| {
        let name = HeaderName::from_bytes(name.trim().as_bytes()).ok()?;
        Some((name, HeaderValue::from_str(value.trim()).ok()?))
    });
    pair.ok_or_else(|| "write a header line: \"x-user: 7\"".to_owned())
}

/// Runs it.
pub(super) fn run(args: &Run) -> Exit {
    let adapters = match Adapters::load(&args.config) {
        Ok(adapters) => adapters,
        Err(problems) => return say(&problems.to_string(), Exit::BadInput),
    };
    let Some((name, operation)) = args.operation.split_once('.') else {
        let text = format!(
            "`{}` is no operation\n    hint: write NAME.OP; `figshift adapter check` lists them",
            args.operation
        );
        return say(&text, Exit::BadInput);
    };
    let (adapter, at) = match adapters.find(name, operation) {
        Ok(found) => found,
        Err(why) => return say(&format!("{}: {why}", args.config.display()), Exit::BadInput),
    };
    let (given, body) = match args.given() {
        Ok(read) => read,
        Err(why) => return say(&why, Exit::BadInput),
    };
    let direction = Direction::from(args.direction);
    let Some(written) = adapters.written.get(name) else {
        return Exit::BadInput;
    };
    match rehearse(adapter, at, direction, &given, &body) {
        Ok(sent) => args.show(&sent, written),
        Err(NotSent::Bad(why)) => say(&why, Exit::BadInput),
        Err(NotSent::Fault { why, so_far }) => {
            let shown = put(&so_far);
            let place = match direction {
                Direction::Event => "response",
                other => other.as_str(),
            };
            let file = args.config.display();
            let then = then(direction, written);
            let key = format!("adapters.{name}.operations.{operation}.{place}");
            say(&format!("{file}: {key}: {why}\n    {then}"), Exit::No).after(shown)
        }
    }
}

/// What becomes of a message on live traffic that cannot be adapted.
fn then(direction: Direction, adapter: &Adapter) -> &'static str {
    match direction {
        Direction::Request if adapter.on_error == WhenUnfit::Fail => {
            "the client would get a 502, or a 4xx for a body that is no JSON or too large"
        }
        Direction::Request => "the request would go to the other side of its route, as it is",
        Direction::Response => {
            "it would be tried elsewhere if a repetition does no harm, and else be a 502"
        }
        Direction::Error => "the client would get what the backend has sent, as it is",
        Direction::Event => "the stream would break off here",
    }
}

impl Run {
    fn given(&self) -> Result<(Given, Vec<u8>), String> {
        let request = match &self.request_body {
            Some(file) => std::fs::read(file)
                .map_err(|error| format!("{}: cannot read the file: {error}", file.display()))?,
            None => Vec::new(),
        };
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = since.map_or(0, |since| since.as_secs());
        let mut headers = HeaderMap::new();
        for (name, value) in &self.header {
            headers.append(name, value.clone());
        }
        let mut body = Vec::new();
        let mut input = io::stdin();
        if !input.is_terminal() {
            let read = input.read_to_end(&mut body);
            read.map_err(|error| format!("cannot read standard input: {error}"))?;
        }
        let given = Given {
            path: self.path.clone(),
            query: self.query.clone(),
            headers,
            status: self.status,
            request,
            request_id: self.request_id.clone(),
            time: self.time.unwrap_or(now),
        };
        Ok((given, body))
    }

    fn show(&self, sent: &Sent, written: &Adapter) -> Exit {
        if sent.passes {
            let note = "note: there is no program for this, so the body passes as it is";
            if say(note, Exit::Done) != Exit::Done {
                return Exit::Unreachable;
            }
        }
        let (took, deadline) = (sent.took, written.deadline.get());
        if took > deadline {
            let note = format!("note: it took {took:.1?} here; `deadline` is {deadline:?}");
            if say(&note, Exit::Done) != Exit::Done {
                return Exit::Unreachable;
            }
        }
        let mut out = Vec::new();
        if self.head {
            out.extend_from_slice(sent.head.join("\n").as_bytes());
            out.extend_from_slice(b"\n\n");
        }
        let is_json = !matches!(self.direction, Way::Event);
        match Val::parse(&sent.body) {
            Ok(value) if is_json && io::stdout().is_terminal() => {
                let mut json = Vec::new();
                value.write(&mut json);
                out.extend_from_slice(&set_out(&json));
            }
            _ => out.extend_from_slice(&sent.body),
        }
        put(&out)
    }
}

/// Prints bytes as they are.
fn put(bytes: &[u8]) -> Exit {
    let mut out = io::stdout();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Ok(()) => Exit::Done,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Done,
        Err(_) => Exit::Unreachable,
    }
}
