//! When limits are met.

use super::*;

/// The same, with a deadline that is over at once: nothing goes on, whatever it would have been.
#[test]
fn what_is_late_ends_at_once() {
    let limits = Limits {
        time: Duration::ZERO,
        bytes: usize::MAX,
        ..LIMITS
    };
    for program in [
        "[.[] as $x | .[] as $y | 1]",
        "reduce .[] as $x (1; [., .])",
        "try (sort | length) catch 1",
        "[..] | tojson",
        "walk(.)",
    ] {
        let filter = Filter::compile(program, &[]).unwrap();
        let body = Val::parse(&made("numbers")).unwrap();
        assert_eq!(
            filter.run(body, &[], &limits),
            Err(Fault::Late),
            "{program}"
        );
    }
}

/// What is used up is not much more than what is allowed: bytes that are built are paid before.
#[test]
fn no_step_is_made_without_pay() {
    let filter = Filter::compile("[.[] as $x | .[] as $y | 1]", &[]).unwrap();
    for steps in [10, 1_000, 100_000] {
        let limits = Limits { steps, ..LIMITS };
        let body = Val::parse(&made("hundred")).unwrap();
        let end = filter.run(body, &[], &limits);
        assert_eq!(end.is_ok(), steps == 100_000);
    }
    for bytes in [10, 1_000, 1 << 20] {
        let limits = Limits { bytes, ..LIMITS };
        let body = Val::parse(&made("hundred")).unwrap();
        let end = filter.run(body, &[], &limits);
        assert_eq!(end.is_ok(), bytes == 1 << 20);
    }
}
