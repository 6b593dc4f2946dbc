//! What the values mean together: addresses, names that must exist, limits, routes that can never
//! match. Every check notes its problem and goes on.

mod backends;
mod listen;
mod names;
mod paths;
mod routes;

use super::model::Config;
use super::sheet::Sheet;
use super::tree::Path;

/// Checks the whole file.
pub(super) fn check(config: &Config, sheet: &mut Sheet<'_>) {
    let root = Path::root();
    if config.state_dir.as_os_str().is_empty() {
        let hint = "name a folder, such as \"figshift-state\"";
        sheet.at_value(&root.key("state_dir"), "the folder has no name", hint);
    }
    listen::check(config, sheet);
    backends::check(config, sheet);
    routes::check(config, sheet);
}
