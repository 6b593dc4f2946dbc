//! The port for programs: an OpenAPI 3.1 document, its schemas derived from the types that the
//! handlers read and write.

use schemars::generate::{SchemaGenerator, SchemaSettings};
use serde_json::{Map, Value, json};

use super::{openapi_owners, router};
use crate::api::{
    Applied, ConfigText, Explanation, Health, Journal, Notified, Problem, Ramp, Readiness, Resume,
    Rollback, RouteState, Shift, State,
};

/// One method of one path.
pub(super) struct Operation {
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    pub(super) summary: &'static str,
    /// What it takes.
    pub(super) body: Option<Value>,
    /// Media type and schema of what it gives.
    pub(super) gives: (&'static str, Value),
    pub(super) parameters: Value,
    /// Other statuses: those with a problem document.
    pub(super) problems: &'static [u16],
    /// Further statuses that give the same as 200.
    pub(super) also: &'static [u16],
}

const READ: &[u16] = &[400, 401, 403, 421];
pub(super) const STORED: &[u16] = &[400, 401, 403, 421, 503];
const OPEN: &[u16] = &[400, 421];
const NOTICE: &[u16] = &[400, 401, 404, 408, 413, 415, 421];
const CHANGE: &[u16] = &[400, 401, 403, 404, 408, 409, 413, 415, 421, 500, 503];

/// The document.
pub(super) fn document() -> Value {
    let mut settings = SchemaSettings::draft2020_12();
    settings.definitions_path = "/components/schemas".into();
    let mut schemas = settings.into_generator();
    let problem = schemas.subschema_for::<Problem>().to_value();
    let mut paths: Map<String, Value> = Map::new();
    for operation in operations(&mut schemas) {
        let entry = paths
            .entry(operation.path)
            .or_insert_with(|| Value::Object(Map::new()));
        if let Some(entry) = entry.as_object_mut() {
            entry.insert(operation.method.to_owned(), operation.value(&problem));
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "figshift admin port",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Everything under /api asks for the token of the file, if there is one, and \
                            takes no request from a page of another origin.",
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "paths": paths,
        "components": {
            "schemas": schemas.take_definitions(true),
            "securitySchemes": { "token": { "type": "http", "scheme": "bearer" } },
        },
    })
}

fn operations(schemas: &mut SchemaGenerator) -> Vec<Operation> {
    let mut all = readings(schemas);
    all.extend(changes(schemas));
    all.extend(openapi_owners::operations(schemas));
    all
}

fn readings(schemas: &mut SchemaGenerator) -> Vec<Operation> {
    let text = || ("text/plain", json!({ "type": "string" }));
    let get = |path, summary, gives, problems| Operation {
        method: "get",
        path,
        summary,
        body: None,
        gives,
        parameters: json!([]),
        problems,
        also: &[],
    };
    let verbose = json!([{
        "name": "verbose", "in": "query", "allowEmptyValue": true, "schema": { "type": "string" },
        "description": "Answers with JSON that says which route is not ready.",
    }]);
    let name = json!([{
        "name": "name", "in": "path", "required": true, "description": "Of the route.",
        "schema": { "type": "string" },
    }]);
    let tail = json!([{
        "name": "tail", "in": "query", "description": "How many.",
        "schema": { "type": "integer", "minimum": 1, "maximum": 1000, "default": 50 },
    }]);
    let readiness =
        json!({ "oneOf": [{ "type": "string" }, schemas.subschema_for::<Readiness>()] });
    vec![
        get(
            "/metrics",
            "Figures for Prometheus",
            text(),
            &[400, 421, 500],
        ),
        get("/livez", "Whether the process answers", text(), OPEN),
        Operation {
            parameters: verbose,
            also: &[503],
            ..get(
                "/readyz",
                "Whether every route can be served",
                ("*/*", readiness),
                OPEN,
            )
        },
        Operation {
            also: &[503],
            ..get(
                "/health",
                "Routes, backends and the file on one page",
                json_of::<Health>(schemas),
                OPEN,
            )
        },
        get(
            "/api/v1/state",
            "What is in force on each route, and why",
            json_of::<State>(schemas),
            READ,
        ),
        Operation {
            parameters: name,
            ..get(
                "/api/v1/routes/{name}",
                "The same of one route",
                json_of::<RouteState>(schemas),
                &[400, 401, 403, 404, 421],
            )
        },
        get(
            "/api/v1/config",
            "The text of the file in force, without its secrets",
            json_of::<ConfigText>(schemas),
            READ,
        ),
        Operation {
            parameters: tail,
            ..get(
                "/api/v1/journal",
                "The last transitions, oldest first",
                json_of::<Journal>(schemas),
                STORED,
            )
        },
        Operation {
            parameters: json!([
                {
                    "name": "Last-Event-ID", "in": "header", "schema": { "type": "integer", "minimum": 0 },
                    "description": "Begin after this entry. It is stronger than what the query says.",
                },
                {
                    "name": "after", "in": "query", "schema": { "type": "integer", "minimum": 0 },
                    "description": "Begin after this entry.",
                },
                {
                    "name": "tail", "in": "query", "description": "Begin with so many of the past.",
                    "schema": { "type": "integer", "minimum": 1, "maximum": 1000 },
                },
            ]),
            ..get(
                "/api/v1/events",
                "Each transition as it happens: server-sent events with the entry's `seq` as `id`, its `what` \
                 as `event`, and the entry as `data`",
                ("text/event-stream", json!({ "type": "string" })),
                STORED,
            )
        },
        Operation {
            parameters: json!([{
                "name": "id", "in": "path", "required": true,
                "description": "The `x-request-id` of its answer.",
                "schema": { "type": "string", "pattern": "^[!-~]{1,128}$" },
            }]),
            ..get(
                "/api/v1/requests/{id}",
                "What became of one of the last requests, and why",
                json_of::<Explanation>(schemas),
                &[400, 401, 403, 404, 421, 503],
            )
        },
        get(
            "/api/v1/openapi.json",
            "This document",
            ("application/json", json!({ "type": "object" })),
            READ,
        ),
    ]
}

fn changes(schemas: &mut SchemaGenerator) -> Vec<Operation> {
    let applied = json_of::<Applied>(schemas);
    let post = |path, summary, body| Operation {
        method: "post",
        path,
        summary,
        body: Some(body),
        gives: applied.clone(),
        parameters: json!([]),
        problems: CHANGE,
        also: &[],
    };
    vec![
        post(
            "/api/v1/rollback",
            "Take the traffic of one route or of all back to the primary",
            schemas.subschema_for::<Rollback>().to_value(),
        ),
        post(
            "/api/v1/resume",
            "End rollbacks",
            schemas.subschema_for::<Resume>().to_value(),
        ),
        post(
            "/api/v1/shift",
            "Give the candidate of a route another share",
            schemas.subschema_for::<Shift>().to_value(),
        ),
        post(
            "/api/v1/ramp",
            "Start, pause, resume, promote or abort the ramp of a route",
            schemas.subschema_for::<Ramp>().to_value(),
        ),
        Operation {
            gives: json_of::<Notified>(schemas),
            problems: NOTICE,
            ..post(
                router::WEBHOOK,
                "Take a notification of Vast.ai, signed with the webhook_secret of a backend",
                json!({ "type": "object" }),
            )
        },
    ]
}

/// Media type and schema of JSON.
pub(super) fn json_of<T: schemars::JsonSchema>(
    schemas: &mut SchemaGenerator,
) -> (&'static str, Value) {
    let schema = schemas.subschema_for::<T>().to_value();
    ("application/json", schema)
}

impl Operation {
    /// No two have the same.
    fn id(&self) -> &'static str {
        match (self.method, self.path) {
            ("post", "/api/v1/owners") => "learn_owners",
            ("get", "/api/v1/owners/{rule}/{id}") => "owner",
            ("delete", "/api/v1/owners/{rule}/{id}") => "forget_owner",
            (_, path) => {
                let name = path.trim_start_matches("/api/v1/").trim_matches('/');
                let name = name.trim_end_matches(".json").trim_end_matches("/{id}");
                name.trim_end_matches("/{name}")
            }
        }
    }

