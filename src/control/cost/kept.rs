//! What was spent, kept in the state folder: a restart must not make a budget new.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::account::{Account, Rate};
use crate::policy::cost::Spend;

const NAME: &str = "spend.json";
/// More than a thousand backends need.
const LARGEST: u64 = 32 * 1024 * 1024;
/// Until the year 5138.
const LATEST: f64 = 1e11;
/// A backend costs no more in a minute.
const DEAREST: f64 = 1e9;

/// What is written down.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Kept {
    /// When, in seconds since 1970.
    at: f64,
    /// By the backend's name.
    backends: BTreeMap<String, Minutes>,
    /// What was in force, or will be when a kill switch or a hold is off, by the route's name.
    #[serde(default)]
    pub(super) shares: BTreeMap<String, Share>,
}

/// What a candidate had. Another one has not earned it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Share {
    pub(super) candidate: String,
    /// Hundredths of a percent.
    pub(super) hundredths: u16,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
struct Minutes {
    /// The number of the first minute since 1970.
    first: u64,
    /// Dollars in each from there on.
    dollars: Vec<f64>,
    /// What it cost in an hour when that was known last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rate: Option<KeptRate>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct KeptRate {
    /// Dollars.
    per_hour: f64,
    /// When it held last, in seconds since 1970.
    at: f64,
}

