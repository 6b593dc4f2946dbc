//! Whatever a file contains, the answer is a configuration or problems: never a panic.

use proptest::prelude::*;

use super::check;

const FULL: &str = include_str!("../../../config/full.toml");

/// Tokens that TOML gives a meaning to, more likely to meet a branch than random letters.
fn tokens() -> impl Strategy<Value = String> {
    let token = prop::sample::select(vec![
        "[",
        "]",
        "[[",
        "]]",
        "{",
        "}",
        "=",
        ".",
        ",",
        "\"",
        "'",
        "\"\"\"",
        "\n",
        " ",
        "#",
        "a",
        "listen",
        "routes",
        "backends",
        "match",
        "1",
        "-1",
        "0x",
        "1e999",
        "nan",
        "true",
        "1979-05-27",
        "\\u",
        "é",
        "\u{feff}",
        "${",
        "}",
        "$${",
        "\0",
        "\r",
        "99999999999999999999",
        "legacy",
        "endpoints",
    ]);
    prop::collection::vec(token, 0..60).prop_map(|tokens| tokens.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_text_is_answered(text in ".{0,200}") {
        prop_assert!(check(&text).err().is_none_or(|problems| !problems.to_string().is_empty()));
    }

    #[test]
    fn any_tokens_are_answered(text in tokens()) {
        prop_assert!(check(&text).err().is_none_or(|problems| !problems.to_string().is_empty()));
    }

    #[test]
    fn a_mutated_file_is_answered(at in 0..FULL.len(), gone in 0..40usize, new in tokens()) {
        let mut bytes = FULL.as_bytes().to_vec();
        let end = (at + gone).min(bytes.len());
        bytes.splice(at..end, new.into_bytes());
        let text = String::from_utf8_lossy(&bytes);
        if let Err(problems) = check(&text) {
            prop_assert!(!problems.list.is_empty());
            let lines = text.split('\n').count();
            for problem in &problems.list {
                prop_assert!(problem.line >= 1 && problem.line <= lines && problem.column >= 1);
            }
        }
    }
}

#[test]
fn deep_nesting_ends_in_a_problem() {
    // On a thread with the small stack that workers have.
    let deep = |text: String| {
        let checked = std::thread::Builder::new()
            .stack_size(2 << 20)
            .spawn(move || check(&text).is_err());
        assert!(checked.unwrap().join().unwrap());
    };
    deep(format!("a = {}", "[".repeat(100_000)));
    deep(format!("a = {}{}", "[".repeat(79), "]".repeat(79)));
    deep("{a=".repeat(100_000));
    deep(format!("[{}]\n", vec!["a"; 50_000].join(".")));
    // Dotted keys inside inline tables nest deeper than any bracket may.
    let key = vec!["a"; 79].join(".");
    let line = format!(
        "{}x = 1{}",
        format!("{key} = {{ ").repeat(78),
        " }".repeat(78)
    );
    deep(format!("[{key}]\n{line}\n"));
}

#[test]
fn a_file_of_noise_is_answered_in_time() {
    let started = std::time::Instant::now();
    for noise in ["=\n", "[", "a\n", "[[a]]\n", "\"", "${"] {
        assert!(check(&noise.repeat(200_000 / noise.len())).is_err());
    }
    let keys: String = (0..20_000).map(|n| format!("k{n} = \"${{A\"\n")).collect();
    let problems = check(&keys).unwrap_err();
    assert!(problems.to_string().contains("the first 100 shown"));
    assert!(started.elapsed().as_secs() < 60, "{:?}", started.elapsed());
}
