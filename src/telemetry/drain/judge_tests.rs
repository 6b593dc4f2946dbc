//! Each state and each sentence.

use super::facts::{Drain, DrainState, Facts, Role, RuleSight};
use super::judge::judge;
use super::survey::Survey;
use crate::owners::{Owners, Tally};

pub(super) const NOW: u32 = 1_000_000;
pub(super) const TTL: u32 = 3_600;

/// A table that began long ago and has lost nothing.
pub(super) fn survey() -> Survey {
    Survey::at(&Owners::memory(16), NOW)
}

/// A candidate at 0 % that a rule knows of.
pub(super) fn facts() -> Facts {
    Facts {
        backend: "new".into(),
        in_file: true,
        is_out: false,
        roles: vec![candidate(0)],
        rules: vec![rule()],
        owned: Vec::new(),
        in_flight: 0,
        tunnels: 0,
    }
}

fn candidate(share: u16) -> Role {
    Role {
        route: "chat".into(),
        is_primary: false,
        other: Some("old".into()),
        share,
        by_name: false,
    }
}

fn primary(share: u16) -> Role {
    Role {
        is_primary: true,
        ..candidate(share)
    }
}

pub(super) fn rule() -> RuleSight {
    RuleSight {
        name: "jobs".into(),
        ttl: TTL,
        since: Some(0),
        keeps_nothing: false,
        missed: 0,
    }
}

fn owned(live: usize, done: usize) -> Vec<Tally> {
    vec![Tally {
        rule: "jobs".into(),
        backend: "new".into(),
        live,
        done,
        oldest_live: (live > 0).then_some(NOW - 7_200),
    }]
}

#[track_caller]
pub(super) fn is(drain: &Drain, state: DrainState, safe: bool, sentences: &[&str]) {
    assert_eq!(
        (drain.state, drain.safe_to_stop),
        (state, safe),
        "{drain:?}"
    );
    assert_eq!(drain.because, sentences);
}

#[test]
fn nothing_new_and_nothing_left_is_drained() {
    is(&judge(facts(), &survey()), DrainState::Drained, true, &[]);
}

#[test]
fn a_role_that_keeps_it_is_told_and_makes_it_unsafe() {
    use DrainState::{Drained, Serving};
    let alone = Role {
        other: None,
        ..primary(10_000)
    };
    let named = Role {
        by_name: true,
        ..candidate(0)
    };
    for (roles, state, sentence) in [
        (
            vec![candidate(1_250)],
            Serving,
            "route `chat` gives it 12.5 % of its new requests: `figshift shift chat 0` first",
        ),
        (
            vec![candidate(0), primary(8_750)],
            Serving,
            "it is the primary of route `chat` and gets 87.5 % of its new requests: move them (`figshift shift chat \
             100`), then take it out of the route, with `old` as primary",
        ),
        (
            vec![alone],
            Serving,
            "it is the only side of route `chat`: give the route another primary first",
        ),
        (
            vec![primary(0)],
            Drained,
            "it is the primary of route `chat`, which takes what falls back: take it out of the route first, with \
             `old` as primary",
        ),
        (
            vec![named],
            Drained,
            "route `chat` lets trusted peers send it requests by x-figshift-side: set side_header = false there, or \
             take it out of the route",
        ),
    ] {
        let given = Facts { roles, ..facts() };
        is(&judge(given, &survey()), state, false, &[sentence]);
    }
}

#[test]
fn live_things_requests_and_tunnels_are_draining() {
    for (live, sentence) in [
        (
            1,
            "1 of rule `jobs` is live there, for 2 h: wait until the work is over; `figshift owner list new` names it",
        ),
        (
            3,
            "3 of rule `jobs` are live there, the oldest for 2 h: wait until the work is over; \
             `figshift owner list new` names them",
        ),
    ] {
        let given = Facts {
            owned: owned(live, 0),
            ..facts()
        };
        let drain = judge(given, &survey());
        is(&drain, DrainState::Draining, false, &[sentence]);
        assert_eq!(drain.live(), live);
    }
    let given = Facts {
        in_flight: 1,
        ..facts()
    };
    let sentence = "1 request on the way to it: wait for the end of them";
    is(
        &judge(given, &survey()),
        DrainState::Draining,
        false,
        &[sentence],
    );
    let given = Facts {
        tunnels: 2,
        ..facts()
    };
    let sentence = "2 tunnels open to it: wait until clients and it close them";
    is(
        &judge(given, &survey()),
        DrainState::Draining,
        false,
        &[sentence],
    );
}

#[test]
fn what_is_known_to_be_there_is_stronger_than_what_may_be() {
    let mut survey = survey();
    survey.health.blind_until = NOW + 60;
    let given = Facts {
        owned: owned(1, 0),
        ..facts()
    };
    let drain = judge(given, &survey);
    assert_eq!(
        (drain.state, drain.because.len()),
        (DrainState::Draining, 2)
    );
    let given = Facts {
        roles: vec![candidate(1)],
        ..facts()
    };
    let drain = judge(given, &survey);
    assert_eq!((drain.state, drain.because.len()), (DrainState::Serving, 2));
}

#[test]
fn endpoints_that_are_out_are_told_and_make_nothing_safe() {
    let out = "none of its endpoints answers: what is live there cannot finish";
    let given = |live: usize| Facts {
        is_out: true,
        owned: owned(live, 0),
        ..facts()
    };
    let drain = judge(given(2), &survey());
    assert_eq!(
        (drain.state, drain.safe_to_stop),
        (DrainState::Draining, false)
    );
    assert_eq!(drain.because.last().unwrap(), out);
    let mut young = survey();
    young.health.since = NOW;
    let drain = judge(given(0), &young);
    assert_eq!(drain.state, DrainState::Unknown);
    assert_eq!(drain.because.last().unwrap(), out);
    // There is nothing that could have to finish.
    is(&judge(given(0), &survey()), DrainState::Drained, true, &[]);
}

#[test]
fn what_nobody_can_ask_for_is_told() {
    let given = |in_file| Facts {
        in_file,
        roles: Vec::new(),
        owned: owned(1, 0),
        ..facts()
    };
    for (in_file, told) in [
        (
            true,
            "no route leads to it, so nobody can ask for what is live there: make it a side of a route again",
        ),
        (
            false,
            "it is not in the file, so nobody can ask for what is live there: put it back into the file and a route",
        ),
    ] {
        let drain = judge(given(in_file), &survey());
        assert_eq!(drain.state, DrainState::Draining);
        assert_eq!(drain.because.last().unwrap(), told);
    }
}

#[test]
fn notes_are_no_reasons() {
    let done = |n| Facts {
        owned: owned(0, n),
        ..facts()
    };
    for (n, told) in [
        (
            1,
            "1 of rule `jobs` there is done and may still be asked for: the results go with the backend",
        ),
        (
            4,
            "4 of rule `jobs` there are done and may still be asked for: the results go with the backend",
        ),
    ] {
        is(
            &judge(done(n), &survey()),
            DrainState::Drained,
            true,
            &[told],
        );
    }
    let given = Facts {
        rules: vec![RuleSight {
            missed: 2,
            ..rule()
        }],
        ..facts()
    };
    let told = "2 responses to requests of rule `jobs` that make something had no id that could be learned, since \
                the start: what they have made, on whichever side, is not known";
    is(&judge(given, &survey()), DrainState::Drained, true, &[told]);
    let given = Facts {
        rules: Vec::new(),
        ..facts()
    };
    let told = "no [[ownership]] rule: jobs that it has would not be known";
    is(&judge(given, &survey()), DrainState::Drained, true, &[told]);
}
