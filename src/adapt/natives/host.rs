//! What the engine runs on: our values, and the patterns of the program.

use jaq_core::box_iter::box_once;
use jaq_core::data::{DataT, HasLut};
use jaq_core::{Error, Exn, Lut, ValR, ValXs};

use super::patterns::Pattern;
use crate::adapt::value::{Val, cannot};

/// The kind of data that filters work on.
pub(in crate::adapt) struct Host;

impl DataT for Host {
    type V<'a> = Val;
    type Data<'a> = Run<'a>;
}

/// What one run has at hand.
#[derive(Clone, Copy)]
pub(in crate::adapt) struct Run<'a> {
    /// The program.
    pub(in crate::adapt) lut: &'a Lut<Host>,
    /// Its regular expressions.
    pub(in crate::adapt) patterns: &'a [Pattern],
}

impl<'a> HasLut<'a, Host> for Run<'a> {
    fn lut(&self) -> &'a Lut<Host> {
        self.lut
    }
}

/// A context and the input.
pub(super) type Cv<'a> = jaq_core::Cv<'a, Host>;
/// Outputs.
pub(super) type Outputs<'a> = ValXs<'a, Val>;
/// An error of a program.
pub(super) type Fails = Error<Val>;

/// One output, or an error.
pub(super) fn one<'a>(result: ValR<Val>) -> Outputs<'a> {
    box_once(result.map_err(Exn::from))
}

/// The text of a string.
pub(super) fn text<'v>(value: &'v Val, what: &str) -> Result<&'v str, Fails> {
    value.as_str().ok_or_else(|| cannot(what, value))
}

/// The items of an array.
pub(super) fn items<'v>(value: &'v Val, what: &str) -> Result<&'v [Val], Fails> {
    value.items().ok_or_else(|| cannot(what, value))
}
