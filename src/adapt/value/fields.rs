//! Objects: pairs in the order of their insertion. Few are searched one by one; many have an index,
//! whose hashes are keyed by random, so that nobody can choose keys that collide.

use std::collections::HashMap;
use std::sync::Arc;

use super::val::Val;
use crate::adapt::meter;

/// More pairs than this have an index.
const UNINDEXED: usize = 12;
/// Bytes taken by a pair within its object.
pub(super) const PAIR: usize = size_of::<(Arc<str>, Val)>();

/// The pairs of an object, with what they come to.
#[derive(Clone, Default)]
pub struct Fields {
    pairs: Vec<(Arc<str>, Val)>,
    index: Option<HashMap<Arc<str>, usize>>,
    /// At least the nesting of the deepest value and one more.
    depth: u16,
    size: u64,
}

impl Fields {
    pub(super) fn with_capacity(pairs: usize) -> Self {
        Self {
            pairs: Vec::with_capacity(pairs),
            ..Self::default()
        }
    }

    /// The pairs in the order of their insertion.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&Arc<str>, &Val)> {
        self.pairs.iter().map(|(key, value)| (key, value))
    }

    pub(in crate::adapt) fn pair(&self, at: usize) -> Option<&(Arc<str>, Val)> {
        self.pairs.get(at)
    }

    /// How many pairs there are.
    pub fn len(&self) -> usize {
        self.pairs.len()
    }

    /// Whether there is no pair.
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    pub(super) fn depth(&self) -> u16 {
        self.depth.max(1)
    }

    pub(super) fn size(&self) -> u64 {
        self.size + 2
    }

    pub(super) fn into_pairs(self) -> Vec<(Arc<str>, Val)> {
        self.pairs
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Val> {
        let at = self.find(key)?;
        self.pairs.get(at).map(|(_, value)| value)
    }

    pub(super) fn find(&self, key: &str) -> Option<usize> {
        match &self.index {
            Some(index) => index.get(key).copied(),
            None => self.pairs.iter().position(|(known, _)| **known == *key),
        }
    }

    fn count(&mut self, value: &Val) {
        self.depth = self.depth.max(value.depth().saturating_add(1));
        self.size = self.size.saturating_add(value.size());
    }

    /// Sets a key to a value.
    pub(in crate::adapt) fn insert(&mut self, key: Arc<str>, value: Val) {
        match self.find(&key) {
            Some(at) => self.put(at, value),
            None => self.push(key, value),
        }
    }

    /// Adds a pair whose key is not there.
    pub(super) fn push(&mut self, key: Arc<str>, value: Val) {
        self.count(&value);
        self.size = self.size.saturating_add(key.len() as u64 + 4);
        if let Some(index) = &mut self.index {
            index.insert(Arc::clone(&key), self.pairs.len());
        }
        self.pairs.push((key, value));
        if self.pairs.len() > UNINDEXED && self.index.is_none() {
            self.make_index();
        }
    }

    /// Adds a pair whose key is not there before all others.
    fn push_front(&mut self, key: Arc<str>, value: Val) {
        self.count(&value);
        self.size = self.size.saturating_add(key.len() as u64 + 4);
        self.pairs.insert(0, (key, value));
        self.index = None;
        if self.pairs.len() > UNINDEXED {
            self.make_index();
        }
    }

    fn make_index(&mut self) {
        let keys = self.pairs.iter().map(|(key, _)| Arc::clone(key));
        self.index = Some(keys.zip(0..).collect());
    }

    /// Takes a value out and leaves `null`.
    pub(super) fn take(&mut self, at: usize) -> Option<Val> {
        let value = std::mem::take(&mut self.pairs.get_mut(at)?.1);
        self.size = self.size.saturating_sub(value.size()) + Val::Null.size();
        Some(value)
    }

    /// Replaces the value of a pair.
    pub(super) fn put(&mut self, at: usize, value: Val) {
        let Some(old) = self.pairs.get(at).map(|(_, old)| old.size()) else {
            return;
        };
        self.size = self.size.saturating_sub(old);
        self.count(&value);
        if let Some((_, place)) = self.pairs.get_mut(at) {
            *place = value;
        }
    }

    pub(super) fn remove(&mut self, at: usize) {
        if at < self.pairs.len() {
            let (key, value) = self.pairs.remove(at);
            let gone = value.size() + key.len() as u64 + 4;
            self.size = self.size.saturating_sub(gone);
            self.index = None;
            if self.pairs.len() > UNINDEXED {
                self.make_index();
            }
        }
    }

    /// `self + other`: keys of `self` keep their places, values of `other` count. `None` if it cannot
    /// be paid.
    pub(super) fn merge(mut left: Arc<Self>, mut right: Arc<Self>) -> Option<Arc<Self>> {
        let is_small = left.len() == 1 && right.len() <= UNINDEXED;
        if let (true, Some(one), Some(many)) =
            (is_small, Arc::get_mut(&mut left), Arc::get_mut(&mut right))
        {
            // `{a: …, b: …}` comes as a sum of single pairs, from the last to the first.
            if !meter::step(1 + many.len() as u64 / 2) {
                return None;
            }
            let is_new = one
                .pairs
                .first()
                .is_some_and(|(key, _)| many.find(key).is_none());
            if is_new {
                if let Some((key, value)) = one.pairs.pop() {
                    many.push_front(key, value);
                }
                return Some(right);
            }
        }
        let fields = own_fields(&mut left)?;
        if !meter::bytes(right.len() * PAIR) {
            return None;
        }
        for (key, value) in right.iter() {
            fields.insert(Arc::clone(key), value.clone());
        }
        Some(left)
    }
}

/// The fields as such that may be altered: a copy if others hold them. `None` if the copy cannot be
/// paid.
pub(super) fn own_fields(fields: &mut Arc<Fields>) -> Option<&mut Fields> {
    if Arc::get_mut(fields).is_none() {
        if !meter::bytes(fields.len() * PAIR) {
            return None;
        }
        *fields = Arc::new(Fields::clone(fields));
    }
    Arc::get_mut(fields)
}

impl std::fmt::Debug for Fields {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Fields({} pairs)", self.pairs.len())
    }
}
