//! Arrays.

use std::sync::Arc;

use super::val::Val;
use crate::adapt::meter;

/// Bytes taken by an item within its array.
pub(super) const ITEM: usize = size_of::<Val>();

/// The items of an array, with what they come to.
#[derive(Clone, Default)]
pub struct List {
    items: Vec<Val>,
    /// At least the nesting of the deepest item and one more.
    depth: u16,
    size: u64,
}

impl List {
    pub(super) fn new(items: Vec<Val>) -> Self {
        let mut list = Self {
            items: Vec::new(),
            depth: 1,
            size: 2,
        };
        for item in &items {
            list.count(item);
        }
        list.items = items;
        list
    }

    fn count(&mut self, item: &Val) {
        self.depth = self.depth.max(item.depth().saturating_add(1));
        self.size = self.size.saturating_add(item.size() + 1);
    }

    /// The items in their order.
    pub fn items(&self) -> &[Val] {
        &self.items
    }

    pub(super) fn depth(&self) -> u16 {
        self.depth.max(1)
    }

    pub(super) fn size(&self) -> u64 {
        self.size
    }

    pub(super) fn into_items(self) -> Vec<Val> {
        self.items
    }

    pub(super) fn push(&mut self, item: Val) {
        self.count(&item);
        self.items.push(item);
    }

    pub(super) fn extend(&mut self, items: &[Val]) {
        for item in items {
            self.count(item);
        }
        self.items.extend_from_slice(items);
    }

    /// Takes an item out and leaves `null`.
    pub(super) fn take(&mut self, at: usize) -> Option<Val> {
        let item = std::mem::take(self.items.get_mut(at)?);
        self.size = self.size.saturating_sub(item.size() + 1) + Val::Null.size() + 1;
        Some(item)
    }

    /// Puts an item where `null` is.
    pub(super) fn put(&mut self, at: usize, item: Val) {
        if let Some(place) = self.items.get_mut(at) {
            self.size = self.size.saturating_sub(place.size() + 1);
            *place = Val::Null;
            self.count(&item);
            if let Some(place) = self.items.get_mut(at) {
                *place = item;
            }
        }
    }

    pub(super) fn remove(&mut self, at: usize) {
        if at < self.items.len() {
            let item = self.items.remove(at);
            self.size = self.size.saturating_sub(item.size() + 1);
        }
    }
}

/// The list as one that may be altered: a copy if others hold it. `None` if the copy cannot be paid.
pub(super) fn own_list(list: &mut Arc<List>) -> Option<&mut List> {
    if Arc::get_mut(list).is_none() {
        if !meter::bytes(list.items.len() * ITEM) {
            return None;
        }
        *list = Arc::new(List::clone(list));
    }
    Arc::get_mut(list)
}

impl std::fmt::Debug for List {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "List({} items)", self.items.len())
    }
}
