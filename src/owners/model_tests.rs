//! The table against a plain model.

use std::collections::HashMap;

use proptest::prelude::*;

use super::super::words::{Learned, Learnt, Tally};
use super::Owners;

const RULES: [&str; 3] = ["jobs", "files", "sessions"];
const BACKENDS: [&str; 3] = ["legacy", "vast", "third"];

#[derive(Debug, Clone)]
enum Step {
    Learn {
        rule: usize,
        id: u8,
        backend: usize,
        ttl: u32,
        made: bool,
        theirs: Option<u8>,
    },
    Find(usize, u8),
    Finish(usize, u8),
    Forget(usize, u8),
    Original(usize, usize, u8),
    Sweep,
    Wait(u32),
}

fn steps(ids: u8) -> impl Strategy<Value = Vec<Step>> {
    let learn = (0..3usize, 0..ids, 0..3usize, 0..300u32, any::<bool>());
    let learn = (learn, proptest::option::of(0..ids));
    let learn = learn.prop_map(|((rule, id, backend, ttl, made), theirs)| Step::Learn {
        rule,
        id,
        backend,
        ttl,
        made,
        theirs,
    });
    let step = prop_oneof![
        6 => learn,
        4 => (0..3usize, 0..ids).prop_map(|(rule, id)| Step::Find(rule, id)),
        2 => (0..3usize, 0..ids).prop_map(|(rule, id)| Step::Finish(rule, id)),
        1 => (0..3usize, 0..ids).prop_map(|(rule, id)| Step::Forget(rule, id)),
        2 => (0..3usize, 0..3usize, 0..ids).prop_map(|(r, b, t)| Step::Original(r, b, t)),
        1 => Just(Step::Sweep),
        3 => (0..60u32).prop_map(Step::Wait),
    ];
    proptest::collection::vec(step, 1..300)
}

#[derive(Debug, Clone, PartialEq)]
struct Known {
    backend: usize,
    created: u32,
    expires: u32,
    ttl: u32,
    done: bool,
    theirs: Option<u8>,
}

#[derive(Debug, Default)]
struct Model {
    known: HashMap<(usize, u8), Known>,
    /// The last id that was told to have this one at its owner.
    theirs: HashMap<(usize, usize, u8), u8>,
}

impl Model {
    fn live(&mut self, rule: usize, id: u8, now: u32) -> Option<&mut Known> {
        if self.known.get(&(rule, id))?.expires <= now {
            self.drop_id(rule, id);
        }
        self.known.get_mut(&(rule, id))
    }

    fn drop_id(&mut self, rule: usize, id: u8) {
        self.clear_twin(rule, id);
        self.known.remove(&(rule, id));
    }

    fn clear_twin(&mut self, rule: usize, id: u8) {
        let Some(known) = self.known.get_mut(&(rule, id)) else {
            return;
        };
        if let Some(theirs) = known.theirs.take() {
            let at = (rule, known.backend, theirs);
            if self.theirs.get(&at) == Some(&id) {
                self.theirs.remove(&at);
            }
        }
    }

    fn learn(&mut self, key: (usize, u8), backend: usize, ttl: u32, made: bool, at: u32) -> Learnt {
        let known = self.live(key.0, key.1, at);
        if let Some(known) = known.filter(|known| known.backend == backend) {
            known.ttl = ttl;
            known.expires = known.expires.max(at + ttl);
            known.done &= !made;
            return Learnt::Known;
        }
        let from = self
            .known
            .get(&key)
            .map(|known| BACKENDS[known.backend].into());
        self.drop_id(key.0, key.1);
        let new = Known {
            backend,
            created: at,
            expires: at + ttl,
            ttl,
            done: false,
            theirs: None,
        };
        self.known.insert(key, new);
        from.map_or(Learnt::New, |from| Learnt::Moved { from })
    }

    fn tallies(&self, now: u32) -> Vec<Tally> {
        let mut all: HashMap<(usize, usize), Tally> = HashMap::new();
        for ((rule, _), known) in self.known.iter().filter(|(_, known)| known.expires > now) {
            let tally = all.entry((*rule, known.backend)).or_insert_with(|| Tally {
                rule: RULES[*rule].into(),
                backend: BACKENDS[known.backend].into(),
                live: 0,
                done: 0,
                oldest_live: None,
            });
            if known.done {
                tally.done += 1;
            } else {
                tally.live += 1;
                let oldest = tally.oldest_live.unwrap_or(u32::MAX);
                tally.oldest_live = Some(oldest.min(known.created));
            }
        }
        let mut all: Vec<Tally> = all.into_values().collect();
        all.sort_by(|a, b| (&a.rule, &a.backend).cmp(&(&b.rule, &b.backend)));
        all
    }
}

