//! A first look at the text of a program: it may be so long, and nested so deep, that whoever
//! descends into it has room on the stack.

use crate::adapt::refused::Refused;

/// Bytes of a program.
const LONGEST: usize = 64 * 1024;
/// Weight of all that is open at one place.
const DEEPEST: u32 = 1_600;
const BRACKET: u32 = 16;
const KEYWORD: u32 = 8;
const OPERATOR: u32 = 4;
const COMMA: u32 = 1;
/// Words after which a term goes on within a term.
const KEYWORDS: [&str; 11] = [
    "if", "then", "elif", "else", "try", "catch", "reduce", "foreach", "def", "label", "as",
];

#[derive(Debug, Clone, Copy)]
struct Level {
    /// What it ends with.
    close: char,
    weight: u32,
}

/// Whether the parser may be let at it.
pub(super) fn scan(program: &str) -> Result<(), Refused> {
    if program.len() > LONGEST {
        let message = format!("the program has more than {LONGEST} bytes");
        return Err(Refused::new(program, LONGEST, message));
    }
    let mut scan = Scan {
        levels: vec![Level {
            close: '\0',
            weight: 0,
        }],
        total: 0,
    };
    let mut rest = program;
    while let Some(char) = rest.chars().next() {
        let in_string = scan.closes_with('"');
        let len = if in_string {
            scan.in_string(rest, char)
        } else {
            scan.token(rest, char)
        };
        if scan.total > DEEPEST {
            let at = program.len() - rest.len();
            let hint = "split it, or bind parts with `as $name`";
            return Err(Refused::new(program, at, "the program is nested too deep").hint(hint));
        }
        rest = rest.get(len..).unwrap_or_default();
    }
    Ok(())
}

struct Scan {
    levels: Vec<Level>,
    total: u32,
}

impl Scan {
    fn closes_with(&self, close: char) -> bool {
        self.levels.last().is_some_and(|level| level.close == close)
    }

    fn open(&mut self, close: char) {
        self.levels.push(Level { close, weight: 0 });
        self.add(BRACKET);
    }

    fn close(&mut self) {
        if self.levels.len() > 1
            && let Some(level) = self.levels.pop()
        {
            self.total -= level.weight;
        }
    }

    fn add(&mut self, weight: u32) {
        if let Some(level) = self.levels.last_mut() {
            level.weight += weight;
            self.total += weight;
        }
    }

    /// A new entry of an object, or a new argument, does not stand within the last one.
    fn restart(&mut self) {
        if let Some(level) = self.levels.last_mut() {
            self.total -= level.weight - BRACKET.min(level.weight);
            level.weight = BRACKET.min(level.weight);
        }
    }

    fn in_string(&mut self, rest: &str, char: char) -> usize {
        if rest.starts_with("\\(") {
            self.open(')');
            return 2;
        }
        if char == '\\' {
            return 1 + rest.chars().nth(1).map_or(0, char::len_utf8);
        }
        if char == '"' {
            self.close();
        }
        char.len_utf8()
    }

    fn token(&mut self, rest: &str, char: char) -> usize {
        match char {
            '#' => return rest.find('\n').unwrap_or(rest.len()),
            '"' => self.open('"'),
            '(' => self.open(')'),
            '[' => self.open(']'),
            '{' => self.open('}'),
            ')' | ']' | '}' if self.closes_with(char) => self.close(),
            ',' if self.closes_with('}') => self.restart(),
            ';' => self.restart(),
            ',' => self.add(COMMA),
            '|' | '+' | '-' | '*' | '/' | '%' | '=' | '<' | '>' | '!' => self.add(OPERATOR),
            'a'..='z' | 'A'..='Z' | '_' | '$' | '@' => {
                let is_word = |char: char| char.is_ascii_alphanumeric() || char == '_';
                let end = rest
                    .get(1..)
                    .and_then(|tail| tail.find(|char| !is_word(char)));
                let len = end.map_or(rest.len(), |end| end + 1);
                let word = rest.get(..len).unwrap_or_default();
                if KEYWORDS.contains(&word) {
                    self.add(KEYWORD);
                } else if matches!(word, "and" | "or") {
                    self.add(OPERATOR);
                }
                return len;
            }
            _ => {}
        }
        char.len_utf8()
    }
}
