//! Values between their bounds, and in their order.

use std::fmt::Display;

use crate::config::scalar::Duration;
use crate::config::sheet::Sheet;
use crate::config::tree::Path;

pub(super) const SECOND: Duration = Duration::from_secs(1);
pub(super) const MINUTE: Duration = Duration::from_secs(60);
pub(super) const HOUR: Duration = Duration::from_secs(3600);
pub(super) const DAY: Duration = Duration::from_secs(86_400);

/// A clock must run, and not beyond sense.
pub(super) fn clock(value: Duration, limit: Duration, path: &Path, sheet: &mut Sheet<'_>) {
    let quote = sheet.quote(path);
    if value.get().is_zero() {
        sheet.at_value(
            path,
            format!("{quote} is no time at all"),
            "write more than zero",
        );
    } else if value > limit {
        let hint = format!("write at most \"{limit}\"");
        sheet.at_value(path, format!("{quote} is too long"), &hint);
    }
}

/// A value has to lie between two others, or be one of them.
pub(super) fn within<T: Copy + PartialOrd + Display>(
    value: T,
    lowest: T,
    highest: T,
    path: &Path,
    sheet: &mut Sheet<'_>,
) {
    if value < lowest || value > highest {
        let message = format!("{} is out of range", sheet.quote(path));
        let hint = format!("write a value from \"{lowest}\" to \"{highest}\"");
        sheet.at_value(path, message, &hint);
    }
}

/// Of two keys of one table, the first must not be more than the second.
pub(super) fn rising<T: Copy + PartialOrd + Display>(
    at: &Path,
    (low_key, low): (&str, T),
    (high_key, high): (&str, T),
    sheet: &mut Sheet<'_>,
) {
    let (low_path, high_path) = (at.key(low_key), at.key(high_key));
    // In place of a refused value stands its default, which says nothing about the other one.
    if low <= high || sheet.is_spoiled(&low_path) || sheet.is_spoiled(&high_path) {
        return;
    }
    let message = format!(
        "`{low_key}` ({}) is more than `{high_key}` ({})",
        shown(sheet, &low_path, low),
        shown(sheet, &high_path, high)
    );
    // Told at the key that is written: the other one may be a default.
    let written = sheet.written.at(&low_path).is_some();
    let place = if written { &low_path } else { &high_path };
    let hint = format!("make `{low_key}` at most `{high_key}`");
    sheet.at_value(place, message, &hint);
}

/// The value at a path as written, or the default.
pub(super) fn shown(sheet: &Sheet<'_>, path: &Path, default: impl Display) -> String {
    match sheet.written.at(path) {
        Some(_) => sheet.quote(path),
        None => format!("`{default}` by default"),
    }
}

/// No value may stand in a list twice.
pub(super) fn no_doubles<T: PartialEq>(list: &[T], at: &Path, sheet: &mut Sheet<'_>) {
    for (index, item) in list.iter().enumerate() {
        if list.iter().take(index).any(|earlier| earlier == item) {
            let path = at.index(index);
            let message = format!("{} is in the list already", sheet.quote(&path));
            sheet.at_value(&path, message, "remove one");
        }
    }
}
