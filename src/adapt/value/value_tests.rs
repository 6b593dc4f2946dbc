//! Values as JSON has them.

use proptest::prelude::*;

use super::*;

fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<u64>().prop_map(Into::into),
        any::<f64>()
            .prop_filter("JSON has no such number", |float| float.is_finite())
            .prop_map(Into::into),
        ".*".prop_map(Into::into),
    ];
    leaf.prop_recursive(6, 64, 20, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..20).prop_map(Into::into),
            prop::collection::vec((".{0,3}", inner), 0..20)
                .prop_map(|pairs| serde_json::Value::Object(pairs.into_iter().collect())),
        ]
    })
}

fn printed(value: &Val) -> Vec<u8> {
    let mut text = Vec::new();
    value.write(&mut text);
    text
}

proptest! {
    #[test]
    fn what_is_read_is_written(value in json()) {
        let text = serde_json::to_vec(&value).unwrap();
        let written = printed(&Val::parse(&text).unwrap());
        prop_assert_eq!(serde_json::from_slice::<serde_json::Value>(&written).unwrap(), value);
        prop_assert_eq!(printed(&Val::parse(&written).unwrap()), written);
    }

    #[test]
    fn order_is_an_order(a in json(), b in json(), c in json()) {
        let read = |value: &serde_json::Value| Val::parse(&serde_json::to_vec(value).unwrap()).unwrap();
        let (a, b, c) = (read(&a), read(&b), read(&c));
        prop_assert_eq!(compare(&a, &b), compare(&b, &a).reverse());
        prop_assert!(compare(&a, &a).is_eq());
        prop_assert_eq!(a == b, compare(&a, &b).is_eq());
        if compare(&a, &b).is_le() && compare(&b, &c).is_le() {
            prop_assert!(compare(&a, &c).is_le());
        }
    }

    #[test]
    fn size_and_depth_are_at_least_what_they_are(value in json()) {
        let value = Val::parse(&serde_json::to_vec(&value).unwrap()).unwrap();
        fn depth(value: &Val) -> u16 {
            match value {
                Val::Arr(list) => 1 + list.items().iter().map(depth).max().unwrap_or(0),
                Val::Obj(fields) => 1 + fields.iter().map(|(_, value)| depth(value)).max().unwrap_or(0),
                _ => 0,
            }
        }
        prop_assert_eq!(value.depth(), depth(&value));
    }
}

#[test]
fn numbers_survive() {
    for text in [
        "18446744073709551615",
        "-9223372036854775808",
        "1.0",
        "0.1",
        "1e-7",
        "123456789.125",
        "-0.0",
    ] {
        let written = printed(&Val::parse(text.as_bytes()).unwrap());
        assert_eq!(String::from_utf8(written).unwrap(), text);
    }
    for (float, text) in [
        (f64::NAN, "null"),
        (f64::NEG_INFINITY, "-1.7976931348623157e308"),
    ] {
        assert_eq!(String::from_utf8(printed(&Val::from(float))).unwrap(), text);
    }
}

#[test]
fn the_last_of_equal_keys_counts_at_the_place_of_the_first() {
    let value = Val::parse(br#"{"a":1,"b":2,"a":3}"#).unwrap();
    assert_eq!(printed(&value), br#"{"a":3,"b":2}"#);
}

#[test]
fn large_objects_are_found_in_and_kept_in_order() {
    let pairs = (0..100_i64).map(|at| (format!("k{at}"), Val::from(at)));
    let value = Val::object(pairs);
    assert_eq!(value.get("k57"), Some(&Val::from(57_i64)));
    assert_eq!(value.get("k100"), None);
    let Val::Obj(fields) = &value else {
        panic!("an object")
    };
    let mut fields = Fields::clone(fields);
    fields.remove(57);
    assert_eq!(
        (fields.get("k57"), fields.get("k58")),
        (None, Some(&Val::from(58_i64)))
    );
    assert_eq!(
        fields.iter().map(|(_, value)| value.clone()).nth(57),
        Some(Val::from(58_i64))
    );
    while !fields.is_empty() {
        fields.remove(0);
    }
    assert_eq!(fields.size(), Fields::default().size());
}

#[test]
fn debug_shows_nothing_of_a_value() {
    let value = Val::object([("secret", Val::from("secret"))]);
    assert!(!format!("{value:?} {:?}", value.items()).contains("secret"));
}
