//! Sorting, and what begins with it.

use jaq_core::box_iter::box_once;
use jaq_core::native::v;
use jaq_core::{Bind, Exn};

use super::Entry;
use super::host::{Cv, Outputs, items};
use crate::adapt::meter;
use crate::adapt::value::{Val, compare, over, sort};

/// An item with what it is sorted by.
type Keyed = (Val, Val);
type Answer<'a, T> = Result<T, Exn<'a, Val>>;

pub(super) const ENTRIES: fn() -> Vec<Entry> = || {
    let f = || Box::from([Bind::Fun(())]);
    vec![
        ("sort", v(0), |cv| {
            answer(plain(&cv).and_then(sorted).and_then(all))
        }),
        ("sort_by", f(), |cv| {
            answer(keyed(cv).and_then(sorted).and_then(all))
        }),
        ("unique", v(0), |cv| {
            answer(plain(&cv).and_then(sorted).and_then(unique))
        }),
        ("unique_by", f(), |cv| {
            answer(keyed(cv).and_then(sorted).and_then(unique))
        }),
        ("group_by", f(), |cv| {
            answer(keyed(cv).and_then(sorted).and_then(groups))
        }),
        ("min", v(0), |cv| {
            answer(plain(&cv).and_then(|of| extreme(of, false)))
        }),
        ("min_by", f(), |cv| {
            answer(keyed(cv).and_then(|of| extreme(of, false)))
        }),
        ("max", v(0), |cv| {
            answer(plain(&cv).and_then(|of| extreme(of, true)))
        }),
        ("max_by", f(), |cv| {
            answer(keyed(cv).and_then(|of| extreme(of, true)))
        }),
    ]
};

/// A result counts only if something is left.
fn answer<'a>(result: Answer<'a, Val>) -> Outputs<'a> {
    box_once(match meter::spent() {
        None => result,
        Some(_) => Err(over().into()),
    })
}

/// Every item with itself.
fn plain<'a>(cv: &Cv<'a>) -> Answer<'a, Vec<Keyed>> {
    let of = items(&cv.1, "cannot be sorted, as it is no array")?;
    if !meter::bytes(size_of_val(of) * 2) {
        return Err(over().into());
    }
    Ok(of.iter().map(|item| (item.clone(), item.clone())).collect())
}

/// Every item with all that the filter makes of it.
fn keyed(mut cv: Cv<'_>) -> Answer<'_, Vec<Keyed>> {
    let (f, context) = cv.0.pop_fun();
    let mut of = Vec::new();
    for item in items(&cv.1, "cannot be sorted, as it is no array")? {
        if !meter::bytes(size_of::<Keyed>()) {
            return Err(over().into());
        }
        let key: Answer<'_, Val> = f.run((context.clone(), item.clone())).collect();
        of.push((key?, item.clone()));
    }
    Ok(of)
}

fn sorted<'a>(of: Vec<Keyed>) -> Answer<'a, Vec<Keyed>> {
    sort(of, &|left: &Keyed, right: &Keyed| {
        compare(&left.0, &right.0)
    })
    .ok_or_else(|| over().into())
}

fn all<'a>(of: Vec<Keyed>) -> Answer<'a, Val> {
    Ok(of.into_iter().map(|(_, item)| item).collect())
}

/// The first of those with equal keys.
fn unique<'a>(of: Vec<Keyed>) -> Answer<'a, Val> {
    let mut last: Option<Val> = None;
    let mut is_new = |key: &Val| {
        let is_new = last.as_ref().is_none_or(|last| compare(last, key).is_ne());
        last = Some(key.clone());
        is_new
    };
    Ok(of
        .into_iter()
        .filter(|(key, _)| is_new(key))
        .map(|(_, item)| item)
        .collect())
}

fn groups<'a>(of: Vec<Keyed>) -> Answer<'a, Val> {
    let mut groups: Vec<Val> = Vec::new();
    let mut group: Vec<Val> = Vec::new();
    let mut last: Option<Val> = None;
    for (key, item) in of {
        if last
            .as_ref()
            .is_some_and(|last| compare(last, &key).is_ne())
        {
            groups.push(std::mem::take(&mut group).into_iter().collect());
        }
        group.push(item);
        last = Some(key);
    }
    if !group.is_empty() {
        groups.push(group.into_iter().collect());
    }
    Ok(groups.into_iter().collect())
}

/// The first least, or the last greatest.
fn extreme<'a>(of: Vec<Keyed>, greatest: bool) -> Answer<'a, Val> {
    let best = of.into_iter().reduce(|best, next| {
        let order = compare(&next.0, &best.0);
        let takes = if greatest {
            order.is_ge()
        } else {
            order.is_lt()
        };
        if takes { next } else { best }
    });
    Ok(best.map(|(_, item)| item).unwrap_or_default())
}
