//! `[backends.NAME.budget]`.

use crate::config::model::Budget;
use crate::config::sheet::Sheet;
use crate::config::tree::Path;

use super::bounds::rising;

pub(super) fn check(budget: &Budget, at: &Path, sheet: &mut Sheet<'_>) {
    let keys = [("per_hour", budget.per_hour), ("per_day", budget.per_day)];
    for (key, dollars) in keys {
        let path = at.key(key);
        if dollars.is_some_and(|dollars| dollars.get() == 0.0) && !sheet.is_spoiled(&path) {
            let message = format!("{} is used up before anything is spent", sheet.quote(&path));
            let hint = "write more than 0; to keep traffic away set the route's percent to 0";
            sheet.at_value(&path, message, hint);
        }
    }
    match (budget.per_hour, budget.per_day) {
        (Some(hour), Some(day)) => rising(at, ("per_hour", hour), ("per_day", day), sheet),
        (None, None) if !keys.iter().any(|(key, _)| sheet.is_spoiled(&at.key(key))) => {
            let message = "a budget without an amount";
            sheet.at_key(at, message, "write `per_hour`, `per_day`, or both");
        }
        _ => {}
    }
}
