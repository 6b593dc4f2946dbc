//! From `[adapters.NAME]` as written to what requests consult.

use std::sync::Arc;
use std::time::Duration;

use http::{Method, StatusCode};

use super::operation::Operation;
use super::rules::{HeaderRules, QueryRules};
use crate::adapt::{Filter, Pattern, Taken};
use crate::config::model;
use crate::snapshot::Unsound;
use crate::stats::{AdapterCell, Cells};

/// `[adapters.NAME]`, as it is in force.
#[derive(Debug)]
pub struct Adapter {
    /// As in the file.
    pub name: Box<str>,
    /// A request that cannot be adapted fails, rather than going to the other side.
    pub fails: bool,
    /// A request for which there is no operation goes to the backend as it is.
    pub passes: bool,
    /// Bytes of a body that is held whole.
    pub max_body: usize,
    /// How long a program may run.
    pub deadline: Duration,
    /// The most exact first.
    pub operations: Box<[Operation]>,
    /// What the workers have counted.
    pub cells: Arc<Cells<AdapterCell>>,
    written: model::Adapter,
}

impl Adapter {
    /// As the file has it; the same one that was in force before if nothing of it has changed, since its programs
    /// take time to compile.
    ///
    /// # Errors
    ///
    /// A value that the check of the file should have refused.
    pub fn compile(
        name: &str,
        written: &model::Adapter,
        old: Option<&Arc<Self>>,
        workers: usize,
    ) -> Result<Arc<Self>, Unsound> {
        if let Some(old) = old.filter(|old| old.written == *written) {
            return Ok(Arc::clone(old));
        }
        let mut operations = Vec::with_capacity(written.operations.len());
        for (operation, rules) in &written.operations {
            let known = old.and_then(|old| old.operation(operation));
            let compiled = compile(operation, rules, known, workers);
            operations.push(compiled.map_err(|(key, value)| Unsound {
                at: format!("adapters.{name}.operations.{operation}.{key}"),
                value,
            })?);
        }
        operations.sort_by_key(|operation| std::cmp::Reverse(operation.client.exactness()));
        Ok(Arc::new(Self {
            name: name.into(),
            fails: written.on_error == model::WhenUnfit::Fail,
            passes: written.unmatched == model::WhenUnmatched::Pass,
            max_body: written.max_body.bytes(),
            deadline: written.deadline.get(),
            operations: operations.into(),
            cells: old.map_or_else(
                || Arc::new(Cells::new(workers)),
                |old| Arc::clone(&old.cells),
            ),
            written: written.clone(),
        }))
    }

    /// The operation of this name.
    pub fn operation(&self, name: &str) -> Option<&Operation> {
        let mut operations = self.operations.iter();
        operations.find(|operation| *operation.name == *name)
    }

    /// Where a `Location` of the backend leads to in the clients' API; `None` if that has no such path. Operations that
    /// read are looked at first, since that is what clients do there. Which host it names does not count, as backends
    /// say what they are called inside.
    pub fn relocate(&self, location: &str) -> Option<String> {
        let local = local(location);
        let end = local.find(['?', '#']).unwrap_or(local.len());
        let (path, rest) = local.split_at_checked(end)?;
        let reads = |operation: &&Operation| operation.client.method() == Some(&Method::GET);
        let reading = self.operations.iter().filter(reads);
        let others = self.operations.iter().filter(|operation| !reads(operation));
        let found = reading.chain(others).find_map(|operation| {
            let taken = operation.backend.take_path(path)?;
            let known = operation
                .client
                .names()
                .all(|name| taken.get(name).is_some());
            known.then(|| operation.client.fill(&taken))
        });
        found.map(|found| format!("{found}{rest}"))
    }

    /// The operation that a request is, by its place, and what the names of its path have taken.
    pub fn find(&self, method: &Method, path: &str) -> Option<(usize, Taken)> {
        let mut operations = self.operations.iter().enumerate();
        operations.find_map(|(at, operation)| Some((at, operation.client.take(method, path)?)))
    }
}

/// A URL from its path on. Only at its very start a scheme is one, and what stands in its query is no path.
fn local(url: &str) -> &str {
    let after = |scheme: &str| {
        let (start, rest) = url.split_at_checked(scheme.len())?;
        start.eq_ignore_ascii_case(scheme).then_some(rest)
    };
    let host = ["http://", "https://", "//"].into_iter().find_map(after);
    host.map_or(url, |host| {
        let end = host.find(['/', '?', '#']).unwrap_or(host.len());
        host.get(end..).unwrap_or_default()
    })
}

