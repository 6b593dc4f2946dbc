//! What may be missing makes it unknown.

use super::facts::{DrainState, Facts, RuleSight};
use super::judge::judge;
use super::judge_tests::{NOW, TTL, facts, is, rule, survey};

#[test]
fn a_table_younger_than_the_rule_is_unknown_until_it_is_not() {
    let mut survey = survey();
    survey.health.since = NOW - TTL + 1;
    let sentence = "what is rule `jobs`'s and was made before the table of owners began to learn by it, 60 min ago, \
                    is not known and may live for 60 min: wait 1 s, or ask the backend itself";
    is(
        &judge(facts(), &survey),
        DrainState::Unknown,
        false,
        &[sentence],
    );
    survey.health.since = NOW - TTL;
    is(&judge(facts(), &survey), DrainState::Drained, true, &[]);
    // A clock that was set back makes nothing known.
    survey.health.since = NOW + 5;
    assert_eq!(judge(facts(), &survey).state, DrainState::Unknown);
    survey.health.since = u32::MAX;
    assert_eq!(judge(facts(), &survey).state, DrainState::Unknown);
}

#[test]
fn a_rule_that_came_later_is_unknown_for_its_own_time() {
    let young = |name: &str, since| RuleSight {
        name: name.into(),
        since,
        ..rule()
    };
    let given = |rules| Facts { rules, ..facts() };
    let sentence = |name: &str, ago: &str, wait: &str| {
        format!(
            "what is rule `{name}`'s and was made before the table of owners began to learn by it, {ago} ago, is not \
             known and may live for 60 min: wait {wait}, or ask the backend itself"
        )
    };
    let rules = vec![rule(), young("clips", Some(NOW - TTL + 60))];
    let told = sentence("clips", "59 min", "60 s");
    is(
        &judge(given(rules), &survey()),
        DrainState::Unknown,
        false,
        &[&told],
    );
    let rules = vec![rule(), young("clips", Some(NOW - TTL))];
    is(
        &judge(given(rules), &survey()),
        DrainState::Drained,
        true,
        &[],
    );
    // As young as now.
    for since in [None, Some(NOW), Some(NOW + 1), Some(u32::MAX)] {
        let told = sentence("jobs", "0 s", "60 min");
        is(
            &judge(given(vec![young("jobs", since)]), &survey()),
            DrainState::Unknown,
            false,
            &[&told],
        );
    }
}

#[test]
fn a_table_that_has_lost_something_is_unknown_to_all() {
    let mut survey = survey();
    survey.health.blind_until = NOW + 1;
    let sentence = "the table of owners has lost, or had no room for, something that may be live: wait 1 s, or ask \
                    the backend itself";
    is(
        &judge(facts(), &survey),
        DrainState::Unknown,
        false,
        &[sentence],
    );
    let without_rule = Facts {
        rules: Vec::new(),
        ..facts()
    };
    assert_eq!(judge(without_rule, &survey).state, DrainState::Unknown);
    survey.health.blind_until = NOW;
    is(&judge(facts(), &survey), DrainState::Drained, true, &[]);
}

#[test]
fn a_rule_without_a_table_is_unknown() {
    let given = Facts {
        rules: vec![RuleSight {
            keeps_nothing: true,
            ..rule()
        }],
        ..facts()
    };
    let sentence = "rule `jobs` keeps no table (id_mode = \"prefix\"), so what is live there is not known: ask the \
                    backend itself";
    is(
        &judge(given, &survey()),
        DrainState::Unknown,
        false,
        &[sentence],
    );
}
