//! The whole file, one table after the other.

use crate::config::model::Config;
use crate::config::sheet::Sheet;
use crate::config::tree::Path;

use super::{adapters, admin, backends, listen, ownership, routes};

/// Checks the whole file.
pub(in crate::config) fn check(config: &Config, sheet: &mut Sheet<'_>) {
    let root = Path::root();
    if config.state_dir.as_os_str().is_empty() {
        let hint = "name a folder, such as \"figshift-state\"";
        sheet.at_value(&root.key("state_dir"), "the folder has no name", hint);
    }
    listen::check(config, sheet);
    admin::check(config, sheet);
    backends::check(config, sheet);
    adapters::check(config, sheet);
    ownership::check(config, sheet);
    routes::check(config, sheet);
}
