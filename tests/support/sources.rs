//! The sources as the house rules see them: each file with comments and literals blanked out, and
//! with the lines marked that exist only in tests. A reader of its own, because the rules speak of
//! words and lines and need no syntax tree.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// One file under `src/`.
#[derive(Debug, Default)]
pub(crate) struct Source {
    /// From `src/` on, with slashes.
    pub(crate) path: String,
    pub(crate) text: String,
    /// The same lines without comments, string literals and character literals.
    pub(crate) code: Vec<String>,
    /// For each line, whether it is compiled into tests only.
    pub(crate) test: Vec<bool>,
}

impl Source {
    pub(crate) fn new(path: &str, text: &str) -> Self {
        let blanked = blank(text);
        Self {
            path: path.to_owned(),
            text: text.to_owned(),
            test: test_lines(&blanked),
            code: blanked.lines().map(str::to_owned).collect(),
        }
    }

    /// The top-level module it belongs to.
    pub(crate) fn room(&self) -> &str {
        let first = self.path.split('/').next().unwrap_or_default();
        first.strip_suffix(".rs").unwrap_or(first)
    }

    /// The lines of code that are in the program, numbered from 1.
    pub(crate) fn program(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.code.iter().zip(&self.test).enumerate();
        lines
            .filter(|(_, (_, test))| !**test)
            .map(|(index, (line, _))| (index + 1, line.as_str()))
    }

    /// The code of the program with test lines left empty.
    pub(crate) fn program_text(&self) -> String {
        let lines = self.code.iter().zip(&self.test);
        lines
            .map(|(line, test)| {
                if *test {
                    "\n".into()
                } else {
                    format!("{line}\n")
                }
            })
            .collect()
    }

    /// Files that its `mod name;` lines may mean, with whether they are tests.
    fn children(&self) -> Vec<(String, bool)> {
        let path = Path::new(&self.path);
        let folder = path.parent().unwrap_or(Path::new(""));
        let stem = path.file_stem().and_then(|s| s.to_str()).unwrap_or("");
        let below = match stem {
            "mod" | "lib" | "main" => folder.to_owned(),
            _ => folder.join(stem),
        };
        let mut children = Vec::new();
        let mut given: Option<PathBuf> = None;
        let written = self.text.lines().zip(self.code.iter().zip(&self.test));
        for (written, (line, test)) in written {
            if line.trim_start().starts_with("#[path") {
                given = written.split('"').nth(1).map(|file| folder.join(file));
            }
            let Some(name) = line.trim_end().strip_suffix(';').and_then(module_name) else {
                continue;
            };
            let files = match given.take() {
                Some(file) => vec![file],
                None => vec![
                    below.join(format!("{name}.rs")),
                    below.join(name).join("mod.rs"),
                ],
            };
            let files = files.iter().map(|file| slashed(file));
            children.extend(files.map(|file| (file, *test)));
        }
        children
    }
}

/// `name` in `pub(crate) mod name`.
fn module_name(item: &str) -> Option<&str> {
    let mut words = item.split_whitespace().rev();
    let name = words.next()?;
    (words.next()? == "mod").then_some(name)
}

fn slashed(path: &Path) -> String {
    path.to_string_lossy().replace('\\', "/")
}

/// All files under `src/`, in order.
pub(crate) fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    collect(&root, &mut files);
    files.sort();
    let mut sources: Vec<_> = files
        .iter()
        .map(|file| {
            let name = slashed(file.strip_prefix(&root).unwrap());
            Source::new(&name, &fs::read_to_string(file).unwrap())
        })
        .collect();
    assert!(sources.len() > 50, "the sources are not where they were");
    mark_test_files(&mut sources);
    sources
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|end| end == "rs") {
            files.push(path);
        }
    }
}

