//! `figshift owner`.

use std::fmt::Write as _;

use clap::{Args, Subcommand};

use super::ask::Failed;
use super::columns::{Side, columns, plain};
use super::print::{print, print_json};
use super::reach::{Reach, Target};
use super::serve::{on_control_runtime, say};
use super::{Exit, owner_import};
use crate::api::{Forgotten, LiveOwner, LiveOwners, Owner as Known};

/// Where owners are asked for.
pub(super) const PATH: &str = "/api/v1/owners";
/// The longest id, in bytes.
const LONGEST_ID: usize = 256;

/// The arguments.
#[derive(Debug, Args)]
pub(super) struct Owner {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Tell which backend owns an id.
    ///
    /// Asking counts as a use of it: its time to live begins again. Exits with 0 when the owner is known,
    /// with 1 when not, with 4 without an answer.
    #[command(after_help = "Example:\n  figshift owner show jobs 7f3c9a01")]
    Show(One),
    /// List what is live at a backend: what would be lost with it.
    ///
    /// At most 10000 are listed; then standard error says how many there are, and the exit code is 3.
    #[command(after_help = "Example:\n  figshift owner list legacy --json | jq -r '.owners[].id'")]
    List(List),
    /// Learn owners from a file, such as of jobs that were made before there was a rule, or were moved.
    ///
    /// Each line is a JSON object: rule, id, backend; \"as\" for the id that it has there if that is another one;
    /// ttl_s. Lines that cannot be used are told by their number and left out. Exits with 0 when all were
    /// taken, with 2 when the file cannot be read, with 3 when some were not taken, with 4 without an answer.
    #[command(
        after_help = "Example:\n  echo '{\"rule\": \"jobs\", \"id\": \"7f3c\", \"backend\": \"legacy\"}' | figshift owner import -"
    )]
    Import(owner_import::Import),
    /// Forget who owns an id: its next use is that of an id that nobody has seen.
    ///
    /// Exits with 0 when it was known, with 1 when not, with 4 without an answer.
    #[command(after_help = "Example:\n  figshift owner forget jobs 7f3c9a01")]
    Forget(One),
}

#[derive(Debug, Args)]
struct One {
    /// The rule, as the file names it.
    rule: String,
    /// The id as clients know it.
    id: String,
    #[command(flatten)]
    target: Target,
}

#[derive(Debug, Args)]
struct List {
    /// Whose.
    backend: String,
    #[command(flatten)]
    target: Target,
}

/// Runs a subcommand.
pub(super) fn run(args: &Owner) -> Exit {
    match &args.command {
        Command::Show(one) => with(&one.target, |reach| show(reach, one)),
        Command::List(args) => with(&args.target, |reach| list(reach, args)),
        Command::Import(args) => owner_import::run(args),
        Command::Forget(one) => with(&one.target, |reach| forget(reach, one)),
    }
}

fn with<F: Future<Output = Exit>>(target: &Target, command: impl FnOnce(Reach) -> F) -> Exit {
    match target.reach() {
        Ok(reach) => on_control_runtime(command(reach)),
        Err(problem) => say(&problem, Exit::BadInput),
    }
}

async fn show(reach: Reach, one: &One) -> Exit {
    let Some(path) = path(&one.rule, &one.id) else {
        return say(NO_ID, Exit::BadInput);
    };
    match reach.ask.get::<Known>(&path).await {
        Ok(known) if one.target.json => print_json(&known),
        Ok(known) => print(&sentence(&known)),
        Err(failed) => say(&failed.to_string(), exit_of(&failed)),
    }
}

async fn forget(reach: Reach, one: &One) -> Exit {
    let Some(path) = path(&one.rule, &one.id) else {
        return say(NO_ID, Exit::BadInput);
    };
    match reach.ask.delete::<Forgotten>(&path).await {
        Ok(gone) if one.target.json => print_json(&gone),
        Ok(gone) => {
            let (rule, id) = (plain(&gone.rule), plain(&gone.id));
            print(&format!(
                "nobody is known to own {id} of rule {rule} any more\n"
            ))
        }
        Err(failed) => say(&failed.to_string(), exit_of(&failed)),
    }
}

