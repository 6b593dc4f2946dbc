//! `[backends.NAME.budget]`.

use crate::config::model::{Backend, Budget};
use crate::config::sheet::Sheet;
use crate::config::tree::Path;

use super::bounds::rising;

pub(super) fn check(budget: &Budget, backend: &Backend, of: &Path, sheet: &mut Sheet<'_>) {
    let at = &of.key("budget");
    let discover = backend.discover.as_ref();
    let has_instances = discover.is_some_and(|discover| discover.vastai.is_some());
    // A price that is refused is told where it stands.
    let has_price = sheet.written.at(&of.key("dollars_per_hour")).is_some();
    if !has_price && !has_instances {
        let message = "a budget for what has no price: it would never be used up";
        sheet.at_key(at, message, "add `dollars_per_hour = ...` to the backend");
    }
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
