//! `+ - * / %` as in jq. Whole numbers stay exact as long as they fit.

use std::collections::BTreeSet;
use std::ops::{Add, Div, Mul, Neg, Rem, Sub};
use std::sync::Arc;

use jaq_core::{Error, ValR, ops};

use super::error::{cannot, over};
use super::fields::{Fields, own_fields};
use super::list::{ITEM, List, own_list};
use super::num::Num;
use super::order::sort;
use super::{compare, val::Val};
use crate::adapt::meter;

type Result = ValR<Val>;

/// Whole if both are and the result fits, else in doubles.
fn calculate(
    left: Num,
    right: Num,
    whole: impl Fn(i128, i128) -> Option<i128>,
    float: impl Fn(f64, f64) -> f64,
) -> Num {
    let exact = match (left.as_i128(), right.as_i128()) {
        (Some(left), Some(right)) => whole(left, right),
        _ => None,
    };
    exact.map_or_else(
        || Num::result(float(left.as_f64(), right.as_f64())),
        Num::whole,
    )
}

fn fails(left: &Val, op: ops::Math, right: &Val) -> Result {
    let verb = match op {
        ops::Math::Add => "added",
        ops::Math::Sub => "subtracted",
        ops::Math::Mul => "multiplied",
        ops::Math::Div | ops::Math::Rem => "divided",
    };
    let text = format!(
        "{} ({left}) and {} ({right}) cannot be {verb}",
        left.type_name(),
        right.type_name(),
    );
    Err(Error::new(Val::text(text)))
}

/// A whole value as the result, if it may be.
fn made(value: Option<Val>) -> Result {
    value.and_then(Val::checked).ok_or_else(over)
}

impl Add for Val {
    type Output = Result;

    fn add(self, other: Self) -> Result {
        if !meter::step(1) {
            return Err(over());
        }
        match (self, other) {
            (Self::Null, value) | (value, Self::Null) => Ok(value),
            (Self::Num(left), Self::Num(right)) => Ok(Self::Num(calculate(
                left,
                right,
                i128::checked_add,
                |left, right| left + right,
            ))),
            (Self::Str(left), Self::Str(right)) => Ok(concat(left, right)?),
            (Self::Arr(mut left), Self::Arr(right)) => {
                let extended = own_list(&mut left).and_then(|list| {
                    let pays = meter::bytes(size_of_val(right.items()));
                    pays.then(|| list.extend(right.items()))
                });
                made(extended.map(|()| Self::Arr(left)))
            }
            (Self::Obj(left), Self::Obj(right)) => made(Fields::merge(left, right).map(Self::Obj)),
            (left, right) => fails(&left, ops::Math::Add, &right),
        }
    }
}

fn concat(left: Arc<str>, right: Arc<str>) -> Result {
    if left.is_empty() {
        return Ok(Val::Str(right));
    }
    if right.is_empty() {
        return Ok(Val::Str(left));
    }
    let len = left.len() + right.len();
    if !meter::bytes(len) || !meter::fits(len as u64) {
        return Err(over());
    }
    let mut text = String::with_capacity(len);
    text.push_str(&left);
    text.push_str(&right);
    Ok(Val::Str(text.into()))
}

impl Sub for Val {
    type Output = Result;

    fn sub(self, other: Self) -> Result {
        if !meter::step(1) {
            return Err(over());
        }
        match (self, other) {
            (Self::Num(left), Self::Num(right)) => Ok(Self::Num(calculate(
                left,
                right,
                i128::checked_sub,
                |left, right| left - right,
            ))),
            (Self::Arr(left), Self::Arr(right)) => made(without(&left, &right)),
            (left, right) => fails(&left, ops::Math::Sub, &right),
        }
    }
}

/// The items of `left` that equal none of `right`.
fn without(left: &List, right: &List) -> Option<Val> {
    // Texts are compared with each other in as many rounds as sorting takes.
    let rounds = right.items().len().max(1).ilog2() as usize + 1;
    let bytes: usize = right
        .items()
        .iter()
        .filter_map(Val::as_str)
        .map(str::len)
        .sum();
    if !meter::bytes((left.items().len() + right.items().len()) * ITEM)
        || !meter::scan(bytes * rounds)
    {
        return None;
    }
    let texts: BTreeSet<&str> = right.items().iter().filter_map(Val::as_str).collect();
    let others: Vec<&Val> = right
        .items()
        .iter()
        .filter(|item| item.as_str().is_none())
        .collect();
    let others = sort(others, &|left: &&Val, right: &&Val| compare(left, right))?;
    let mut kept = Vec::new();
    for item in left.items() {
        let is_there = match item.as_str() {
            Some(text) => {
                meter::scan(text.len() * rounds);
                texts.contains(text)
            }
            None => others
                .binary_search_by(|other| compare(other, item))
                .is_ok(),
        };
        if meter::spent().is_some() {
            return None;
        }
        if !is_there {
            kept.push(item.clone());
        }
    }
    Some(Val::Arr(Arc::new(List::new(kept))))
}

