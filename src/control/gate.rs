//! The gates of ramps: who is asked before a step up. They are asked on the control runtime; what they say
//! is handed to the controller as a change. The guard goes on watching meanwhile.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use serde::Serialize;
use serde_json::Value;
use tokio::task::JoinHandle;

use super::change::{Actor, Change, What};
use super::door::Door;
use super::force::Force;
use super::judging::{Findings, Judged};
use super::ramps::is_at_gate;
use super::reasons::passed;
use super::said::short;
use super::standing::Standing;
use crate::config::Config;
use crate::config::model::Gate;
use crate::outbound::{Answer, NoAnswer, Outside};

/// How soon a new question is noticed.
const LOOK: Duration = Duration::from_millis(250);

/// Whom the gates are asked for, and where the answers go.
#[derive(Debug, Clone)]
pub struct Gates {
    /// Which ramps wait for their gate.
    pub findings: Arc<ArcSwap<Findings>>,
    /// Where the gates are.
    pub config: Arc<ArcSwap<Config>>,
    /// Nobody is asked for a route under a kill switch.
    pub standing: Arc<ArcSwap<Standing>>,
    /// The client.
    pub outside: Outside,
    /// Where the answers go.
    pub door: Door,
}

/// Asks the gates of the ramps that wait for one, until it is dropped.
pub async fn ask_gates(gates: Gates) {
    let mut asking: HashMap<String, Asking> = HashMap::new();
    loop {
        let mut before = std::mem::take(&mut asking);
        for question in gates.questions() {
            let asked = match before.remove(&question.route) {
                Some(asked) if asked.question == question => asked,
                _ => Asking::start(&gates, question),
            };
            asking.insert(asked.question.route.clone(), asked);
        }
        // What is not asked any more ends here.
        drop(before);
        tokio::time::sleep(LOOK).await;
    }
}

/// What is asked. There is one at a time for each route.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Question {
    route: String,
    gate: Gate,
    backend: String,
    /// Hundredths of a percent.
    from: u16,
    to: u16,
    /// When the ramp came to its gate: after a no and a resume it is another question.
    at: u64,
}

/// A question under way, or one that has its answer already. Ends with its value.
struct Asking {
    question: Question,
    task: JoinHandle<()>,
}

impl Drop for Asking {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What a gate is told.
#[derive(Debug, Serialize)]
struct Letter<'a> {
    route: &'a str,
    from: f64,
    to: f64,
    backend: &'a str,
    reason: String,
    epoch: u64,
}

/// What a gate has said.
#[derive(Debug, PartialEq, Eq)]
enum Word {
    Yes,
    /// In its words, which may be none.
    No(String),
    /// Neither: why.
    Nothing(String),
}

impl Gates {
    fn questions(&self) -> Vec<Question> {
        let (findings, config, standing) = (
            self.findings.load(),
            self.config.load(),
            self.standing.load(),
        );
        let of_route = |name: &String, judged: &Judged| {
            let climb = judged.climb.as_ref().filter(|_| judged.may_step)?;
            let force = standing.forces.get(name);
            if !is_at_gate(&climb.ramp) || force.is_none_or(Force::is_capped) {
                return None;
            }
            let mut routes = config.routes.iter();
            let written = routes.find(|route| route.name == *name)?;
            Some(Question {
                route: name.clone(),
                gate: written.ramp.as_ref()?.gate.clone()?,
                backend: written.candidate.clone()?,
                from: climb.ramp.percent(),
                to: climb.ramp.next_step()?,
                at: climb.stamp.at,
            })
        };
        findings
            .iter()
            .filter_map(|(name, judged)| of_route(name, judged))
            .collect()
    }

    /// What speaks for the step by now.
    fn evidence(&self, route: &str) -> String {
        let findings = self.findings.load();
        let finding = findings
            .get(route)
            .and_then(|judged| judged.finding.as_ref());
        match finding {
            None => "nobody watches".to_owned(),
            Some(finding) if finding.units_at_step == 0 => "nothing to compare yet".to_owned(),
            Some(finding) => passed(&finding.progress),
        }
    }

