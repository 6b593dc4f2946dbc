//! `figshift drain`.

use clap::{Args, Subcommand};

use super::Exit;
use super::columns::{Side, columns, plain};
use super::print::{print, print_json};
use super::reach::{Reach, Target};
use super::serve::{on_control_runtime, say};
use crate::api::{BackendDrain, DrainWord, Drains};

/// Where it is asked for.
pub(super) const PATH: &str = "/api/v1/drain";

/// The arguments.
#[derive(Debug, Args)]
pub(super) struct Drain {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show which backends get new requests, which have work left, and which may be stopped.
    ///
    /// With BACKEND, exits with 0 when it is safe to stop it, with 1 when it is not, with 3 when that is not
    /// known, with 2 when there is no such backend, and with 4 when figshift cannot be reached, which says
    /// nothing of the backend. Without one, exits with 0 when they are shown.
    #[command(
        after_help = "Example:\n  figshift drain status legacy && ssh legacy systemctl stop jobs"
    )]
    Status(Status),
}

#[derive(Debug, Args)]
struct Status {
    /// This backend only.
    backend: Option<String>,
    #[command(flatten)]
    target: Target,
}

/// Runs a subcommand.
pub(super) fn run(args: &Drain) -> Exit {
    let Command::Status(args) = &args.command;
    let reach = match args.target.reach() {
        Ok(reach) => reach,
        Err(problem) => return say(&problem, Exit::BadInput),
    };
    on_control_runtime(status(&reach, args))
}

async fn status(reach: &Reach, args: &Status) -> Exit {
    let told = match reach.ask.get::<Drains>(PATH).await {
        Ok(told) => told,
        Err(failed) if failed.is_house() => {
            let what = args.backend.as_deref().unwrap_or("every backend");
            let problem = format!("{failed}\nthe state of {what} is unknown, and not drained");
            return say(&problem, Exit::Unreachable);
        }
        Err(failed) => return say(&failed.to_string(), failed.exit()),
    };
    let Some(name) = &args.backend else {
        return match args.target.json {
            true => print_json(&told),
            false => print(&page(&told.backends)),
        };
    };
    let Some(backend) = told.backends.iter().find(|known| known.backend == *name) else {
        let names = told.backends.iter().map(|known| known.backend.as_str());
        let names: Vec<&str> = names.collect();
        let problem = format!("there is no such backend; there are: {}", names.join(", "));
        return say(&problem, Exit::BadInput);
    };
    exit_of(backend).after(match args.target.json {
        true => print_json(backend),
        false => print(&page(std::slice::from_ref(backend))),
    })
}

fn exit_of(backend: &BackendDrain) -> Exit {
    match (backend.state, backend.safe_to_stop) {
        (DrainWord::Unknown, _) => Exit::Partial,
        (_, true) => Exit::Done,
        (_, false) => Exit::No,
    }
}

/// A table, and below it the sentences of each.
fn page(backends: &[BackendDrain]) -> String {
    let head = [
        ("BACKEND", Side::Left),
        ("STATE", Side::Left),
        ("SAFE TO STOP", Side::Left),
        ("LIVE", Side::Right),
        ("DONE", Side::Right),
        ("OLDEST LIVE", Side::Left),
        ("IN FLIGHT", Side::Right),
        ("TUNNELS", Side::Right),
    ];
    let rows: Vec<_> = backends.iter().map(row).collect();
    let mut text = columns(head, &rows);
    for backend in backends.iter().filter(|one| !one.because.is_empty()) {
        text += &format!("\n{}:\n", plain(&backend.backend));
        for sentence in &backend.because {
            text += &format!("  {}\n", plain(sentence));
        }
    }
    text
}

