//! `/api/v1/owners/{rule}/{id}`: one id, to be looked up or forgotten.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use crate::admin::body;
use crate::admin::draining::{moment, unix_now};
use crate::admin::problem::problem;
use crate::admin::view::View;
use crate::api::{Forgotten, Owner};
use crate::owners::LONGEST_ID;
use crate::snapshot::{Ownership, Snapshot};

type Named = Result<Path<(String, String)>, PathRejection>;

/// Who owns it. For the table of owners that is a use like any other: its time to live begins again.
pub(in crate::admin) async fn show(State(view): State<View>, named: Named) -> Response {
    let snapshot = view.publisher.current();
    match read(&snapshot, named) {
        Ok((rule, name, id)) => match find(&snapshot, rule.as_deref(), name, id) {
            Ok(owner) => Json(owner).into_response(),
            Err(answer) => *answer,
        },
        Err(answer) => *answer,
    }
}

/// Drops it: the next use of it is that of an id that nobody has seen.
pub(in crate::admin) async fn forget(State(view): State<View>, named: Named) -> Response {
    let snapshot = view.publisher.current();
    let (rule, name, id) = match read(&snapshot, named) {
        Ok(read) => read,
        Err(answer) => return *answer,
    };
    if snapshot.owners.forget(&name, id.as_bytes(), unix_now()) {
        tracing::info!(rule = name, id, "An owner was forgotten by an operator");
        return Json(Forgotten { rule: name, id }).into_response();
    }
    *unknown(&snapshot, rule.as_deref(), &name)
}

type Checked<T> = Result<T, Box<Response>>;

/// The rule, if it is one of the file; its name, and the id.
fn read(snapshot: &Snapshot, named: Named) -> Checked<(Option<Arc<Ownership>>, String, String)> {
    let Ok(Path((name, id))) = named else {
        let detail = "A rule and an id are a part of the path each, percent-encoded UTF-8";
        return Err(body::bad(detail));
    };
    if id.len() > LONGEST_ID {
        return Err(body::bad("An id has at most 256 bytes"));
    }
    let mut rules = snapshot.ownership.iter();
    let rule = rules.find(|rule| *rule.name == *name).cloned();
    Ok((rule, name, id))
}

fn find(snapshot: &Snapshot, rule: Option<&Ownership>, name: String, id: String) -> Checked<Owner> {
    if let Some((backend, theirs)) = rule.and_then(|rule| rule.by_prefix(&id)) {
        return Ok(Owner {
            backend: backend.to_owned(),
            theirs: Some(theirs.to_owned()),
            done: false,
            learned: None,
            rule: name,
            id,
        });
    }
    // Also of a rule that has left the file.
    let owned = snapshot.owners.find(&name, id.as_bytes(), unix_now());
    match owned {
        Some(owned) => Ok(Owner {
            backend: owned.backend.to_string(),
            theirs: owned.theirs.map(|theirs| theirs.to_string()),
            done: owned.done,
            learned: Some(moment(owned.created)),
            rule: name,
            id,
        }),
        None => Err(unknown(snapshot, rule, &name)),
    }
}

fn unknown(snapshot: &Snapshot, rule: Option<&Ownership>, name: &str) -> Box<Response> {
    let (title, reason, detail) = match rule {
        None => {
            let rules = snapshot.ownership.iter();
            let rules: Vec<&str> = rules.map(|rule| &*rule.name).collect();
            let detail = match rules.is_empty() {
                true => "the file has no [[ownership]] rule".to_owned(),
                false => format!("there is no rule `{name}`; there are: {}", rules.join(", ")),
            };
            ("No such rule", "no_rule", detail)
        }
        Some(rule) if rule.prefixes.is_some() => (
            "Not remembered",
            "unknown_owner",
            format!(
                "rule `{name}` remembers no owners: an id says by its prefix whose it is, and this one has none"
            ),
        ),
        Some(_) => (
            "Unknown owner",
            "unknown_owner",
            format!(
                "nobody is known to own this id of rule `{name}`: it was never seen, or was forgotten since"
            ),
        ),
    };
    Box::new(problem(StatusCode::NOT_FOUND, title, reason, detail))
}
