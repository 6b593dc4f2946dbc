//! Rules of ownership, as requests consult them.

use std::sync::Arc;

use http::Method;

use super::Unsound;
use crate::adapt::{Filter, Named, Part, Pattern, Place, Spot};
use crate::config::model::{self, IdMode, ListBy, WhenUnknown};
use crate::stats::{Cells, OwnershipCell};

/// `[[ownership]]`, as it is in force.
#[derive(Debug)]
pub struct Ownership {
    /// As in the file.
    pub name: Box<str>,
    /// Requests that make something.
    pub create: Box<[Pattern]>,
    /// Where its id is in the response to that.
    pub ids: Box<[Named]>,
    /// Where later requests say which one they mean.
    pub uses: Box<[Spot]>,
    /// Further ids in responses to those.
    pub also: Box<[Place]>,
    /// Seconds after its last use for which an owner is remembered.
    pub ttl: u32,
    /// What is done with an id that nobody has seen.
    pub unknown: WhenUnknown,
    /// Where it is asked for.
    pub probe: Option<Pattern>,
    /// Whether its work is over, from a response.
    pub done: Option<Arc<Filter>>,
    /// The GET for all of them.
    pub list: Option<Pattern>,
    /// Both sides answer that.
    pub merges: bool,
    /// Where the list is in the answer.
    pub items: Option<Place>,
    /// What stands before the ids of a backend, in place of a table.
    pub prefixes: Option<Box<[Prefix]>>,
    /// What the workers have counted.
    pub cells: Arc<Cells<OwnershipCell>>,
    written: model::Ownership,
}

/// A backend, and what stands before its ids.
type Prefix = (Box<str>, Box<str>);

impl Ownership {
    /// As the file has it; the same one that was in force before if nothing of it has changed.
    pub(super) fn compile(
        written: &model::Ownership,
        old: Option<&Arc<Self>>,
        workers: usize,
    ) -> Result<Arc<Self>, Unsound> {
        if let Some(old) = old.filter(|old| old.written == *written) {
            return Ok(Arc::clone(old));
        }
        let unsound = |key: &str, value: &str| Unsound {
            at: format!("ownership.{}.{key}", written.name),
            value: value.to_owned(),
        };
        let pattern = |key, text: &str| Pattern::parse(text).map_err(|_| unsound(key, text));
        let place = |key, text: &str| Place::parse(text).map_err(|_| unsound(key, text));
        let create: Box<[Pattern]> = (written.create.iter())
            .map(|text| pattern("create", text))
            .collect::<Result<_, _>>()?;
        let ids = written.id.iter();
        let ids = ids.map(|text| Named::parse(text).map_err(|_| unsound("id", text)));
        let uses = written.uses.iter();
        let uses = uses.map(|text| Spot::parse(text).map_err(|_| unsound("use", text)));
        let uses: Box<[Spot]> = uses.collect::<Result<_, _>>()?;
        let probe = match &written.probe {
            Some(text) => Some(pattern("probe", text)?),
            None => own_probe(&uses),
        };
        let list = match &written.list_path {
            Some(text) => Some(pattern("list_path", text)?),
            None => create.first().map(Pattern::without_method),
        };
        let done = written.done.as_ref().map(|text| {
            let filter = Filter::compile(text, &[]);
            filter.map(Arc::new).map_err(|_| unsound("done", text))
        });
        let prefixes = written.prefixes.iter();
        let prefixes =
            prefixes.map(|(name, prefix)| (name.as_str().into(), prefix.as_str().into()));
        Ok(Arc::new(Self {
            name: written.name.as_str().into(),
            ids: ids.collect::<Result<_, _>>()?,
            also: (written.also.iter())
                .map(|text| place("also", text))
                .collect::<Result<_, _>>()?,
            ttl: u32::try_from(written.ttl.get().as_secs()).unwrap_or(u32::MAX),
            unknown: written.unknown,
            done: done.transpose()?,
            merges: written.list == ListBy::Merge,
            items: (written.list_items.as_ref())
                .map(|text| place("list_items", text))
                .transpose()?,
            prefixes: (written.id_mode == IdMode::Prefix).then(|| prefixes.collect()),
            cells: old.map_or_else(
                || Arc::new(Cells::new(workers)),
                |old| Arc::clone(&old.cells),
            ),
            written: written.clone(),
            create,
            uses,
            probe,
            list,
        }))
    }

    /// Whether a request makes something.
    pub fn creates(&self, method: &Method, path: &str) -> bool {
        let mut create = self.create.iter();
        create.any(|pattern| pattern.take(method, path).is_some())
    }

    /// Whether a request asks for all of them.
    pub fn lists(&self, method: &Method, path: &str) -> bool {
        let list = self.list.as_ref().filter(|_| method == Method::GET);
        list.is_some_and(|list| list.take_path(path).is_some())
    }

    /// The backend that an id belongs to by what it begins with, and the id as that knows it.
    pub fn by_prefix<'a>(&self, id: &'a str) -> Option<(&str, &'a str)> {
        let mut prefixes = self.prefixes.iter().flatten();
        prefixes.find_map(|(backend, prefix)| Some((&**backend, id.strip_prefix(&**prefix)?)))
    }

    /// What stands before the ids of a backend.
    pub fn prefix_of(&self, backend: &str) -> Option<&str> {
        let mut prefixes = self.prefixes.iter().flatten();
        let own = prefixes.find(|(name, _)| **name == *backend)?;
        Some(&own.1)
    }

    /// Whether it may concern a route that takes these paths.
    fn may_concern(&self, path: Option<&str>) -> bool {
        let Some(path) = path else {
            return true;
        };
        let patterns = self.create.iter().chain(&self.list);
        let mut patterns =
            patterns.chain(self.uses.iter().filter_map(|spot| spot.pattern.as_ref()));
        // What has no path of its own may stand in any request.
        self.uses.iter().any(|spot| spot.pattern.is_none())
            || patterns.any(|pattern| pattern.may_meet(path))
    }

    /// Those of the rules that may concern a route with these paths.
    pub(super) fn of_route(rules: &[Arc<Self>], path: Option<&str>) -> Box<[Arc<Self>]> {
        let concerned = rules.iter().filter(|rule| rule.may_concern(path));
        concerned.cloned().collect()
    }

    /// Whether an id stands in the bodies of later requests.
    pub fn reads_bodies(&self) -> bool {
        let in_body = |spot: &Spot| matches!(spot.part, Part::Body(_));
        self.uses.iter().any(in_body)
    }

    /// Whether a response to a later request tells anything that is not known.
    pub fn reads_answers(&self) -> bool {
        self.done.is_some() || !self.also.is_empty()
    }
}

/// The first path of `use` that is only the id of something.
fn own_probe(uses: &[Spot]) -> Option<Pattern> {
    let patterns = uses.iter().filter_map(|spot| spot.pattern.as_ref());
    let get = |pattern: &&Pattern| pattern.method().is_none_or(|method| method == Method::GET);
    let mut patterns = patterns.filter(get);
    patterns
        .find(|pattern| pattern.ends_in(crate::adapt::ID))
        .map(Pattern::without_method)
}
