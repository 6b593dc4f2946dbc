//! Regular expressions. They stand in the program, are compiled with it, and reach these functions
//! by their number. The engine never goes back, so a search takes time linear in the text.

use jaq_core::box_iter::box_once;
use jaq_core::native::v;
use jaq_core::{Bind, Exn, ValR};
use regex::{Captures, Regex, RegexBuilder};

use super::Entry;
use super::host::{Cv, Fails, Outputs, one, text};
use crate::adapt::meter;
use crate::adapt::value::{Val, cannot, over};

/// Sizes that are tried for a compiled pattern, in bytes, until one is enough.
const SIZES: [usize; 7] = [
    1 << 11,
    1 << 12,
    1 << 13,
    1 << 14,
    1 << 15,
    1 << 16,
    1 << 17,
];
/// Bytes of text times bytes of pattern: beyond, the slowest search would take some 0.2 s.
const MOST_WORK: usize = 1 << 31;

/// A compiled regular expression with its flags.
#[derive(Debug)]
pub(in crate::adapt) struct Pattern {
    regex: Regex,
    is_global: bool,
    skips_empty: bool,
    /// At most so many bytes when compiled.
    size: usize,
}

impl Pattern {
    /// Compiles; the error says what is wrong, for the one who wrote it.
    pub(in crate::adapt) fn new(pattern: &str, flags: &str) -> Result<Self, String> {
        if let Some(flag) = flags.chars().find(|flag| !"gnimsxpl".contains(*flag)) {
            return Err(format!("`{flag}` is no flag: there are g, i, n, p, s, x"));
        }
        let has = |flag| flags.contains(flag);
        let mut builder = RegexBuilder::new(pattern);
        // As in jq, `.` stops at the end of a line and `^` and `$` match at lines, unless told.
        builder
            .case_insensitive(has('i'))
            .ignore_whitespace(has('x'))
            .multi_line(true)
            .dot_matches_new_line(has('s') || has('p'));
        for size in SIZES {
            match builder.size_limit(size).dfa_size_limit(1 << 18).build() {
                Ok(regex) => {
                    return Ok(Self {
                        regex,
                        is_global: has('g'),
                        skips_empty: has('n'),
                        size,
                    });
                }
                Err(regex::Error::CompiledTooBig(_)) => {}
                Err(error) => return Err(reason(&error)),
            }
        }
        Err("the pattern is too large when compiled".to_owned())
    }

    /// All matches, or the first one.
    fn matches<'t>(&self, text: &'t str, all: bool) -> Result<Vec<Captures<'t>>, Fails> {
        if text.len().saturating_mul(self.size) > MOST_WORK {
            meter::spend(meter::Spent::Amount);
        }
        if !meter::step(1 + text.len() as u64 / 16) {
            return Err(over());
        }
        let mut found = Vec::new();
        let room = self.regex.captures_len() * 2 * size_of::<usize>() + 64;
        for captures in self.regex.captures_iter(text) {
            // Each search may have gone to the end of the text.
            if !meter::bytes(room) || !meter::is_in_time() {
                return Err(over());
            }
            let is_empty = captures.get_match().is_empty();
            if !(is_empty && self.skips_empty) {
                found.push(captures);
            }
            if !all && !found.is_empty() {
                break;
            }
        }
        Ok(found)
    }
}

/// The last line of the error, which says it without a drawing.
fn reason(error: &regex::Error) -> String {
    let text = error.to_string();
    let last = text.lines().last().unwrap_or_default();
    last.trim_start_matches("error: ").to_owned()
}

pub(super) const ENTRIES: fn() -> Vec<Entry> = || {
    let pattern_and_filter = Box::from([Bind::Var(()), Bind::Fun(())]);
    vec![
        ("pattern_test", v(1), |cv| with(cv, test)),
        ("pattern_match", v(1), |cv| {
            with(cv, |pattern, text| all(pattern, text, object))
        }),
        ("pattern_capture", v(1), |cv| {
            with(cv, |pattern, text| all(pattern, text, named))
        }),
        ("pattern_scan", v(1), |cv| with(cv, scan)),
        ("pattern_split", v(1), |cv| with(cv, split)),
        ("pattern_sub", pattern_and_filter, sub),
    ]
};

fn with<'a>(mut cv: Cv<'a>, f: impl Fn(&Pattern, &str) -> ValR<Val>) -> Outputs<'a> {
    let number = cv.0.pop_var();
    let pattern = pattern(&cv, &number);
    one(pattern.and_then(|pattern| {
        f(
            pattern,
            text(&cv.1, "cannot be matched, as it is no string")?,
        )
    }))
}

fn pattern<'a>(cv: &Cv<'a>, number: &Val) -> Result<&'a Pattern, Fails> {
    let at = match number {
        Val::Num(number) => number.as_index().and_then(|at| usize::try_from(at).ok()),
        _ => None,
    };
    let patterns = cv.0.data().patterns;
    at.and_then(|at| patterns.get(at))
        .ok_or_else(|| cannot("is no pattern", number))
}

