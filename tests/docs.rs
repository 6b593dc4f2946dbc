//! The examples in the documents are real: every TOML block that is a whole file passes the check.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use figshift::config::{EmptyEnv, parse};

/// All documents, by their path in the repository.
fn documents() -> Vec<String> {
    let root = env!("CARGO_MANIFEST_DIR");
    let mut names: Vec<_> = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"]
        .map(str::to_owned)
        .into();
    for file in std::fs::read_dir(format!("{root}/docs")).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        names.push(format!("docs/{name}"));
    }
    names
}

/// The ```toml blocks of a document.
fn blocks(text: &str) -> Vec<String> {
    text.split("```toml\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap().to_owned())
        .collect()
}

#[test]
fn toml_blocks_pass_the_check() {
    let mut checked = 0;
    for name in documents() {
        let path = format!("{}/{name}", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(&path).unwrap();
        for block in blocks(&text) {
            if let Err(problems) = parse(&block, &name, &EmptyEnv) {
                panic!("{name}:\n{block}\n{problems}");
            }
            checked += 1;
        }
    }
    assert!(checked > 0, "the README must have an example");
}

/// A reason that the README does not explain helps nobody.
#[test]
fn every_reason_is_explained() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
    let readme = std::fs::read_to_string(path).unwrap();
    for fault in figshift::stats::Fault::ALL {
        let row = format!("| `{}` |", fault.as_str());
        assert!(readme.contains(&row), "{row} is missing");
    }
    for class in figshift::stats::Class::ALL {
        let name = format!("`{}`", class.as_str());
        assert!(readme.contains(&name), "{name} is missing");
    }
}

/// The words of guard and ramp, in metrics and answers.
#[test]
fn every_state_and_order_is_named() {
    use figshift::control::{Blame, GuardPhase, Order};
    use figshift::policy::ramp::State;
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
    let readme = std::fs::read_to_string(path).unwrap();
    let phases = GuardPhase::ALL.map(GuardPhase::as_str);
    let blames = Blame::ALL.map(Blame::as_str);
    let orders = Order::ALL.map(Order::as_str);
    let words = phases.iter().chain(&blames).chain(&orders);
    for word in words.chain(&State::NAMES) {
        assert!(readme.contains(&format!("`{word}`")), "{word} is missing");
    }
}
