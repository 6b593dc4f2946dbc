//! What is in force while nobody is there to ask.

use std::collections::BTreeMap;
use std::time::SystemTime;

use super::budget::cap_at_start;
use super::cost::Purse;
use super::force::Force;
use super::journal::{journal_path, read_journal};
use super::kill;
use super::plan::{file_words, forces_of};
use crate::config::Config;

/// What a start would put in force on each route, by the file, the journal and the file `KILL`.
/// It reads and changes nothing. `VASTAI_ENABLED` is known to the process only.
pub fn at_rest(config: &Config) -> BTreeMap<String, Force> {
    let entries = read_journal(&journal_path(&config.state_dir), 1).unwrap_or_default();
    let mut overrides = entries
        .into_iter()
        .next_back()
        .map(|entry| entry.overrides)
        .unwrap_or_default();
    overrides.forget_older_than_file(|route| file_words(config, route));
    cap_at_start(
        &mut overrides,
        config,
        &Purse::open(config, SystemTime::now()),
    );
    let switches = kill::switches(&config.state_dir, |_| None);
    forces_of(config, &overrides, &switches)
}
