//! `figshift adapter test`.

use std::path::PathBuf;

use clap::Args;

use super::Exit;
use super::adapters::Adapters;
use super::golden::{Case, Outcome, cases};
use super::print::print;
use super::rehearsal::{NotSent, rehearse};
use super::serve::say;

/// The arguments.
#[derive(Debug, Args)]
pub(super) struct Test {
    /// The folder with the pairs.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// The configuration file.
    #[arg(long, value_name = "FILE", default_value = "figshift.toml")]
    config: PathBuf,
    /// Write what comes out as what should, instead of comparing; look at it before you keep it.
    #[arg(long)]
    update: bool,
}

/// What came of all cases.
#[derive(Default)]
struct Tally {
    same: usize,
    written: usize,
    /// A block of lines for each.
    differ: Vec<String>,
    problems: Vec<String>,
}

/// Runs it.
pub(super) fn run(args: &Test) -> Exit {
    let adapters = match Adapters::load(&args.config) {
        Ok(adapters) => adapters,
        Err(problems) => return say(&problems.to_string(), Exit::BadInput),
    };
    let (cases, problems) = match cases(&args.folder) {
        Ok(found) => found,
        Err(why) => return say(&why, Exit::BadInput),
    };
    let mut tally = Tally {
        problems,
        ..Tally::default()
    };
    if cases.is_empty() && tally.problems.is_empty() {
        let text = format!("{}: there are no .in.json here", args.folder.display());
        tally.problems.push(text);
    }
    for case in &cases {
        if let Err(why) = one(&adapters, case, args.update, &mut tally) {
            tally.problems.push(format!("{}: {why}", case.name));
        }
    }
    tally.tell()
}

fn one(adapters: &Adapters, case: &Case, updates: bool, tally: &mut Tally) -> Result<(), String> {
    let (adapter, at) = adapters.find(&case.adapter, &case.operation)?;
    let (given, message) = (case.given()?, case.message()?);
    let got = match rehearse(adapter, at, case.direction, &given, &message) {
        Ok(sent) => Outcome::sent(sent),
        Err(NotSent::Fault { why, so_far }) => Outcome::fault(case.direction, why, so_far),
        Err(NotSent::Bad(why)) => return Err(why),
    };
    if updates {
        match case.update(&got)? {
            true => tally.written += 1,
            false => tally.same += 1,
        }
        return Ok(());
    }
    let expected = case.expected()?;
    let expected = expected.ok_or(
        "nobody has said what comes out\n    hint: write its .out file, or all by --update",
    )?;
    let differences = got.against(&expected, case.direction);
    match differences.is_empty() {
        true => tally.same += 1,
        false => {
            let lines: Vec<_> = differences
                .iter()
                .map(|line| format!("\n    {line}"))
                .collect();
            tally
                .differ
                .push(format!("{}: differs{}", case.name, lines.concat()));
        }
    }
    Ok(())
}

impl Tally {
    fn tell(&self) -> Exit {
        let count = |number: usize, one: &str, many: &str| match number {
            1 => format!("1 {one}"),
            _ => format!("{number} {many}"),
        };
        let mut counts = vec![format!("{} same", self.same)];
        if self.written > 0 {
            counts.push(format!("{} written", self.written));
        }
        if !self.differ.is_empty() {
            counts.push(count(self.differ.len(), "differs", "differ"));
        }
        if !self.problems.is_empty() {
            counts.push(count(self.problems.len(), "problem", "problems"));
        }
        let mut told = self.differ.join("\n");
        if !told.is_empty() {
            told.push('\n');
        }
        let printed = print(&format!("{told}{}\n", counts.join(", ")));
        let exit = match (self.problems.is_empty(), self.differ.is_empty()) {
            (false, _) => Exit::BadInput,
            (true, false) => Exit::No,
            (true, true) => Exit::Done,
        };
        let said = match self.problems.is_empty() {
            true => exit,
            false => say(&self.problems.join("\n"), exit),
        };
        said.after(printed)
    }
}
