//! The part of the OpenAPI document about what stays where it was made, and which backend is free of it.

use schemars::generate::SchemaGenerator;
use serde_json::json;

use super::openapi::{Operation, STORED, json_of};
use crate::api::{Drains, Forgotten, Imported, LiveOwners, NewOwner, Owner};

const NAMED: &[u16] = &[400, 401, 403, 404, 421];
const TOLD: &[u16] = &[400, 401, 403, 408, 413, 415, 421];

pub(super) fn operations(schemas: &mut SchemaGenerator) -> Vec<Operation> {
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
    let place = json!([
        {
            "name": "rule", "in": "path", "required": true, "description": "Of ownership.",
            "schema": { "type": "string" },
        },
        {
            "name": "id", "in": "path", "required": true, "description": "As clients know it.",
            "schema": { "type": "string", "minLength": 1, "maxLength": 256 },
        },
    ]);
    let whose = json!([{
        "name": "backend", "in": "query", "required": true, "description": "Whose.",
        "schema": { "type": "string" },
    }]);
    let list = json!({
        "type": "array", "maxItems": 1000, "items": schemas.subschema_for::<NewOwner>(),
    });
    vec![
        get(
            "/api/v1/drain",
            "Which backend may be stopped, and what is in the way of that",
            json_of::<Drains>(schemas),
            STORED,
        ),
        Operation {
            parameters: whose,
            ..get(
                "/api/v1/owners",
                "What is live at a backend",
                json_of::<LiveOwners>(schemas),
                &[400, 401, 403, 404, 421, 503],
            )
        },
        Operation {
            parameters: place.clone(),
            ..get(
                "/api/v1/owners/{rule}/{id}",
                "Who owns an id; that counts as a use of it",
                json_of::<Owner>(schemas),
                NAMED,
            )
        },
        Operation {
            method: "post",
            body: Some(list),
            ..get(
                "/api/v1/owners",
                "Learn who owns what, such as after data was moved; at most 1000 at once",
                json_of::<Imported>(schemas),
                TOLD,
            )
        },
        Operation {
            method: "delete",
            parameters: place,
            ..get(
                "/api/v1/owners/{rule}/{id}",
                "Forget who owns an id",
                json_of::<Forgotten>(schemas),
                NAMED,
            )
        },
    ]
}
