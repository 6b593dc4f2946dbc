//! From a path or a text to a checked `Config`, or to every problem in it at once.

use std::fs::File;
use std::io::Read;
use std::path::Path as FilePath;

use toml::de::DeTable;

use super::interpolate::{Env, ProcessEnv, interpolate};
use super::model::Config;
use super::problem::{Problem, Problems};
use super::sheet::Sheet;
use super::tree::{self, Node, Path};
use super::{reading, structure, syntax, validate};

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
    let syntax = syntax::problems(&errors, &sheet);
    for unfit in unfit {
        let message = format!("the value {}", unfit.message);
        sheet.note(&unfit.path, unfit.span, message, unfit.hint);
    }
    interpolate(&mut tree, &Path::root(), env, &mut sheet);
    structure::check(&mut tree, &mut sheet, syntax.is_empty());
    if !syntax.is_empty() {
        let mut list = sheet.problems;
        syntax::drop_doubtful(&mut list, &syntax, text);
        list.extend(syntax);
        return Err(Problems::new(file, list));
    }
    match understand(tree, &mut sheet) {
        Some(config) if sheet.problems.is_empty() => Ok(config),
        _ => Err(Problems::new(file, sheet.problems)),
    }
}

/// Reads the model from a tree and checks what it means. Where problems were found before, what
/// stands in for the bad values is read, so that the others are checked too.
fn understand(tree: Node, sheet: &mut Sheet<'_>) -> Option<Config> {
    match reading::read::<Config>(tree) {
        Ok(config) => {
            validate::check(&config, sheet);
            Some(config)
        }
        Err(refused) => {
            // Only if model and schema disagree. Serde quotes values, which may be secrets.
            if sheet.problems.is_empty() {
                let span = refused.span.unwrap_or_default();
                let message = match sheet.is_interpolated() {
                    true => "a value does not fit here".to_owned(),
                    false => refused.message,
                };
                sheet.note(
                    &Path::root(),
                    span,
                    message,
                    "see config/full.toml for an example",
                );
            }
            None
        }
    }
}
