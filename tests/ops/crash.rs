//! `kill -9` at any moment of a random operation: after the restart, what is in force is what was
//! acknowledged last, or what was being asked for.

use std::fs;
use std::time::Duration;

use figshift::control::{kill_path, read_journal};
use figshift::outbound::near;
use figshift::policy::ramp::State;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Value, json};

use super::served::Served;
use crate::support::{DEADLINE, eventually};

const OPERATIONS: usize = 300;
/// A ramp that nobody's traffic moves: at 0 % it stays before a gate that does not answer.
const RAMP: &str = "
[routes.ramp]
steps = [20, 60]
gate = { url = \"http://127.0.0.1:9/\" }
";
const STEPS: [f64; 2] = [20.0, 60.0];
const SEED: u64 = 0x5eed_f165;

/// Where a ramp is.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Climb {
    Up,
    Paused,
    Aborted,
}

/// What should be in force, worked out apart from the program.
#[derive(Debug, Clone, PartialEq)]
struct Model {
    file: f64,
    killed: bool,
    all_back: bool,
    route_back: bool,
    /// A percent, and the file's at that time.
    shifted: Option<(f64, f64)>,
    /// Where, at which percent, and over which percent of the file.
    climb: Option<(Climb, f64, f64)>,
}

impl Model {
    /// The chain as `what` and percent.
    fn chain(&self) -> Vec<(String, f64)> {
        let caps = [
            (self.killed, "kill_file"),
            (self.all_back, "rollback"),
            (self.route_back, "route_rollback"),
        ];
        let caps = caps.into_iter().filter(|(on, _)| *on);
        let mut chain: Vec<_> = caps.map(|(_, what)| (what.to_owned(), 0.0)).collect();
        let climb = self.climb;
        chain.extend(climb.map(|(state, percent, _)| (format!("ramp {:?}", Some(state)), percent)));
        chain.extend(
            self.shifted
                .map(|(percent, _)| ("shift".to_owned(), percent)),
        );
        chain.push(("file".to_owned(), self.file));
        chain
    }

    fn capped(&self) -> bool {
        self.killed || self.all_back || self.route_back
    }

    fn saved(&self, percent: f64) -> Self {
        let shifted = self.shifted.filter(|(_, over)| *over == percent);
        let climb = self.climb.filter(|(_, _, over)| *over == percent);
        Self {
            file: percent,
            shifted,
            climb,
            ..self.clone()
        }
    }

    /// What a request leads to; the same where it is refused.
    fn after(&self, what: &str, body: &Value) -> Self {
        let mut next = self.clone();
        let one = body.get("route").is_some();
        match what {
            "rollback" if one => next.route_back = true,
            "rollback" => next.all_back = true,
            "resume" if one && (self.all_back || self.killed) => {}
            "resume" => {
                next.route_back = false;
                if !one {
                    (next.killed, next.all_back) = (false, false);
                }
                if let Some((climb @ Climb::Aborted, _, _)) = &mut next.climb {
                    *climb = Climb::Up;
                }
            }
            "ramp" => next.climb = self.ordered(body["order"].as_str().unwrap()),
            _ if self.capped() => {}
            _ => {
                let percent = body["percent"].as_f64().unwrap();
                next.shifted = (percent != self.file).then_some((percent, self.file));
                next.climb = None;
            }
        }
        next
    }

    fn ordered(&self, order: &str) -> Option<(Climb, f64, f64)> {
        let wanted = self.shifted.map_or(self.file, |(percent, _)| percent);
        let idle = self.climb.is_none();
        let (climb, percent, over) = self.climb.unwrap_or((Climb::Up, wanted, self.file));
        // A ramp that has not begun begins where the traffic is.
        let percent = if idle && self.capped() { 0.0 } else { percent };
        let step = STEPS.into_iter().find(|step| *step > percent);
        let made = match (order, climb) {
            ("abort", Climb::Up | Climb::Paused) => (Climb::Aborted, 0.0),
            ("start" | "resume" | "promote", _) if self.capped() => return self.climb,
            ("start", _) if idle => (Climb::Up, percent),
            ("start" | "resume", Climb::Aborted) => (Climb::Up, 0.0),
            _ if idle => return None,
            ("pause", Climb::Up) => (Climb::Paused, percent),
            ("resume", Climb::Paused) => (Climb::Up, percent),
            ("promote", Climb::Up | Climb::Paused) if step.is_some() => (Climb::Up, step?),
            _ => return self.climb,
        };
        Some((made.0, made.1, over))
    }
}

/// What the house says.
async fn chain_of(served: &Served) -> Vec<(String, f64)> {
    let state = served.state().await;
    let chain = state.routes[0].chain.iter();
    let chain: Vec<_> = chain
        .map(|link| match &*link.what {
            "ramp" => (format!("ramp {:?}", climb_of(served)), link.percent),
            what => (what.to_owned(), link.percent),
        })
        .collect();
    assert_eq!(state.routes[0].percent_in_force, chain[0].1);
    chain
}

