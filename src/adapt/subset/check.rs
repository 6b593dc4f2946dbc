//! Goes through a program and refuses what could run without end, reach beyond the body, or is not
//! known. It looks at every term there is, since what is not looked at is not written either.

use std::collections::BTreeSet;

use jaq_core::load::lex::StrPart;
use jaq_core::load::parse::{BinaryOp, Term};
use jaq_core::path::Part;

use super::names::InPath;
use super::shape::{Shape, levels};
use super::syntax::position;
use crate::adapt::refused::Refused;

/// Outputs that a program can have by itself, apart from those that the input gives.
const MOST_OUTPUTS: u64 = 1_000;
/// Levels of evaluation: what the stack of a thread has room for, many times over.
const DEEPEST: u32 = 150;
/// Entries of an object that are written next to each other.
pub(super) const ROW: usize = 8;

pub(super) type Checked = Result<Shape, Refused>;

/// Names of the outer variables that a program uses.
pub(super) fn check(
    program: &str,
    variables: &[&str],
    term: &Term<&str>,
) -> Result<BTreeSet<String>, Refused> {
    let mut check = Check {
        program,
        variables,
        scope: Vec::new(),
        uses: BTreeSet::new(),
        at: 0,
    };
    check.term(term, InPath::Nothing)?;
    Ok(check.uses)
}

pub(super) struct Check<'p> {
    pub(super) program: &'p str,
    pub(super) variables: &'p [&'p str],
    /// Variables of the program, innermost last.
    pub(super) scope: Vec<&'p str>,
    pub(super) uses: BTreeSet<String>,
    /// The last place that is known.
    pub(super) at: usize,
}

/// `a, b, c` as a list; it is nested to the left.
pub(super) fn commas<'t, 'p>(term: &'t Term<&'p str>) -> Vec<&'t Term<&'p str>> {
    let mut terms = Vec::new();
    let mut next = term;
    while let Term::BinOp(left, BinaryOp::Comma, right) = next {
        terms.push(&**right);
        next = left;
    }
    terms.push(next);
    terms.reverse();
    terms
}

impl<'p> Check<'p> {
    pub(super) fn see(&mut self, part: &str) {
        let at = position(self.program, part);
        if at < self.program.len() {
            self.at = at;
        }
    }

    pub(super) fn refuse(&self, message: impl Into<String>, hint: &str) -> Refused {
        Refused::new(self.program, self.at, message).hint(hint)
    }

    pub(super) fn value(&mut self, term: &Term<&'p str>) -> Checked {
        self.term(term, InPath::Nothing)
    }

    pub(super) fn term(&mut self, term: &Term<&'p str>, mode: InPath) -> Checked {
        let shape = self.parts(term, mode)?;
        if shape.fan > MOST_OUTPUTS {
            let message = format!("this gives more than {MOST_OUTPUTS} outputs for one input");
            return Err(self.refuse(message, "fewer `,` within each other"));
        }
        if shape.depth > DEEPEST {
            let hint = "split it, or put parts next to each other instead of within";
            return Err(self.refuse("the program is nested too deep", hint));
        }
        Ok(shape)
    }

    fn parts(&mut self, term: &Term<&'p str>, mode: InPath) -> Checked {
        match term {
            Term::Id => Ok(Shape::ONE),
            Term::Recurse => Ok(Shape::ALL),
            Term::Path(of, path) => self.path(of, &path.0, mode),
            Term::BinOp(left, op, right) => self.operation(term, (left, op, right), mode),
            Term::IfThenElse(cases, default) => self.cases(cases, default.as_deref(), mode),
            Term::TryCatch(body, catch) if mode != InPath::Update => {
                let body = self.term(body, mode)?;
                let catch = catch
                    .as_ref()
                    .map_or(Ok(Shape::ONE), |catch| self.value(catch))?;
                Ok(body.plus(catch).below(1))
            }
            Term::Call(name, args) => self.call(name, args, mode),
            Term::Def(defs, _) => {
                if let Some(def) = defs.first() {
                    self.see(def.name);
                }
                let hint = "write it out where it is used, or bind a value with `as $name`";
                Err(self.refuse(
                    "`def` is not supported: definitions could call themselves",
                    hint,
                ))
            }
            Term::Label(name, _) | Term::Break(name) => {
                self.see(name);
                let hint = "use `first(…)`, `limit(n; …)` or `any`";
                Err(self.refuse("`label` and `break` are not supported", hint))
            }
            _ if mode != InPath::Nothing => Err(self.no_path(term, mode)),
            other => self.construction(other),
        }
    }

    /// Terms that make a value, and so are no paths.
    fn construction(&mut self, term: &Term<&'p str>) -> Checked {
        match term {
            Term::Num(number) => {
                self.see(number);
                Ok(Shape::ONE)
            }
            Term::Str(format, parts) => self.string(*format, parts),
            Term::Arr(None) => Ok(Shape::ONE),
            Term::Arr(Some(items)) => Ok(self.value(items)?.collected().below(1)),
            Term::Obj(entries) => self.object(entries),
            Term::Neg(of) => Ok(self.value(of)?.below(1)),
            Term::Fold(name, source, pattern, args) => self.fold(name, source, pattern, args),
            Term::Var(name) => self.variable(name),
            _ => Err(self.refuse("this is not supported", "write it in another way")),
        }
    }

