//! What each scalar takes, how it shows itself, and what it refuses.

use std::net::IpAddr;

use crate::config::scalar::{Duration, Given, Net, Percent, Scalar, Size, StatusSet, StickyKey};

#[test]
fn percent() {
    let rows = [
        (Given::Integer(0), 0, "0"),
        (Given::Integer(100), 10_000, "100"),
        (Given::Float(12.5), 1250, "12.5"),
        (Given::Float(0.01), 1, "0.01"),
        (Given::Float(12.34), 1234, "12.34"),
        (Given::Float(99.99), 9999, "99.99"),
        (Given::Float(5.05), 505, "5.05"),
    ];
    for (given, hundredths, shown) in rows {
        let percent = Percent::read(given).unwrap();
        assert_eq!(
            (percent.hundredths(), percent.to_string().as_str()),
            (hundredths, shown)
        );
    }
    // Every share survives the way through a float.
    for hundredths in 0..=10_000u16 {
        let percent = Percent::from_hundredths(hundredths);
        let again = percent.to_string().parse::<Percent>().unwrap();
        assert_eq!(again, percent);
    }
    for bad in [
        Given::Integer(101),
        Given::Integer(-1),
        Given::Float(0.001),
        Given::Float(100.01),
        Given::Float(f64::NAN),
        Given::Float(f64::INFINITY),
        Given::Float(-0.1),
        Given::Text("25"),
    ] {
        assert!(Percent::read(bad).is_err(), "{bad:?}");
    }
}

#[test]
fn duration() {
    let rows = [
        ("250ms", 250, "250ms"),
        ("2s", 2_000, "2s"),
        ("1m30s", 90_000, "1m30s"),
        ("1h", 3_600_000, "1h"),
        ("90s", 90_000, "1m30s"),
        ("0s", 0, "0s"),
        ("1d2h3m4s5ms", 93_784_005, "1d2h3m4s5ms"),
        ("1500ms", 1_500, "1s500ms"),
    ];
    for (text, millis, shown) in rows {
        let duration: Duration = text.parse().unwrap();
        assert_eq!(duration, Duration::from_millis(millis));
        assert_eq!(duration.to_string(), shown);
        assert_eq!(shown.parse::<Duration>().unwrap(), duration);
    }
    let refused = [
        ("", "is not a duration"),
        ("s", "is not a duration"),
        ("10", "no unit"),
        ("1m30", "no unit"),
        ("1.5s", "fraction"),
        ("5 s", "unit is unknown"),
        ("5sec", "unit is unknown"),
        ("30s1m", "not in order"),
        ("1s1s", "not in order"),
        ("-1s", "is not a duration"),
        ("99999999999999999999s", "too long"),
        ("400d", "too long"),
        ("99999999999999999d", "too long"),
    ];
    for (text, message) in refused {
        let refusal = text.parse::<Duration>().unwrap_err();
        assert!(refusal.message.contains(message), "{text}: {refusal}");
        assert!(refusal.hint.is_some());
    }
    let bare = Duration::read(Given::Integer(30)).unwrap_err();
    assert!(bare.hint.unwrap().contains("\"30s\""));
}

#[test]
fn size() {
    let rows = [
        ("64KiB", 65_536, "64KiB"),
        ("1MiB", 1 << 20, "1MiB"),
        ("10kB", 10_000, "10kB"),
        ("512", 512, "512B"),
        ("512B", 512, "512B"),
        ("2 MiB", 2 << 20, "2MiB"),
        ("0", 0, "0B"),
        ("1500", 1500, "1500B"),
    ];
    for (text, bytes, shown) in rows {
        let size: Size = text.parse().unwrap();
        assert_eq!((size.bytes(), size.to_string().as_str()), (bytes, shown));
    }
    assert_eq!(Size::read(Given::Integer(7)).unwrap(), Size::from_bytes(7));
    for bad in [
        "",
        "KiB",
        "64kb",
        "64K",
        "-1",
        "1.5MiB",
        "99999999999GiB",
        "99999999999999999999999",
    ] {
        assert!(bad.parse::<Size>().is_err(), "{bad}");
    }
    assert!(Size::read(Given::Integer(-1)).is_err());
    assert!(Size::read(Given::Float(1.0)).is_err());
}

#[test]
fn statuses() {
    let set = |json: &str| serde_json::from_str::<StatusSet>(json);
    assert_eq!(
        set(r#"["502", 503, "504"]"#).unwrap(),
        StatusSet::range(502, 504)
    );
    assert_eq!(
        set(r#"["5xx"]"#).unwrap(),
        set(r#"["550-599", "500-549"]"#).unwrap()
    );
    assert_eq!(
        StatusSet::of(&[504, 502]).ranges(),
        [(502, 502), (504, 504)]
    );
    assert_eq!(StatusSet::of(&[504, 502, 503]).to_string(), "502-504");
    let class = set(r#"["2xx", "404"]"#).unwrap();
    assert!(class.contains(200) && class.contains(299) && class.contains(404));
    assert!(!class.contains(300) && !class.contains(405));
    assert!(set("[]").unwrap().is_empty());
    for bad in [
        "\"99\"",
        "\"600\"",
        "\"6xx\"",
        "\"0xx\"",
        "\"599-500\"",
        "\"5\"",
        "\"abc\"",
        "\"\"",
        "\"-\"",
        "\"é\"",
        "70000",
        "5.5",
        "-1",
    ] {
        assert!(set(&format!("[{bad}]")).is_err(), "{bad}");
    }
}

#[test]
fn sticky_keys() {
    for text in ["header:x-user-id", "cookie:sid", "query:user", "client_ip"] {
        assert_eq!(text.parse::<StickyKey>().unwrap().to_string(), text);
    }
    assert_eq!(
        "header:X-User".parse::<StickyKey>().unwrap(),
        StickyKey::Header("x-user".to_owned())
    );
    for bad in [
        "",
        "ip",
        "header",
        "header:",
        "header:a b",
        "cookie:a=b",
        "query:",
        "query:a&b",
        "body:x",
    ] {
        assert!(bad.parse::<StickyKey>().is_err(), "{bad}");
    }
}

#[test]
fn networks() {
    let has = |net: &str, ip: &str| {
        net.parse::<Net>()
            .unwrap()
            .contains(ip.parse::<IpAddr>().unwrap())
    };
    assert!(has("10.0.0.0/8", "10.9.9.9") && !has("10.0.0.0/8", "11.0.0.1"));
    assert!(has("10.0.0.7", "10.0.0.7") && !has("10.0.0.7", "10.0.0.8"));
    assert!(has("::1", "::1") && has("10.0.0.0/8", "::ffff:10.1.1.1"));
    assert!(has("::ffff:10.0.0.7", "10.0.0.7"));
    for bad in ["", "10.0.0.0/33", "localhost", "10.0.0"] {
        assert!(bad.parse::<Net>().is_err(), "{bad}");
    }
}
