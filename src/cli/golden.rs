//! Messages in files, and what is to become of them.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::{fs, io};

use super::given::Given;
use super::json_text::{differences, set_out, short};
use super::rehearsal::Sent;
use crate::adapt::Val;
use crate::stats::Direction;

/// What a case is for, and its files.
#[derive(Debug)]
pub(super) struct Case {
    /// Its files, up to `.in.json`.
    stem: PathBuf,
    /// As it is called.
    pub(super) name: String,
    pub(super) adapter: String,
    pub(super) operation: String,
    pub(super) direction: Direction,
}

/// What became of a message, or is to become of it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Outcome {
    /// What is sent.
    out: Option<Vec<u8>>,
    /// Why nothing is, or nothing more.
    fault: Option<String>,
    /// The head.
    head: Option<String>,
}

const IN: &str = "in";
const OUT: &str = "out";
const VARS: &str = "vars.json";
const HEAD: &str = "head.txt";
const FAULT: &str = "fault.txt";

/// The cases of a folder, by their names, and what is wrong with its files.
pub(super) fn cases(folder: &Path) -> Result<(Vec<Case>, Vec<String>), String> {
    let unread =
        |error: io::Error| format!("{}: cannot read the folder: {error}", folder.display());
    let mut parts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut problems = Vec::new();
    for entry in fs::read_dir(folder).map_err(unread)? {
        let path = entry.map_err(unread)?.path();
        let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
        let kinds = [
            "in.json", "in.sse", "out.json", "out.sse", VARS, HEAD, FAULT,
        ];
        let split = |kind: &&str| name.strip_suffix(*kind)?.strip_suffix('.');
        match kinds.iter().find_map(|kind| Some((split(kind)?, *kind))) {
            Some((stem, kind)) => {
                let known = parts.entry(stem.to_owned()).or_default();
                known.push(kind.to_owned());
            }
            None if name.starts_with('.') => {}
            None => {
                let kinds = "a file here ends in .in.json, .out.json, .in.sse, .out.sse, .vars.json, \
                             .head.txt or .fault.txt";
                problems.push(format!("{}: {kinds}", path.display()));
            }
        }
    }
    let mut cases = Vec::new();
    for (stem, kinds) in &parts {
        match case(folder, stem, kinds) {
            Ok(case) => cases.push(case),
            Err(problem) => problems.push(format!("{}: {problem}", folder.join(stem).display())),
        }
    }
    Ok((cases, problems))
}

fn case(folder: &Path, stem: &str, kinds: &[String]) -> Result<Case, String> {
    let mut parts = stem.splitn(4, '.');
    let (Some(adapter), Some(operation), Some(direction)) =
        (parts.next(), parts.next(), parts.next())
    else {
        return Err("the name is not ADAPTER.OPERATION.DIRECTION[.CASE]".to_owned());
    };
    let mut all = Direction::ALL.into_iter();
    let Some(direction) = all.find(|known| known.as_str() == direction) else {
        let known = "there is request, response, error, event";
        return Err(format!("`{direction}` is no direction: {known}"));
    };
    let has = |kind: &str| kinds.iter().any(|known| known == kind);
    let own = extension(direction);
    let other = if own == "json" { "sse" } else { "json" };
    if [IN, OUT].iter().any(|kind| has(&format!("{kind}.{other}"))) {
        let direction = direction.as_str();
        return Err(format!(
            "the files of a case for `{direction}` end in .{IN}.{own} and .{OUT}.{own}"
        ));
    }
    if !has(&format!("{IN}.{own}")) {
        return Err(format!("there is no .{IN}.{own}"));
    }
    Ok(Case {
        stem: folder.join(stem),
        name: stem.to_owned(),
        adapter: adapter.to_owned(),
        operation: operation.to_owned(),
        direction,
    })
}

fn extension(direction: Direction) -> &'static str {
    match direction {
        Direction::Event => "sse",
        _ => "json",
    }
}

impl Case {
    fn file(&self, kind: &str) -> PathBuf {
        let mut name = self.stem.clone().into_os_string();
        name.push(".");
        name.push(kind);
        name.into()
    }

    fn out_file(&self) -> PathBuf {
        self.file(&format!("{OUT}.{}", extension(self.direction)))
    }

    /// The message.
    ///
    /// # Errors
    ///
    /// It cannot be read.
    pub(super) fn message(&self) -> Result<Vec<u8>, String> {
        let file = self.file(&format!("{IN}.{}", extension(self.direction)));
        let read = read(&file)?;
        let body = read.ok_or_else(|| format!("{}: is gone", file.display()))?;
        // The newline that editors put at the end belongs to no body.
        let is_blank = body.trim_ascii().is_empty();
        Ok(if is_blank { Vec::new() } else { body })
    }

    /// What the message comes with.
    ///
    /// # Errors
    ///
    /// Its file says something else.
    pub(super) fn given(&self) -> Result<Given, String> {
        let file = self.file(VARS);
        let text = read(&file)?.unwrap_or_else(|| b"{}".to_vec());
        let tell = |problem: String| format!("{}: {problem}", file.display());
        let vars = Val::parse(&text).map_err(|fault| tell(fault.detail()))?;
        Given::of(&vars).map_err(tell)
    }

