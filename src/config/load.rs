//! From a path or a text to a checked `Config`, or to every problem in it at once.

use std::fs::File;
use std::io::Read;
use std::path::Path as FilePath;

use toml::de::DeTable;

use super::interpolate::{Env, ProcessEnv, interpolate};
use super::model::Config;
use super::problem::{Problem, Problems};
use super::sheet::Sheet;
use super::tree::{self, Path};
use super::{reading, structure, validate};

/// A file that is in order.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// The checked configuration.
    pub config: Config,
    /// The text as written, `${...}` not filled in.
    pub text: String,
}

/// A configuration is a few kilobytes; what is larger is another file.
const LARGEST: usize = 1024 * 1024;

/// A file of noise is no worse for more of them.
const MOST_SYNTAX_ERRORS: usize = 1000;

/// Reads and checks a file, with the environment of this process.
pub fn load(path: &FilePath) -> Result<Loaded, Problems> {
    let file = path.display().to_string();
    let text = read(path, &file)?;
    let config = parse(&text, &file, &ProcessEnv)?;
    Ok(Loaded { config, text })
}

fn read(path: &FilePath, file: &str) -> Result<String, Problems> {
    let mut bytes = Vec::new();
    let limit = LARGEST as u64 + 1;
    File::open(path)
        .and_then(|opened| opened.take(limit).read_to_end(&mut bytes))
        .map_err(|error| {
            let message = format!("cannot read the file: {error}");
            Problems::whole(file, message, "check the path and the permissions")
        })?;
    if bytes.len() > LARGEST {
        return Err(too_large(file));
    }
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let before = error.as_bytes().get(..valid).unwrap_or_default();
        let before = String::from_utf8_lossy(before);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let column = before.get(line_start..).unwrap_or("").chars().count() + 1;
        let problem = Problem {
            line: before.matches('\n').count() + 1,
            column,
            path: String::new(),
            message: "the file is not UTF-8 text from here on".to_owned(),
            hint: Some("save it as UTF-8".to_owned()),
        };
        Problems::new(file, vec![problem])
    })
}

fn too_large(file: &str) -> Problems {
    let message = "the file is larger than 1 MiB".to_owned();
    Problems::whole(file, message, "check that this is the right file")
}

/// Checks a text; `file` is its name in the problems.
pub fn parse(text: &str, file: &str, env: &dyn Env) -> Result<Config, Problems> {
    if text.len() > LARGEST {
        return Err(too_large(file));
    }
    let (table, errors) = DeTable::parse_recoverable(text);
    let (mut tree, unfit) = tree::plant(table);
    let mut sheet = Sheet::new(text, tree.clone());
    let is_sound = errors.is_empty();
    let mut syntax: Vec<Problem> = errors
        .iter()
        .take(MOST_SYNTAX_ERRORS)
        .map(|error| syntax_problem(error, &sheet))
        .collect();
    syntax.sort();
    // What the parser says next about the same line follows from the first.
    syntax.dedup_by_key(|problem| problem.line);

    for unfit in unfit {
        let message = format!("the value {}", unfit.message);
        sheet.note(&unfit.path, unfit.span, message, unfit.hint);
    }
    interpolate(&mut tree, &Path::root(), env, &mut sheet);
    structure::check(&mut tree, &mut sheet, is_sound);
    let mut config = None;
    if is_sound {
        match reading::read::<Config>(tree) {
            Ok(read) => {
                validate::check(&read, &mut sheet);
                config = Some(read);
            }
            // After other problems a refusal comes from what stands in for them.
            Err(refused) if sheet.problems.is_empty() => {
                let span = refused.span.unwrap_or_default();
                sheet.note(&Path::root(), span, refused.message, "");
            }
            Err(_) => {}
        }
    }
    let mut list = sheet.problems;
    if !syntax.is_empty() {
        let tables = table_lines(text);
        let table_of = |line: usize| tables.partition_point(|header| *header <= line);
        // What the parser made of the lines from a broken one to the next table is not what was
        // meant there.
        let is_doubtful = |problem: &Problem| {
            let before = syntax.partition_point(|broken| broken.line <= problem.line);
            let broken = before.checked_sub(1).and_then(|last| syntax.get(last));
            broken.is_some_and(|broken| table_of(broken.line) == table_of(problem.line))
        };
        list.retain(|problem| !is_doubtful(problem));
    }
    list.extend(syntax);
    match config {
        Some(config) if list.is_empty() => Ok(config),
        _ => Err(Problems::new(file, list)),
    }
}

/// The lines that begin a table.
fn table_lines(text: &str) -> Vec<usize> {
    let lines = text.lines().zip(1..);
    let headers = lines.filter(|(line, _)| line.trim_start().starts_with('['));
    headers.map(|(_, line)| line).collect()
}

fn syntax_problem(error: &toml::de::Error, sheet: &Sheet<'_>) -> Problem {
    let (line, column) = sheet.place(error.span().unwrap_or_default().start);
    let message = error.message();
    let hint = if message.starts_with("duplicate key") {
        "a key or table stands only once: remove one, or use [[routes]] for a list"
    } else if message.contains("key with no value") {
        "write `key = value`"
    } else if message.contains("extra `=`") {
        "write one `=` between key and value"
    } else if message.starts_with("invalid basic string")
        || message.starts_with("invalid literal string")
    {
        "close the string on the same line, with the quote that opened it"
    } else if message.contains("unclosed") || message.contains("missing") {
        "close it on the same line"
    } else if message.contains("string values must be quoted") {
        "put the value in quotes"
    } else {
        ""
    };
    Problem {
        line,
        column,
        path: String::new(),
        message: format!("invalid TOML: {message}"),
        hint: (!hint.is_empty()).then(|| hint.to_owned()),
    }
}
