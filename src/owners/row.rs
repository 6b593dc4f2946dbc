//! An entry as it stands on disk: its figures, then its names and texts, each after its length. Names and
//! not numbers, so that nothing can point to a name that is not there.

/// What a row tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Row<'a> {
    pub(super) created: u32,
    pub(super) expires: u32,
    pub(super) ttl: u32,
    pub(super) done: bool,
    pub(super) rule: &'a str,
    pub(super) backend: &'a str,
    /// Empty if its text was lost.
    pub(super) id: &'a [u8],
    pub(super) origin: &'a str,
    /// Empty if it has none.
    pub(super) theirs: &'a str,
}

impl<'a> Row<'a> {
    /// Into `bytes`, which is emptied first.
    pub(super) fn write(&self, bytes: &mut Vec<u8>) {
        bytes.clear();
        for figure in [self.created, self.expires, self.ttl] {
            bytes.extend_from_slice(&figure.to_le_bytes());
        }
        bytes.push(u8::from(self.done));
        let names = [self.rule, self.backend, self.origin, self.theirs].map(str::as_bytes);
        for text in names.into_iter().chain([self.id]) {
            // All texts are at most `LONGEST_ID` long.
            let len = text.len().min(usize::from(u16::MAX));
            bytes.extend_from_slice(&(len as u16).to_le_bytes());
            bytes.extend_from_slice(text.get(..len).unwrap_or_default());
        }
    }

    /// `None` if these bytes are no row.
    pub(super) fn read(mut bytes: &'a [u8]) -> Option<Self> {
        let rest = &mut bytes;
        let row = Self {
            created: figure(rest)?,
            expires: figure(rest)?,
            ttl: figure(rest)?,
            done: match take(rest, 1)? {
                [0] => false,
                [1] => true,
                _ => return None,
            },
            rule: str::from_utf8(text(rest)?).ok()?,
            backend: str::from_utf8(text(rest)?).ok()?,
            origin: str::from_utf8(text(rest)?).ok()?,
            theirs: str::from_utf8(text(rest)?).ok()?,
            id: text(rest)?,
        };
        rest.is_empty().then_some(row)
    }
}

fn take<'a>(rest: &mut &'a [u8], len: usize) -> Option<&'a [u8]> {
    let (taken, left) = rest.split_at_checked(len)?;
    *rest = left;
    Some(taken)
}

fn figure(rest: &mut &[u8]) -> Option<u32> {
    Some(u32::from_le_bytes(take(rest, 4)?.try_into().ok()?))
}

fn text<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let len = u16::from_le_bytes(take(rest, 2)?.try_into().ok()?);
    take(rest, usize::from(len))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn comes_back(
            figures in any::<(u32, u32, u32, bool)>(),
            names in any::<(String, String, String, String)>(),
            id in any::<Vec<u8>>(),
        ) {
            let row = Row {
                created: figures.0, expires: figures.1, ttl: figures.2, done: figures.3,
                rule: &names.0, backend: &names.1, origin: &names.2, theirs: &names.3, id: &id,
            };
            let mut bytes = vec![7];
            row.write(&mut bytes);
            prop_assert_eq!(Row::read(&bytes), Some(row));
            prop_assert_eq!(Row::read(&bytes[..bytes.len() - 1]), None);
        }

        #[test]
        fn no_bytes_are_too_bad(bytes in any::<Vec<u8>>()) {
            let _ = Row::read(&bytes);
        }
    }
}