impl Mul for Val {
    type Output = Result;

    fn mul(self, other: Self) -> Result {
        if !meter::step(1) {
            return Err(over());
        }
        match (self, other) {
            (Self::Num(left), Self::Num(right)) => Ok(Self::Num(calculate(
                left,
                right,
                i128::checked_mul,
                |left, right| left * right,
            ))),
            (Self::Str(text), Self::Num(times)) | (Self::Num(times), Self::Str(text)) => {
                repeat(&text, times)
            }
            (Self::Obj(mut left), Self::Obj(right)) => {
                made(merge_deep(&mut left, &right).map(|()| Self::Obj(left)))
            }
            (left, right) => fails(&left, ops::Math::Mul, &right),
        }
    }
}

/// Nothing for a number that is not above zero; else at least once.
fn repeat(text: &str, times: Num) -> Result {
    let times = times.as_f64();
    if times.is_nan() || times <= 0.0 {
        return Ok(Val::Null);
    }
    let times = times.max(1.0) as usize;
    let len = text.len().saturating_mul(times);
    if !meter::bytes(len) || !meter::fits(len as u64) {
        return Err(over());
    }
    Ok(Val::Str(text.repeat(times).into()))
}

/// Objects within objects are merged too; nesting is bounded, and so is this.
fn merge_deep(left: &mut Arc<Fields>, right: &Arc<Fields>) -> Option<()> {
    let fields = own_fields(left)?;
    if !meter::bytes(right.len()) {
        return None;
    }
    for (key, value) in right.iter() {
        let at = fields.find(key);
        match (at, value) {
            (Some(at), Val::Obj(inner)) => match fields.take(at) {
                Some(Val::Obj(mut old)) => {
                    merge_deep(&mut old, inner)?;
                    fields.put(at, Val::Obj(old));
                }
                _ => fields.put(at, value.clone()),
            },
            (Some(at), _) => fields.put(at, value.clone()),
            (None, _) => fields.push(Arc::clone(key), value.clone()),
        }
        if !meter::step(1) {
            return None;
        }
    }
    Some(())
}

impl Div for Val {
    type Output = Result;

    fn div(self, other: Self) -> Result {
        if !meter::step(1) {
            return Err(over());
        }
        match (self, other) {
            (Self::Num(_), Self::Num(by)) if by.as_f64() == 0.0 => {
                Err(cannot("cannot be divided by, it is zero", &Self::Num(by)))
            }
            (Self::Num(left), Self::Num(right)) => {
                let whole = |left: i128, right: i128| {
                    let rest = left.checked_rem(right)?;
                    (rest == 0).then(|| left.checked_div(right)).flatten()
                };
                let float = |left, right| left / right;
                Ok(Self::Num(calculate(left, right, whole, float)))
            }
            (Self::Str(text), Self::Str(by)) => split(&text, &by).ok_or_else(over),
            (left, right) => fails(&left, ops::Math::Div, &right),
        }
    }
}

/// The parts between separators; every character on its own if the separator is empty.
pub(in crate::adapt) fn split(text: &str, by: &str) -> Option<Val> {
    if !meter::scan(text.len()) {
        return None;
    }
    let mut parts = Vec::new();
    let mut add = |part: &str| {
        let pays = meter::bytes(ITEM + part.len());
        pays.then(|| parts.push(Val::Str(part.into())))
    };
    if text.is_empty() {
    } else if by.is_empty() {
        let mut room = [0; 4];
        text.chars()
            .try_for_each(|char| add(char.encode_utf8(&mut room)))?;
    } else {
        text.split(by).try_for_each(&mut add)?;
    }
    Val::Arr(Arc::new(List::new(parts))).checked()
}

impl Rem for Val {
    type Output = Result;

    fn rem(self, other: Self) -> Result {
        if !meter::step(1) {
            return Err(over());
        }
        let (Self::Num(left), Self::Num(right)) = (&self, &other) else {
            return fails(&self, ops::Math::Rem, &other);
        };
        if left.as_f64().is_nan() || right.as_f64().is_nan() {
            return Ok(Self::from(f64::NAN));
        }
        let whole = |number: Num| {
            number
                .as_i128()
                .unwrap_or_else(|| number.as_f64() as i64 as i128)
        };
        match whole(*left).checked_rem(whole(*right).abs()) {
            Some(rest) => Ok(Self::Num(Num::whole(rest))),
            None => Err(cannot("cannot be divided by, it is zero", &other)),
        }
    }
}

impl Neg for Val {
    type Output = Result;

    fn neg(self) -> Result {
        match self {
            Self::Num(number) => Ok(Self::Num(calculate(
                number,
                Num::Int(0),
                |number, _| number.checked_neg(),
                |number, _| -number,
            ))),
            value => Err::<Self, Error<Self>>(cannot("cannot be negated", &value)),
        }
    }
}
