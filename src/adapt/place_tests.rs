//! Where values stand.

use super::*;

fn look(place: &str) -> Option<String> {
    let json = r#"{"a":{"b":[10,{"c d":true}],"x/y":"z","0":"zero"},"~":1}"#;
    let value = Val::parse(json.as_bytes()).unwrap();
    let place = Place::parse(place).unwrap();
    place.get(&value).map(Val::to_string)
}

#[test]
fn a_place_is_looked_up() {
    let cases = [
        (".a.b[0]", Some("10")),
        (".a.b[-1].\"c d\"", Some("true")),
        (".[\"a\"][\"b\"][1]", Some("{\"c d\":true}")),
        (".a.b[2]", None),
        (".a.b[-3]", None),
        (".a.b.c", None),
        ("/a/b/0", Some("10")),
        ("/a/b/01", None),
        ("/a/b/-1", None),
        ("/a/x~1y", Some("\"z\"")),
        ("/a/0", Some("\"zero\"")),
        ("/~0", Some("1")),
    ];
    for (place, found) in cases {
        assert_eq!(look(place).as_deref(), found, "{place}");
    }
}

#[test]
fn what_is_no_place_is_refused_where_it_stops() {
    let cases = [
        ("", 0),
        ("a", 0),
        (".a b", 2),
        (".a[", 3),
        (".a[x]", 3),
        (".a[0", 4),
        (".a..b", 3),
        (".\"a", 1),
        (".a|.b", 2),
        (".0", 1),
    ];
    for (text, at) in cases {
        assert_eq!(Place::parse(text).unwrap_err().at, at, "{text}");
    }
}

#[test]
fn only_what_is_there_is_replaced() {
    let value = Val::parse(br#"{"a":[{"id":"x"}],"n":null}"#).unwrap();
    let set = |place: &str| {
        let place = Place::parse(place).unwrap();
        place.set(value.clone(), Val::from("new")).to_string()
    };
    assert_eq!(set(".a[0].id"), r#"{"a":[{"id":"new"}],"n":null}"#);
    assert_eq!(set("/a/0/id"), r#"{"a":[{"id":"new"}],"n":null}"#);
    assert_eq!(set(".n"), r#"{"a":[{"id":"x"}],"n":"new"}"#);
    assert_eq!(set(".a[1].id"), r#"{"a":[{"id":"x"}],"n":null}"#);
    assert_eq!(set("."), "\"new\"");
    assert_eq!(value.to_string(), r#"{"a":[{"id":"x"}],"n":null}"#);
}