fn ours(id: u8) -> String {
    format!("job-{id}")
}

fn theirs_of(id: u8) -> String {
    format!("remote-{id}")
}

fn check_step(owners: &Owners, model: &mut Model, step: &Step, now: &mut u32) {
    let at = *now;
    match *step {
        Step::Learn { .. } => check_learn(owners, model, step, at),
        Step::Find(rule, id) => check_find(owners, model, (rule, id), at),
        Step::Finish(rule, id) => {
            let is_known = owners.finish(RULES[rule], ours(id).as_bytes(), at);
            // A look at what is over does not drop it here.
            let known = model.known.get_mut(&(rule, id));
            let known = known.filter(|known| known.expires > at);
            assert_eq!(is_known, known.is_some());
            if let Some(known) = known {
                known.done = true;
            }
        }
        Step::Forget(rule, id) => {
            let was_known = owners.forget(RULES[rule], ours(id).as_bytes(), at);
            assert_eq!(was_known, model.known.contains_key(&(rule, id)));
            model.drop_id(rule, id);
        }
        Step::Original(rule, backend, theirs) => {
            let found = owners.original(RULES[rule], BACKENDS[backend], &theirs_of(theirs));
            let expected = model.theirs.get(&(rule, backend, theirs));
            assert_eq!(found.as_deref(), expected.map(|id| ours(*id)).as_deref());
        }
        Step::Sweep => {
            owners.sweep(at);
            // Few entries are one shard: all of it is swept.
            let over = model.known.iter().filter(|(_, known)| known.expires <= at);
            let over: Vec<(usize, u8)> = over.map(|(key, _)| *key).collect();
            for (rule, id) in over {
                model.drop_id(rule, id);
            }
        }
        Step::Wait(seconds) => *now += seconds,
    }
}

fn check_learn(owners: &Owners, model: &mut Model, step: &Step, at: u32) {
    let Step::Learn {
        rule,
        id,
        backend,
        ttl,
        made,
        theirs,
    } = *step
    else {
        return;
    };
    let (id_text, text) = (ours(id), theirs.map(theirs_of));
    let learned = Learned {
        rule: RULES[rule],
        id: id_text.as_bytes(),
        backend: BACKENDS[backend],
        ttl,
        origin: if made { "POST /api/jobs" } else { "" },
        theirs: text.as_deref(),
    };
    let learnt = owners.learn(learned, at);
    let expected = model.learn((rule, id), backend, ttl.max(1), made, at);
    assert_eq!(learnt, expected);
    if let Some(theirs) = theirs {
        model.clear_twin(rule, id);
        model.known.get_mut(&(rule, id)).unwrap().theirs = Some(theirs);
        model.theirs.insert((rule, backend, theirs), id);
    }
}

fn check_find(owners: &Owners, model: &mut Model, (rule, id): (usize, u8), at: u32) {
    let found = owners.find(RULES[rule], ours(id).as_bytes(), at);
    let expected = model.live(rule, id, at).map(|known| {
        let fresh = at + known.ttl;
        if fresh > known.expires && fresh - known.expires > known.ttl / 8 {
            known.expires = fresh;
        }
        known.clone()
    });
    assert_eq!(found.is_some(), expected.is_some());
    if let (Some(found), Some(expected)) = (found, expected) {
        assert_eq!(&*found.backend, BACKENDS[expected.backend]);
        assert_eq!(found.created, expected.created);
        assert_eq!(found.done, expected.done);
        let theirs = expected.theirs.map(theirs_of);
        assert_eq!(found.theirs.as_deref(), theirs.as_deref());
    }
}

fn listed(owners: &Owners, backend: &str, now: u32) -> Vec<(String, String)> {
    let mut listed = Vec::new();
    owners.each_live(backend, now, |one| {
        listed.push((one.rule.to_owned(), one.id.unwrap_or("?").to_owned()));
    });
    listed.sort();
    listed
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn is_what_a_plain_map_would_be(steps in steps(30)) {
        let owners = Owners::memory(500);
        let (mut model, mut now) = (Model::default(), 1_000);
        for step in &steps {
            check_step(&owners, &mut model, step, &mut now);
            prop_assert_eq!(owners.health().entries, model.known.len());
            prop_assert_eq!(owners.tallies(now), model.tallies(now));
        }
        for (index, backend) in BACKENDS.iter().enumerate() {
            let live = model.known.iter().filter(|(_, known)| {
                known.backend == index && !known.done && known.expires > now
            });
            let mut live: Vec<(String, String)> =
                live.map(|((rule, id), _)| (RULES[*rule].to_owned(), ours(*id))).collect();
            live.sort();
            prop_assert_eq!(listed(&owners, backend, now), live);
        }
        prop_assert_eq!(owners.health().evicted, 0);
    }
}