/// What a test module names is a test, too, and so is what that one names.
fn mark_test_files(sources: &mut [Source]) {
    let mut known = BTreeSet::new();
    loop {
        let children = sources.iter().flat_map(Source::children);
        let tests: BTreeSet<_> = children.filter(|child| child.1).map(|c| c.0).collect();
        if tests == known {
            return;
        }
        for source in sources.iter_mut() {
            if tests.contains(&source.path) {
                source.test.fill(true);
            }
        }
        known = tests;
    }
}

/// The text with comments and literals as blanks; lines stay where they are.
pub(crate) fn blank(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        let end = literal_end(&chars, at);
        if end == at {
            out.push(chars[at]);
            at += 1;
            // The rest of a word is no prefix of a literal.
            while is_word(chars[at - 1]) && chars.get(at).is_some_and(|c| is_word(*c)) {
                out.push(chars[at]);
                at += 1;
            }
            continue;
        }
        let blanks = chars[at..end].iter();
        out.extend(blanks.map(|c| if *c == '\n' { '\n' } else { ' ' }));
        at = end;
    }
    out
}

/// Where the comment or literal ends that begins here; here if none begins.
fn literal_end(chars: &[char], at: usize) -> usize {
    let rest = &chars[at..];
    let length = match rest {
        ['/', '/', ..] => rest.iter().take_while(|c| **c != '\n').count(),
        ['/', '*', ..] => block_comment(rest),
        ['"', ..] => quoted(rest, '"'),
        ['b' | 'c', '"', ..] => 1 + quoted(&rest[1..], '"'),
        ['b', '\'', ..] => 1 + quoted(&rest[1..], '\''),
        ['r', '"' | '#', ..] => raw(rest, 1),
        ['b' | 'c', 'r', '"' | '#', ..] => raw(rest, 2),
        // A lifetime has no closing quote after one character.
        ['\'', '\\', ..] | ['\'', _, '\'', ..] => quoted(rest, '\''),
        _ => 0,
    };
    at + length
}

fn block_comment(rest: &[char]) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < rest.len() {
        match rest[at..] {
            ['/', '*', ..] => (depth, at) = (depth + 1, at + 2),
            ['*', '/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

fn quoted(rest: &[char], quote: char) -> usize {
    let mut at = 1;
    while at < rest.len() && rest[at] != quote {
        at += if rest[at] == '\\' { 2 } else { 1 };
    }
    (at + 1).min(rest.len())
}

fn raw(rest: &[char], prefix: usize) -> usize {
    let hashes = rest[prefix..].iter().take_while(|c| **c == '#').count();
    let start = prefix + hashes + 1;
    if rest.get(start - 1) != Some(&'"') {
        return 0; // A raw identifier.
    }
    let mut at = start;
    while at < rest.len() {
        let after = &rest[at + 1..];
        if rest[at] == '"' && after.iter().take(hashes).filter(|c| **c == '#').count() == hashes {
            return at + 1 + hashes;
        }
        at += 1;
    }
    at
}

pub(crate) fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The lines of every item under `#[cfg(test)]`.
fn test_lines(code: &str) -> Vec<bool> {
    const MARK: &str = "#[cfg(test)]";
    let mut test = vec![false; code.lines().count()];
    let mut from = 0;
    while let Some(found) = code.get(from..).and_then(|rest| rest.find(MARK)) {
        let start = from + found;
        let end = item_end(code, start + MARK.len());
        let line = |at: usize| {
            code.as_bytes()[..at]
                .iter()
                .filter(|b| **b == b'\n')
                .count()
        };
        test[line(start)..=line(end).min(line(code.trim_end().len()))].fill(true);
        from = end;
    }
    test
}

/// Past the body or the semicolon of the item that begins here, attributes included.
fn item_end(code: &str, start: usize) -> usize {
    let mut depth = 0;
    for (at, byte) in code.bytes().enumerate().skip(start) {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' => depth -= 1,
            b'}' if depth == 1 => return at,
            b'}' => depth -= 1,
            b';' if depth == 0 => return at,
            _ => {}
        }
    }
    code.trim_end().len()
}
