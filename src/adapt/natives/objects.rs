//! Objects, and paths.

use std::iter::once;
use std::sync::Arc;

use jaq_core::native::v;
use jaq_core::path::Opt;
use jaq_core::{Exn, ValR, ValT as _, ValX};

use super::Entry;
use super::host::{Cv, Outputs, items, one};
use crate::adapt::meter;
use crate::adapt::value::{Fields, Val, cannot, compare, over, pay_for_keys, sort};

/// Keys in a path; deeper than any value can be.
const LONGEST_PATH: usize = 256;
/// Names of the key and of the value in the pairs that `from_entries` takes.
const KEYS: [&str; 6] = ["key", "k", "name", "Name", "K", "Key"];
const VALUES: [&str; 4] = ["value", "v", "Value", "V"];

pub(super) const ENTRIES: fn() -> Vec<Entry> = || {
    vec![
        ("keys", v(0), |cv| one(keys(&cv.1, true))),
        ("keys_unsorted", v(0), |cv| one(keys(&cv.1, false))),
        ("has", v(1), |mut cv| {
            let key = cv.0.pop_var();
            one(has(&cv.1, &key).map(Val::Bool))
        }),
        ("contains", v(1), |mut cv| {
            let part = cv.0.pop_var();
            one(contains(&cv.1, &part).map(Val::Bool))
        }),
        ("to_entries", v(0), |cv| one(to_entries(&cv.1))),
        ("from_entries", v(0), |cv| one(from_entries(&cv.1))),
        ("path_within", v(0), |cv| {
            one(path(&cv.1).map(|_| cv.1.clone()))
        }),
        ("setpath", v(2), setpath),
        ("delpaths", v(1), delpaths),
    ]
};

fn keys(value: &Val, sorted: bool) -> ValR<Val> {
    match value {
        Val::Obj(fields) => {
            let mut keys: Vec<&Arc<str>> = fields.iter().map(|(key, _)| key).collect();
            if sorted {
                if !pay_for_keys(fields) {
                    return Err(over());
                }
                keys.sort_unstable();
            }
            Ok(keys
                .into_iter()
                .map(|key| Val::Str(Arc::clone(key)))
                .collect())
        }
        Val::Arr(list) => Ok((0..list.items().len()).map(Val::from).collect()),
        other => Err(cannot("has no keys", other)),
    }
}

fn has(value: &Val, key: &Val) -> ValR<bool, Val> {
    match (value, key) {
        (Val::Obj(fields), Val::Str(key)) if meter::scan(key.len()) => {
            Ok(fields.get(key).is_some())
        }
        (Val::Arr(list), Val::Num(at)) => {
            let at = at.as_index().and_then(|at| usize::try_from(at).ok());
            Ok(at.is_some_and(|at| at < list.items().len()))
        }
        _ => Err(cannot(&format!("cannot be asked for the key {key}"), value)),
    }
}