    fn value(&self, problem: &Value) -> Value {
        let (kind, schema) = &self.gives;
        let mut responses = Map::new();
        for status in [200].iter().chain(self.also) {
            let description = if *status == 200 {
                "As asked"
            } else {
                "As asked, and it is bad news"
            };
            let answer =
                json!({ "description": description, "content": { *kind: { "schema": schema } } });
            responses.insert(status.to_string(), answer);
        }
        for status in self.problems {
            let answer = json!({
                "description": "Refused, and nothing has changed",
                "content": { "application/problem+json": { "schema": problem } },
            });
            responses.insert(status.to_string(), answer);
        }
        let mut operation = json!({
            "operationId": self.id(),
            "summary": self.summary,
            "parameters": self.parameters,
            "responses": responses,
        });
        if let Some(body) = &self.body {
            operation["requestBody"] = json!({
                "required": true,
                "content": { "application/json": { "schema": body } },
            });
        }
        // Without a token in the file none is needed.
        if self.path.starts_with(super::router::API) {
            operation["security"] = json!([{ "token": [] }, {}]);
        }
        operation
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::admin::router::PATHS;

    #[test]
    fn the_document_has_the_paths_of_the_router() {
        let document = document();
        let mut documented = BTreeSet::new();
        for (path, methods) in document["paths"].as_object().unwrap() {
            for method in methods.as_object().unwrap().keys() {
                documented.insert((method.as_str(), path.as_str()));
            }
        }
        assert_eq!(documented, BTreeSet::from(PATHS));
    }

    #[test]
    fn every_operation_has_a_name_of_its_own() {
        let document = document();
        let paths = document["paths"].as_object().unwrap().values();
        let operations = paths.flat_map(|methods| methods.as_object().unwrap().values());
        let names: Vec<_> = operations
            .map(|operation| operation["operationId"].as_str().unwrap())
            .collect();
        let distinct: BTreeSet<_> = names.iter().collect();
        assert_eq!(distinct.len(), PATHS.len(), "{names:?}");
    }

    #[test]
    fn every_reference_leads_somewhere() {
        fn walk<'v>(value: &'v Value, found: &mut Vec<&'v str>) {
            match value {
                Value::Object(map) => {
                    found.extend(map.get("$ref").and_then(Value::as_str));
                    map.values().for_each(|value| walk(value, found));
                }
                Value::Array(list) => list.iter().for_each(|value| walk(value, found)),
                _ => {}
            }
        }
        let document = document();
        let mut found = Vec::new();
        walk(&document, &mut found);
        assert!(found.len() > 20, "{found:?}");
        for reference in found {
            let pointer = reference.strip_prefix('#').unwrap();
            assert!(document.pointer(pointer).is_some(), "{reference}");
        }
    }
}
