//! Reading parts of values: `.[k]`, `.[a:b]`, `.[]`.

use std::ops::Range;
use std::sync::Arc;

use jaq_core::ValR;

use super::error::{cannot, over};
use super::fields::Fields;
use super::list::{ITEM, List};
use super::val::Val;
use crate::adapt::meter;

/// Where an index stands in something of `len` items; negative ones count from the end.
pub(super) fn place(index: i64, len: usize) -> Option<usize> {
    let at = match usize::try_from(index) {
        Ok(at) => at,
        Err(_) => len.checked_sub(usize::try_from(index.unsigned_abs()).ok()?)?,
    };
    (at < len).then_some(at)
}

/// The part of something of `len` items that a slice means, as jq rounds it.
pub(super) fn slice(range: Range<Option<&Val>>, len: usize) -> ValR<Range<usize>, Val> {
    let bound = |value: Option<&Val>, default: usize, up: bool| match value {
        None | Some(Val::Null) => Ok(default),
        Some(Val::Num(number)) => {
            let number = number.as_f64();
            let at = if number < 0.0 {
                number + len as f64
            } else {
                number
            };
            let at = if up { at.ceil() } else { at.floor() };
            Ok((at.max(0.0) as usize).min(len))
        }
        Some(other) => Err(cannot("cannot be the end of a slice", other)),
    };
    let (from, to) = (bound(range.start, 0, false)?, bound(range.end, len, true)?);
    Ok(from..to.max(from))
}

/// The bounds of a slice given as an object, as paths have it.
pub(super) fn bounds(fields: &Fields) -> Range<Option<&Val>> {
    fields.get("start")..fields.get("end")
}

impl Val {
    pub(in crate::adapt) fn at(&self, index: &Self) -> ValR<Self> {
        if !meter::step(1) {
            return Err(over());
        }
        match (self, index) {
            (Self::Obj(fields), Self::Str(key)) => {
                let pays = meter::scan(key.len());
                let found = pays.then(|| fields.get(key).cloned().unwrap_or_default());
                found.ok_or_else(over)
            }
            (Self::Arr(list), Self::Num(number)) => {
                let at = number
                    .as_index()
                    .and_then(|index| place(index, list.items().len()));
                Ok(at
                    .and_then(|at| list.items().get(at))
                    .cloned()
                    .unwrap_or_default())
            }
            (Self::Null, Self::Str(_) | Self::Num(_) | Self::Null) => Ok(Self::Null),
            (_, Self::Obj(fields)) => self.part(bounds(fields)),
            (Self::Arr(list), Self::Arr(wanted)) => {
                positions(list.items(), wanted.items()).ok_or_else(over)
            }
            _ => {
                let what = match index {
                    Self::Str(_) => format!("cannot be indexed with {index}"),
                    _ => format!("cannot be indexed with {}", index.type_name()),
                };
                Err(cannot(&what, self))
            }
        }
    }

    pub(super) fn part(&self, range: Range<Option<&Self>>) -> ValR<Self> {
        if !meter::step(1) {
            return Err(over());
        }
        match self {
            Self::Null => Ok(Self::Null),
            Self::Arr(list) => {
                let range = slice(range, list.items().len())?;
                let items = list.items().get(range).unwrap_or_default();
                if !meter::bytes(items.len() * ITEM) {
                    return Err(over());
                }
                Ok(Self::Arr(Arc::new(List::new(items.to_vec()))))
            }
            Self::Str(text) => {
                if !meter::scan(text.len() * 4) {
                    return Err(over());
                }
                let range = slice(range, text.chars().count())?;
                let byte = |at| {
                    text.char_indices()
                        .nth(at)
                        .map_or(text.len(), |(byte, _)| byte)
                };
                let part = text.get(byte(range.start)..byte(range.end));
                Ok(Self::text(part.unwrap_or_default()))
            }
            _ => Err(cannot("cannot be sliced", self)),
        }
    }
}

/// Where the items of `wanted` stand in a row; `None` if it cannot be paid.
pub(in crate::adapt) fn positions(items: &[Val], wanted: &[Val]) -> Option<Val> {
    let mut found = Vec::new();
    if !wanted.is_empty() {
        for (at, row) in items.windows(wanted.len()).enumerate() {
            if !meter::step(1) {
                return None;
            }
            if row == wanted {
                found.push(Val::from(at));
            }
        }
    }
    meter::bytes(found.len() * ITEM).then(|| Val::Arr(Arc::new(List::new(found))))
}

/// The values of a container, each with its key; nothing more once nothing is left.
#[derive(Debug)]
pub(super) struct Pairs {
    of: Val,
    next: usize,
}

impl Pairs {
    pub(super) fn new(of: Val) -> Result<Self, Val> {
        match of {
            Val::Arr(_) | Val::Obj(_) => Ok(Self { of, next: 0 }),
            other => Err(other),
        }
    }

    pub(super) fn next_value(&mut self) -> Option<Val> {
        if !meter::step(1) {
            return None;
        }
        let at = self.next;
        self.next += 1;
        match &self.of {
            Val::Arr(list) => list.items().get(at).cloned(),
            Val::Obj(fields) => fields.pair(at).map(|(_, value)| value.clone()),
            _ => None,
        }
    }
}

impl Iterator for Pairs {
    type Item = (Val, Val);

    fn next(&mut self) -> Option<(Val, Val)> {
        let at = self.next;
        let value = self.next_value()?;
        match &self.of {
            Val::Obj(fields) => {
                let (key, _) = fields.pair(at)?;
                Some((Val::Str(Arc::clone(key)), value))
            }
            _ => Some((Val::from(at), value)),
        }
    }
}

/// The values of a container.
#[derive(Debug)]
pub(super) struct Values(pub(super) Pairs);

impl Iterator for Values {
    type Item = ValR<Val>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next_value().map(Ok)
    }
}