fn contains(whole: &Val, part: &Val) -> ValR<bool, Val> {
    if !meter::step(1) {
        return Err(over());
    }
    match (whole, part) {
        (Val::Obj(whole), Val::Obj(part)) => {
            for (key, part) in part.iter() {
                match whole.get(key) {
                    Some(whole) if meter::scan(key.len()) && contains(whole, part)? => {}
                    _ => return Ok(false),
                }
            }
            Ok(true)
        }
        (Val::Arr(whole), Val::Arr(parts)) => {
            for part in parts.items() {
                let mut is_there = false;
                for whole in whole.items() {
                    is_there = whole.type_name() == part.type_name() && contains(whole, part)?;
                    if is_there || meter::spent().is_some() {
                        break;
                    }
                }
                if !is_there {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        (Val::Str(whole), Val::Str(part)) => {
            let pays = meter::scan(whole.len() + part.len());
            pays.then(|| whole.contains(&**part)).ok_or_else(over)
        }
        (whole, part) if whole.type_name() == part.type_name() => Ok(whole == part),
        _ => Err(cannot("cannot have its containment checked", whole)),
    }
}

fn to_entries(value: &Val) -> ValR<Val> {
    let Val::Obj(fields) = value else {
        return Err(cannot("has no entries", value));
    };
    let (key_name, value_name): (Arc<str>, Arc<str>) = (Arc::from("key"), Arc::from("value"));
    let entry = |(key, value): (&Arc<str>, &Val)| {
        if !meter::bytes(2 * size_of::<(Arc<str>, Val)>()) {
            return Err(over());
        }
        let mut entry = Fields::default();
        entry.insert(Arc::clone(&key_name), Val::Str(Arc::clone(key)));
        entry.insert(Arc::clone(&value_name), value.clone());
        Ok(Val::Obj(Arc::new(entry)))
    };
    fields.iter().map(entry).collect()
}

fn from_entries(value: &Val) -> ValR<Val> {
    let mut fields = Fields::default();
    for entry in value.clone().values() {
        let entry = entry?;
        let first = |names: &[&str]| {
            let mut found = names.iter().filter_map(|name| entry.get(name));
            found.find(|value| value.counts()).or_else(|| {
                let mut found = names.iter().filter_map(|name| entry.get(name));
                found.find(|value| !value.is_null())
            })
        };
        if !matches!(entry, Val::Obj(_)) {
            return Err(cannot("is no entry", &entry));
        }
        let key: Arc<str> = match first(&KEYS) {
            Some(Val::Str(key)) => Arc::clone(key),
            None => Arc::from("null"),
            Some(key @ (Val::Num(_) | Val::Bool(_))) => Arc::from(key.to_string()),
            Some(other) => return Err(cannot("cannot be the key of an object", other)),
        };
        if !meter::bytes(size_of::<(Arc<str>, Val)>() + key.len()) {
            return Err(over());
        }
        fields.insert(key, first(&VALUES).cloned().unwrap_or_default());
    }
    Val::Obj(Arc::new(fields)).checked().ok_or_else(over)
}

fn path(value: &Val) -> Result<&[Val], jaq_core::Error<Val>> {
    let path = items(value, "is no path")?;
    if path.len() > LONGEST_PATH {
        return Err(cannot("is too long a path", value));
    }
    Ok(path)
}

fn setpath(mut cv: Cv<'_>) -> Outputs<'_> {
    let (new, at) = (cv.0.pop_var(), cv.0.pop_var());
    match path(&at) {
        Ok(path) => Box::new(once(set(cv.1, path, &new))),
        Err(error) => one(Err(error)),
    }
}

/// Goes as deep as the path is long, which is bounded.
fn set<'a>(value: Val, path: &[Val], new: &Val) -> ValX<'a, Val> {
    match path.split_first() {
        None => Ok(new.clone()),
        Some((key, rest)) => {
            value.map_index(key, Opt::Essential, |inner| once(set(inner, rest, new)))
        }
    }
}

/// From the last path to the first, so that none moves what another one means.
fn delpaths(mut cv: Cv<'_>) -> Outputs<'_> {
    let paths = cv.0.pop_var();
    let deleted = || {
        let paths = items(&paths, "is no array of paths")?.to_vec();
        let paths = sort(paths, &compare).ok_or_else(over)?;
        let mut value = cv.1;
        for at in paths.iter().rev() {
            value = delete(value, path(at)?)?;
            if meter::spent().is_some() {
                return Err(over().into());
            }
        }
        Ok(value)
    };
    Box::new(once(deleted()))
}

fn delete<'a>(value: Val, path: &[Val]) -> ValX<'a, Val> {
    let (key, rest) = match path.split_first() {
        None => return Ok(Val::Null),
        Some(parts) => parts,
    };
    if value.is_null() {
        return Ok(value);
    }
    if rest.is_empty() {
        if let (Val::Arr(list), Val::Num(at)) = (&value, key)
            && at.as_f64() < -(list.items().len() as f64)
        {
            return Ok(value);
        }
        return value.map_index(key, Opt::Essential, |_| {
            std::iter::empty::<Result<Val, Exn<'a, Val>>>()
        });
    }
    match value.at(key) {
        Ok(Val::Null) => Ok(value),
        Ok(_) => value.map_index(key, Opt::Essential, |inner| once(delete(inner, rest))),
        Err(error) => Err(error.into()),
    }
}