    /// What is to become of it; `None` if nobody has said.
    ///
    /// # Errors
    ///
    /// A file cannot be read.
    pub(super) fn expected(&self) -> Result<Option<Outcome>, String> {
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        let expected = Outcome {
            out: read(&self.out_file())?,
            fault: read(&self.file(FAULT))?.map(text),
            head: read(&self.file(HEAD))?.map(text),
        };
        let is_said = expected.out.is_some() || expected.fault.is_some();
        Ok(is_said.then_some(expected))
    }

    /// Writes what has become of it. Whether that was not there before.
    ///
    /// # Errors
    ///
    /// It cannot be written.
    pub(super) fn update(&self, got: &Outcome) -> Result<bool, String> {
        let head = self.file(HEAD);
        let out = got.out.as_ref().map(|out| self.set_out(out));
        let line = |text: &String| format!("{}\n", text.trim_end()).into_bytes();
        let mut is_new = write(&self.out_file(), out.as_deref())?;
        is_new |= write(&self.file(FAULT), got.fault.as_ref().map(line).as_deref())?;
        if head.exists() {
            is_new |= write(&head, got.head.as_ref().map(line).as_deref())?;
        }
        Ok(is_new)
    }

    fn set_out(&self, out: &[u8]) -> Vec<u8> {
        match Val::parse(out) {
            Ok(value) if self.direction != Direction::Event => {
                let mut json = Vec::new();
                value.write(&mut json);
                set_out(&json)
            }
            _ => out.to_vec(),
        }
    }
}

impl Outcome {
    /// Something is sent.
    pub(super) fn sent(sent: Sent) -> Self {
        Self {
            head: Some(sent.head.join("\n")),
            out: Some(sent.body),
            fault: None,
        }
    }

    /// Nothing is, but what came before.
    pub(super) fn fault(direction: Direction, why: String, so_far: Vec<u8>) -> Self {
        Self {
            out: (direction == Direction::Event).then_some(so_far),
            fault: Some(why),
            head: None,
        }
    }

    /// How this differs from what was to be, a line each.
    pub(super) fn against(&self, expected: &Self, direction: Direction) -> Vec<String> {
        let mut found = Vec::new();
        match (&expected.fault, &self.fault) {
            (Some(left), Some(right)) => found.extend(lines("fault", left, right)),
            (None, Some(why)) => found.push(format!("it cannot be adapted: {}", short(why))),
            (Some(why), None) => found.push(format!(
                "it can be adapted, expected: {}",
                short(why.trim_end())
            )),
            (None, None) => {}
        }
        match (&expected.out, &self.out) {
            (Some(left), Some(right)) => found.extend(bodies(left, right, direction)),
            (None, Some(got)) if expected.fault.is_none() || direction == Direction::Event => {
                let got = String::from_utf8_lossy(got);
                found.push(format!("not expected, got {}", short(&got)));
            }
            _ => {}
        }
        if let (Some(left), Some(right)) = (&expected.head, &self.head) {
            found.extend(lines("head", left, right));
        }
        found
    }
}

fn bodies(expected: &[u8], got: &[u8], direction: Direction) -> Vec<String> {
    if direction != Direction::Event
        && let (Ok(expected), Ok(got)) = (Val::parse(expected), Val::parse(got))
    {
        return differences(&expected, &got);
    }
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    lines("body", &text(expected), &text(got))
}

/// Where two texts differ, line by line; what ends them is no difference.
fn lines(what: &str, expected: &str, got: &str) -> Vec<String> {
    let mut found = Vec::new();
    let (mut left, mut right) = (expected.trim_end().lines(), got.trim_end().lines());
    for number in 1.. {
        let line = |text: &str| short(text);
        found.push(match (left.next(), right.next()) {
            (None, None) => break,
            (left, right) if left == right => continue,
            (Some(left), Some(right)) => format!(
                "{what}, line {number}:\n      expected {}\n      got      {}",
                line(left),
                line(right)
            ),
            (Some(left), None) => {
                format!("{what}, line {number}: missing, expected {}", line(left))
            }
            (None, Some(right)) => {
                format!("{what}, line {number}: not expected, got {}", line(right))
            }
        });
        if found.len() == 8 {
            found.push("and so on".to_owned());
            break;
        }
    }
    found
}

fn read(file: &Path) -> Result<Option<Vec<u8>>, String> {
    match fs::read(file) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(format!("{}: cannot read the file: {error}", file.display())),
    }
}

/// Makes a file have these contents, or not be there. Whether that is new.
fn write(file: &Path, contents: Option<&[u8]>) -> Result<bool, String> {
    let known = read(file)?;
    let done = match contents {
        same if same == known.as_deref() => return Ok(false),
        Some(contents) => fs::write(file, contents),
        None => fs::remove_file(file),
    };
    let tell = |error| format!("{}: cannot write the file: {error}", file.display());
    done.map(|()| true).map_err(tell)
}
