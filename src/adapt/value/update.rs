//! Altering parts of values: `.[k] |= f`, `.[a:b] |= f`, `.[] |= f`. As in jq, the first output
//! counts, none deletes, and `null` becomes what the index needs.

use std::ops::Range;
use std::sync::Arc;

use jaq_core::path::Opt;
use jaq_core::{Exn, ValX};

use super::error::{cannot, over};
use super::fields::{Fields, own_fields};
use super::index::{bounds, place, slice};
use super::list::{ITEM, List, own_list};
use super::val::Val;
use crate::adapt::meter;

/// One output of a filter; an error once nothing is left.
fn first<'a>(
    mut outputs: impl Iterator<Item = ValX<'a, Val>>,
) -> Result<Option<Val>, Exn<'a, Val>> {
    let first = outputs.next().transpose()?;
    match meter::spent() {
        None => Ok(first),
        Some(_) => Err(over().into()),
    }
}

fn made<'a>(value: Val) -> ValX<'a, Val> {
    value.checked().ok_or_else(|| over().into())
}

impl Val {
    pub(super) fn update_values<'a, I: Iterator<Item = ValX<'a, Self>>>(
        self,
        opt: Opt,
        f: impl Fn(Self) -> I,
    ) -> ValX<'a, Self> {
        match self {
            Self::Arr(mut list) => {
                own_list(&mut list).ok_or_else(over)?;
                let old = Arc::unwrap_or_clone(list).into_items();
                let mut new = Vec::with_capacity(old.len());
                for item in old {
                    if !meter::step(1) {
                        return Err(over().into());
                    }
                    new.extend(first(f(item))?);
                }
                made(Self::Arr(Arc::new(List::new(new))))
            }
            Self::Obj(mut fields) => {
                own_fields(&mut fields).ok_or_else(over)?;
                let old = Arc::unwrap_or_clone(fields).into_pairs();
                let mut new = Fields::with_capacity(old.len());
                for (key, value) in old {
                    if !meter::step(1) {
                        return Err(over().into());
                    }
                    if let Some(value) = first(f(value))? {
                        new.push(key, value);
                    }
                }
                made(Self::Obj(Arc::new(new)))
            }
            other => opt.fail(other, |other| {
                cannot("cannot be iterated over", &other).into()
            }),
        }
    }

    pub(super) fn update_index<'a, I: Iterator<Item = ValX<'a, Self>>>(
        self,
        index: &Self,
        opt: Opt,
        f: impl Fn(Self) -> I,
    ) -> ValX<'a, Self> {
        if !meter::step(1) {
            return Err(over().into());
        }
        match (self, index) {
            (Self::Obj(fields), Self::Str(key)) => update_field(fields, key, f),
            (Self::Null, Self::Str(key)) => match first(f(Self::Null))? {
                Some(value) => {
                    let mut fields = Fields::default();
                    fields.push(Arc::clone(key), value);
                    made(Self::Obj(Arc::new(fields)))
                }
                None => Ok(Self::Null),
            },
            (Self::Arr(list), Self::Num(number)) => match number.as_index() {
                Some(index) => update_item(list, index, f),
                None => Err(cannot("cannot be an index", &Self::Num(*number)).into()),
            },
            (Self::Null, Self::Num(number)) => {
                let list = Arc::new(List::default());
                match number.as_index() {
                    Some(index) => update_item(list, index, f),
                    None => Err(cannot("cannot be an index", &Self::Num(*number)).into()),
                }
            }
            (value @ (Self::Arr(_) | Self::Null | Self::Str(_)), Self::Obj(range)) => {
                value.update_range(bounds(range), opt, f)
            }
            (value, index) => opt.fail(value, |value| {
                let what = format!("cannot be indexed with {}", index.type_name());
                cannot(&what, &value).into()
            }),
        }
    }

    pub(super) fn update_range<'a, I: Iterator<Item = ValX<'a, Self>>>(
        self,
        range: Range<Option<&Self>>,
        opt: Opt,
        f: impl Fn(Self) -> I,
    ) -> ValX<'a, Self> {
        let list = match self {
            Self::Arr(list) => list,
            Self::Null => Arc::new(List::default()),
            other => {
                return opt.fail(other, |other| {
                    cannot("cannot be sliced to be set", &other).into()
                });
            }
        };
        let range = slice(range, list.items().len())?;
        let part = list.items().get(range.clone()).unwrap_or_default();
        if !meter::bytes(2 * list.items().len() * ITEM) {
            return Err(over().into());
        }
        let new = first(f(Self::Arr(Arc::new(List::new(part.to_vec())))))?;
        let new = match new {
            Some(Self::Arr(new)) => new,
            None => Arc::new(List::default()),
            Some(other) => return Err(cannot("cannot take the place of a slice", &other).into()),
        };
        if !meter::bytes(new.items().len() * ITEM) {
            return Err(over().into());
        }
        let mut items = list.items().to_vec();
        items.splice(range, new.items().iter().cloned());
        made(Self::Arr(Arc::new(List::new(items))))
    }
}

