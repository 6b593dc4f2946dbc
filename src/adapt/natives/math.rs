//! Numbers and kinds.

use jaq_core::ValR;
use jaq_core::box_iter::box_once;
use jaq_core::native::v;

use super::Entry;
use super::host::{Cv, Outputs, one};
use crate::adapt::value::{Num, Val, cannot};

pub(super) const ENTRIES: fn() -> Vec<Entry> = || {
    vec![
        ("null", v(0), |_| box_once(Ok(Val::Null))),
        ("true", v(0), |_| box_once(Ok(Val::Bool(true)))),
        ("false", v(0), |_| box_once(Ok(Val::Bool(false)))),
        ("not", v(0), |cv| box_once(Ok(Val::Bool(!cv.1.counts())))),
        ("nan", v(0), |_| box_once(Ok(Val::from(f64::NAN)))),
        ("infinite", v(0), |_| box_once(Ok(Val::from(f64::INFINITY)))),
        ("type", v(0), |cv| one(Ok(Val::from(cv.1.type_name())))),
        ("isnan", v(0), |cv| is(&cv.1, f64::is_nan)),
        ("isinfinite", v(0), |cv| is(&cv.1, f64::is_infinite)),
        ("isnormal", v(0), |cv| is(&cv.1, f64::is_normal)),
        ("abs", v(0), |cv| one(abs(&cv.1))),
        ("fabs", v(0), |cv| real(&cv.1, f64::abs)),
        ("sqrt", v(0), |cv| real(&cv.1, f64::sqrt)),
        ("log", v(0), |cv| real(&cv.1, f64::ln)),
        ("log2", v(0), |cv| real(&cv.1, f64::log2)),
        ("log10", v(0), |cv| real(&cv.1, f64::log10)),
        ("exp", v(0), |cv| real(&cv.1, f64::exp)),
        ("exp2", v(0), |cv| real(&cv.1, f64::exp2)),
        ("exp10", v(0), |cv| real(&cv.1, |x| 10_f64.powf(x))),
        ("floor", v(0), |cv| round(cv.1, f64::floor)),
        ("ceil", v(0), |cv| round(cv.1, f64::ceil)),
        ("round", v(0), |cv| round(cv.1, f64::round)),
        ("trunc", v(0), |cv| round(cv.1, f64::trunc)),
        ("pow", v(2), pow),
    ]
};

fn number(value: &Val) -> ValR<f64, Val> {
    match value {
        Val::Num(number) => Ok(number.as_f64()),
        other => Err(cannot("is no number", other)),
    }
}

fn is<'a>(value: &Val, kind: fn(f64) -> bool) -> Outputs<'a> {
    one(number(value).map(|number| Val::Bool(kind(number))))
}

fn real<'a>(value: &Val, f: fn(f64) -> f64) -> Outputs<'a> {
    one(number(value).map(|number| Val::Num(Num::result(f(number)))))
}

/// Whole numbers are round, and stay exact.
fn round<'a>(value: Val, f: fn(f64) -> f64) -> Outputs<'a> {
    match value {
        Val::Num(Num::Int(_) | Num::Big(_)) => box_once(Ok(value)),
        other => real(&other, f),
    }
}

fn abs(value: &Val) -> ValR<Val> {
    match value {
        Val::Num(Num::Float(number)) => Ok(Val::from(number.abs())),
        Val::Num(number) => {
            let whole = number.as_i128().unwrap_or_default();
            Ok(Val::Num(Num::whole(whole.abs())))
        }
        other => Err(cannot("has no absolute value", other)),
    }
}

fn pow(mut cv: Cv<'_>) -> Outputs<'_> {
    let (exponent, base) = (cv.0.pop_var(), cv.0.pop_var());
    let power = number(&base).and_then(|base| Ok(base.powf(number(&exponent)?)));
    one(power.map(|power| Val::Num(Num::result(power))))
}
