//! An event stream says the same however its bytes are split.
//! Run: `RUSTC_BOOTSTRAP=1 cargo fuzz run sse -- -max_total_time=60`
#![no_main]

use figshift::wire::{Event, Scanner};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (Vec<u8>, Vec<u8>)| {
    let (bytes, cuts) = input;
    let mut single = Scanner::new();
    let one_by_one: Vec<Option<Event>> = bytes.iter().map(|b| single.scan(&[*b]).first).collect();
    let mut scanner = Scanner::new();
    let (mut at, mut cuts) = (0, cuts.into_iter());
    while at < bytes.len() {
        let most = bytes.len() - at;
        let len = usize::from(cuts.next().unwrap_or(u8::MAX)).clamp(1, most);
        let seen = scanner.scan(&bytes[at..at + len]);
        let events = || one_by_one[at..at + len].iter().flatten();
        assert_eq!(seen.first.as_ref(), events().next());
        assert_eq!(seen.done, events().any(|event| *event == Event::Done));
        let is_error = |event: &&Event| matches!(event, Event::Error(_));
        assert_eq!(seen.error.as_ref(), events().filter(is_error).last());
        at += len;
    }
    assert_eq!(scanner.is_between_events(), single.is_between_events());
});