fn update_field<'a, I: Iterator<Item = ValX<'a, Val>>>(
    mut fields: Arc<Fields>,
    key: &Arc<str>,
    f: impl Fn(Val) -> I,
) -> ValX<'a, Val> {
    let own = own_fields(&mut fields).ok_or_else(over)?;
    match own.find(key) {
        Some(at) => match first(f(own.take(at).unwrap_or_default()))? {
            Some(value) => own.put(at, value),
            None => {
                let pays = meter::step(1 + own.len() as u64);
                own.remove(at);
                if !pays {
                    return Err(over().into());
                }
            }
        },
        None => {
            if let Some(value) = first(f(Val::Null))? {
                own.push(Arc::clone(key), value);
            }
        }
    }
    made(Val::Obj(fields))
}

fn update_item<'a, I: Iterator<Item = ValX<'a, Val>>>(
    mut list: Arc<List>,
    index: i64,
    f: impl Fn(Val) -> I,
) -> ValX<'a, Val> {
    let len = list.items().len();
    if let Some(at) = place(index, len) {
        let own = own_list(&mut list).ok_or_else(over)?;
        match first(f(own.take(at).unwrap_or_default()))? {
            Some(item) => own.put(at, item),
            None => {
                let pays = meter::step(1 + len as u64 / 8);
                own.remove(at);
                if !pays {
                    return Err(over().into());
                }
            }
        }
        return made(Val::Arr(list));
    }
    let Ok(at) = usize::try_from(index) else {
        let what = "is out of bounds: before the beginning of the array";
        return Err(cannot(what, &Val::from(index)).into());
    };
    let Some(item) = first(f(Val::Null))? else {
        return Ok(Val::Arr(list));
    };
    // What is not there yet is filled with `null`, if that can be paid.
    let missing = at - len;
    if !meter::bytes(missing.saturating_add(1).saturating_mul(ITEM)) {
        return Err(over().into());
    }
    let own = own_list(&mut list).ok_or_else(over)?;
    own.extend(&vec![Val::Null; missing]);
    own.push(item);
    made(Val::Arr(list))
}

impl Val {
    /// With another value where `index` means one that is there; else as it is. Nothing is paid.
    pub(in crate::adapt) fn replaced(self, index: &Self, new: impl FnOnce(Self) -> Self) -> Self {
        match (self, index) {
            (Self::Obj(mut fields), Self::Str(key)) => {
                let own = Arc::make_mut(&mut fields);
                if let Some(at) = own.find(key) {
                    let old = own.take(at).unwrap_or_default();
                    own.put(at, new(old));
                }
                Self::Obj(fields)
            }
            (Self::Arr(mut list), Self::Num(number)) => {
                let own = Arc::make_mut(&mut list);
                let at = number
                    .as_index()
                    .and_then(|index| place(index, own.items().len()));
                if let Some(at) = at {
                    let old = own.take(at).unwrap_or_default();
                    own.put(at, new(old));
                }
                Self::Arr(list)
            }
            (other, _) => other,
        }
    }
}
