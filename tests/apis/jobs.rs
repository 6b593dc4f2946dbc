//! Two services that do the same and speak differently, and what stands between them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::support::origin::{Do, Origin, Seen, status};

/// The jobs of a service, by id.
#[derive(Clone, Default)]
pub(crate) struct Jobs {
    all: Arc<Mutex<BTreeMap<String, Value>>>,
    prefix: &'static str,
}

impl Jobs {
    pub(crate) fn called(prefix: &'static str) -> Self {
        Self {
            prefix,
            ..Self::default()
        }
    }

    pub(crate) fn ids(&self) -> Vec<String> {
        self.all.lock().unwrap().keys().cloned().collect()
    }

    pub(crate) fn set(&self, id: &str, key: &str, value: Value) {
        if let Some(job) = self.all.lock().unwrap().get_mut(id) {
            job[key] = value;
        }
    }

    pub(crate) fn remove(&self, id: &str) -> Option<Value> {
        self.all.lock().unwrap().remove(id)
    }

    pub(crate) fn put(&self, id: &str, job: Value) {
        self.all.lock().unwrap().insert(id.to_owned(), job);
    }

    fn add(&self, mut job: Value) -> Value {
        let mut all = self.all.lock().unwrap();
        let id = format!("{}{}", self.prefix, all.len() + 1);
        job["id"] = json!(id);
        all.insert(id, job.clone());
        job
    }

    fn get(&self, id: &str) -> Option<Value> {
        self.all.lock().unwrap().get(id).cloned()
    }
}

fn answer(line: &str, body: &Value) -> Vec<Do> {
    let headers = ["content-type: application/json", "etag: \"1\""];
    vec![status(line, &headers, body.to_string().as_bytes())]
}

/// The legacy service: `/api/jobs`, states in capitals, 200 for all that goes well.
pub(crate) fn legacy(jobs: &Jobs) -> Origin {
    let jobs = jobs.clone();
    Origin::new(move |seen: &Seen| {
        let path = seen.target().split('?').next().unwrap_or_default();
        let parts: Vec<_> = path.split('/').skip(1).collect();
        let body: Value = serde_json::from_slice(&seen.body).unwrap_or(Value::Null);
        let shown = |job: &Value| json!({"job_id": job["id"], "state": job["state"], "text": job["text"], "side": "old"});
        let missing = || {
            answer(
                "404 Not Found",
                &json!({"error": {"message": "no such job"}}),
            )
        };
        match (seen.method(), parts.as_slice()) {
            ("POST", ["api", "jobs"]) => {
                let job = jobs.add(json!({"text": body["input"]["text"], "state": "PENDING"}));
                answer("200 OK", &shown(&job))
            }
            ("GET", ["api", "jobs"]) => {
                let all = jobs
                    .ids()
                    .into_iter()
                    .map(|id| shown(&jobs.get(&id).unwrap()));
                answer(
                    "200 OK",
                    &json!({"jobs": all.collect::<Vec<_>>(), "more": false}),
                )
            }
            ("GET", ["api", "jobs", id]) => match jobs.get(id) {
                Some(job) => answer("200 OK", &shown(&job)),
                None => missing(),
            },
            ("PUT", ["api", "jobs", id]) => match jobs.get(id) {
                Some(_) => {
                    jobs.set(id, "text", body["input"]["text"].clone());
                    answer("200 OK", &shown(&jobs.get(id).unwrap()))
                }
                None => missing(),
            },
            ("DELETE", ["api", "jobs", id]) => match jobs.remove(id) {
                Some(job) => answer("200 OK", &shown(&job)),
                None => missing(),
            },
            ("POST", ["api", "jobs", id, "cancel"]) => match jobs.get(id) {
                Some(_) => {
                    jobs.set(id, "state", json!("FAILED"));
                    answer("200 OK", &shown(&jobs.get(id).unwrap()))
                }
                None => missing(),
            },
            _ => answer(
                "404 Not Found",
                &json!({"error": {"message": "no such path"}}),
            ),
        }
    })
}

