//! From text to terms, with errors that say where.

use jaq_core::load::lex::{self, Lexer, Token};
use jaq_core::load::parse::{self, Parser, Term};

use crate::adapt::refused::Refused;

/// Beginnings of programs that only the command line of jq knows.
const MODULE: [&str; 3] = ["import", "include", "module"];

pub(super) fn parse(program: &str) -> Result<Term<&str>, Refused> {
    if let Some(at) = program.find("?//") {
        let hint = "test with `if type == \"array\" then … else … end`";
        let refused = Refused::new(program, at, "`?//` is not supported");
        // It may stand in a string, where it means nothing.
        return terms(program).map_err(|_| refused.hint(hint));
    }
    terms(program)
}

fn terms(program: &str) -> Result<Term<&str>, Refused> {
    let tokens = Lexer::new(program).lex().map_err(|errors| {
        let (expect, rest) = errors
            .first()
            .map_or(("token", ""), |(expect, rest)| (wanted(expect), *rest));
        Refused::new(
            program,
            position(program, rest),
            format!("{expect} is wanted here"),
        )
    })?;
    if let Some(Token(word, _)) = tokens.first()
        && MODULE.contains(word)
    {
        let message = format!("`{word}` is not supported: a program stands on its own");
        return Err(Refused::new(program, position(program, word), message));
    }
    if tokens.is_empty() {
        let refused = Refused::new(program, 0, "the program is empty");
        return Err(refused.hint("`.` passes the body as it is"));
    }
    Parser::new(&tokens)
        .parse(|parser| parser.term())
        .map_err(|errors| {
            let Some((expect, found)) = errors.into_iter().next() else {
                return Refused::new(program, 0, "the program cannot be read");
            };
            syntax_error(program, &expect, found)
        })
}

fn syntax_error(
    program: &str,
    expect: &parse::Expect<&str>,
    found: Option<&Token<&str>>,
) -> Refused {
    let rest = Token::opt_as_str(found, program);
    let found = rest.chars().take(20).collect::<String>();
    let wanted = expect.as_str();
    let message = match expect {
        parse::Expect::Nothing => format!("`{found}` is not wanted here"),
        _ if found.is_empty() => format!("the program ends where {wanted} is wanted"),
        _ => format!("{wanted} is wanted here, not `{found}`"),
    };
    Refused::new(program, position(program, rest), message)
}

fn wanted(expect: &lex::Expect<&str>) -> &'static str {
    match expect {
        lex::Expect::Delim(open) if !["(", "[", "{", "\""].contains(open) => "a closing bracket",
        lex::Expect::Token => "a token that jq knows",
        other => other.as_str(),
    }
}

/// Where a part of the text stands in it.
pub(super) fn position(program: &str, part: &str) -> usize {
    let at = (part.as_ptr() as usize).checked_sub(program.as_ptr() as usize);
    at.filter(|at| *at <= program.len())
        .unwrap_or(program.len())
}
