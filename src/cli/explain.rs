//! `figshift explain`.

use std::fmt::Write as _;

use clap::Args;

use super::Exit;
use super::ask::Failed;
use super::print::{print, print_json};
use super::reach::Target;
use super::serve::{on_control_runtime, say};
use super::story::story;
use crate::api::{Explanation, is_request_id};

/// The arguments.
#[derive(Debug, Args)]
pub(super) struct Explain {
    /// The x-request-id of its answer; log lines and backends have it too.
    #[arg(value_name = "REQUEST_ID")]
    id: String,
    #[command(flatten)]
    target: Target,
}

/// Tells what became of a request.
pub(super) fn run(args: &Explain) -> Exit {
    let Some(path) = path(&args.id) else {
        let problem = "A request id is 1 to 128 visible ASCII characters, as the header \
                       x-request-id of the answer says it";
        return say(problem, Exit::BadInput);
    };
    let reach = match args.target.reach() {
        Ok(reach) => reach,
        Err(problem) => return say(&problem, Exit::BadInput),
    };
    on_control_runtime(async {
        match reach.ask.get::<Explanation>(&path).await {
            Ok(told) if args.target.json => print_json(&told),
            Ok(told) => print(&story(&told)),
            Err(Failed::Refused(problem)) if problem.reason == "unknown_request" => {
                say(&problem.detail, Exit::No)
            }
            Err(failed) => say(&failed.to_string(), failed.exit()),
        }
    })
}

/// Where it is asked for. `None` for what is no id, or would lead elsewhere in a URL.
fn path(id: &str) -> Option<String> {
    let dots = matches!(id, "." | "..");
    (is_request_id(id) && !dots).then(|| {
        let mut path = "/api/v1/requests/".to_owned();
        for byte in id.bytes() {
            match byte {
                b'-' | b'_' | b'.' | b'~' => path.push(char::from(byte)),
                byte if byte.is_ascii_alphanumeric() => path.push(char::from(byte)),
                byte => write!(path, "%{byte:02X}").unwrap_or_default(),
            }
        }
        path
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_id_becomes_one_part_of_a_path() {
        let part = |id| path(id).map(|path| path.replace("/api/v1/requests/", ""));
        assert_eq!(part("aZ09-_.~").as_deref(), Some("aZ09-_.~"));
        assert_eq!(part("a/b?c#d%e").as_deref(), Some("a%2Fb%3Fc%23d%25e"));
        for wrong in ["", ".", "..", "a b", "ä", "a\n", &"x".repeat(129)] {
            assert_eq!(path(wrong), None, "{wrong:?}");
        }
        assert!(path(&"x".repeat(128)).is_some());
    }
}
