//! Errors of programs, as jq words them.

use jaq_core::Error;

use super::val::Val;

/// An error with a text, and maybe the value that it is about.
pub(in crate::adapt) fn cannot(what: &str, value: &Val) -> Error<Val> {
    let text = format!("{} ({}) {what}", value.type_name(), value);
    Error::new(Val::text(text))
}

/// What an operation answers when all is used up; the run ends in the reason, not in this.
pub(in crate::adapt) fn over() -> Error<Val> {
    Error::new(Val::Null)
}
