//! Figures in sentences.

/// `45 s`, `12 min`, `5 h` or `3 d`: rounded up, so that who waits so long has waited long enough.
pub(super) fn span(seconds: u32) -> String {
    let (unit, name) = match seconds {
        0..120 => (1, "s"),
        120..7_200 => (60, "min"),
        7_200..172_800 => (3_600, "h"),
        _ => (86_400, "d"),
    };
    format!("{} {name}", seconds.div_ceil(unit))
}

/// `1 request`, `2 requests`.
pub(super) fn count(n: u64, thing: &str) -> String {
    let s = if n == 1 { "" } else { "s" };
    format!("{n} {thing}{s}")
}

/// `12.5 %`.
pub(super) fn percent(hundredths: u16) -> String {
    format!("{} %", f64::from(hundredths) / 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_short_and_never_too_small() {
        let spans = [0, 119, 120, 121, 7_200, 7_201, 172_800, 172_801].map(span);
        assert_eq!(
            spans,
            ["0 s", "119 s", "2 min", "3 min", "2 h", "3 h", "2 d", "3 d"]
        );
        assert_eq!(
            (count(1, "tunnel"), count(2, "tunnel")),
            ("1 tunnel".into(), "2 tunnels".into())
        );
        assert_eq!(percent(1_250), "12.5 %");
        assert_eq!(percent(10_000), "100 %");
    }
}
