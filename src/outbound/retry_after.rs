//! `Retry-After`, in all the ways in which services write it.

use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use jiff::fmt::rfc2822;

/// Whoever asks for more has made a mistake, and would not be asked again today.
const LONGEST: Duration = Duration::from_secs(3600);

/// Seconds, a date as HTTP writes it, or one as OFREP's document shows it (RFC 3339). `None` for
/// anything else; nothing for a moment that is over.
pub(super) fn read(text: &str, now: SystemTime) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds).min(LONGEST));
    }
    let at: Timestamp = match text.parse() {
        Ok(at) => at,
        Err(_) => rfc2822::parse(text).ok()?.timestamp(),
    };
    let wait = SystemTime::try_from(at).ok()?.duration_since(now);
    Some(wait.unwrap_or_default().min(LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_three_ways_are_read() {
        // 2024-02-07T12:00:00Z
        let noon = SystemTime::UNIX_EPOCH + Duration::from_secs(1_707_307_200);
        let seconds = |text: &str| read(text, noon).map(|wait| wait.as_secs());
        assert_eq!(seconds(" 30 "), Some(30));
        assert_eq!(seconds("0"), Some(0));
        assert_eq!(seconds("99999999999999"), Some(3600));
        assert_eq!(seconds("2024-02-07T12:00:30Z"), Some(30));
        assert_eq!(seconds("2024-02-07T13:01:00+01:00"), Some(60));
        assert_eq!(seconds("Wed, 07 Feb 2024 12:02:00 GMT"), Some(120));
        assert_eq!(seconds("Wed, 07 Feb 2024 11:00:00 GMT"), Some(0));
        assert_eq!(seconds("Tue, 07 Feb 2034 11:00:00 GMT"), Some(3600));
        for text in [
            "",
            "-1",
            "1.5",
            "soon",
            "99999999999999999999999",
            "2024-02-07",
        ] {
            assert_eq!(seconds(text), None, "{text}");
        }
    }
}
