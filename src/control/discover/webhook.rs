//! Whether a notification is from Vast.ai. It names no instance and may come twice or late, so all that follows
//! from it is a look: whoever repeats one that was signed gains nothing.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ring::hmac;

use crate::config::Config;
use crate::config::scalar::Secret;

/// Clocks differ, and deliveries are tried again.
const OLDEST: Duration = Duration::from_secs(10 * 60);

/// What is above this is milliseconds: as seconds it would be in the year 5138, as milliseconds it is in 1973.
const MOST_SECONDS: u64 = 100_000_000_000;

/// The secrets that notifications are signed with.
pub fn webhook_secrets(config: &Config) -> Vec<Secret> {
    let discovers = config.backends.values().filter_map(|b| b.discover.as_ref());
    let secrets = discovers.filter_map(|discover| discover.vastai.as_ref()?.webhook_secret.clone());
    secrets.filter(|secret| !secret.is_empty()).collect()
}

/// Whether `signature` (`sha256=` and hexadecimal digits) is HMAC-SHA256 of the timestamp, a dot and the body under
/// one of the secrets, and the timestamp (seconds or milliseconds since 1970: which of them is not documented) is no
/// more than ten minutes from `now`.
pub fn is_signed(
    secrets: &[Secret],
    signature: &str,
    timestamp: &str,
    body: &[u8],
    now: SystemTime,
) -> bool {
    let Some(signature) = signature.strip_prefix("sha256=").and_then(bytes_of) else {
        return false;
    };
    let now = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    let fresh = moment(timestamp).is_some_and(|at| now.abs_diff(at) <= OLDEST);
    let signed = [timestamp.as_bytes(), b".", body].concat();
    // All of them are tried, whichever fits.
    let fits = secrets.iter().fold(false, |fits, secret| {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose().as_bytes());
        fits | hmac::verify(&key, &signed, &signature).is_ok()
    });
    fresh && fits
}

/// Since 1970.
fn moment(timestamp: &str) -> Option<Duration> {
    let number = timestamp.parse().ok()?;
    Some(match number {
        0..=MOST_SECONDS => Duration::from_secs(number),
        _ => Duration::from_millis(number),
    })
}

fn bytes_of(hex: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = hex
        .chars()
        .map(|digit| digit.to_digit(16).map(|digit| digit as u8))
        .collect();
    let digits = digits.filter(|digits| digits.len() == 64)?;
    let pairs = digits.chunks_exact(2);
    Some(pairs.map(|pair| pair[0] << 4 | pair[1]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::scalar::Secret;
    use serde::Deserialize as _;
    use serde::de::IntoDeserializer as _;
    use serde::de::value::{Error, StrDeserializer};

    fn secret(text: &str) -> Secret {
        let text: StrDeserializer<'_, Error> = text.into_deserializer();
        Secret::deserialize(text).unwrap()
    }

    #[test]
    fn only_what_is_signed_with_the_secret_is_believed() {
        // printf '%s' '1700000000.{"event_id":"e"}' | openssl dgst -sha256 -hmac 0123456789abcdef0123456789abcdef
        let signature = "sha256=43654a9ab8c72e1217f4f9930468fbfc4b654960018223610cf7e3298494170c";
        let (timestamp, body) = ("1700000000", br#"{"event_id":"e"}"#);
        let secrets = [
            secret("ffffffffffffffff"),
            secret("0123456789abcdef0123456789abcdef"),
        ];
        let at = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
        let now = at(1_700_000_100);
        let is = |signature: &str, timestamp: &str, body: &[u8], now| {
            is_signed(&secrets, signature, timestamp, body, now)
        };
        assert!(is(signature, timestamp, body, now));
        assert!(!is(signature, timestamp, b"{}", now));
        assert!(!is(signature, "1700000001", body, now));
        assert!(!is(signature, timestamp, body, at(1_700_000_601)));
        assert!(!is(signature, timestamp, body, at(1_699_999_399)));
        // The same of `1700000000000.{"event_id":"e"}`, in milliseconds.
        let millis = "sha256=43baf643df17fb3ce3e0997155378429e9e9e865a4163db8e4b107e153c2bc91";
        assert!(is(millis, "1700000000000", body, now));
        assert!(is(millis, "1700000000000", body, at(1_699_999_401)));
        assert!(!is(millis, "1700000000000", body, at(1_700_000_601)));
        assert!(!is(millis, "1700000000000", body, at(1_699_999_399)));
        for odd in ["", "-1", "1700000000.5", "99999999999999999999"] {
            assert_eq!(moment(odd), None, "{odd}");
        }
        assert!(!is_signed(&secrets[..1], signature, timestamp, body, now));
        assert!(!is_signed(&[], signature, timestamp, body, now));
        for wrong in [
            "",
            "sha256=",
            "sha256=zz",
            signature.trim_start_matches("sha256="),
            signature.trim_end_matches(|digit| digit != '='),
            "sha1=00",
        ] {
            assert!(!is(wrong, timestamp, body, now), "{wrong}");
        }
    }
}