/// The new service: `/v1/jobs`, states in small letters, 201 and 204, errors as `detail`.
pub(crate) fn successor(jobs: &Jobs) -> Origin {
    let jobs = jobs.clone();
    Origin::new(move |seen: &Seen| {
        let path = seen.target().split('?').next().unwrap_or_default();
        let parts: Vec<_> = path.split('/').skip(1).collect();
        let body: Value = serde_json::from_slice(&seen.body).unwrap_or(Value::Null);
        let shown = |job: &Value| json!({"id": job["id"], "status": job["status"], "prompt": job["prompt"], "seed": job["seed"]});
        let missing = || answer("404 Not Found", &json!({"detail": "unknown job"}));
        match (seen.method(), parts.as_slice()) {
            ("POST", ["v1", "jobs"]) => {
                let job = jobs.add(
                    json!({"prompt": body["prompt"], "seed": body["seed"], "status": "queued"}),
                );
                answer("201 Created", &shown(&job))
            }
            ("GET", ["v1", "jobs"]) => {
                let all = jobs
                    .ids()
                    .into_iter()
                    .map(|id| shown(&jobs.get(&id).unwrap()));
                answer("200 OK", &json!({"data": all.collect::<Vec<_>>()}))
            }
            ("GET", ["v1", "jobs", id]) => match jobs.get(id) {
                Some(job) => answer("200 OK", &shown(&job)),
                None => missing(),
            },
            ("PATCH", ["v1", "jobs", id]) => match jobs.get(id) {
                Some(_) => {
                    jobs.set(id, "prompt", body["prompt"].clone());
                    answer("200 OK", &shown(&jobs.get(id).unwrap()))
                }
                None => missing(),
            },
            ("DELETE", ["v1", "jobs", id]) => match jobs.remove(id) {
                Some(job) => answer("200 OK", &shown(&job)),
                None => missing(),
            },
            ("POST", ["v1", "jobs", id, "stop"]) => match jobs.get(id) {
                Some(_) => {
                    jobs.set(id, "status", json!("failed"));
                    answer("200 OK", &shown(&jobs.get(id).unwrap()))
                }
                None => missing(),
            },
            _ => answer("404 Not Found", &json!({"detail": "no such path"})),
        }
    })
}

/// What makes the second of the first, for clients of that.
pub(crate) const ADAPTER: &str = r#"
[adapters.jobs.operations.create]
client   = "POST /api/jobs"
backend  = "POST /v1/jobs"
request  = '{prompt: .input.text, seed: .input.seed}'
response = '{job_id: .id, state: ({queued: "PENDING", failed: "FAILED", done: "COMPLETED"}[.status]), text: .prompt, seed, side: "new"}'
error    = '{error: {message: (.detail // "failed"), status: $status}}'
status   = { 201 = 200 }

[adapters.jobs.operations.read]
client   = "GET /api/jobs/{id}"
backend  = "GET /v1/jobs/{id}"
response = '{job_id: .id, state: ({queued: "PENDING", failed: "FAILED", done: "COMPLETED"}[.status]), text: .prompt, side: "new"}'
error    = '{error: {message: (.detail // "failed"), status: $status, id: $path.id}}'

[adapters.jobs.operations.update]
client   = "PUT /api/jobs/{id}"
backend  = "PATCH /v1/jobs/{id}"
request  = '{prompt: .input.text}'
response = '{job_id: .id, text: .prompt, was: $request.input.text, side: "new"}'

[adapters.jobs.operations.delete]
client   = "DELETE /api/jobs/{id}"
backend  = "DELETE /v1/jobs/{id}"
response = '{job_id: .id, side: "new"}'
error    = '{error: {message: (.detail // "failed"), status: $status}}'

[adapters.jobs.operations.cancel]
client   = "POST /api/jobs/{id}/cancel"
backend  = "POST /v1/jobs/{id}/stop"
response = '{job_id: .id, state: "FAILED", side: "new"}'

[adapters.jobs.operations.list]
client   = "GET /api/jobs"
backend  = "GET /v1/jobs"
response = '{jobs: [.data[] | {job_id: .id, side: "new"}]}'
"#;

/// On the route.
pub(crate) const ADAPTED: &str = "adapters.candidate = \"jobs\"";

/// What ties jobs to their side.
pub(crate) const OWNERSHIP: &str = r#"
[[ownership]]
name   = "jobs"
create = ["POST /api/jobs"]
id     = [".job_id"]
use    = ["/api/jobs/{id}", "/api/jobs/{id}/cancel", "/api/jobs/{id}/{rest...}"]
done   = '.state == "COMPLETED" or .state == "FAILED"'
"#;
