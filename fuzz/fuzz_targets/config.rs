//! Any text is answered with a configuration or with problems, each inside the text.
//! Run: `RUSTC_BOOTSTRAP=1 cargo fuzz run config -- -max_total_time=60`
#![no_main]

use figshift::config::{EmptyEnv, parse};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Err(problems) = parse(text, "fuzz.toml", &EmptyEnv) {
        assert!(!problems.list.is_empty());
        let lines = text.split('\n').count();
        for problem in &problems.list {
            assert!((1..=lines).contains(&problem.line) && problem.column >= 1);
        }
        assert!(!problems.to_string().is_empty());
    }
});
