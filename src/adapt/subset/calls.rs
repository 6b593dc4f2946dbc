//! Names in a program: what is called, with which arguments, and variables.

use jaq_core::load::parse::Term;

use super::check::{Check, Checked, literal};
use super::names::{Gives, InPath, Kind, Known, arities, known, nearest, refused};
use super::shape::Shape;
use crate::adapt::refused::Refused;

impl<'p> Check<'p> {
    pub(super) fn variable(&mut self, name: &'p str) -> Checked {
        self.see(name);
        let bare = name.trim_start_matches('$');
        if self.scope.contains(&name) {
            return Ok(Shape::ONE);
        }
        if self.variables.contains(&bare) {
            self.uses.insert(bare.to_owned());
            return Ok(Shape::ONE);
        }
        if let Some((why, hint)) = refused(if bare == "ENV" { "env" } else { bare }) {
            return Err(self.refuse(format!("`{name}` {why}"), hint));
        }
        let mut there: Vec<String> = self
            .variables
            .iter()
            .map(|name| format!("${name}"))
            .collect();
        there.extend(self.scope.iter().map(|name| (*name).to_owned()));
        let hint = match there.is_empty() {
            true => "there are no variables here".to_owned(),
            false => format!("there are {}", there.join(", ")),
        };
        Err(self.refuse(format!("there is no variable `{name}`"), &hint))
    }

    pub(super) fn call(&mut self, name: &'p str, args: &[Term<&'p str>], mode: InPath) -> Checked {
        self.see(name);
        let Some(known) = known(name, args.len()) else {
            return Err(self.unknown(name, args.len()));
        };
        if known.in_path < mode {
            let message = format!("`{name}` is no path");
            return Err(match mode {
                InPath::Update => self.refuse(message, "it cannot stand left of an assignment"),
                _ => self.refuse(message, "it cannot stand in `path`, `del` or `pick`"),
            });
        }
        self.arguments(known, args, mode)
    }

    fn arguments(&mut self, known: Known, args: &[Term<&'p str>], mode: InPath) -> Checked {
        let at = self.at;
        let mut shape = if known.gives == Gives::All {
            Shape::ALL
        } else {
            Shape::ONE
        };
        for (at_arg, (kind, arg)) in known.kinds().zip(args).enumerate() {
            let is_last = at_arg + 1 == args.len();
            let arg = match kind {
                Kind::Value => self.value(arg)?,
                Kind::Filter => self.value(arg)?.collected(),
                Kind::Path => self.term(arg, InPath::Read)?,
                Kind::Same => self.term(arg, mode)?,
                Kind::Pattern | Kind::Flags if literal(arg).is_some() => Shape::ONE,
                // As in jq, `null` is no flags.
                Kind::Flags if matches!(arg, Term::Call("null", _)) => Shape::ONE,
                Kind::Pattern | Kind::Flags => {
                    self.at = at;
                    let message = format!(
                        "the pattern and the flags of `{}` must be strings",
                        known.name
                    );
                    let hint = "a pattern from the body could be made to take long; \
                                use `split`, `index`, `startswith` or `==` on what the body gives";
                    return Err(self.refuse(message, hint));
                }
            };
            let is_kept = kind == Kind::Value || (is_last && known.gives == Gives::Last);
            shape = shape.times(if is_kept { arg } else { arg.collected() });
        }
        Ok(shape.below(known.levels()))
    }

    fn unknown(&self, name: &str, arity: usize) -> Refused {
        let arities = arities(name);
        if let Some((why, hint)) = refused(name).filter(|_| name != "recurse" || arity > 0) {
            return self.refuse(format!("`{name}` {why}"), hint);
        }
        if !arities.is_empty() {
            let arities: Vec<String> = arities.iter().map(usize::to_string).collect();
            let message = format!("`{name}` takes another number of arguments than {arity}");
            return self.refuse(message, &format!("it takes {}", arities.join(" or ")));
        }
        let message = format!("there is no `{name}`");
        match nearest(name) {
            Some(nearest) => self.refuse(message, &format!("did you mean `{nearest}`?")),
            None => Refused::new(self.program, self.at, message),
        }
    }
}
