//! Why there is no good answer, whose fault that is, and what helps.

use std::fmt;
use std::time::Duration;

/// No good answer. Its texts hold neither the key nor the query of a URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    kind: TroubleKind,
    /// The path that was asked.
    asked: &'static str,
    status: Option<u16>,
    said: String,
    retry_after: Option<Duration>,
}

/// What kind of trouble it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TroubleKind {
    /// No whole answer in time.
    Late,
    /// No connection, or it broke.
    Broken,
    /// 429: asked too often. Somebody else may use the same key or address.
    Limited,
    /// 429 until midnight UTC.
    Quota,
    /// The key is wrong, revoked, or its session has ended.
    Key,
    /// The key may not do this.
    Scope,
    /// 410: the path is no more.
    Retired,
    /// 403 without JSON, from something in between: says nothing of the key.
    Edge,
    /// 3xx, which is not followed.
    Redirect,
    /// 404: no such path.
    NotFound,
    /// The question was refused, also by 200 with `success: false`.
    Refused,
    /// 5xx.
    Down,
    /// A good status without JSON.
    NotJson,
    /// JSON in another shape than documented.
    Odd,
    /// More bytes than an answer may have.
    TooLong,
    /// Pages without an end.
    Endless,
}

/// Who can end it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blame {
    /// Who has set up the key or the address.
    Operator,
    /// Whatever is between.
    Network,
    /// The service.
    Vast,
    /// figshift, or its age.
    Figshift,
}

impl TroubleKind {
    /// One word for a label of a metric, such as `late`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Late => "late",
            Self::Broken => "broken",
            Self::Limited => "limited",
            Self::Quota => "quota",
            Self::Key => "key",
            Self::Scope => "scope",
            Self::Retired => "retired",
            Self::Edge => "edge",
            Self::Redirect => "redirect",
            Self::NotFound => "not_found",
            Self::Refused => "refused",
            Self::Down => "down",
            Self::NotJson => "not_json",
            Self::Odd => "odd",
            Self::TooLong => "too_long",
            Self::Endless => "endless",
        }
    }
}

impl Trouble {
    /// One that asks for a pause.
    #[cfg(test)]
    pub(crate) fn told(kind: TroubleKind, wait: Duration) -> Self {
        Self::new(kind, "", "").with_wait(Some(wait))
    }

    pub(super) fn new(kind: TroubleKind, asked: &'static str, said: impl Into<String>) -> Self {
        Self {
            kind,
            asked,
            status: None,
            said: said.into(),
            retry_after: None,
        }
    }

    pub(super) fn with_status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }

    pub(super) fn with_wait(mut self, wait: Option<Duration>) -> Self {
        self.retry_after = wait;
        self
    }

    /// What kind it is.
    pub fn kind(&self) -> TroubleKind {
        self.kind
    }

    /// The status of the answer, if there was one.
    pub fn status(&self) -> Option<u16> {
        self.status
    }

    /// For how long nobody should ask, if the answer says so: up to a day.
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// Who can end it.
    pub fn blame(&self) -> Blame {
        use TroubleKind as Kind;
        match self.kind {
            Kind::Key | Kind::Scope | Kind::Redirect | Kind::NotFound => Blame::Operator,
            Kind::Limited | Kind::Quota => Blame::Operator,
            Kind::Late | Kind::Broken | Kind::Edge => Blame::Network,
            Kind::Down | Kind::NotJson | Kind::Endless | Kind::TooLong => Blame::Vast,
            Kind::Retired | Kind::Refused | Kind::Odd => Blame::Figshift,
        }
    }

    /// Whether asking again later may help although nobody does anything. What is asked here changes nothing,
    /// so that it is always safe.
    pub fn may_pass(&self) -> bool {
        !matches!(self.blame(), Blame::Operator | Blame::Figshift)
            || matches!(self.kind, TroubleKind::Limited | TroubleKind::Quota)
    }

    /// What helps.
    pub fn hint(&self) -> &'static str {
        match self.kind {
            TroubleKind::Late | TroubleKind::Broken => {
                "check the network, the proxy settings (HTTPS_PROXY, NO_PROXY) and the base URL"
            }
            TroubleKind::Limited => {
                "let no other program ask with the same key or address, or poll less often"
            }
            TroubleKind::Quota => "wait until midnight UTC, or use another account",
            TroubleKind::Key => {
                "set a valid key in VAST_API_KEY or by `vastai set api-key`; keys are made at https://console.vast.ai"
            }
            TroubleKind::Scope => {
                "give the key the scope instance_read (for Serverless misc, for the account user_read)"
            }
            TroubleKind::Retired => "use a newer figshift: this one asks a path that is no more",
            TroubleKind::Edge => {
                "ask again in a minute; if it stays, look for a proxy or a firewall in between (the key may be good)"
            }
            TroubleKind::Redirect | TroubleKind::NotFound => {
                "set the base URL to https://console.vast.ai; the key is not carried to another host"
            }
            TroubleKind::Refused => "see what it says; a label or an id may be misspelt",
            TroubleKind::Down => "ask again later; see https://status.vast.ai",
            TroubleKind::NotJson => {
                "check that the base URL is https://console.vast.ai and that no proxy answers for it"
            }
            TroubleKind::Odd => "use a newer figshift: the API may have changed",
            TroubleKind::TooLong | TroubleKind::Endless => {
                "ask for fewer instances by label, and check the base URL"
            }
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { asked, said, .. } = self;
        match self.status {
            Some(status) if said.is_empty() => write!(f, "{asked}: {status}"),
            Some(status) => write!(f, "{asked}: {status}: {said}"),
            None => write!(f, "{asked}: {said}"),
        }
    }
}

impl std::error::Error for Trouble {}
