//! What brings variables into scope: patterns, `reduce` and `foreach`.

use jaq_core::load::parse::{Pattern, Term};

use super::check::{Check, Checked, count};
use super::shape::Shape;

impl<'p> Check<'p> {
    /// `reduce` and `foreach`. The engine goes on with each output of the start and of the update,
    /// which doubles with each round; jq goes on with the last. So there may be one only.
    pub(super) fn fold(
        &mut self,
        name: &str,
        source: &Term<&'p str>,
        pattern: &Pattern<&'p str>,
        args: &[Term<&'p str>],
    ) -> Checked {
        self.see(name);
        let (start, update, then) = match (name, args) {
            (_, [start, update]) => (start, update, None),
            ("foreach", [start, update, then]) => (start, update, Some(then)),
            _ => {
                let hint =
                    "`reduce … as $x (start; update)`, `foreach … as $x (start; update; output)`";
                return Err(self.refuse(format!("`{name}` has another number of parts"), hint));
            }
        };
        let at = self.at;
        let source = self.value(source)?;
        let start = self.value(start)?;
        let scope = self.scope.len();
        let keys = self.bind(pattern)?;
        let update = self.value(update)?;
        let then = then.map_or(Ok(Shape::ONE), |then| self.value(then))?;
        self.scope.truncate(scope);
        if !start.is_one() || !update.is_one() {
            self.at = at;
            let hint = "collect them with `[…]`, or take one with `first(…)`";
            let message = format!("the start and the update of `{name}` may give one output only");
            return Err(self.refuse(message, hint));
        }
        let rounds = source.times(keys).times(start).times(update);
        Ok(match name {
            "reduce" => rounds.collected(),
            _ => rounds.times(then),
        }
        .below(2))
    }

    /// Brings the variables of a pattern into scope, and checks the keys in it.
    pub(super) fn bind(&mut self, pattern: &Pattern<&'p str>) -> Checked {
        match pattern {
            Pattern::Var(name) => {
                self.see(name);
                self.scope.push(name);
                Ok(Shape::ONE)
            }
            Pattern::Arr(items) => {
                let mut shape = Shape::ONE;
                for item in items {
                    shape = shape.times(self.bind(item)?);
                }
                Ok(shape.below(1 + count(items.len())))
            }
            Pattern::Obj(entries) => {
                let mut shape = Shape::ONE;
                // A key may not use the variables of its own pattern.
                for (key, _) in entries {
                    shape = shape.times(self.value(key)?);
                }
                for (_, pattern) in entries {
                    shape = shape.times(self.bind(pattern)?);
                }
                Ok(shape.below(1 + count(entries.len())))
            }
        }
    }
}
