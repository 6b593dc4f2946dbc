//! A compiled program, and its runs.

use std::collections::BTreeSet;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use jaq_core::load::{Arena, File, Loader};
use jaq_core::{Compiler, Ctx, Exn, Vars};

use super::fault::{Fault, Message};
use super::meter::{self, Limits};
use super::natives::{self, Host, Pattern, Run};
use super::refused::Refused;
use super::subset;
use super::value::Val;

/// Parsing takes far more stack than running: up to 33 KiB for a level when not optimized, and there
/// are 400 levels at most. What is not used is not taken from the system.
const COMPILER_STACK: usize = 64 * 1024 * 1024;

/// A program that was accepted.
pub struct Filter {
    program: jaq_core::Filter<Host>,
    patterns: Vec<Pattern>,
    /// How many variables from outside there are.
    variables: usize,
    uses: BTreeSet<String>,
}

impl fmt::Debug for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Filter")
            .field("uses", &self.uses)
            .finish_non_exhaustive()
    }
}

impl Filter {
    /// Compiles a program. `variables` are the names, without `$`, that it may use.
    ///
    /// # Errors
    /// What is not accepted, where it stands, and what to write instead.
    pub fn compile(program: &str, variables: &[&str]) -> Result<Self, Refused> {
        let failed = |what| Refused::new(program, 0, what);
        std::thread::scope(|scope| {
            let compiler = std::thread::Builder::new().stack_size(COMPILER_STACK);
            let compiling = compiler.spawn_scoped(scope, || Self::compile_here(program, variables));
            let compiling = compiling.map_err(|_| failed("there is no thread to compile it"))?;
            let compiled = compiling.join();
            compiled.unwrap_or_else(|_| Err(failed("the engine fails on this program")))
        })
    }

    fn compile_here(program: &str, variables: &[&str]) -> Result<Self, Refused> {
        let accepted = subset::accept(program, variables)?;
        let names: Vec<String> = variables.iter().map(|name| format!("${name}")).collect();
        let broken = || Refused::new(program, 0, "the engine does not take this program");
        let arena = Arena::default();
        let file = File {
            code: accepted.text.as_str(),
            path: (),
        };
        let modules = Loader::new(natives::definitions()).load(&arena, file);
        let compiled = modules.ok().and_then(|modules| {
            Compiler::default()
                .with_funs(natives::functions())
                .with_global_vars(names.iter().map(String::as_str))
                .compile(modules)
                .ok()
        });
        Ok(Self {
            program: compiled.ok_or_else(broken)?,
            patterns: accepted.patterns,
            variables: variables.len(),
            uses: accepted.uses,
        })
    }

    /// Whether the program uses a variable from outside.
    pub fn uses(&self, variable: &str) -> bool {
        self.uses.contains(variable)
    }

    /// Runs it for exactly one output. `variables` come in the order of their names; those that are
    /// missing are `null`. A run has no effects, so it can be repeated.
    ///
    /// # Errors
    /// Every [`Fault`] but those of reading a body.
    pub fn run(&self, input: Val, variables: &[Val], limits: &Limits) -> Result<Val, Fault> {
        let mut outputs = self.run_many(input, variables, limits, 1)?;
        outputs.pop().ok_or(Fault::NoOutput)
    }

    /// Runs it for at most `most` outputs.
    ///
    /// # Errors
    /// As [`Filter::run`], but having no output is none.
    pub fn run_many(
        &self,
        input: Val,
        variables: &[Val],
        limits: &Limits,
        most: usize,
    ) -> Result<Vec<Val>, Fault> {
        let _running = meter::begin(limits);
        // The engine has assertions. Should one not hold for some body, that costs the body.
        let run = AssertUnwindSafe(|| self.outputs(input, variables, most));
        let outputs = catch_unwind(run).unwrap_or(Err(Fault::Broken));
        match meter::spent() {
            Some(spent) => Err(spent.into()),
            None => outputs,
        }
    }

    fn outputs(&self, input: Val, variables: &[Val], most: usize) -> Result<Vec<Val>, Fault> {
        let given = variables
            .iter()
            .cloned()
            .chain(std::iter::repeat(Val::Null));
        let run = Run {
            lut: &self.program.lut,
            patterns: &self.patterns,
        };
        let context = Ctx::<Host>::new(run, Vars::new(given.take(self.variables)));
        let mut outputs = Vec::new();
        for output in self.program.id.run((context, input)) {
            if meter::spent().is_some() {
                return Ok(outputs);
            }
            if outputs.len() == most {
                return Err(Fault::ManyOutputs);
            }
            outputs.push(output.map_err(failed)?);
        }
        Ok(outputs)
    }
}

fn failed(exception: Exn<'_, Val>) -> Fault {
    match exception.get_err() {
        Ok(error) => Fault::Failed(Message::new(error.into_val())),
        // Nothing that is accepted halts or breaks.
        Err(_) => Fault::Broken,
    }
}

#[cfg(test)]
#[path = "filter_tests.rs"]
mod tests;
