//! What cannot be read, and what grows.

use super::*;

#[test]
fn bodies_that_cannot_be_read() {
    check(&[
        (".", "deeper", DEEP),
        (".", "deep", OK),
        (".", "1e999", JSON),
        (".", "[1,2", JSON),
        (".", "\"\\ud800\"", JSON),
        (".", "\"\\ud83d\\ude00\"", OK),
        (".", "NaN", JSON),
        (".", "1 2", JSON),
        (".", "", JSON),
        (".", "{\"a\":1,}", JSON),
        (".", "{\"a\":1,\"a\":2}", OK),
        (".", "1e308", OK),
        (".", "-0", OK),
        (
            ".",
            "0.00000000000000000000000000000000000000000000000000000000000000000000001",
            OK,
        ),
        (".", "123456789012345678901234567890", OK),
    ]);
    assert_eq!(run(".", b"\"\xff\""), "not_json");
    assert_eq!(run(".", b"\xef\xbb\xbf1"), "not_json");
    let error = Val::parse(b"{\n \"a\": x}").unwrap_err();
    assert_eq!(error, Fault::NotJson { line: 2, column: 7 });
}

#[test]
fn what_grows_out_of_a_small_body() {
    check(&[
        ("\"a\" * .", "1500000000", MUCH),
        ("\"a\" * .", "1e300", MUCH),
        ("\"a\" * .n * .n", "{\"n\":100000}", MUCH),
        ("[range(.)]", "1e12", MUCH),
        ("[range(0; .; 0.0001)]", "1e9", MUCH),
        ("range(.) | select(. < 0)", "1e18", MUCH),
        ("reduce range(.) as $x (0; . + $x)", "1e12", MUCH),
        ("first(range(.))", "1e300", OK),
        ("[limit(.; range(.))]", "1e18", MUCH),
        ("[limit(1e18; .[])]", "[1,2]", OK),
        ("[skip(1e18; .[])]", "[1,2]", OK),
        (".[1e9] = 1", "[]", MUCH),
        (".[.n] = 1 | length", "null", FAILED),
        (".a[.n] = 1", "{\"n\":1e15}", MUCH),
        (".a[.n] = 1", "{\"n\":-1e9}", FAILED),
        (".[-1e9] = 1", "[1]", FAILED),
        (".[1e9], .[-1e9], .[1e300]", "[1]", OK),
        ("setpath([\"a\", 1e9]; 1)", "{}", MUCH),
        ("getpath([range(300)])", "[]", FAILED),
        ("setpath([range(300)]; 1)", "null", FAILED),
        ("getpath([range(200)] | map(\"a\"))", "{}", OK),
        ("delpaths([[range(300)]])", "[]", FAILED),
        ("[.[:1e300]], [.[-1e300:]]", "[1]", OK),
        ("flatten(1e300)", "deep", OK),
        ("pow(10; .)", "1e9", OK),
        ("tojson * 1000 | fromjson?", "hundred", OK),
    ]);
}

