//! What the engine asks of values. Where it cannot be told that nothing is left, it gets `null` or
//! nothing, and the end of the run tells.

use std::sync::Arc;

use jaq_core::box_iter::{BoxIter, box_once};
use jaq_core::path::Opt;
use jaq_core::val::Range;
use jaq_core::{ValR, ValT, ValX};

use super::error::{cannot, over};
use super::fields::{Fields, PAIR};
use super::index::{Pairs, Values};
use super::list::{ITEM, List};
use super::num::Num;
use super::val::Val;
use crate::adapt::meter;

impl ValT for Val {
    fn from_num(text: &str) -> ValR<Self> {
        let number = Num::read(text).map(Self::Num);
        number.ok_or_else(|| cannot("is no number", &Self::from(text)))
    }

    fn from_map<I: IntoIterator<Item = (Self, Self)>>(pairs: I) -> ValR<Self> {
        let mut fields = Fields::default();
        for (key, value) in pairs {
            if !meter::bytes(PAIR) {
                return Err(over());
            }
            match key {
                Self::Str(key) => fields.insert(key, value),
                other => return Err(cannot("cannot be the key of an object", &other)),
            }
        }
        Self::Obj(Arc::new(fields)).checked().ok_or_else(over)
    }

    fn key_values(self) -> BoxIter<'static, ValR<(Self, Self), Self>> {
        match Pairs::new(self) {
            Ok(pairs) => Box::new(pairs.map(Ok)),
            Err(other) => box_once(Err(cannot("cannot be iterated over", &other))),
        }
    }

    fn values(self) -> Box<dyn Iterator<Item = ValR<Self>>> {
        match Pairs::new(self) {
            Ok(pairs) => Box::new(Values(pairs)),
            Err(other) => box_once(Err(cannot("cannot be iterated over", &other))),
        }
    }

    fn index(self, index: &Self) -> ValR<Self> {
        self.at(index)
    }

    fn range(self, range: Range<&Self>) -> ValR<Self> {
        self.part(range)
    }

    fn map_values<'a, I: Iterator<Item = ValX<'a, Self>>>(
        self,
        opt: Opt,
        f: impl Fn(Self) -> I,
    ) -> ValX<'a, Self> {
        self.update_values(opt, f)
    }

    fn map_index<'a, I: Iterator<Item = ValX<'a, Self>>>(
        self,
        index: &Self,
        opt: Opt,
        f: impl Fn(Self) -> I,
    ) -> ValX<'a, Self> {
        self.update_index(index, opt, f)
    }

    fn map_range<'a, I: Iterator<Item = ValX<'a, Self>>>(
        self,
        range: Range<&Self>,
        opt: Opt,
        f: impl Fn(Self) -> I,
    ) -> ValX<'a, Self> {
        self.update_range(range, opt, f)
    }

    fn as_bool(&self) -> bool {
        self.counts()
    }

    fn into_string(self) -> Self {
        self.printed()
    }
}

impl Val {
    /// A string as it is, anything else as JSON.
    pub(in crate::adapt) fn printed(self) -> Self {
        match self {
            Self::Str(_) if meter::step(1) => self,
            other => other.json(),
        }
    }

    /// As JSON in a string; `null` if there is no more room, and then the run is over.
    pub(in crate::adapt) fn json(&self) -> Self {
        let size = usize::try_from(self.size()).unwrap_or(usize::MAX);
        // Printing takes longer than copying.
        if !meter::fits(self.size()) || !meter::step(size as u64 / 16) {
            return Self::Null;
        }
        let mut text = Vec::with_capacity(size);
        self.write(&mut text);
        match String::from_utf8(text) {
            Ok(text) => Self::text(text),
            Err(_) => Self::Null,
        }
    }
}

impl From<Range<Self>> for Val {
    fn from(range: Range<Self>) -> Self {
        let bound = |bound: Option<Self>| bound.unwrap_or_default();
        Self::object([("start", bound(range.start)), ("end", bound(range.end))])
    }
}

/// Takes no more items once nothing is left.
impl FromIterator<Self> for Val {
    fn from_iter<T: IntoIterator<Item = Self>>(items: T) -> Self {
        let mut list = List::default();
        for item in items {
            if !meter::bytes(ITEM) {
                return Self::Null;
            }
            list.push(item);
            if !meter::fits(list.size()) {
                return Self::Null;
            }
        }
        Self::Arr(Arc::new(list)).checked().unwrap_or_default()
    }
}