    fn no_path(&mut self, term: &Term<&'p str>, mode: InPath) -> Refused {
        match term {
            Term::Num(part) | Term::Var(part) | Term::Fold(part, ..) | Term::Call(part, _) => {
                self.see(part);
            }
            _ => {}
        }
        let hint = match mode {
            InPath::Update => {
                "left of an assignment stand paths such as `.a[0]`, `.[]`, `.. | select(…)`"
            }
            _ => "paths are such as `.a[0]`, `.[]`, `first(.[] | select(…))`",
        };
        self.refuse("this is no path", hint)
    }

    fn path(
        &mut self,
        of: &Term<&'p str>,
        parts: &[(Part<Term<&'p str>>, jaq_core::path::Opt)],
        mode: InPath,
    ) -> Checked {
        // Each part is evaluated within the one before.
        let mut shape = self.term(of, mode)?.below(count(parts.len()));
        for (part, _) in parts {
            let part = match part {
                Part::Index(index) => self.value(index)?,
                Part::Range(None, None) => Shape::ALL,
                Part::Range(from, to) => {
                    let mut bounds = Shape::ONE;
                    for bound in from.iter().chain(to) {
                        bounds = bounds.times(self.value(bound)?);
                    }
                    bounds
                }
            };
            shape = shape.times(part.below(1));
        }
        Ok(shape)
    }

    fn operation(
        &mut self,
        whole: &Term<&'p str>,
        (left, op, right): (&Term<&'p str>, &BinaryOp<&'p str>, &Term<&'p str>),
        mode: InPath,
    ) -> Checked {
        let shape = match op {
            BinaryOp::Comma => {
                let terms = commas(whole);
                let mut sum = Shape {
                    fan: 0,
                    ..Shape::ONE
                };
                for term in &terms {
                    sum = sum.plus(self.term(term, mode)?);
                }
                return Ok(sum.below(levels(terms.len())));
            }
            BinaryOp::Pipe(None) => self.term(left, mode)?.times(self.term(right, mode)?),
            BinaryOp::Pipe(Some(pattern)) => {
                let left = self.value(left)?;
                let scope = self.scope.len();
                let keys = self.bind(pattern)?;
                let right = self.term(right, mode)?;
                self.scope.truncate(scope);
                left.times(keys).times(right)
            }
            BinaryOp::Alt => self.term(left, mode)?.or(self.term(right, mode)?).below(1),
            _ if mode != InPath::Nothing => return Err(self.no_path(whole, mode)),
            BinaryOp::Or | BinaryOp::And | BinaryOp::Math(_) | BinaryOp::Cmp(_) => {
                self.value(left)?.times(self.value(right)?)
            }
            BinaryOp::Update => {
                let target = self.term(left, InPath::Update)?;
                target.times(self.value(right)?).collected()
            }
            BinaryOp::Assign | BinaryOp::UpdateMath(_) | BinaryOp::UpdateAlt => {
                let target = self.term(left, InPath::Update)?;
                let new = self.value(right)?;
                Shape {
                    grows: new.grows,
                    ..target.times(new)
                }
            }
        };
        Ok(shape.below(1))
    }

    fn cases(
        &mut self,
        cases: &[(Term<&'p str>, Term<&'p str>)],
        default: Option<&Term<&'p str>>,
        mode: InPath,
    ) -> Checked {
        let mut conditions = Shape::ONE;
        let mut results = default.map_or(Ok(Shape::ONE), |default| self.term(default, mode))?;
        for (condition, result) in cases {
            conditions = conditions.times(self.value(condition)?);
            results = results.or(self.term(result, mode)?);
        }
        let deeper = count(cases.len());
        Ok(conditions.times(results).below(deeper))
    }

    fn string(
        &mut self,
        format: Option<&'p str>,
        parts: &[StrPart<&'p str, Term<&'p str>>],
    ) -> Checked {
        if let Some(format) = format {
            self.call(format, &[], InPath::Nothing)?;
        }
        let mut shape = Shape::ONE;
        for part in parts {
            match part {
                StrPart::Str(text) => self.see(text),
                StrPart::Char(_) => {}
                StrPart::Term(term) => shape = shape.times(self.value(term)?),
            }
        }
        Ok(shape.below(count(parts.len())))
    }

    fn object(&mut self, entries: &[(Term<&'p str>, Option<Term<&'p str>>)]) -> Checked {
        let mut shape = Shape::ONE;
        for (key, value) in entries {
            shape = shape.times(self.value(key)?);
            if let Some(value) = value {
                shape = shape.times(self.value(value)?);
            }
        }
        let row = count(entries.len().min(ROW));
        Ok(shape.below(row + levels(entries.len())))
    }
}

pub(super) fn count(items: usize) -> u32 {
    u32::try_from(items).unwrap_or(u32::MAX)
}

/// The text of a string without anything to be evaluated in it.
pub(super) fn literal(term: &Term<&str>) -> Option<String> {
    let Term::Str(None, parts) = term else {
        return None;
    };
    let mut text = String::new();
    for part in parts {
        match part {
            StrPart::Str(part) => text.push_str(part),
            StrPart::Char(char) => text.push(*char),
            StrPart::Term(_) => return None,
        }
    }
    Some(text)
}
