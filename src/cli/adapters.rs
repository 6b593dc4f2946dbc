//! The adapters of a file, to be tried out.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use crate::config::{self, Problems, model, scalar};
use crate::snapshot::Adapter;

/// A program may run for so long here: a busy machine is no fault of it.
pub(super) const PATIENCE: scalar::Duration = scalar::Duration::from_secs(10);

/// The adapters of a file.
#[derive(Debug)]
pub(super) struct Adapters {
    /// As they stand there.
    pub(super) written: BTreeMap<String, model::Adapter>,
    /// The same, with more time for their programs.
    compiled: Vec<Arc<Adapter>>,
}

impl Adapters {
    /// Those of a file.
    ///
    /// # Errors
    ///
    /// The file is not in order.
    pub(super) fn load(file: &Path) -> Result<Self, Problems> {
        let written = config::load(file)?.config.adapters;
        let mut compiled = Vec::new();
        for (name, adapter) in &written {
            let mut patient = adapter.clone();
            patient.deadline = PATIENCE;
            let adapter = Adapter::compile(name, &patient, None, 1).map_err(|unsound| {
                let message = format!("{}: {}", unsound.at, unsound.value);
                Problems::whole(file.display().to_string(), message, "correct it")
            })?;
            compiled.push(adapter);
        }
        Ok(Self { written, compiled })
    }

    /// An operation: its adapter, and its place there.
    ///
    /// # Errors
    ///
    /// There is none of this name.
    pub(super) fn find(
        &self,
        adapter: &str,
        operation: &str,
    ) -> Result<(&Arc<Adapter>, usize), String> {
        let mut all = self.compiled.iter();
        let Some(found) = all.find(|known| *known.name == *adapter) else {
            let known = self.written.keys().map(String::as_str);
            return Err(unknown("adapter", adapter, known));
        };
        let mut operations = found.operations.iter();
        match operations.position(|known| *known.name == *operation) {
            Some(at) => Ok((found, at)),
            None => {
                let known = found.operations.iter().map(|known| &*known.name);
                let kind = format!("operation of `{adapter}`");
                Err(unknown(&kind, operation, known))
            }
        }
    }
}

/// Says that there is nothing of this name, and what there is.
pub(super) fn unknown<'k>(
    kind: &str,
    name: &str,
    known: impl Iterator<Item = &'k str> + Clone,
) -> String {
    let distance = |known: &&str| strsim::damerau_levenshtein(name, known);
    let nearest = known.clone().min_by_key(distance);
    let nearest = nearest.filter(|known| distance(known) <= (known.len() / 3).clamp(1, 3));
    let help = match nearest {
        Some(nearest) => format!("did you mean `{nearest}`?"),
        None => {
            let all: Vec<_> = known.map(|known| format!("`{known}`")).collect();
            match all.is_empty() {
                true => "there is none".to_owned(),
                false => format!("there is {}", all.join(", ")),
            }
        }
    };
    format!("there is no {kind} `{name}`\n    hint: {help}")
}
