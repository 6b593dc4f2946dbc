//! What is refused, and where that stands.

use std::time::Duration;

use super::*;
use crate::adapt::{Filter, Limits, Val};

/// A program, where it is refused (in bytes), and parts of what is said.
const REFUSED: &[(&str, usize, &[&str])] = &[
    ("", 0, &["empty", "`.`"]),
    ("  # nothing", 0, &["empty"]),
    (".a |", 4, &["ends where term"]),
    (".a | | .b", 5, &["term is wanted"]),
    ("{a: 1", 5, &["closing brace"]),
    ("\"abc", 4, &["closing quote"]),
    ("[1, 2))", 5, &["closing bracket"]),
    (". & 1", 2, &["token"]),
    ("if . then 1", 11, &["else or end"]),
    ("def f: [f]; f", 4, &["`def` is not supported"]),
    (". | def f: f; f", 8, &["`def`"]),
    ("{a: (1 | def g: 1; g)}", 13, &["`def`"]),
    ("repeat(.)", 0, &["`repeat` could go on", "range"]),
    ("[.[] | while(true; .)]", 7, &["`while`"]),
    ("until(false; .)", 0, &["`until`"]),
    ("recurse(.a)", 0, &["`recurse`", "`..`"]),
    ("recurse(.[]?; . < 3)", 0, &["`recurse`"]),
    ("combinations", 0, &["`combinations`"]),
    ("env", 0, &["`env`", "secrets"]),
    ("env.HOME", 0, &["`env`"]),
    ("{a: $ENV.HOME}", 4, &["`$ENV`", "secrets"]),
    ("input", 0, &["`input`", "one body"]),
    ("[inputs]", 1, &["`inputs`"]),
    (".a | debug", 5, &["`debug`"]),
    ("debug(\"x\")", 0, &["`debug`"]),
    ("stderr", 0, &["`stderr`"]),
    ("input_filename", 0, &["`input_filename`"]),
    ("now", 0, &["`now`", "time"]),
    ("halt", 0, &["`halt`"]),
    ("halt_error(1)", 0, &["`halt_error`"]),
    ("todate", 0, &["`todate`", "dates"]),
    ("strftime(\"%Y\")", 0, &["`strftime`"]),
    ("mktime", 0, &["`mktime`"]),
    ("tostream", 0, &["`tostream`"]),
    ("fromstream(tostream)", 0, &["`fromstream`"]),
    ("import \"a\" as a; .", 0, &["`import`"]),
    ("include \"a\"; .", 0, &["`include`"]),
    ("label $out | break $out", 6, &["`label`", "first"]),
    ("$__loc__", 0, &["$__loc__"]),
    ("$__prog_args", 0, &["no variable", "$model"]),
    ("$x", 0, &["no variable `$x`"]),
    (". as $x | $y", 10, &["no variable `$y`", "$model, $x"]),
    ("(. as $x | $x) | $x", 17, &["no variable `$x`"]),
    ("lenght", 0, &["no `lenght`", "did you mean `length`"]),
    ("ascii_downcas", 0, &["`ascii_downcase`"]),
    ("frobnicate", 0, &["no `frobnicate`"]),
    (
        "length(1)",
        0,
        &["another number of arguments", "it takes 0"],
    ),
    ("sub(\"a\")", 0, &["it takes 2 or 3"]),
    ("a::b", 0, &["no `a::b`"]),
    ("test(.p)", 0, &["must be strings", "startswith"]),
    ("test(\"a\\(.p)\")", 0, &["must be strings"]),
    ("gsub(\"a\"; \"b\"; .f)", 0, &["must be strings"]),
    ("split(.s; null)", 0, &["must be strings"]),
    ("test(\"(\")", 0, &["the pattern:"]),
    ("test(\"(?=a)\")", 0, &["the pattern:", "look-around"]),
    ("test(\"(a)\\\\1\")", 0, &["the pattern:", "back-reference"]),
    ("test(\"a\"; \"q\")", 0, &["`q` is no flag"]),
    ("test(\"(\\\\w{100}){100}\")", 0, &["too large"]),
    (
        "reduce .[] as $x (0; ., .)",
        0,
        &["one output only", "first"],
    ),
    ("reduce .[] as $x (.[]; .)", 0, &["one output only"]),
    ("foreach .[] as $x (0; .[])", 0, &["one output only"]),
    ("reduce .[] as $x (0)", 0, &["another number of parts"]),
    (
        "reduce .[] as $x (0; 1; 2)",
        0,
        &["another number of parts"],
    ),
    (". as [$a] ?// $a | 1", 10, &["`?//`"]),
    ("1 = 2", 0, &["no path", "left of an assignment"]),
    ("(.a + 1) |= 2", 0, &["no path"]),
    ("map(.a) |= 1", 0, &["`map` is no path"]),
    ("first(.[]) |= 1", 0, &["`first` is no path", "assignment"]),
    ("try .a |= 1", 0, &["no path"]),
    ("(.a?.b | (.c)?) |= 1", 5, &["no path"]),
    ("del(1)", 4, &["no path"]),
    ("path(tojson)", 5, &["`tojson` is no path"]),
    ("del(reduce .[] as $x (.; .a))", 4, &["no path"]),
    ("@base32", 0, &["`@base32`", "@base64"]),
    ("@foo \"x\"", 0, &["no `@foo`"]),
    ("\"\\(env)\"", 3, &["`env`"]),
    (".[env]", 2, &["`env`"]),
    (".[1:now]", 4, &["`now`"]),
    ("{(env): 1}", 2, &["`env`"]),
    ("{\"\\(now)\": 1}", 4, &["`now`"]),
    (". as {(now): $x} | $x", 7, &["`now`"]),
    (". as [[{a: {(env): $x}}]] | $x", 13, &["`env`"]),
    ("try . catch env", 12, &["`env`"]),
    ("reduce env as $x (0; 1)", 7, &["`env`"]),
    ("reduce . as $x (env; 1)", 16, &["`env`"]),
    ("foreach . as $x (0; 1; env)", 23, &["`env`"]),
    ("if env then 1 end", 3, &["`env`"]),
    ("if . then 1 elif . then 2 else env end", 31, &["`env`"]),
    ("-env", 1, &["`env`"]),
    (".a //= env", 7, &["`env`"]),
    (".a[env] += 1", 3, &["`env`"]),
    ("sort_by(env)", 8, &["`env`"]),
    ("sub(\"a\"; env)", 9, &["`env`"]),
    ("1,\n2 |\n nope", 8, &["no `nope`"]),
];