#[test]
fn what_doubles_with_every_round() {
    check(&[
        ("reduce .[] as $x (\"a\"; . + .)", "hundred", MUCH),
        ("reduce .[] as $x ([1]; . + .)", "hundred", MUCH),
        ("reduce .[] as $x ({}; .a = . | .b = .)", "hundred", MUCH),
        ("reduce .[] as $x (1; [., .])", "hundred", MUCH),
        ("reduce .[] as $x (1; {a: ., b: .})", "hundred", MUCH),
        (
            "reduce .[] as $x (1; [., ., ., .]) | tojson",
            "hundred",
            MUCH,
        ),
        ("reduce .[] as $x (1; [., .]) == 1", "hundred", MUCH),
        ("reduce .[] as $x (1; [.])", "numbers", DEEP),
        ("reduce .[] as $x (null; {a: .})", "numbers", DEEP),
        ("reduce .[] as $x (1; [.]) | 1", "numbers", DEEP),
        ("reduce range(200) as $x (.; [.])", "deep", DEEP),
        (
            "reduce range(100) as $x (.; [.]) | tojson | fromjson",
            "deep",
            FAILED,
        ),
        ("reduce .[] as $x (\"a\"; @base64)", "hundred", MUCH),
        ("reduce .[] as $x (\"\\\"\"; tojson)", "hundred", MUCH),
        ("reduce .[] as $x (\"&\"; @html)", "hundred", OK),
        ("reduce .[] as $x (\"%\"; @uri)", "numbers", MUCH),
        ("reduce .[] as $x (\"'\"; @sh)", "hundred", MUCH),
        (
            "reduce .[] as $x (\"a\"; . as $a | [$a, $a] | join($a))",
            "hundred",
            MUCH,
        ),
        (
            "reduce .[] as $x (\"aa\"; gsub(\"a\"; \"aa\"))",
            "hundred",
            MUCH,
        ),
        ("reduce .[] as $x ([1]; [.[], .[]])", "hundred", MUCH),
        (
            "reduce .[] as $x ({a: 1}; . * {($x | tostring): .})",
            "numbers",
            &["too_much", "too_deep"],
        ),
        ("reduce .[] as $x ([0]; map(., .))", "hundred", MUCH),
        ("[foreach .[] as $x (\"a\"; . + .)]", "hundred", MUCH),
        ("[foreach .[] as $x ([]; . + [$x])]", "numbers", MUCH),
        ("reduce .[] as $x (\"\"; . + \"abc\")", "numbers", MUCH),
        (
            "reduce .[] as $x ({}; . + {($x | tostring): 1})",
            "keys",
            OK,
        ),
        ("to_entries | map(.key) | join(\"\") * 1000", "keys", MUCH),
    ]);
}

#[test]
fn products_and_searches() {
    check(&[
        ("[.[] as $x | .[] as $y | .[] as $z | 1]", "numbers", MUCH),
        (".[] as $x | .[] as $y | empty", "numbers", MUCH),
        (
            "[.[] as $x | .[] as $y | .[] as $z | select(false)]",
            "numbers",
            MUCH,
        ),
        (
            "try ([.[] as $x | .[] as $y | $x]) catch 1",
            "numbers",
            MUCH,
        ),
        (
            "([.[] as $x | .[] as $y | $x] | length) // 0",
            "numbers",
            MUCH,
        ),
        ("[.[] as $x | .[] as $y | $x]? // 0", "numbers", MUCH),
        ("first(.[] as $x | .[] as $y | empty)", "numbers", MUCH),
        ("isempty(.[] as $x | .[] as $y | empty)", "numbers", MUCH),
        ("any(.[] as $x | .[] as $y | $y; . > 1)", "numbers", MUCH),
        ("[.[] + .[]] | length", "numbers", MUCH),
        ("[.[.[]]] | length", "numbers", MUCH),
        ("[.[.[]:.[]]] | length", "numbers", MUCH),
        ("{(.[]): .[]}", "texts", &["too_much", "many_outputs"]),
        ("[\"\\(.[])\\(.[])\"] | length", "texts", MUCH),
        ("map(. as $x | $x) | length", "numbers", OK),
        ("[.. | ..] | length", "wide and deep", MUCH),
        ("[..] | length", "deep", OK),
        ("[paths] | length", "wide and deep", MUCH),
        ("[path(..)] | map(length) | add", "deep", OK),
        ("[paths(..)] | length", "wide and deep", MUCH),
        ("indices(1) | length", "numbers", OK),
        ("indices(\"a\") | length", "text", MUCH),
        ("indices(\"aaaaaaaa\" * 1000) | length", "text", MUCH),
        ("contains(.)", "keys", OK),
        ("map([.]) | contains([[2]])", "numbers", MUCH),
        (". - .", "numbers", &["ok", "too_much"]),
        (". - [.[0]] | length", "objects", OK),
        ("IN(.[]; .[])", "numbers", OK),
        ("IN(.[]; .[] | . + 1)", "numbers", MUCH),
        ("INDEX(.a) | length", "objects", OK),
        ("transpose", "[[1],[1,2],[1,2,3]]", OK),
        ("[., .] | transpose", "numbers", MUCH),
        (
            "[range(1000) as $x | .] | transpose | length",
            "numbers",
            MUCH,
        ),
    ]);
}
