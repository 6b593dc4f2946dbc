//! Writes a program anew from its terms. On the way, long objects and lists become balanced trees, and
//! regular expressions become numbers.

use jaq_core::load::lex::StrPart;
use jaq_core::load::parse::{BinaryOp, Pattern as Binding, Term};
use jaq_core::path::{Opt, Part};

use super::check::{ROW, commas, literal};
use super::syntax::position;
use crate::adapt::natives::Pattern;
use crate::adapt::refused::Refused;

type Done = Result<(), Refused>;

/// The program as it is compiled, and its patterns.
pub(super) fn lower(program: &str, term: &Term<&str>) -> Result<(String, Vec<Pattern>), Refused> {
    let mut lower = Lower {
        program,
        out: String::with_capacity(program.len() * 2),
        patterns: Vec::new(),
    };
    lower.term(term)?;
    Ok((lower.out, lower.patterns))
}

struct Lower<'p> {
    program: &'p str,
    out: String,
    patterns: Vec<Pattern>,
}

impl Lower<'_> {
    fn put(&mut self, text: &str) {
        self.out.push_str(text);
    }

    /// In parentheses, so that nothing depends on precedence.
    fn term(&mut self, term: &Term<&str>) -> Done {
        match term {
            Term::Id => self.put("."),
            Term::Recurse => self.put(".."),
            Term::Num(text) | Term::Var(text) => self.put(text),
            Term::Arr(None) => self.put("[]"),
            Term::Arr(Some(items)) => self.around("[", items, "]")?,
            Term::Str(format, parts) => self.string(*format, parts)?,
            Term::Obj(entries) => self.object(entries)?,
            Term::Neg(of) => self.around("(-(", of, "))")?,
            Term::Path(of, parts) => self.path(of, &parts.0)?,
            Term::BinOp(left, op, right) => self.operation(term, left, op, right)?,
            Term::IfThenElse(cases, default) => self.cases(cases, default.as_deref())?,
            Term::TryCatch(body, catch) => {
                self.around("(try (", body, ")")?;
                if let Some(catch) = catch {
                    self.around(" catch (", catch, ")")?;
                }
                self.put(")");
            }
            Term::Fold(name, source, binding, args) => {
                self.put("(");
                self.put(name);
                self.around(" (", source, ") as ")?;
                self.binding(binding)?;
                self.args(args)?;
                self.put(")");
            }
            Term::Call(name, args) => self.call(name, args)?,
            // Refused before.
            Term::Def(..) | Term::Label(..) | Term::Break(_) => {
                return Err(Refused::new(self.program, 0, "this is not supported"));
            }
        }
        Ok(())
    }

    fn around(&mut self, before: &str, term: &Term<&str>, after: &str) -> Done {
        self.put(before);
        self.term(term)?;
        self.put(after);
        Ok(())
    }

    fn args(&mut self, args: &[Term<&str>]) -> Done {
        for (at, arg) in args.iter().enumerate() {
            self.around(if at == 0 { "(" } else { "; " }, arg, "")?;
        }
        self.put(if args.is_empty() { "" } else { ")" });
        Ok(())
    }

    fn string(&mut self, format: Option<&str>, parts: &[StrPart<&str, Term<&str>>]) -> Done {
        // With its format in parentheses, since a string alone could be taken for its argument.
        self.put(if format.is_some() { "(" } else { "" });
        if let Some(format) = format {
            self.put(format);
            self.put(" ");
        }
        self.put("\"");
        for part in parts {
            match part {
                StrPart::Str(text) => self.put(text),
                StrPart::Char(char @ ('"' | '\\' | '\0'..='\x1f')) => {
                    self.put(&format!("\\u{:04x}", u32::from(*char)));
                }
                StrPart::Char(char) => self.out.push(*char),
                StrPart::Term(term) => self.around("\\(", term, ")")?,
            }
        }
        self.put(if format.is_some() { "\")" } else { "\"" });
        Ok(())
    }

    /// Long ones as sums of short ones, which is what an object is to the engine anyway.
    fn object(&mut self, entries: &[(Term<&str>, Option<Term<&str>>)]) -> Done {
        if entries.len() > ROW {
            let (left, right) = entries.split_at(entries.len() / 2);
            self.put("(");
            self.object(left)?;
            self.put(" + ");
            self.object(right)?;
            self.put(")");
            return Ok(());
        }
        self.put("{");
        for (at, (key, value)) in entries.iter().enumerate() {
            self.put(if at == 0 { "" } else { ", " });
            match (key, value) {
                (Term::Var(name), None) => self.put(name),
                (Term::Str(None, _), None) => self.term(key)?,
                (Term::Str(None, _), Some(value)) => {
                    self.term(key)?;
                    self.around(": (", value, ")")?;
                }
                (key, Some(value)) => {
                    self.around("(", key, "): (")?;
                    self.term(value)?;
                    self.put(")");
                }
                (key, None) => {
                    self.around("(", key, "): .[")?;
                    self.around("", key, "]")?;
                }
            }
        }
        self.put("}");
        Ok(())
    }

    fn path(&mut self, of: &Term<&str>, parts: &[(Part<Term<&str>>, Opt)]) -> Done {
        if !matches!(of, Term::Id) {
            self.around("(", of, ")")?;
        } else {
            self.put(".");
        }
        for (part, opt) in parts {
            self.put("[");
            match part {
                Part::Index(index) => self.term(index)?,
                Part::Range(None, None) => {}
                Part::Range(from, to) => {
                    if let Some(from) = from {
                        self.around("(", from, ")")?;
                    }
                    self.put(":");
                    if let Some(to) = to {
                        self.around("(", to, ")")?;
                    }
                }
            }
            self.put(if matches!(opt, Opt::Optional) {
                "]?"
            } else {
                "]"
            });
        }
        Ok(())
    }

    fn operation(
        &mut self,
        whole: &Term<&str>,
        left: &Term<&str>,
        op: &BinaryOp<&str>,
        right: &Term<&str>,
    ) -> Done {
        let sign = match op {
            BinaryOp::Comma => return self.list(&commas(whole)),
            BinaryOp::Pipe(Some(binding)) => {
                self.around("((", left, ") as ")?;
                self.binding(binding)?;
                return self.around(" | (", right, "))");
            }
            BinaryOp::Pipe(None) => "|",
            BinaryOp::Alt => "//",
            BinaryOp::Or => "or",
            BinaryOp::And => "and",
            BinaryOp::Math(op) => op.as_str(),
            BinaryOp::Cmp(op) => op.as_str(),
            BinaryOp::Assign => "=",
            BinaryOp::Update => "|=",
            BinaryOp::UpdateAlt => "//=",
            BinaryOp::UpdateMath(op) => match op.as_str() {
                "+" => "+=",
                "-" => "-=",
                "*" => "*=",
                "/" => "/=",
                _ => "%=",
            },
        };
        self.around("(", left, "")?;
        self.out.push(' ');
        self.put(sign);
        self.around(" ", right, ")")
    }

    /// `a, b, c, d` as `((a, b), (c, d))`.
    fn list(&mut self, terms: &[&Term<&str>]) -> Done {
        if let [term] = terms {
            return self.term(term);
        }
        let (left, right) = terms.split_at(terms.len() / 2);
        self.put("(");
        self.list(left)?;
        self.put(", ");
        self.list(right)?;
        self.put(")");
        Ok(())
    }

    fn cases(&mut self, cases: &[(Term<&str>, Term<&str>)], default: Option<&Term<&str>>) -> Done {
        for (at, (condition, result)) in cases.iter().enumerate() {
            self.around(if at == 0 { "(if " } else { " elif " }, condition, " then ")?;
            self.term(result)?;
        }
        if let Some(default) = default {
            self.around(" else ", default, "")?;
        }
        self.put(" end)");
        Ok(())
    }

    fn binding(&mut self, binding: &Binding<&str>) -> Done {
        match binding {
            Binding::Var(name) => self.put(name),
            Binding::Arr(items) => {
                for (at, item) in items.iter().enumerate() {
                    self.put(if at == 0 { "[" } else { ", " });
                    self.binding(item)?;
                }
                self.put("]");
            }
            Binding::Obj(entries) => {
                for (at, (key, value)) in entries.iter().enumerate() {
                    self.around(if at == 0 { "{(" } else { ", (" }, key, "): ")?;
                    self.binding(value)?;
                }
                self.put("}");
            }
        }
        Ok(())
    }

    fn call(&mut self, name: &str, args: &[Term<&str>]) -> Done {
        let (native, flags, streams) = match (name, args.len()) {
            ("test", _) => ("pattern_test", "", ""),
            ("match", _) => ("pattern_match", "", "[]"),
            ("capture", _) => ("pattern_capture", "", "[]"),
            ("scan", _) => ("pattern_scan", "g", "[]"),
            ("splits", _) => ("pattern_split", "g", "[]"),
            ("split", 2) => ("pattern_split", "g", ""),
            ("sub", _) => ("pattern_sub", "", ""),
            ("gsub", _) => ("pattern_sub", "g", ""),
            _ => {
                self.put(name);
                return self.args(args);
            }
        };
        let replaces = native == "pattern_sub";
        let given = args.get(if replaces { 2 } else { 1 }).and_then(literal);
        let pattern = args.first().and_then(literal).unwrap_or_default();
        let flags = flags.to_owned() + given.as_deref().unwrap_or_default();
        let compiled = Pattern::new(&pattern, &flags).map_err(|reason| {
            let at = position(self.program, name);
            let hint = "there is no look-around and no back-reference, so that time stays linear";
            Refused::new(self.program, at, format!("the pattern: {reason}")).hint(hint)
        })?;
        self.put(&format!("({native}({}", self.patterns.len()));
        self.patterns.push(compiled);
        if let (true, Some(new)) = (replaces, args.get(1)) {
            self.around("; ", new, "")?;
        }
        self.put(&format!("){streams})"));
        Ok(())
    }
}