#[test]
fn what_is_refused_is_told_where_and_why() {
    let mut wrong = String::new();
    for (program, at, parts) in REFUSED {
        let refused = match accept(program, &["model"]) {
            Err(refused) => refused,
            Ok(_) => {
                wrong += &format!("{program} is accepted\n");
                continue;
            }
        };
        let text = refused.to_string();
        if refused.at != *at || !parts.iter().all(|part| text.contains(part)) {
            wrong += &format!("{program}: at {}, not {at}: {text}\n", refused.at);
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn a_place_has_a_line_and_a_column() {
    let refused = accept("1,\n2 |\n nope", &[]).unwrap_err();
    assert_eq!((refused.line, refused.column), (3, 2));
}

/// All that is nested as deep as it may be, run on a value that is as deep as it may be, on a thread
/// as any. What is deeper is refused, however deep it is.
#[test]
fn nesting_never_reaches_the_end_of_the_stack() {
    let limits = Limits {
        time: Duration::from_secs(60),
        steps: 1_000_000,
        bytes: 16 << 20,
    };
    // As deep as a program can build it, which is twice as deep as a body.
    let deep = (0..255).fold(Val::Null, |inner, _| Val::array([inner]));
    let around = |open: &str, inner: &str, close: &str, times: usize| {
        format!("{}{inner}{}", open.repeat(times), close.repeat(times))
    };
    let kinds: &[(&str, &str, &str)] = &[
        ("[", "..", "]"),
        ("(", ".", ")"),
        ("{a: ", ".", "}"),
        ("-", "1", ""),
        ("try ", ".", ""),
        ("", ".", "?"),
        ("", ".", "[]?"),
        ("if . then ", "..", " else 1 end"),
        ("if ", "..", " then 1 else 2 end"),
        ("", ".", " | .[0]?"),
        ("", "..", " | .."),
        (". as $x | ", "..", ""),
        (". as [$x] | ", "..", ""),
        ("\"\\(", ".", ")\""),
        ("map(", ".", ")"),
        ("first(", "..", ")"),
        ("[limit(3; ", "..", ")]"),
        ("path(", "..", ")"),
        ("[paths(", "..", ")]"),
        ("any(", "..", ")"),
        ("walk(", ".", ")"),
        ("with_entries(", ".", ")"),
        ("sort_by(", ".", ")"),
        ("del(", ".a", ")"),
        ("del(.[] | ", "..", ")"),
        ("(.. | ", "..", ") |= ."),
        ("(..|select(", ".", ")) |= ."),
        ("reduce ", "..", " as $x (0; .)"),
        ("reduce .. as $x (0; ", ".", ")"),
        ("foreach .. as $x (0; .; ", "..", ")"),
        ("", "1", " + 1"),
        ("1 + (", "1", ")"),
        ("", "1", ", 1"),
        ("", ".a", " = 1"),
        (".a |= (", ".", ")"),
        (".[0] |= (", ".", ")"),
        (". // (", "empty", ")"),
        ("empty // (", "..", ")"),
        (". and (", "..", ")"),
        ("{a: 1} * (", "{}", ")"),
        ("gsub(\"a\"; ", "\"b\"", ")"),
        ("getpath([0]) | ", ".", ""),
        (". as {a: ", "$x", "} | 1"),
    ];
    let mut refused = 0;
    for (open, inner, close) in kinds {
        let mut deepest = None;
        for times in [
            1, 2, 5, 10, 20, 30, 40, 50, 70, 100, 140, 200, 400, 3_000, 30_000,
        ] {
            let program = around(open, inner, close, times);
            match Filter::compile(&program, &[]) {
                // The kind of the end does not matter here, that there is one does.
                Ok(filter) => {
                    let ends = filter.run_many(deep.clone(), &[], &limits, 3);
                    assert_ne!(ends, Err(crate::adapt::Fault::Broken), "{program}");
                    deepest = Some(times);
                }
                Err(_) => refused += 1,
            }
        }
        assert!(deepest.is_some() || *inner == "$x", "{open}{inner}{close}");
    }
    assert!(refused > kinds.len());
}

#[test]
fn long_lists_and_objects_are_not_deep() {
    let limits = Limits {
        time: Duration::from_secs(60),
        steps: 100_000,
        bytes: 1 << 20,
    };
    let pairs: Vec<String> = (0..300).map(|at| format!("k{at}: (.a // {at})")).collect();
    let filter = Filter::compile(&format!("{{{}}} | length", pairs.join(", ")), &[]).unwrap();
    let body = Val::parse(br#"{"a":1}"#).unwrap();
    assert_eq!(filter.run(body, &[], &limits), Ok(Val::from(300_i64)));
    let items: Vec<String> = (0..500).map(|at| at.to_string()).collect();
    let filter = Filter::compile(&format!("[{}] | add", items.join(",")), &[]).unwrap();
    assert_eq!(
        filter.run(Val::Null, &[], &limits),
        Ok(Val::from(124_750_i64))
    );
    let too_long = format!("[{}]", vec!["1"; 40_000].join(","));
    assert!(Filter::compile(&too_long, &[]).is_err());
    let doubled = vec!["(., .)"; 20].join(" | ");
    let refused = Filter::compile(&doubled, &[]).unwrap_err();
    assert!(refused.message.contains("outputs"), "{refused}");
}
