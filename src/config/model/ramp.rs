//! `[routes.ramp]`: the way from nothing to all, and when it may be gone.

use std::time::SystemTime;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::scalar::{Day, Duration, Percent, Secret, TimeOfDay, Zone};

/// `[routes.ramp]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ramp {
    /// The candidate's percent at each step; what is held back is cut off at the top.
    #[schemars(extend("examples" = [[1, 5, 25, 50, 100]]))]
    pub steps: Vec<Percent>,
    /// Start by itself, once. Otherwise `figshift ramp start` starts it.
    #[serde(default)]
    pub auto_start: bool,
    /// What stays with the primary at the end, so that there is still something to compare with; 0: all goes over.
    #[serde(default = "Ramp::default_hold_back")]
    pub hold_back: Percent,
    /// A step lasts at least this long.
    #[serde(default = "Ramp::default_min_step")]
    pub min_step: Duration,
    /// A step without a result after this time is stalled.
    #[serde(default = "Ramp::default_max_step")]
    pub max_step: Duration,
    /// What a stalled step does.
    #[serde(default)]
    pub when_stalled: WhenStalled,
    /// How often it begins again by itself after its traffic was taken back.
    #[serde(default)]
    #[schemars(range(max = 3))]
    pub retries: u8,
    /// The wait before it begins again; doubled each time.
    #[serde(default = "Ramp::default_retry_after")]
    pub retry_after: Duration,
    /// When it may go up; default: always. Traffic is taken back at any time.
    pub schedule: Option<Schedule>,
    /// Who is asked before each step up; default: nobody.
    pub gate: Option<Gate>,
}

/// What becomes of a step that has lasted its longest time without a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WhenStalled {
    /// It stays, and says so.
    #[default]
    Hold,
    /// It goes on if nothing at all speaks against the candidate: for traffic too low to prove anything.
    PromoteIfNoEvidence,
    /// The traffic is taken back.
    Rollback,
}

/// `schedule`: steps up are made at these times only.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Schedule {
    /// Days of the week; default: Monday to Friday.
    #[schemars(extend("examples" = [["mon", "tue", "wed", "thu", "fri"]]))]
    pub days: Vec<Day>,
    /// From this time of the day.
    pub from: TimeOfDay,
    /// To this time of the day. Earlier than `from` it is on the next day: the night belongs to the day on which it began.
    pub to: TimeOfDay,
    /// The time zone of `from` and `to`, with its daylight saving.
    pub zone: Zone,
}

impl Schedule {
    /// Whether a step up may be made at this moment. The clock on the wall decides: an hour that
    /// daylight saving repeats counts twice, one that it leaves out does not exist.
    pub fn allows(&self, at: SystemTime) -> bool {
        let Some((day, time)) = self.zone.wall_clock(at) else {
            return false;
        };
        let (today, began_yesterday) = if self.from < self.to {
            (self.from <= time && time < self.to, false)
        } else {
            (self.from <= time, time < self.to)
        };
        today && self.days.contains(&day) || began_yesterday && self.days.contains(&day.before())
    }
}

/// `gate`: a service of yours that says whether a step up may be made.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Gate {
    /// Where it is asked, `http://` or `https://`.
    #[schemars(extend("examples" = ["https://deploy.example.com/figshift"]))]
    pub url: String,
    /// No answer within this time is no permission.
    #[serde(default = "Gate::default_timeout")]
    pub timeout: Duration,
    /// How often it is asked again while it has not answered; at least "1s".
    #[serde(default = "Gate::default_every")]
    pub every: Duration,
    /// Sent as `Authorization: Bearer`; empty: nothing is sent.
    pub token: Option<Secret>,
}