    async fn ask_once(&self, question: &Question) -> Word {
        let letter = Letter {
            route: &question.route,
            from: percent(question.from),
            to: percent(question.to),
            backend: &question.backend,
            reason: self.evidence(&question.route),
            epoch: self.standing.load().epoch,
        };
        let gate = &question.gate;
        let token = gate.token.as_ref().filter(|token| !token.is_empty());
        let token = token.map(|token| token.expose());
        let timeout = gate.timeout.get();
        word(self.outside.post(&gate.url, token, &letter, timeout).await)
    }
}

impl Asking {
    fn start(gates: &Gates, question: Question) -> Self {
        let task = tokio::spawn(ask(gates.clone(), question.clone()));
        Self { question, task }
    }
}

/// Asks until there is an answer, and hands it in.
async fn ask(gates: Gates, question: Question) {
    let Question { route, gate, .. } = &question;
    let mut told = None;
    loop {
        let (yes, reason) = match gates.ask_once(&question).await {
            Word::Yes => (true, String::new()),
            Word::No(reason) => (false, reason),
            Word::Nothing(trouble) => {
                if told.as_ref() != Some(&trouble) {
                    let step = percent(question.to);
                    tracing::warn!(
                        route,
                        step,
                        trouble,
                        "The gate has not answered: no step up"
                    );
                    told = Some(trouble);
                }
                tokio::time::sleep(gate.every.get()).await;
                continue;
            }
        };
        tracing::info!(
            route,
            step = percent(question.to),
            yes,
            reason,
            "The gate has answered"
        );
        let what = What::Gate {
            route: route.clone(),
            step: question.to,
            yes,
        };
        let change = Change {
            reason,
            ..Change::new(what, Actor::Gate)
        };
        if let Err(refused) = gates.door.ask(change).await {
            tracing::error!(route, %refused, "The gate's answer was not taken");
        }
        return;
    }
}

/// Only a plain yes is one, and only a plain no pauses a ramp.
fn word(answer: Result<Answer, NoAnswer>) -> Word {
    let Answer { status, body, .. } = match answer {
        Ok(answer) => answer,
        Err(error) => return Word::Nothing(error.to_string()),
    };
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let reason = || {
        let reason = body.get("reason").and_then(Value::as_str);
        short(reason.unwrap_or_default())
    };
    match (status, body.get("approved")) {
        (200..=299, None | Some(Value::Bool(true))) => Word::Yes,
        (200..=299, Some(Value::Bool(false))) | (403 | 409 | 423, _) => Word::No(reason()),
        (200..=299, Some(_)) => Word::Nothing("`approved` is neither true nor false".to_owned()),
        _ => Word::Nothing(format!("status {status}")),
    }
}

fn percent(hundredths: u16) -> f64 {
    f64::from(hundredths) / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_answer_means_one_thing() {
        let said = |status, body: &str| {
            word(Ok(Answer {
                status,
                retry_after: None,
                headers: Default::default(),
                body: body.into(),
            }))
        };
        let no = |reason: &str| Word::No(reason.to_owned());
        for body in [
            "",
            "OK",
            "{}",
            "[]",
            "null",
            r#"{"approved": true}"#,
            "\u{0}",
        ] {
            assert_eq!(said(200, body), Word::Yes, "{body}");
        }
        assert_eq!(said(204, ""), Word::Yes);
        let freeze = r#"{"approved": false, "reason": "change\nfreeze"}"#;
        assert_eq!(said(200, freeze), no("change freeze"));
        assert_eq!(said(202, r#"{"approved": false, "reason": 7}"#), no(""));
        assert_eq!(said(409, freeze), no("change freeze"));
        for status in [403, 409, 423] {
            assert_eq!(said(status, r#"{"approved": true}"#), no(""));
        }
        for body in [
            r#"{"approved": "no"}"#,
            r#"{"approved": null}"#,
            r#"{"approved": 0}"#,
        ] {
            assert!(matches!(said(200, body), Word::Nothing(_)), "{body}");
        }
        for status in [301, 307, 400, 401, 404, 408, 429, 500, 502, 503, 504] {
            let nothing = Word::Nothing(format!("status {status}"));
            assert_eq!(said(status, r#"{"approved": true}"#), nothing);
        }
        let late = word(Err(NoAnswer::Late(Duration::from_secs(2))));
        assert_eq!(late, Word::Nothing("no answer within 2 s".to_owned()));
    }
}
