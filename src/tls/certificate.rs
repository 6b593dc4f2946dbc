//! What stands in a certificate: for whom it speaks, its key, and how long it is good.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use rustls::pki_types::CertificateDer;
use webpki::EndEntityCert;

use super::files::{Digest, digest};

/// The names that a certificate speaks for.
///
/// # Errors
///
/// It is no certificate that can be used.
pub(super) fn names(certificate: &CertificateDer<'_>) -> Result<Vec<String>, String> {
    let parsed = EndEntityCert::try_from(certificate).map_err(|error| error.to_string())?;
    Ok(parsed
        .valid_dns_names()
        .map(str::to_ascii_lowercase)
        .collect())
}

/// The digest of a certificate's public key (the whole SubjectPublicKeyInfo).
pub(super) fn key_digest(certificate: &CertificateDer<'_>) -> Option<Digest> {
    let parsed = EndEntityCert::try_from(certificate).ok()?;
    Some(digest(parsed.subject_public_key_info().as_ref()))
}

/// Why a certificate is not good at this time, if so.
pub(super) fn out_of_time(certificate: &CertificateDer<'_>, now: Timestamp) -> Option<String> {
    let (from, to) = validity(certificate)?;
    if now > to {
        return Some(format!("has expired: it was good until {to}"));
    }
    (now < from).then(|| format!("is not good yet: it will be from {from}"))
}

/// From when to when a certificate is good. It lies behind version, serial, algorithm and issuer.
fn validity(certificate: &[u8]) -> Option<(Timestamp, Timestamp)> {
    const VERSION: u8 = 0xa0;
    let (_, certificate, _) = element(certificate)?;
    let (_, mut rest, _) = element(certificate)?;
    if *rest.first()? == VERSION {
        rest = element(rest)?.2;
    }
    for _ in 0..3 {
        rest = element(rest)?.2;
    }
    let (_, times, _) = element(rest)?;
    let (kind, from, rest) = element(times)?;
    let from = time(kind, from)?;
    let (kind, to, _) = element(rest)?;
    Some((from, time(kind, to)?))
}

/// The first element of DER: its tag, what is in it, and what comes after it.
fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = bytes.split_first()?;
    let (first, mut rest) = rest.split_first()?;
    let mut length = usize::from(*first);
    if length >= 0x80 {
        let (bytes, after) = rest.split_at_checked(length - 0x80)?;
        if bytes.len() > 4 {
            return None;
        }
        length = bytes
            .iter()
            .fold(0, |sum, byte| sum << 8 | usize::from(*byte));
        rest = after;
    }
    let (inside, after) = rest.split_at_checked(length)?;
    Some((*tag, inside, after))
}

/// UTCTime (two digits of the year) or GeneralizedTime.
fn time(kind: u8, text: &[u8]) -> Option<Timestamp> {
    const UTC_TIME: u8 = 0x17;
    let text = str::from_utf8(text).ok()?.strip_suffix('Z')?;
    let text = match kind {
        UTC_TIME if text.get(..2)? < "50" => format!("20{text}"),
        UTC_TIME => format!("19{text}"),
        _ => text.to_owned(),
    };
    let time = DateTime::strptime("%Y%m%d%H%M%S", text).ok()?;
    TimeZone::UTC.to_timestamp(time).ok()
}
