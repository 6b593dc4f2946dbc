//! Whatever stands in a body, and whatever program is accepted, a run ends within its limits.
//! Run: `RUSTC_BOOTSTRAP=1 cargo fuzz run adapt -- -max_total_time=600 -rss_limit_mb=512 -malloc_limit_mb=64 -timeout=5`
#![no_main]

use std::sync::OnceLock;
use std::time::Duration;

use figshift::adapt::{Fault, Filter, Limits, Place, Val};
use libfuzzer_sys::fuzz_target;

const LIMITS: Limits = Limits {
    time: Duration::from_millis(50),
    steps: 20_000,
    bytes: 1 << 20,
};

/// Programs that do what hurts most, on whatever they get.
const PROGRAMS: [&str; 44] = [
    ".",
    ".. |= .",
    "[..] | tojson | fromjson",
    "[.[]? as $x | .[]? as $y | [$x, $y]]",
    "reduce .[]? as $x (.; [., $x])",
    "reduce .[]? as $x (.; {a: ., b: $x})",
    "reduce (.[]?, .[]?) as $x (\"a\"; . + ($x | tostring))",
    "[foreach .[]? as $x (.; .; [$x, .])]",
    "walk(if type == \"object\" then to_entries else . end)",
    "del(..)",
    "del(.[]?)",
    "delpaths([paths])",
    "reduce paths as $p (.; setpath($p; [getpath($p)]))",
    "[paths(type == \"number\")]",
    "pick(.[]?)",
    "try sort catch .",
    "try (sort_by(.[]?), group_by(.a?), unique_by(length?)) catch .",
    "[min_by(.[]?)?, max_by(.[]?)?, min?, max?]",
    "flatten? // 0",
    "to_entries? // 1 | try from_entries catch .",
    "with_entries(.value |= [.])? // 0",
    "[.[]? + .[]?]",
    "[.[]? * .[]?]",
    "[.[]? - .[]?, .[]? / .[]?, .[]? % .[]?]?",
    "[.[.[]?]?]",
    "[.[.[]?:.[]?]?]",
    ".[.[0]?]? = 1",
    "try (.[.n] = .v | .a[.n] |= . | .a[.n:.m] = [1]) catch .",
    "[.. | strings | split(\"\"), explode, (explode | implode)]",
    "[.. | strings | test(\"(a*)*b\"), gsub(\"(?<x>.)\"; \"\\(.x)\\(.x)\")]",
    "[.. | strings | splits(\", *\"), [scan(\"\\\\w+\")], [match(\"\"; \"g\")]]",
    "[.. | strings | @base64, @uri, @html, @sh, (try @base64d catch .)]",
    "[.. | (try @csv catch .), (try @tsv catch .), @json, @text]",
    "[.. | strings | tonumber?, fromjson?, length, ascii_downcase, trim]",
    "[.. | numbers | floor, sqrt, pow(.; .), log, -., abs, tostring, . % 7?]",
    "[.. | contains(.)?, inside(.)?, indices(.)?, has(0)?, length?]",
    "[range(.n?; .m?; .k?)]?",
    "[limit(.n? // 3; ..), skip(.n? // 1; ..), first(..), last(..)]",
    "\"a\" * (.n? // 2)",
    "transpose? // [.., ..] | add? // 0",
    "any(..; . == 1), all(..; . != null), isempty(..), IN(..; 1)",
    "INDEX(..; .id?) | keys | join(\"-\")",
    "(.. | select(type == \"string\")) |= . + .",
    ". as {a: $a, b: [$b]} | {$a, $b} * {c: {d: $a}} | .c.d.e?",
];

fn filters() -> &'static [Filter] {
    static FILTERS: OnceLock<Vec<Filter>> = OnceLock::new();
    FILTERS.get_or_init(|| {
        let compile = |program: &&str| match Filter::compile(program, &[]) {
            Ok(filter) => filter,
            Err(refused) => panic!("{program}: {refused}"),
        };
        PROGRAMS.iter().map(compile).collect()
    })
}

fn try_out(filter: &Filter, body: &Val) {
    match filter.run_many(body.clone(), &[], &LIMITS, 100) {
        Ok(outputs) => {
            for output in outputs {
                let mut text = Vec::new();
                output.write(&mut text);
                // What is written can be read, unless it is deeper than a body may be.
                match Val::parse(&text) {
                    Ok(_) | Err(Fault::TooDeep) => {}
                    Err(fault) => panic!("{fault}: {}", String::from_utf8_lossy(&text)),
                }
            }
        }
        Err(Fault::Broken) => panic!("the engine failed"),
        Err(fault) => drop((fault.to_string(), fault.detail())),
    }
}

fuzz_target!(|input: (u8, &str, &[u8])| {
    let (which, program, body) = input;
    if let Ok(place) = Place::parse(program) {
        let _ = place.set(Val::Null, Val::Null);
    }
    let Ok(body) = Val::parse(body) else {
        // The text alone must not hurt either.
        let _ = Filter::compile(program, &["model"]);
        return;
    };
    let filters = filters();
    try_out(&filters[usize::from(which) % filters.len()], &body);
    if let Ok(filter) = Filter::compile(program, &["model"]) {
        try_out(&filter, &body);
    }
});
