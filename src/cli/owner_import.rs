//! `figshift owner import`.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::Exit;
use super::ask::{Ask, Failed};
use super::columns::plain;
use super::owner::PATH;
use super::print::{print, print_json};
use super::reach::Target;
use super::serve::{on_control_runtime, say};
use crate::api::{Imported, NewOwner};

/// Owners in one request: half of what is taken.
const MOST: usize = 500;
/// Bytes of them, so that the body stays below 64 KiB.
const LARGEST: usize = 60_000;

/// The arguments.
#[derive(Debug, Args)]
pub(super) struct Import {
    /// The file; `-` for standard input.
    file: PathBuf,
    #[command(flatten)]
    target: Target,
}

/// What came of all lines.
#[derive(Debug, Default)]
struct Sum {
    learned: usize,
    known: usize,
    moved: usize,
    /// Not taken, or not to be understood.
    refused: usize,
}

/// Lines that go out together.
#[derive(Debug, Default)]
struct Batch {
    owners: Vec<NewOwner>,
    /// Where each stood in the file, from 1.
    lines: Vec<usize>,
    bytes: usize,
}

/// Why an import ends early.
#[derive(Debug)]
enum Broken {
    File(io::Error),
    House(Failed),
}

/// Tells the house of all owners in a file.
pub(super) fn run(args: &Import) -> Exit {
    let reach = match args.target.reach() {
        Ok(reach) => reach,
        Err(problem) => return say(&problem, Exit::BadInput),
    };
    let name = name(&args.file);
    let lines = match open(&args.file) {
        Ok(lines) => lines,
        Err(error) => return say(&format!("{name}: {error}"), Exit::BadInput),
    };
    on_control_runtime(async {
        let mut sum = Sum::default();
        let ended = import(&reach.ask, lines, &name, &mut sum).await;
        let exit = match &ended {
            Ok(()) if sum.refused == 0 => Exit::Done,
            Ok(()) => Exit::Partial,
            Err(Broken::File(error)) => say(&format!("{name}: {error}"), Exit::BadInput),
            Err(Broken::House(failed)) => say(&failed.to_string(), failed.exit()),
        };
        exit.after(match args.target.json {
            true => print_json(&sum.json()),
            false => print(&sum.line()),
        })
    })
}

fn name(file: &Path) -> String {
    match file.as_os_str() == "-" {
        true => "standard input".to_owned(),
        false => file.display().to_string(),
    }
}

fn open(file: &Path) -> io::Result<Box<dyn BufRead>> {
    Ok(match file.as_os_str() == "-" {
        true => Box::new(BufReader::new(io::stdin())),
        false => Box::new(BufReader::new(File::open(file)?)),
    })
}

async fn import(
    ask: &Ask,
    lines: Box<dyn BufRead>,
    name: &str,
    sum: &mut Sum,
) -> Result<(), Broken> {
    let mut batch = Batch::default();
    for (index, line) in lines.split(b'\n').enumerate() {
        let (line, number) = (line.map_err(Broken::File)?, index + 1);
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let owner = match serde_json::from_slice::<NewOwner>(&line) {
            Ok(owner) => owner,
            Err(error) => {
                sum.refuse(name, number, &error.to_string());
                continue;
            }
        };
        // By what is sent, and not by what was written.
        let bytes = json!(owner).to_string().len() + 1;
        if bytes > LARGEST {
            sum.refuse(name, number, "it is longer than 64 KiB");
            continue;
        }
        if !batch.has_room(bytes) {
            batch.send(ask, name, sum).await?;
        }
        batch.add(owner, number, bytes);
    }
    batch.send(ask, name, sum).await
}

impl Batch {
    fn has_room(&self, bytes: usize) -> bool {
        self.owners.len() < MOST && self.bytes + bytes <= LARGEST
    }

    fn add(&mut self, owner: NewOwner, line: usize, bytes: usize) {
        self.owners.push(owner);
        self.lines.push(line);
        self.bytes += bytes;
    }

    /// Hands them in, and is empty again.
    async fn send(&mut self, ask: &Ask, name: &str, sum: &mut Sum) -> Result<(), Broken> {
        let Self { owners, lines, .. } = std::mem::take(self);
        if owners.is_empty() {
            return Ok(());
        }
        let said = ask.post::<Imported>(PATH, &owners).await;
        let said = said.map_err(Broken::House)?;
        sum.learned += said.learned;
        sum.known += said.known;
        sum.moved += said.moved;
        for refused in &said.refused {
            let line = lines.get(refused.at).copied().unwrap_or(0);
            sum.refuse(name, line, &refused.why);
        }
        Ok(())
    }
}

impl Sum {
    fn refuse(&mut self, name: &str, line: usize, why: &str) {
        self.refused += 1;
        say(&format!("{name}:{line}: {}", plain(why)), Exit::Partial);
    }

    fn line(&self) -> String {
        let Self {
            learned,
            known,
            moved,
            refused,
        } = self;
        format!("{learned} learned, {known} known before, {moved} moved, {refused} not taken\n")
    }

    fn json(&self) -> serde_json::Value {
        json!({
            "learned": self.learned, "known": self.known, "moved": self.moved,
            "refused": self.refused,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_bounded_by_count_and_by_bytes() {
        let owner = || NewOwner {
            rule: "jobs".to_owned(),
            id: "7".to_owned(),
            backend: "old".to_owned(),
            theirs: None,
            ttl_s: None,
        };
        let mut batch = Batch::default();
        while batch.has_room(10) {
            batch.add(owner(), 1, 10);
        }
        assert_eq!(batch.owners.len(), MOST);
        let mut batch = Batch::default();
        batch.add(owner(), 1, LARGEST - 10);
        assert!(batch.has_room(10) && !batch.has_room(11));
    }
}
