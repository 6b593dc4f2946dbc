//! From a request to its route; the first match in the order of the file wins. Paths lie in a tree
//! of segments, one tree per host pattern, so that the cost depends on the depth of the path and
//! not on the number of routes.

use std::collections::HashMap;

use http::{HeaderMap, Method};

use super::route::Route;

/// What is asked of the router.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// Without a port; any case.
    pub host: &'a str,
    /// Begins with a slash, or is `*`, which goes where `/` goes.
    pub path: &'a str,
    /// The method.
    pub method: &'a Method,
    /// For header conditions.
    pub headers: &'a HeaderMap,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Router {
    exact: HashMap<Box<str>, Tree>,
    /// `.example.com` for `*.example.com`.
    suffixes: Vec<(Box<str>, Tree)>,
    any: Tree,
}

/// A node: what ends here, what begins here, and what goes on.
#[derive(Debug, Default)]
struct Tree {
    here: Vec<u32>,
    below: Vec<u32>,
    segments: HashMap<Box<str>, Self>,
    one: Option<Box<Self>>,
}

impl Router {
    /// Adds the route of the given index, after all of lower index.
    pub fn add(&mut self, index: u32, host: Option<&str>, path: Option<&str>) {
        let tree = match host.map(str::to_ascii_lowercase) {
            None => &mut self.any,
            Some(host) => match host.strip_prefix('*') {
                None => self.exact.entry(host.into()).or_default(),
                Some(suffix) => self.suffix_tree(suffix),
            },
        };
        tree.add(index, path.unwrap_or("/*"));
    }

    fn suffix_tree(&mut self, suffix: &str) -> &mut Tree {
        let at = self
            .suffixes
            .iter()
            .position(|(known, _)| &**known == suffix)
            .unwrap_or_else(|| {
                self.suffixes.push((suffix.into(), Tree::default()));
                self.suffixes.len() - 1
            });
        &mut self.suffixes[at].1
    }

    /// The index of the first route that takes the request.
    pub fn find(&self, routes: &[Route], ask: Ask<'_>) -> Option<usize> {
        let mut best = u32::MAX;
        let rest = after_slash(ask.path);
        let mut fits = |index: u32| {
            routes[index as usize]
                .matches
                .holds(ask.method, ask.headers)
        };
        if !self.exact.is_empty() || !self.suffixes.is_empty() {
            let lower;
            let host = if ask.host.bytes().any(|byte| byte.is_ascii_uppercase()) {
                lower = ask.host.to_ascii_lowercase();
                &lower
            } else {
                ask.host
            };
            if let Some(tree) = self.exact.get(host) {
                tree.find(rest, &mut best, &mut fits);
            }
            for (suffix, tree) in &self.suffixes {
                if host.len() > suffix.len() && host.ends_with(&**suffix) {
                    tree.find(rest, &mut best, &mut fits);
                }
            }
        }
        self.any.find(rest, &mut best, &mut fits);
        (best != u32::MAX).then_some(best as usize)
    }
}

impl Tree {
    fn add(&mut self, index: u32, pattern: &str) {
        let (path, tail) = match pattern.strip_suffix("/*") {
            Some(path) => (path, true),
            None => (pattern, false),
        };
        let mut node = self;
        let mut rest = after_slash(path);
        while let Some(path) = rest {
            let (segment, after) = next_segment(path);
            node = match segment {
                "*" => node.one.get_or_insert_default(),
                _ => node.segments.entry(segment.into()).or_default(),
            };
            rest = after;
        }
        if tail {
            node.below.push(index);
        } else {
            node.here.push(index);
        }
    }

    /// Lowers `best` to the first index that fits.
    fn find(&self, rest: Option<&str>, best: &mut u32, fits: &mut impl FnMut(u32) -> bool) {
        first(&self.below, best, fits);
        let Some(rest) = rest else {
            return first(&self.here, best, fits);
        };
        if self.segments.is_empty() && self.one.is_none() {
            return;
        }
        let (segment, after) = next_segment(rest);
        if let Some(node) = self.segments.get(segment) {
            node.find(after, best, fits);
        }
        if let (Some(node), false) = (&self.one, segment.is_empty()) {
            node.find(after, best, fits);
        }
    }
}

/// The segments of a path, or `None` for the root. A slash at the end is an empty last segment.
fn after_slash(path: &str) -> Option<&str> {
    path.strip_prefix('/').filter(|rest| !rest.is_empty())
}

fn next_segment(rest: &str) -> (&str, Option<&str>) {
    match rest.split_once('/') {
        Some((segment, after)) => (segment, Some(after)),
        None => (rest, None),
    }
}

fn first(list: &[u32], best: &mut u32, fits: &mut impl FnMut(u32) -> bool) {
    for index in list {
        if *index >= *best {
            return;
        }
        if fits(*index) {
            *best = *index;
            return;
        }
    }
}
