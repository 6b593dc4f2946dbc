//! Names of rules and backends as small numbers. The numbers are of this process only: the disk keeps the
//! names themselves.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

/// Names by number and numbers by name; a name stays.
#[derive(Debug, Default)]
pub(super) struct Names {
    both: RwLock<Both>,
}

#[derive(Debug, Default)]
struct Both {
    names: Vec<Arc<str>>,
    numbers: HashMap<Arc<str>, u16>,
}

impl Names {
    /// The number of a name; `None` if there are 65 536 others.
    pub(super) fn number(&self, name: &str) -> Option<u16> {
        let known = self.both.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(&number) = known.numbers.get(name) {
            return Some(number);
        }
        drop(known);
        let mut both = self.both.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(&number) = both.numbers.get(name) {
            return Some(number);
        }
        let number = u16::try_from(both.names.len()).ok()?;
        let name: Arc<str> = name.into();
        both.names.push(Arc::clone(&name));
        both.numbers.insert(name, number);
        Some(number)
    }

    /// The number of a name that has one.
    pub(super) fn find(&self, name: &str) -> Option<u16> {
        let both = self.both.read().unwrap_or_else(PoisonError::into_inner);
        both.numbers.get(name).copied()
    }

    /// The name of a number that was given out here.
    pub(super) fn name(&self, number: u16) -> Arc<str> {
        let both = self.both.read().unwrap_or_else(PoisonError::into_inner);
        both.names
            .get(usize::from(number))
            .map_or_else(|| "".into(), Arc::clone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_out_65_536_numbers_and_no_more() {
        let names = Names::default();
        for index in 0..=u16::MAX {
            assert_eq!(names.number(&index.to_string()), Some(index));
        }
        assert_eq!(names.number("one more"), None);
        assert_eq!(names.number("7"), Some(7));
        assert_eq!(names.find("one more"), None);
        assert_eq!(&*names.name(7), "7");
    }
}