/// Where the ramp is, by the journal; `None` if it has ended since the state was told.
fn climb_of(served: &Served) -> Option<Climb> {
    let path = served.state_dir().join("journal.ndjson");
    let last = read_journal(&path, 1).unwrap().remove(0);
    Some(match last.overrides.of("all").climb?.ramp.state() {
        State::Climbing | State::AtGate => Climb::Up,
        State::Paused { .. } => Climb::Paused,
        State::Aborted => Climb::Aborted,
        other => panic!("{other:?}"),
    })
}

fn request(dice: &mut StdRng) -> (&'static str, Value) {
    let percent = f64::from(dice.random_range(0..=10_000u16)) / 100.0;
    let order = |order: &str| ("ramp", json!({ "route": "all", "order": order }));
    match dice.random_range(0..15) {
        0 => ("rollback", json!({})),
        1 => ("rollback", json!({ "route": "all", "reason": "random" })),
        2 => ("resume", json!({ "route": "all" })),
        3 | 4 => ("resume", json!({})),
        5 => order("abort"),
        6 => order("pause"),
        7 => order("resume"),
        8 | 9 => order("promote"),
        10 | 11 => order("start"),
        _ => ("shift", json!({ "route": "all", "percent": percent })),
    }
}

/// Sends it; gives whether there was an answer before the process was killed, if it is to be.
async fn send(served: &mut Served, what: &str, body: &Value, kill_after: Option<Duration>) -> bool {
    let client = near().build().unwrap();
    let url = format!("http://{}/api/v1/{what}", served.admin());
    let asked = client.post(url).json(body).send();
    let Some(limit) = kill_after else {
        let status = asked.await.unwrap().status().as_u16();
        assert!(matches!(status, 200 | 409), "{what} {body}: {status}");
        return true;
    };
    let answered = tokio::time::timeout(limit, asked).await;
    served.kill();
    matches!(answered, Ok(Ok(_)))
}

#[tokio::test]
async fn killed_at_any_moment_it_comes_back_as_it_was() {
    let mut served = Served::on_disk("");
    let text = format!("{}{RAMP}", served.text());
    fs::write(&served.file, text).unwrap();
    served.run(&[]).await;
    let mut dice = StdRng::seed_from_u64(SEED);
    let mut model = Model {
        file: 25.0,
        killed: false,
        all_back: false,
        route_back: false,
        shifted: None,
        climb: None,
    };
    let mut in_flight = 0;
    for number in 0..OPERATIONS {
        let kill_after = (dice.random_range(0..4) > 0)
            .then(|| Duration::from_micros(2f64.powf(dice.random_range(5.0..13.5)) as u64));
        let mut allowed = Vec::new();
        match dice.random_range(0..10) {
            0 => {
                let percent = f64::from(dice.random_range(1..=100u16));
                let now = format!("percent =  {} #", model.file);
                let text = served
                    .text()
                    .replace(&now, &format!("percent =  {percent} #"));
                fs::write(&served.file, text).unwrap();
                allowed.push(model.saved(percent));
            }
            1 => {
                let path = kill_path(&served.state_dir());
                let there = path.exists();
                match there {
                    true => fs::remove_file(&path).unwrap(),
                    false => fs::write(&path, "").unwrap(),
                }
                allowed.push(Model {
                    killed: !there,
                    ..model.clone()
                });
            }
            _ => {
                let (what, body) = request(&mut dice);
                let next = model.after(what, &body);
                let acknowledged = send(&mut served, what, &body, kill_after).await;
                if !acknowledged {
                    in_flight += 1;
                    allowed.push(model.clone());
                    // The file KILL goes first.
                    if what == "resume" && !next.killed {
                        allowed.push(Model {
                            killed: false,
                            ..model.clone()
                        });
                    }
                }
                allowed.push(next);
            }
        }
        if kill_after.is_some() {
            served.kill();
            served.run(&[]).await;
        }
        let chains: Vec<_> = allowed.iter().map(Model::chain).collect();
        let end = std::time::Instant::now() + DEADLINE;
        let mut chain = chain_of(&served).await;
        // What comes by a file is seen at the next look of a house that runs.
        while kill_after.is_none() && !chains.contains(&chain) {
            assert!(
                std::time::Instant::now() < end,
                "{number}: {chain:?} is none of {chains:?}"
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
            chain = chain_of(&served).await;
        }
        let is = chains.iter().position(|allowed| *allowed == chain);
        let is = is.unwrap_or_else(|| panic!("{number}: {chain:?} is none of {chains:?}"));
        model = allowed.swap_remove(is);
    }
    assert!(in_flight >= 10, "only {in_flight} were cut off: {SEED:x}");
    eventually("the journal is whole", || {
        let text = fs::read_to_string(served.state_dir().join("journal.ndjson")).unwrap();
        text.ends_with('\n')
            && text
                .lines()
                .all(|line| serde_json::from_str::<Value>(line).is_ok())
    })
    .await;
}
