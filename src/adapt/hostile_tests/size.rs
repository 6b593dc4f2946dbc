//! What is large from the start.

use super::*;

#[test]
fn sorting_what_is_large_or_shared() {
    check(&[
        ("sort | length", "numbers", MUCH),
        ("sort | length", "hundred", OK),
        ("unique | length", "texts", MUCH),
        ("group_by(.a) | length", "objects", MUCH),
        ("[range(2000) as $x | .] | sort | length", "text", MUCH),
        ("[range(2000) as $x | .] | unique | length", "hundred", OK),
        (
            "[range(2000) as $x | . + \"x\"] | unique | length",
            "text",
            MUCH,
        ),
        ("[range(2000) as $x | .] | sort | length", "hundred", OK),
        (
            "[range(5000) as $x | map(.)] | sort | length",
            "objects",
            MUCH,
        ),
        ("sort_by(.b, .a) | length", "objects", MUCH),
        ("min_by(.b) | length", "objects", OK),
        ("max | length", "texts", &["ok", "failed"]),
        ("[.[] | [.]] | sort | length", "keys", MUCH),
        ("keys | length", "keys", MUCH),
        ("map(tojson) | sort | length", "objects", MUCH),
        ("try sort catch 1", "numbers", MUCH),
        (
            "[nan, nan, 1, nan] | sort, unique, group_by(.), min, max",
            "null",
            OK,
        ),
        (". < [.[]]", "numbers", MUCH),
        ("[., .] | .[0] == .[1]", "objects", OK),
    ]);
}

#[test]
fn long_texts() {
    check(&[
        ("join(\",\") | length", "texts", OK),
        ("[., ., ., ., .] | join(\"\") | length", "text", MUCH),
        ("split(\"\") | length", "text", MUCH),
        ("split(\"a\") | length", "text", MUCH),
        ("split(\",\") | join(\", \") | length", "commas", MUCH),
        ("explode | length", "text", MUCH),
        ("explode | implode", "\"aé\"", OK),
        ("implode", "[1114112, 55296, 97]", OK),
        ("implode", "[-1]", FAILED),
        ("implode", "[1e300]", FAILED),
        ("gsub(\"a\"; \"b\") | length", "text", MUCH),
        ("gsub(\"\"; \"b\") | length", "text", MUCH),
        ("gsub(\"(a|aa)+$\"; \"b\") | length", "text", OK),
        ("test(\"(a*)*b\")", "text", OK),
        ("test(\"^(a+)+$\")", "text", OK),
        ("test(\"(?i)É+x\")", "accents", OK),
        ("[match(\"a\"; \"g\")] | length", "text", MUCH),
        ("[scan(\".\")] | length", "text", MUCH),
        ("[splits(\"a\")] | length", "text", MUCH),
        ("capture(\"(?<x>a+)\") | .x | length", "text", OK),
        (
            "reduce range(1000) as $i (.; ltrimstr(\"a\")) | length",
            "text",
            MUCH,
        ),
        ("reduce range(1000) as $i (.; .[1:]) | length", "text", MUCH),
        ("[range(100) as $i | ascii_downcase] | length", "text", MUCH),
        ("[range(100) as $i | length] | length", "text", MUCH),
        (".[100000:100001]", "accents", OK),
        ("tojson | tojson | length", "text", OK),
        ("@base64 | @base64d | length", "text", MUCH),
        ("@html | @uri | length", "text", MUCH),
        ("@csv, @tsv, @sh | length", "texts", MUCH),
        ("fromjson | length", "text", MUCH),
        ("[.[] | tojson | fromjson] | length", "texts", MUCH),
        ("fromjson", "\"[[[[[[1]]]]]]\"", OK),
        ("(\"[\" * 1000) + (\"]\" * 1000) | fromjson", "null", FAILED),
        ("tonumber", "\"1e999\"", OK),
        ("tonumber", "text", MUCH),
        ("error", "text", FAILED),
        (".a", "text", FAILED),
        ("try .a catch length", "text", OK),
    ]);
}

#[test]
fn updates_on_large_and_deep_bodies() {
    check(&[
        (".[] |= . + 1 | length", "hundred", OK),
        (".[] |= . + 1 | length", "numbers", OK),
        ("(.. | numbers) |= . + 1 | length", "wide and deep", OK),
        (".. |= . | length", "deep", OK),
        ("walk(.) | length", "deep object", OK),
        ("walk([[.]])", "deep", DEEP),
        ("del(..) | length", "hundred", OK),
        ("del(.[]) | length", "hundred", OK),
        ("del(.[]) | length", "numbers", MUCH),
        ("del(.[] | select(. > \"k5\")) | length", "keys", OK),
        ("map_values(empty) | length", "keys", OK),
        ("with_entries(.value += 1) | length", "keys", MUCH),
        ("to_entries | from_entries | length", "keys", OK),
        (".[].a |= empty | length", "objects", OK),
        ("pick(.[]) | length", "hundred", OK),
        (
            "reduce paths as $p (.; setpath($p; 1)) | length",
            "hundred",
            OK,
        ),
        ("flatten | length", "wide and deep", OK),
        ("flatten | flatten", "deep", OK),
        ("[leaf_paths] | length", "deep object", OK),
        ("tojson | length", "deep object", OK),
        (". == (tojson | fromjson)", "deep object", OK),
        (". * . | length", "deep object", OK),
        (". + . | length", "keys", OK),
        (".a.a.a.a = .", "deep object", OK),
    ]);
}
