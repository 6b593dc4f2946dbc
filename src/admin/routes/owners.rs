//! `/api/v1/owners`: what is live at a backend, and owners that an operator knows of.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};

use super::drain::broken;
use crate::admin::body;
use crate::admin::draining::{moment, unix_now};
use crate::admin::problem::problem;
use crate::admin::view::View;
use crate::api::{Imported, LiveOwner, LiveOwners, NewOwner, RefusedOwner};
use crate::owners::{LONGEST_ID, Learned, Learnt};
use crate::snapshot::Snapshot;

/// Ids that one answer tells.
const MOST_TOLD: usize = 10_000;
/// Owners that are taken at once.
const MOST_TAKEN: usize = 1_000;
/// As the file's `ttl`: 365 days.
const LONGEST_TTL: u32 = 31_536_000;

/// What would be stranded without a backend.
pub(in crate::admin) async fn list(State(view): State<View>, uri: Uri) -> Response {
    // No name has a character that would have to be encoded.
    let backend = uri.query().and_then(|query| query.strip_prefix("backend="));
    let Some(backend) = backend.filter(|name| !name.is_empty() && !name.contains('&')) else {
        return *body::bad("`?backend=NAME` says whose, and there is nothing else to ask");
    };
    let backend = backend.to_owned();
    let snapshot = view.publisher.current();
    let known = Arc::clone(&snapshot);
    // They are read from disk.
    let told = tokio::task::spawn_blocking(move || live(&known, backend)).await;
    match told {
        Ok(told) if told.live == 0 && !has_backend(&snapshot, &told.backend) => {
            let names: Vec<&str> = snapshot.backends.iter().map(|b| &*b.name).collect();
            let detail = format!("there is no such backend; there are: {}", names.join(", "));
            problem(
                StatusCode::NOT_FOUND,
                "No such backend",
                "no_backend",
                detail,
            )
        }
        Ok(told) => Json(told).into_response(),
        Err(error) => broken(&error.to_string()),
    }
}

fn has_backend(snapshot: &Snapshot, name: &str) -> bool {
    let mut backends = snapshot.backends.iter();
    backends.any(|backend| *backend.name == *name)
}

fn live(snapshot: &Snapshot, backend: String) -> LiveOwners {
    let (mut live, mut owners) = (0, Vec::new());
    snapshot.owners.each_live(&backend, unix_now(), |listed| {
        live += 1;
        if owners.len() < MOST_TOLD {
            owners.push(LiveOwner {
                rule: listed.rule.to_owned(),
                id: listed.id.map(str::to_owned),
                theirs: listed.theirs.map(str::to_owned),
                learned: moment(listed.created),
                origin: Some(listed.origin.to_owned()).filter(|origin| !origin.is_empty()),
            });
        }
    });
    LiveOwners {
        backend,
        live,
        truncated: owners.len() < live,
        owners,
    }
}

/// Learns owners that nobody has told figshift of, such as those of data that was moved.
pub(in crate::admin) async fn learn(State(view): State<View>, request: Request) -> Response {
    let owners = match body::json::<Vec<NewOwner>>(&view, request).await {
        Ok(owners) if owners.len() > MOST_TAKEN => {
            return *body::bad("At most 1000 owners are taken at once");
        }
        Ok(owners) => owners,
        Err(answer) => return *answer,
    };
    let snapshot = view.publisher.current();
    let mut imported = Imported::default();
    for (at, owner) in owners.iter().enumerate() {
        match take(&snapshot, owner) {
            Ok(Learnt::New) => imported.learned += 1,
            Ok(Learnt::Known) => imported.known += 1,
            Ok(Learnt::Moved { .. }) => imported.moved += 1,
            Ok(Learnt::TooLong) => {
                imported.refuse(at, "a name or an id is too long".to_owned());
            }
            Ok(Learnt::NoRoom) => imported.refuse(at, "there is no room for it".to_owned()),
            Err(why) => imported.refuse(at, why),
        }
    }
    let Imported {
        learned,
        known,
        moved,
        refused,
    } = &imported;
    let refused = refused.len();
    tracing::info!(
        learned,
        known,
        moved,
        refused,
        "An operator has told of owners"
    );
    Json(imported).into_response()
}

impl Imported {
    fn refuse(&mut self, at: usize, why: String) {
        self.refused.push(RefusedOwner { at, why });
    }
}

fn take(snapshot: &Snapshot, owner: &NewOwner) -> Result<Learnt, String> {
    let mut rules = snapshot.ownership.iter();
    let rule = rules.find(|rule| *rule.name == *owner.rule);
    let rule = rule.ok_or_else(|| format!("there is no rule `{}`", owner.rule))?;
    if rule.prefixes.is_some() {
        return Err(format!(
            "rule `{}` remembers no owners (id_mode = \"prefix\")",
            rule.name
        ));
    }
    if !has_backend(snapshot, &owner.backend) {
        return Err(format!("there is no backend `{}`", owner.backend));
    }
    let is_id = |id: &str| (1..=LONGEST_ID).contains(&id.len());
    if !is_id(&owner.id) || !owner.theirs.as_deref().is_none_or(is_id) {
        return Err("an id has 1 to 256 bytes".to_owned());
    }
    let ttl = owner.ttl_s.unwrap_or(rule.ttl);
    if !(1..=LONGEST_TTL).contains(&ttl) {
        return Err(format!("`ttl_s` is 1 to {LONGEST_TTL}"));
    }
    let learned = Learned {
        rule: &rule.name,
        id: owner.id.as_bytes(),
        backend: &owner.backend,
        ttl,
        origin: "import",
        theirs: owner.theirs.as_deref(),
    };
    Ok(snapshot.owners.learn(learned, unix_now()))
}
