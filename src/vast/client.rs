//! Asking the API.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde_json::Value;

use super::pace::{Asked, Pace};
use super::trouble::{Trouble, TroubleKind};
use super::{Account, Instance, Key, ServerlessEndpoint, answer, page};
use crate::outbound::{Outside, is_here};

/// For one call. A poll that is later helps nobody.
const TIMEOUT: Duration = Duration::from_secs(20);
/// A page of 25 rows has about 100 KB.
const LONGEST: usize = 4 * 1024 * 1024;

/// Where the API is, and with which key it is asked. Copies share the pace, which is never faster than what is
/// published. The key travels in the header `Authorization` only, and never to where a redirect leads.
#[derive(Debug, Clone)]
pub struct Vast {
    base: Arc<str>,
    /// The base is on this machine itself.
    is_here: bool,
    key: Key,
    outside: Outside,
    pace: Arc<Pace>,
    timeout: Duration,
}

/// Which instances.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filter {
    /// All of the account.
    All,
    /// Those with one of these labels, exactly.
    Labels(Vec<String>),
    /// Those with one of these ids.
    Ids(Vec<u64>),
}

impl Filter {
    fn lets_pass(&self, instance: &Instance) -> bool {
        match self {
            Self::All => true,
            Self::Labels(labels) => instance
                .label
                .as_ref()
                .is_some_and(|label| labels.contains(label)),
            Self::Ids(ids) => ids.contains(&instance.id),
        }
    }

    /// Nothing can pass.
    fn is_closed(&self) -> bool {
        match self {
            Self::All => false,
            Self::Labels(labels) => labels.is_empty(),
            Self::Ids(ids) => ids.is_empty(),
        }
    }
}

/// What all pages of a list had in them.
#[derive(Debug, Default)]
struct Listed {
    passed: BTreeMap<u64, Instance>,
    /// Of all, whether they passed or not.
    ids: HashSet<u64>,
    /// As the last page says.
    total: Option<u64>,
}

impl Listed {
    /// Says so if there must be more than was read.
    fn lacks(&self) -> Option<String> {
        let read = self.ids.len();
        let total = self.total.filter(|total| *total > read as u64)?;
        Some(format!("the pages end after {read} of {total} instances"))
    }
}

impl Vast {
    /// `base` is the scheme and the host, such as `https://console.vast.ai`.
    pub fn new(base: &str, key: Key, outside: Outside) -> Self {
        Self {
            base: base.trim_end_matches('/').into(),
            is_here: is_here(base),
            key,
            outside,
            pace: Arc::default(),
            timeout: TIMEOUT,
        }
    }

    /// The same at this pace, which may be shared with clients that came before it.
    #[must_use]
    pub fn paced_by(mut self, pace: Arc<Pace>) -> Self {
        self.pace = pace;
        self
    }

    /// The same, with another limit for each call than 20 s.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// All instances that the filter lets pass, by their ids. One call for each 25 of them, a second apart.
    ///
    /// # Errors
    ///
    /// One of the pages is no good answer, or they end before all instances have come. There is no half list.
    pub async fn instances(&self, filter: &Filter) -> Result<Vec<Instance>, Trouble> {
        if filter.is_closed() {
            return Ok(Vec::new());
        }
        let mut listed = self.listed(filter, filter).await?;
        if listed.lacks().is_some() && *filter != Filter::All {
            // Nobody says whether the total is that of the filter or that of the account. Without a filter it
            // can only be one.
            listed = self.listed(&Filter::All, filter).await?;
        }
        match listed.lacks() {
            None => Ok(listed.passed.into_values().collect()),
            Some(why) => Err(Trouble::new(TroubleKind::Odd, Asked::Instances.path(), why)),
        }
    }

    /// All pages of what is asked for, and of that what passes.
    async fn listed(&self, asked_for: &Filter, passes: &Filter) -> Result<Listed, Trouble> {
        let asked = Asked::Instances.path();
        let mut listed = Listed::default();
        let mut pages = page::Pages::default();
        let mut after: Option<String> = None;
        loop {
            let query = page::query(asked_for, after.as_deref());
            let body = self.get(Asked::Instances, &query).await?;
            let page = page::read(asked, &body, self.is_here)?;
            listed.total = page.total;
            for row in page.instances {
                listed.ids.insert(row.id);
                if passes.lets_pass(&row) {
                    listed.passed.insert(row.id, row);
                }
            }
            let Some(next) = page.next else {
                return Ok(listed);
            };
            after = Some(pages.follow(asked, next)?);
        }
    }

    /// The endpoints of Serverless.
    ///
    /// # Errors
    ///
    /// There is no good answer. The scope `misc` is needed.
    pub async fn endpoints(&self) -> Result<Vec<ServerlessEndpoint>, Trouble> {
        let body = self.get(Asked::Endpoints, "").await?;
        ServerlessEndpoint::read(Asked::Endpoints.path(), &body)
    }

    /// The account.
    ///
    /// # Errors
    ///
    /// There is no good answer. The scope `user_read` is needed.
    pub async fn account(&self) -> Result<Account, Trouble> {
        let body = self.get(Asked::Account, "").await?;
        Ok(Account::read(&body))
    }

    /// One call, in its turn.
    async fn get(&self, asked: Asked, query: &str) -> Result<Value, Trouble> {
        let path = asked.path();
        if !self.key.is_sendable() {
            let why = "the key has a character that no key has, such as a space";
            return Err(Trouble::new(TroubleKind::Key, path, why));
        }
        let turn = self.pace.turn(asked).await;
        let mut turn = turn.map_err(|left| {
            // The same words each time: who repeats them in a log tells them once.
            let why = "a pause was asked for by an earlier 429 and is not over yet";
            Trouble::new(TroubleKind::Limited, path, why).with_wait(Some(left))
        })?;
        let url = format!("{}{path}{query}", self.base);
        let key = Some(self.key.expose());
        let mut answer = self.outside.get(&url, key, LONGEST, self.timeout).await;
        let mut read = answer::read(path, &answer, SystemTime::now());
        if read.is_err() {
            // It may repeat the key. That is blacked out before anything is cut, or a part of it may be left.
            if let Ok(answer) = &mut answer {
                answer.body = self.key.blacked_out(&answer.body);
            }
            read = answer::read(path, &answer, SystemTime::now());
        }
        if let Err(trouble) = &read
            && let Some(wait) = trouble.retry_after()
        {
            turn.close(wait);
        }
        read
    }
}