type Bad = (&'static str, String);

fn compile(
    name: &str,
    written: &model::Operation,
    old: Option<&Operation>,
    workers: usize,
) -> Result<Operation, Bad> {
    let pattern = |key, text: &str| Pattern::parse(text).map_err(|_| (key, text.to_owned()));
    let filter = |key, text: &Option<String>| match text {
        Some(text) => match Filter::compile(text, &model::VARIABLES) {
            Ok(filter) => Ok(Some(Arc::new(filter))),
            Err(_) => Err((key, text.clone())),
        },
        None => Ok(None),
    };
    let client = pattern("client", &written.client)?;
    let backend = match &written.backend {
        Some(text) => pattern("backend", text)?,
        None => client.clone(),
    };
    let status = |(from, to): (&String, &u16)| {
        let from = from.parse().ok()?;
        Some((from, StatusCode::from_u16(*to).ok()?))
    };
    let statuses = written.status.iter().map(status);
    let statuses: Option<Box<[_]>> = statuses.collect();
    Ok(Operation {
        name: name.into(),
        client,
        backend,
        request: filter("request", &written.request)?,
        response: filter("response", &written.response)?,
        error: filter("error", &written.error)?,
        of_events: written.stream.is_some(),
        done: written.done,
        statuses: statuses.ok_or_else(|| ("status", format!("{:?}", written.status)))?,
        query: QueryRules::compile(&written.query),
        headers: HeaderRules::compile(&written.headers).map_err(|bad| ("headers", bad))?,
        response_headers: HeaderRules::compile(&written.response_headers)
            .map_err(|bad| ("response_headers", bad))?,
        cells: old.map_or_else(
            || Arc::new(Cells::new(workers)),
            |old| Arc::clone(&old.cells),
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const JOBS: &str = r#"
        [operations.read]
        client = "GET /api/jobs/{id}"
        backend = "GET /v1/jobs/{id}"
        [operations.cancel]
        client = "POST /api/jobs/{id}/cancel"
        backend = "POST /v1/jobs/{id}"
        [operations.items]
        client = "GET /api/jobs/{id}/items"
        backend = "GET /v1/items/{id}"
    "#;

    fn relocated(location: &str) -> Option<String> {
        let written: model::Adapter = toml::from_str(JOBS).unwrap();
        let adapter = Adapter::compile("jobs", &written, None, 1).unwrap();
        adapter.relocate(location)
    }

    #[test]
    fn a_location_leads_into_the_api_of_clients() {
        for (theirs, ours) in [
            ("/v1/jobs/7", "/api/jobs/7"),
            ("/v1/jobs/7?a=b#c", "/api/jobs/7?a=b#c"),
            ("/v1/items/7#/v1/jobs/8", "/api/jobs/7/items#/v1/jobs/8"),
            (
                "/v1/jobs/7?next=https://h/v1/jobs/8",
                "/api/jobs/7?next=https://h/v1/jobs/8",
            ),
            // Backends say what they are called inside.
            ("http://10.0.0.7:8000/v1/jobs/7", "/api/jobs/7"),
            ("HTTPS://inside/v1/jobs/7?a=/b", "/api/jobs/7?a=/b"),
            ("//inside/v1/jobs/7", "/api/jobs/7"),
        ] {
            assert_eq!(relocated(theirs).as_deref(), Some(ours), "{theirs}");
        }
    }

    #[test]
    fn a_location_that_is_no_operation_is_left_alone() {
        for theirs in [
            "",
            "7",
            "?a=/v1/jobs/7",
            "/login",
            "/login?next=https://h/v1/jobs/7",
            "/login#https://h/v1/jobs/7",
            "/https://h/v1/jobs/7",
            "https://elsewhere/login",
            "https://elsewhere/login?next=/v1/jobs/7",
            "https://elsewhere?next=/v1/jobs/7",
            "https://elsewhere#/v1/jobs/7",
            "https://elsewhere",
            "//elsewhere?/v1/jobs/7",
            "app://open/v1/jobs/7",
            "javascript:https://h/v1/jobs/7",
        ] {
            assert_eq!(relocated(theirs), None, "{theirs}");
        }
    }
}
