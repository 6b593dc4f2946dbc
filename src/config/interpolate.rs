//! `${NAME}`, `${NAME:-default}` and `${file:/path}` inside string values. It happens after the
//! TOML is parsed, so what comes in from outside can never become a key or a table, and problems
//! quote the text as written, so it can never end up in a log either.

use std::io::{self, Read};
use std::path::Path as FilePath;

use super::sheet::{Sheet, quoted};
use super::tree::{Node, Path, Value};

/// Where interpolated values come from.
pub trait Env {
    /// The value of an environment variable, if it is set.
    fn var(&self, name: &str) -> Option<String>;

    /// The content of a file.
    fn file(&self, path: &FilePath) -> io::Result<String>;
}

/// The environment and the files of this process.
#[derive(Debug, Clone, Copy, Default)]
pub struct ProcessEnv;

/// No secret is longer; a wrong path must not pull a disk image into memory.
const LONGEST_FILE: u64 = 64 * 1024;

impl Env for ProcessEnv {
    fn var(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    fn file(&self, path: &FilePath) -> io::Result<String> {
        // A pipe or a device could block the start for ever.
        if !std::fs::metadata(path)?.is_file() {
            return Err(io::Error::other("it is not a regular file"));
        }
        let mut text = String::new();
        let file = std::fs::File::open(path)?;
        file.take(LONGEST_FILE + 1).read_to_string(&mut text)?;
        if text.len() as u64 > LONGEST_FILE {
            return Err(io::Error::other("it is longer than 64 KiB"));
        }
        Ok(text)
    }
}

/// An environment without variables and files: only defaults apply.
#[derive(Debug, Clone, Copy, Default)]
pub struct EmptyEnv;

impl Env for EmptyEnv {
    fn var(&self, _: &str) -> Option<String> {
        None
    }

    fn file(&self, _: &FilePath) -> io::Result<String> {
        Err(io::Error::from(io::ErrorKind::NotFound))
    }
}

/// Fills in every string value below the node; what cannot be filled in becomes a problem.
pub(super) fn interpolate(node: &mut Node, path: &Path, env: &dyn Env, sheet: &mut Sheet<'_>) {
    match &mut node.value {
        Value::Text(text) if text.contains("${") => match fill(text, env) {
            Ok(filled) => *text = filled,
            Err(gap) => sheet.at_value(path, gap.message, &gap.hint),
        },
        Value::List(list) => {
            for (index, node) in list.iter_mut().enumerate() {
                interpolate(node, &path.index(index), env, sheet);
            }
        }
        Value::Table(table) => {
            for (key, entry) in table {
                interpolate(&mut entry.node, &path.key(key), env, sheet);
            }
        }
        _ => {}
    }
}

struct Gap {
    message: String,
    hint: String,
}

impl Gap {
    fn new(message: String, hint: impl Into<String>) -> Self {
        let hint = hint.into();
        Self { message, hint }
    }
}

fn fill(text: &str, env: &dyn Env) -> Result<String, Gap> {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        if let Some(before) = before.strip_suffix('$') {
            // `$${` stands for a plain `${`.
            filled.push_str(before);
            filled.push_str("${");
            rest = after;
            continue;
        }
        let Some((name, tail)) = after.split_once('}') else {
            return Err(Gap::new(
                format!("{} opens a `${{` that is never closed", quoted(text)),
                "close it with `}`, or write `$${` for a plain `${`",
            ));
        };
        filled.push_str(before);
        filled.push_str(&lookup(name, env)?);
        rest = tail;
    }
    filled.push_str(rest);
    Ok(filled)
}

fn lookup(inside: &str, env: &dyn Env) -> Result<String, Gap> {
    if let Some(path) = inside.strip_prefix("file:") {
        return read(path, env);
    }
    let (name, default) = match inside.split_once(":-") {
        Some((name, default)) => (name, Some(default)),
        None => (inside, None),
    };
    if !is_name(name) {
        return Err(Gap::new(
            format!("{} is not the name of a variable", quoted(name)),
            "write `${NAME}`, `${NAME:-default}` or `${file:/path}`, or `$${` for a plain `${`",
        ));
    }
    // As in a shell: `:-` stands in for an empty variable too.
    let value = env
        .var(name)
        .filter(|value| default.is_none() || !value.is_empty());
    value.or_else(|| default.map(str::to_owned)).ok_or_else(|| {
        Gap::new(
            format!("the environment variable `{name}` is not set"),
            format!("set it, or give a default: `${{{name}:-...}}`"),
        )
    })
}

fn read(path: &str, env: &dyn Env) -> Result<String, Gap> {
    let hint = "the path must name a readable text file, such as a mounted secret";
    if path.is_empty() || path.contains('\0') {
        return Err(Gap::new("`${file:}` names no file".to_owned(), hint));
    }
    let mut text = env.file(FilePath::new(path)).map_err(|error| {
        Gap::new(
            format!("cannot read the file {}: {error}", quoted(path)),
            hint,
        )
    })?;
    // Editors and `echo` end a file with a newline that is no part of the secret.
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    Ok(text)
}

fn is_name(name: &str) -> bool {
    let starts_well = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    starts_well && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}