fn row(backend: &BackendDrain) -> [String; 8] {
    let owned = || backend.owned.iter();
    let done: usize = owned().map(|owned| owned.done).sum();
    // Moments of one form: the least text is the earliest.
    let oldest = owned()
        .filter_map(|owned| owned.oldest_live.as_deref())
        .min();
    [
        plain(&backend.backend),
        word(backend.state).to_owned(),
        match (backend.state, backend.safe_to_stop) {
            (DrainWord::Unknown, _) => "unknown",
            (_, true) => "yes",
            (_, false) => "no",
        }
        .to_owned(),
        backend.live.to_string(),
        done.to_string(),
        oldest.unwrap_or("-").to_owned(),
        backend.in_flight.to_string(),
        backend.tunnels_open.to_string(),
    ]
}

fn word(state: DrainWord) -> &'static str {
    match state {
        DrainWord::Serving => "serving",
        DrainWord::Draining => "draining",
        DrainWord::Unknown => "unknown",
        DrainWord::Drained => "drained",
    }
}

/// The line of `status`: what is live at each backend. None without a rule.
pub(super) fn line(told: &Drains) -> Option<String> {
    let backends = told.backends.iter().map(|backend| {
        let (name, state) = (plain(&backend.backend), word(backend.state));
        format!("{name} {} live ({state})", backend.live)
    });
    let backends: Vec<_> = backends.collect();
    let rules = plain(&told.rules.join(", "));
    (!told.rules.is_empty()).then(|| format!("ownership of {rules}: {}\n", backends.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{OwnersTable, RuleDrain};

    fn backend(name: &str, state: DrainWord, safe_to_stop: bool) -> BackendDrain {
        let owned = |rule: &str, live, done, oldest: Option<&str>| RuleDrain {
            rule: rule.to_owned(),
            live,
            done,
            oldest_live: oldest.map(str::to_owned),
        };
        BackendDrain {
            backend: name.to_owned(),
            state,
            safe_to_stop,
            because: vec!["one\u{1b}[2J".to_owned()],
            live: 3,
            owned: vec![
                owned("jobs", 2, 1, Some("2025-03-04T09:12:44Z")),
                owned("runs", 1, 4, Some("2025-03-04T09:12:43Z")),
                owned("none", 0, 0, None),
            ],
            in_flight: 7,
            tunnels_open: 0,
        }
    }

    #[test]
    fn the_exit_code_is_the_answer() {
        for (state, safe, exit) in [
            (DrainWord::Serving, false, Exit::No),
            (DrainWord::Draining, false, Exit::No),
            (DrainWord::Unknown, false, Exit::Partial),
            // No figshift says so, and it would not be believed.
            (DrainWord::Unknown, true, Exit::Partial),
            (DrainWord::Drained, false, Exit::No),
            (DrainWord::Drained, true, Exit::Done),
        ] {
            assert_eq!(
                exit_of(&backend("new", state, safe)),
                exit,
                "{state:?} {safe}"
            );
        }
    }

    #[test]
    fn sums_and_sentences_are_shown() {
        let text = page(&[backend("new", DrainWord::Draining, false)]);
        let expected = "\
            BACKEND  STATE     SAFE TO STOP  LIVE  DONE  OLDEST LIVE           IN FLIGHT  TUNNELS\n\
            new      draining  no               3     5  2025-03-04T09:12:43Z          7        0\n\
            \nnew:\n  one[2J\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn status_has_a_line_where_there_are_rules() {
        let mut told = Drains {
            rules: Vec::new(),
            table: OwnersTable {
                entries: 3,
                capacity: 9,
                since: String::new(),
                blind_until: None,
                on_disk: true,
                waiting: 0,
                evicted_live: 0,
                refused: 0,
                write_errors: 0,
            },
            backends: vec![
                backend("old", DrainWord::Serving, false),
                backend("new", DrainWord::Unknown, false),
            ],
        };
        assert_eq!(line(&told), None);
        told.rules = vec!["jobs".to_owned(), "runs".to_owned()];
        assert_eq!(
            line(&told).as_deref(),
            Some("ownership of jobs, runs: old 3 live (serving), new 3 live (unknown)\n")
        );
    }
}