fn test(pattern: &Pattern, text: &str) -> ValR<Val> {
    if text.len().saturating_mul(pattern.size) > MOST_WORK {
        meter::spend(meter::Spent::Amount);
    }
    let pays = meter::step(1 + text.len() as u64 / 16);
    pays.then(|| Val::Bool(pattern.regex.is_match(text)))
        .ok_or_else(over)
}

/// Every match as an array of what `f` makes of it.
fn all(
    pattern: &Pattern,
    text: &str,
    f: fn(&Pattern, &Captures<'_>, &mut Chars<'_>) -> Val,
) -> ValR<Val> {
    let mut chars = Chars::new(text);
    let found = pattern.matches(text, pattern.is_global)?;
    Ok(found
        .iter()
        .map(|captures| f(pattern, captures, &mut chars))
        .collect())
}

/// Counts characters up to a place in a text, from one place on to the next.
struct Chars<'t> {
    text: &'t str,
    byte: usize,
    chars: usize,
}

impl<'t> Chars<'t> {
    fn new(text: &'t str) -> Self {
        Self {
            text,
            byte: 0,
            chars: 0,
        }
    }

    fn at(&mut self, byte: usize) -> usize {
        let (from, back) = if byte >= self.byte {
            (self.byte, false)
        } else {
            (byte, true)
        };
        let between = self.text.get(from..byte.max(self.byte)).unwrap_or_default();
        meter::scan(between.len());
        let count = between.chars().count();
        self.chars = if back {
            self.chars - count
        } else {
            self.chars + count
        };
        self.byte = byte;
        self.chars
    }
}

/// `{offset, length, string}` and what `more` adds.
fn place(found: Option<regex::Match<'_>>, chars: &mut Chars<'_>) -> Vec<(&'static str, Val)> {
    match found {
        Some(found) => vec![
            ("offset", Val::from(chars.at(found.start()))),
            ("length", Val::from(found.as_str().chars().count())),
            ("string", Val::from(found.as_str())),
        ],
        None => vec![
            ("offset", Val::from(-1_i64)),
            ("length", Val::from(0_i64)),
            ("string", Val::Null),
        ],
    }
}

fn object(pattern: &Pattern, captures: &Captures<'_>, chars: &mut Chars<'_>) -> Val {
    let whole = place(captures.get(0), chars);
    let groups = captures.iter().zip(pattern.regex.capture_names()).skip(1);
    let groups = groups.map(|(group, name)| {
        let mut group = place(group, chars);
        group.push(("name", name.map(Val::from).unwrap_or_default()));
        Val::object(group)
    });
    let groups: Val = groups.collect();
    Val::object(whole.into_iter().chain([("captures", groups)]))
}

fn named(pattern: &Pattern, captures: &Captures<'_>, _: &mut Chars<'_>) -> Val {
    let groups = pattern.regex.capture_names().flatten();
    let value = |name| captures.name(name).map(|group| Val::from(group.as_str()));
    Val::object(groups.map(|name| (name, value(name).unwrap_or_default())))
}

/// Every match; its groups if there are any.
fn scan(pattern: &Pattern, text: &str) -> ValR<Val> {
    let group = |group: Option<regex::Match<'_>>| {
        group
            .map(|group| Val::from(group.as_str()))
            .unwrap_or_default()
    };
    let found = pattern.matches(text, true)?;
    let scanned = found.iter().map(|captures| match captures.len() {
        1 => group(captures.get(0)),
        _ => captures.iter().skip(1).map(group).collect(),
    });
    Ok(scanned.collect())
}

fn split(pattern: &Pattern, text: &str) -> ValR<Val> {
    let mut parts = Vec::new();
    let mut from = 0;
    for captures in pattern.matches(text, true)? {
        let found = captures.get_match();
        parts.push(Val::from(text.get(from..found.start()).unwrap_or_default()));
        from = found.end();
    }
    parts.push(Val::from(text.get(from..).unwrap_or_default()));
    Ok(parts.into_iter().collect())
}

/// Each match is replaced by the first output of the filter, which gets the named groups.
fn sub(mut cv: Cv<'_>) -> Outputs<'_> {
    let ((f, context), number) = (cv.0.pop_fun(), cv.0.pop_var());
    let replaced = || -> Result<Val, Exn<'_, Val>> {
        let pattern = pattern(&cv, &number)?;
        let whole = text(&cv.1, "cannot be matched, as it is no string")?;
        let (mut out, mut from) = (String::new(), 0);
        for captures in pattern.matches(whole, pattern.is_global)? {
            let found = captures.get_match();
            let groups = named(pattern, &captures, &mut Chars::new(whole));
            let new = f
                .run((context.clone(), groups))
                .next()
                .transpose()?
                .unwrap_or_default();
            let new = text(&new, "cannot take the place of a match")?;
            let kept = whole.get(from..found.start()).unwrap_or_default();
            let len = out.len() + kept.len() + new.len();
            if !meter::bytes(2 * (kept.len() + new.len())) || !meter::fits(len as u64) {
                return Err(over().into());
            }
            out.push_str(kept);
            out.push_str(new);
            from = found.end();
        }
        out.push_str(whole.get(from..).unwrap_or_default());
        Ok(Val::text(out))
    };
    box_once(replaced())
}