async fn list(reach: Reach, args: &List) -> Exit {
    let path = format!("{PATH}?backend={}", encoded(&args.backend));
    let told = match reach.ask.get::<LiveOwners>(&path).await {
        Ok(told) => told,
        Err(failed) => return say(&failed.to_string(), failed.exit()),
    };
    let printed = match args.target.json {
        true => print_json(&told),
        false => print(&table(&told.owners)),
    };
    let exit = match told.truncated {
        true => say(
            &format!("{} of {} are listed", told.owners.len(), told.live),
            Exit::Partial,
        ),
        false => Exit::Done,
    };
    exit.after(printed)
}

/// What is not known is an answer.
fn exit_of(failed: &Failed) -> Exit {
    match failed {
        Failed::Refused(problem) if problem.reason == "unknown_owner" => Exit::No,
        failed => failed.exit(),
    }
}

fn sentence(known: &Known) -> String {
    let theirs = known.theirs.as_deref().map(plain);
    let theirs = theirs.map(|theirs| format!(", where it is {theirs}"));
    let learned = known.learned.as_deref().map(plain);
    let learned = learned.map_or_else(
        || ", as its prefix says".to_owned(),
        |learned| format!(", learned {learned}"),
    );
    format!(
        "{} of rule {}: {}{}{learned}, {}\n",
        plain(&known.id),
        plain(&known.rule),
        plain(&known.backend),
        theirs.unwrap_or_default(),
        match (known.done, known.learned.is_some()) {
            (true, _) => "done",
            (false, true) => "live",
            (false, false) => "live or not",
        },
    )
}

fn table(owners: &[LiveOwner]) -> String {
    if owners.is_empty() {
        return "nothing live is known there\n".to_owned();
    }
    let head = [
        ("RULE", Side::Left),
        ("ID", Side::Left),
        ("AS", Side::Left),
        ("LEARNED", Side::Left),
        ("BY", Side::Left),
    ];
    let or = |text: &Option<String>, other: &str| {
        text.as_deref().map_or_else(|| other.to_owned(), plain)
    };
    let rows: Vec<_> = owners
        .iter()
        .map(|owner| {
            [
                plain(&owner.rule),
                or(&owner.id, "(its text was lost)"),
                or(&owner.theirs, "-"),
                plain(&owner.learned),
                or(&owner.origin, "-"),
            ]
        })
        .collect();
    columns(head, &rows)
}

const NO_ID: &str = "an id has 1 to 256 bytes, a rule the name that the file gives it";

/// Where it is asked for. `None` for what is no id, or would lead elsewhere in a URL.
fn path(rule: &str, id: &str) -> Option<String> {
    let is_part =
        |text: &str| (1..=LONGEST_ID).contains(&text.len()) && !matches!(text, "." | "..");
    (is_part(rule) && is_part(id)).then(|| format!("{PATH}/{}/{}", encoded(rule), encoded(id)))
}

/// As one part of a URL.
fn encoded(text: &str) -> String {
    let mut part = String::new();
    for byte in text.bytes() {
        match byte {
            b'-' | b'_' | b'.' | b'~' => part.push(char::from(byte)),
            byte if byte.is_ascii_alphanumeric() => part.push(char::from(byte)),
            byte => write!(part, "%{byte:02X}").unwrap_or_default(),
        }
    }
    part
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_id_becomes_one_part_of_a_path() {
        let made = path("jobs", "a/b?c d%\u{e4}");
        assert_eq!(
            made.as_deref(),
            Some("/api/v1/owners/jobs/a%2Fb%3Fc%20d%25%C3%A4")
        );
        for (rule, id) in [("jobs", ""), ("", "7"), ("jobs", ".."), (".", "7")] {
            assert_eq!(path(rule, id), None, "{rule:?} {id:?}");
        }
        assert!(path("jobs", &"x".repeat(256)).is_some());
        assert_eq!(path("jobs", &"x".repeat(257)), None);
    }

    #[test]
    fn an_owner_is_told_in_a_sentence() {
        let mut known = Known {
            rule: "jobs".to_owned(),
            id: "7".to_owned(),
            backend: "new".to_owned(),
            theirs: Some("n7".to_owned()),
            done: true,
            learned: Some("2025-03-04T09:12:44Z".to_owned()),
        };
        assert_eq!(
            sentence(&known),
            "7 of rule jobs: new, where it is n7, learned 2025-03-04T09:12:44Z, done\n"
        );
        (known.done, known.learned) = (false, None);
        assert_eq!(
            sentence(&known),
            "7 of rule jobs: new, where it is n7, as its prefix says, live or not\n"
        );
    }
}
