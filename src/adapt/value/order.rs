//! jq's order of values: null, false, true, numbers, strings, arrays, objects.

use std::cmp::Ordering;
use std::sync::Arc;

use super::fields::Fields;
use super::val::Val;
use crate::adapt::meter;

/// Compares, and pays for it; anything once nothing is left.
pub(in crate::adapt) fn compare(left: &Val, right: &Val) -> Ordering {
    if !meter::step(1) {
        return Ordering::Equal;
    }
    match (left, right) {
        (Val::Num(left), Val::Num(right)) => left.compare(*right),
        (Val::Str(left), Val::Str(right)) if Arc::ptr_eq(left, right) => Ordering::Equal,
        (Val::Str(left), Val::Str(right)) => text(left, right),
        (Val::Arr(left), Val::Arr(right)) if Arc::ptr_eq(left, right) => Ordering::Equal,
        (Val::Arr(left), Val::Arr(right)) => {
            let both = left.items().iter().zip(right.items());
            let first = both.map(|(left, right)| compare(left, right));
            first
                .into_iter()
                .find(|order| order.is_ne() || meter::spent().is_some())
                .unwrap_or_else(|| left.items().len().cmp(&right.items().len()))
        }
        (Val::Obj(left), Val::Obj(right)) if Arc::ptr_eq(left, right) => Ordering::Equal,
        (Val::Obj(left), Val::Obj(right)) => objects(left, right),
        _ => rank(left).cmp(&rank(right)),
    }
}

fn rank(value: &Val) -> u8 {
    match value {
        Val::Null => 0,
        Val::Bool(false) => 1,
        Val::Bool(true) => 2,
        Val::Num(_) => 3,
        Val::Str(_) => 4,
        Val::Arr(_) => 5,
        Val::Obj(_) => 6,
    }
}

/// In the order of code points, which is the order of the bytes of UTF-8.
fn text(left: &str, right: &str) -> Ordering {
    if meter::scan(left.len().min(right.len())) {
        left.cmp(right)
    } else {
        Ordering::Equal
    }
}

/// First by their sorted keys, then by the values in the order of the keys.
fn objects(left: &Fields, right: &Fields) -> Ordering {
    let (Some(left), Some(right)) = (sorted(left), sorted(right)) else {
        return Ordering::Equal;
    };
    let keys = left
        .iter()
        .map(|(key, _)| key)
        .cmp(right.iter().map(|(key, _)| key));
    if keys.is_ne() {
        return keys;
    }
    let mut values = left
        .iter()
        .zip(&right)
        .map(|(left, right)| compare(left.1, right.1));
    values
        .find(|order| order.is_ne() || meter::spent().is_some())
        .unwrap_or(Ordering::Equal)
}

/// The pairs by their keys; `None` if that cannot be paid.
fn sorted(fields: &Fields) -> Option<Vec<(&Arc<str>, &Val)>> {
    if !pay_for_keys(fields) {
        return None;
    }
    let mut pairs: Vec<_> = fields.iter().collect();
    pairs.sort_unstable_by(|left, right| left.0.cmp(right.0));
    Some(pairs)
}

/// Pays for sorting the keys of an object.
pub(in crate::adapt) fn pay_for_keys(fields: &Fields) -> bool {
    let rounds = u64::from(fields.len().max(1).ilog2()) + 1;
    let bytes: usize = fields.iter().map(|(key, _)| key.len()).sum();
    meter::step(rounds * (fields.len() as u64 + bytes as u64 / 64))
}

impl PartialEq for Val {
    fn eq(&self, other: &Self) -> bool {
        if !meter::step(1) {
            return false;
        }
        match (self, other) {
            (Self::Num(left), Self::Num(right)) => {
                let is_nan = left.as_f64().is_nan() || right.as_f64().is_nan();
                !is_nan && left.compare(*right).is_eq()
            }
            (Self::Str(left), Self::Str(right)) if Arc::ptr_eq(left, right) => true,
            (Self::Str(left), Self::Str(right)) => {
                left.len() == right.len() && meter::scan(left.len()) && left == right
            }
            (Self::Arr(left), Self::Arr(right)) if Arc::ptr_eq(left, right) => true,
            (Self::Obj(left), Self::Obj(right)) if Arc::ptr_eq(left, right) => true,
            (Self::Arr(left), Self::Arr(right)) => {
                let (left, right) = (left.items(), right.items());
                left.len() == right.len() && left.iter().zip(right).all(|(l, r)| l == r)
            }
            (Self::Obj(left), Self::Obj(right)) => {
                let same = |(key, value): (&Arc<str>, &Self)| {
                    meter::scan(key.len()) && right.get(key).is_some_and(|other| value == other)
                };
                left.len() == right.len() && left.iter().all(same)
            }
            _ => rank(self) == rank(other),
        }
    }
}

impl PartialOrd for Val {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        let order = compare(self, other);
        meter::spent().is_none().then_some(order)
    }
}

/// Sorts by merging, stable. `None` as soon as nothing is left: the sort of the standard library
/// may panic when an order is no order, as it is not when comparing is cut short.
pub(in crate::adapt) fn sort<T>(
    items: Vec<T>,
    order: &impl Fn(&T, &T) -> Ordering,
) -> Option<Vec<T>> {
    // No more than this is held at any time.
    let pays = meter::bytes(2 * size_of_val(items.as_slice()));
    pays.then(|| merge_sort(items, order)).flatten()
}

fn merge_sort<T>(mut items: Vec<T>, order: &impl Fn(&T, &T) -> Ordering) -> Option<Vec<T>> {
    if items.len() < 2 {
        return Some(items);
    }
    let right = items.split_off(items.len() / 2);
    let left = merge_sort(items, order)?.into_iter();
    let right = merge_sort(right, order)?.into_iter();
    if !meter::scan((left.len() + right.len()) * size_of::<T>()) {
        return None;
    }
    let mut merged = Vec::with_capacity(left.len() + right.len());
    let (mut left, mut right) = (left.peekable(), right.peekable());
    while let (Some(one), Some(other)) = (left.peek(), right.peek()) {
        let takes_right = order(one, other).is_gt();
        if meter::spent().is_some() {
            return None;
        }
        merged.extend(if takes_right {
            right.next()
        } else {
            left.next()
        });
    }
    merged.extend(left);
    merged.extend(right);
    Some(merged)
}
