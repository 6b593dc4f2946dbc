//! An event stream is rewritten to the same bytes however they are split.
//! Run: `RUSTC_BOOTSTRAP=1 cargo fuzz run events -- -max_total_time=60`
#![no_main]

use figshift::adapt::{Event, Events, Outcome};
use libfuzzer_sys::fuzz_target;

fn each(event: Event<'_>) -> Result<Outcome, ()> {
    Ok(match (event.data.len() + event.name.len()) % 5 {
        0 => Outcome::Pass,
        1 => Outcome::Drop,
        2 => Outcome::One(event.data.to_vec()),
        3 => Outcome::Many(vec![event.data.to_vec(), b"x\r\ny".to_vec()]),
        _ if event.data.starts_with(b"!") => return Err(()),
        _ => Outcome::Many(Vec::new()),
    })
}

fn rewrite<'a>(chunks: impl Iterator<Item = &'a [u8]>) -> (Vec<u8>, bool) {
    let (mut events, mut out) = (Events::new(64), Vec::new());
    for chunk in chunks {
        if events.push(chunk, &mut out, &mut each).is_err() {
            return (Vec::new(), false);
        }
    }
    let is_whole = events.end(&mut out, &mut each).is_ok();
    (out, is_whole)
}

fuzz_target!(|input: (&[u8], Vec<u8>)| {
    let (bytes, cuts) = input;
    let whole = rewrite(std::iter::once(bytes));
    let mut rest = bytes;
    let mut cuts = cuts.into_iter();
    let chunks = std::iter::from_fn(|| {
        let len = usize::from(cuts.next().unwrap_or(1)).clamp(1, rest.len().max(1));
        let (chunk, after) = rest.split_at_checked(len)?;
        rest = after;
        Some(chunk)
    });
    let split = rewrite(chunks);
    assert_eq!(whole.1, split.1);
    if whole.1 {
        assert_eq!(whole.0, split.0);
    }
});