impl Kept {
    /// Of these backends, at this time since 1970.
    pub(super) fn new<'s>(
        time: Duration,
        accounts: impl Iterator<Item = (&'s String, &'s Account)>,
        shares: BTreeMap<String, Share>,
    ) -> Self {
        let backends = accounts.map(|(name, account)| {
            let (first, dollars) = account.spend.minutes();
            // A billionth of a dollar is enough.
            let dollars = dollars.iter().map(|one| (one * 1e9).round() / 1e9);
            let rate = account.rate.map(|rate| KeptRate {
                per_hour: rate.per_hour,
                at: rate.at.as_secs_f64(),
            });
            let kept = Minutes {
                first,
                dollars: dollars.collect(),
                rate,
            };
            (name.clone(), kept)
        });
        Self {
            at: time.as_secs_f64(),
            backends: backends.collect(),
            shares,
        }
    }

    /// When it was written, since 1970.
    pub(super) fn at(&self) -> Duration {
        Duration::try_from_secs_f64(self.at).unwrap_or_default()
    }

    /// The same, as if it had been written no later than this: a clock that was far ahead for once must not
    /// keep what was spent then for years.
    #[must_use]
    pub(super) fn not_after(mut self, latest: Duration) -> Self {
        let ahead = self.at - latest.as_secs_f64();
        if ahead > 0.0 {
            self.at -= ahead;
            for kept in self.backends.values_mut() {
                kept.first = kept.first.saturating_sub((ahead / 60.0) as u64);
                if let Some(rate) = &mut kept.rate {
                    rate.at = (rate.at - ahead).max(0.0);
                }
            }
        }
        self
    }

    /// What each backend has cost.
    pub(super) fn accounts(&self) -> BTreeMap<String, Account> {
        let backends = self.backends.iter();
        let accounts = backends.map(|(name, kept)| {
            let account = Account {
                spend: Spend::from_minutes(kept.first, &kept.dollars),
                rate: kept.rate.map(|rate| Rate {
                    per_hour: rate.per_hour,
                    at: Duration::try_from_secs_f64(rate.at).unwrap_or_default(),
                }),
            };
            (name.clone(), account)
        });
        accounts.collect()
    }

    fn is_sound(&self) -> bool {
        let minutes = self.at / 60.0 + 1.0;
        let mut shares = self.shares.values();
        (0.0..=LATEST).contains(&self.at)
            && shares.all(|share| share.hundredths <= 10_000)
            && self.backends.values().all(|kept| {
                let last = kept.first.saturating_add(kept.dollars.len() as u64);
                last as f64 <= minutes + 1.0
                    && kept.dollars.iter().all(|one| (0.0..=DEAREST).contains(one))
                    && kept.rate.is_none_or(|rate| {
                        (0.0..=DEAREST).contains(&rate.per_hour)
                            && (0.0..=self.at + 1.0).contains(&rate.at)
                    })
            })
    }

    /// Written beside and renamed, so that a crash leaves the old or the new one.
    pub(super) fn write(&self, state_dir: &Path) -> io::Result<()> {
        fs::create_dir_all(state_dir)?;
        let beside = state_dir.join(format!("{NAME}.new"));
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        let mut file = options.open(&beside)?;
        file.write_all(&serde_json::to_vec(self)?)?;
        file.sync_data()?;
        fs::rename(&beside, state_dir.join(NAME))
    }

    /// What was kept; `None` if there is nothing.
    pub(super) fn read(state_dir: &Path) -> io::Result<Option<Self>> {
        let file = match File::open(state_dir.join(NAME)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut bytes = Vec::new();
        file.take(LARGEST).read_to_end(&mut bytes)?;
        let kept: Self = serde_json::from_slice(&bytes)?;
        match kept.is_sound() {
            true => Ok(Some(kept)),
            false => Err(io::Error::other("it holds amounts or times that cannot be")),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn what_cannot_be_is_not_believed() {
        let folder = tempfile::tempdir().unwrap();
        let read = |text: &str| {
            fs::write(folder.path().join(NAME), text).unwrap();
            Kept::read(folder.path())
        };
        let good =
            r#"{"at": 120000.5, "backends": {"new": {"first": 1999, "dollars": [0.25, 1]}}}"#;
        let kept = read(good).unwrap().unwrap();
        let spend = &kept.accounts()["new"].spend;
        assert!((spend.within(kept.at(), Duration::from_secs(3_600)) - 1.25).abs() < 1e-9);
        for text in [
            "",
            "{",
            good.trim_end_matches("]}}}"),
            "null",
            "[]",
            r#"{"at": -1, "backends": {}}"#,
            r#"{"at": 1e300, "backends": {}}"#,
            r#"{"at": "now", "backends": {}}"#,
            &good.replace(
                "}}}",
                "}}, \"shares\": {\"a\": {\"candidate\": \"new\", \"hundredths\": 10001}}}",
            ),
            &good.replace("0.25", "-0.25"),
            &good.replace("0.25", "1e300"),
            &good.replace("0.25", "null"),
            &good.replace("1999", "18446744073709551615"),
            &good.replace("1999", "2005"),
            &good.replace("1]", "1], \"rate\": {\"per_hour\": -1, \"at\": 9}"),
            &good.replace("1]", "1], \"rate\": {\"per_hour\": 1, \"at\": 120009}"),
        ] {
            assert!(read(text).is_err(), "{text}");
        }
        fs::remove_file(folder.path().join(NAME)).unwrap();
        assert_eq!(Kept::read(folder.path()).unwrap(), None);
    }

    #[test]
    fn what_was_written_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("deep/state");
        let mut account = Account::default();
        let now = Duration::from_secs(1_780_000_000);
        account.spend.flow(now - Duration::from_secs(700), now, 3.2);
        account.rate = Some(Rate {
            per_hour: 3.2,
            at: now,
        });
        let name = "new".to_owned();
        let share = Share {
            candidate: name.clone(),
            hundredths: 2_500,
        };
        let shares = BTreeMap::from([("all".to_owned(), share)]);
        let kept = Kept::new(now, [(&name, &account)].into_iter(), shares);
        kept.write(&state).unwrap();
        let data = fs::metadata(state.join(NAME)).unwrap();
        assert_eq!(data.permissions().mode() & 0o777, 0o600);
        let again = Kept::read(&state).unwrap().unwrap();
        assert_eq!(again, kept);
        let account = &again.accounts()["new"];
        assert_eq!(account.rate(now), Some(3.2));
        assert_eq!(account.rate(now + Duration::from_secs(3_600)), None);
        let is = account.spend.within(now, Duration::from_secs(3_600));
        assert!((is - 3.2 * 700.0 / 3_600.0).abs() < 1e-6, "{is}");
    }
}
