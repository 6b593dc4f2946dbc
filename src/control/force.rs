//! What is in force on a route, and why: `min(desired, caps)`, computed here and nowhere else.
//! Desired is what the ramp says, else an operator, else the feature flag, else the file. Caps are the kill
//! switches, each of which brings the percent to 0, what the guard leaves, and what a used up budget leaves.

use std::fmt;

use super::overrides::{Overrides, RouteOverride, Stamp};

/// One link of the chain, the strongest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// What it is.
    pub what: Cause,
    /// Hundredths of a percent that it asks for.
    pub hundredths: u16,
    /// Who set it, when and why; the file has no stamp.
    pub stamp: Option<Stamp>,
}

/// What can set or cap a percent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// `VASTAI_ENABLED=false` in the environment of the process.
    Disabled,
    /// The file `KILL` in the state folder.
    KillFile,
    /// `figshift rollback` of all routes.
    Rollback,
    /// `figshift rollback` of this route.
    RouteRollback,
    /// What the guard leaves.
    Hold,
    /// What it was when the budget of the candidate was used up.
    Budget,
    /// The ramp.
    Ramp,
    /// An operator's `shift`.
    Shift,
    /// The feature flag.
    Flag,
    /// The file.
    File,
}

impl Cause {
    /// Whether it only takes away.
    fn is_cap(self) -> bool {
        self.is_kill() || matches!(self, Self::Hold | Self::Budget)
    }

    fn is_kill(self) -> bool {
        matches!(
            self,
            Self::Disabled | Self::KillFile | Self::Rollback | Self::RouteRollback
        )
    }

    /// As it stands in answers, metrics and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Disabled => "disabled",
            Self::KillFile => "kill_file",
            Self::Rollback => "rollback",
            Self::RouteRollback => "route_rollback",
            Self::Hold => "guard_hold",
            Self::Budget => "budget",
            Self::Ramp => "ramp",
            Self::Shift => "shift",
            Self::Flag => "flag",
            Self::File => "file",
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Disabled => "VASTAI_ENABLED=false",
            Self::KillFile => "KILL file",
            Self::Rollback => "rollback",
            Self::RouteRollback => "rollback of this route",
            Self::Hold => "guard hold",
            Self::Budget => "budget",
            Self::Ramp => "ramp",
            Self::Shift => "shift",
            Self::Flag => "flag",
            Self::File => "file",
        })
    }
}

/// The switches of the process, beside the overrides.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Switches {
    /// `VASTAI_ENABLED=false`.
    pub disabled: bool,
    /// The file `KILL` is there, since then.
    pub kill_file: Option<Stamp>,
}

/// What is in force on a route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Force {
    /// Hundredths of a percent.
    pub hundredths: u16,
    /// Why: what decides first, what it overrides behind it, the file last.
    pub chain: Vec<Link>,
}

impl Force {
    /// Of a route that the file gives `file` hundredths of a percent.
    pub fn of(file: u16, route: &RouteOverride, house: &Overrides, switches: &Switches) -> Self {
        let cap = |what, stamp: Option<&Stamp>| Link {
            what,
            hundredths: 0,
            stamp: stamp.cloned(),
        };
        let mut chain = Vec::new();
        if switches.disabled {
            chain.push(cap(Cause::Disabled, None));
        }
        if switches.kill_file.is_some() {
            chain.push(cap(Cause::KillFile, switches.kill_file.as_ref()));
        }
        if house.rollback.is_some() {
            chain.push(cap(Cause::Rollback, house.rollback.as_ref()));
        }
        if route.rollback.is_some() {
            chain.push(cap(Cause::RouteRollback, route.rollback.as_ref()));
        }
        let link = |what, hundredths, stamp: &Stamp| Link {
            what,
            hundredths,
            stamp: Some(stamp.clone()),
        };
        if let Some(hold) = &route.hold {
            chain.push(link(Cause::Hold, hold.hundredths, &hold.stamp));
        }
        if let Some(capped) = &route.budget {
            chain.push(link(Cause::Budget, capped.hundredths, &capped.stamp));
        }
        let caps = chain.len();
        if let Some(climb) = &route.climb {
            chain.push(link(Cause::Ramp, climb.ramp.percent(), &climb.stamp));
        }
        if let Some(set) = &route.shifted {
            chain.push(link(Cause::Shift, set.hundredths, &set.stamp));
        }
        if let Some(flag) = &route.flagged {
            chain.push(link(Cause::Flag, flag.hundredths, &flag.stamp));
        }
        chain.push(Link {
            what: Cause::File,
            hundredths: file,
            stamp: None,
        });
        // The caps, and the first of those that want something.
        let decisive = chain.iter().take(caps + 1);
        Self {
            hundredths: decisive.map(|link| link.hundredths).min().unwrap_or(file),
            chain,
        }
    }

    /// What the file says.
    pub fn file(&self) -> u16 {
        self.chain.last().map_or(0, |link| link.hundredths)
    }

    /// What would be in force without kill switches, holds and budgets, in hundredths of a percent.
    pub fn desired(&self) -> u16 {
        let mut wishes = self.chain.iter().filter(|link| !link.what.is_cap());
        wishes.next().map_or(0, |link| link.hundredths)
    }

    /// What would be in force without kill switches and holds, in hundredths of a percent: what is wanted, as
    /// far as a used up budget leaves it.
    pub(super) fn without_stops(&self) -> u16 {
        let most = self.budget().map_or(u16::MAX, |cap| cap.hundredths);
        self.desired().min(most)
    }

    /// Whether a kill switch is on.
    pub fn is_killed(&self) -> bool {
        self.chain.iter().any(|link| link.what.is_kill())
    }

    /// Whether the guard holds traffic back.
    pub fn is_held(&self) -> bool {
        self.chain.iter().any(|link| link.what == Cause::Hold)
    }

    /// The most that a used up budget leaves, in hundredths of a percent, and why. It takes nothing away.
    pub fn budget(&self) -> Option<&Link> {
        self.chain.iter().find(|link| link.what == Cause::Budget)
    }

    /// Whether a kill switch is on or the guard holds traffic back.
    pub fn is_capped(&self) -> bool {
        self.is_killed() || self.is_held()
    }
}

/// `0 % ← rollback by operator: too slow ← file 25 %`.
impl fmt::Display for Force {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} %", f64::from(self.hundredths) / 100.0)?;
        for link in &self.chain {
            write!(f, " ← {}", link.what)?;
            if !link.what.is_kill() {
                write!(f, " {} %", f64::from(link.hundredths) / 100.0)?;
            }
            if let Some(stamp) = &link.stamp {
                // The guard, the budget, the ramp and the flag are who they are.
                let is_itself = matches!(link.what, Cause::Hold | Cause::Budget | Cause::Flag);
                if !is_itself && stamp.actor != "ramp" {
                    write!(f, " by {}", stamp.actor)?;
                }
                if !stamp.reason.is_empty() {
                    write!(f, ": {}", stamp.reason)?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::overrides::{Capped, Shifted};

    fn stamp(reason: &str) -> Stamp {
        Stamp {
            at: 0,
            actor: "operator".to_owned(),
            reason: reason.to_owned(),
        }
    }

    #[test]
    fn caps_come_first_and_the_file_last() {
        let route = RouteOverride {
            rollback: Some(stamp("slow")),
            shifted: Some(Shifted {
                hundredths: 5_000,
                over: 2_500,
                between: None,
                stamp: stamp(""),
            }),
            ..RouteOverride::default()
        };
        let switches = Switches {
            disabled: true,
            kill_file: Some(stamp("")),
        };
        let house = Overrides {
            rollback: Some(stamp("all")),
            ..Overrides::default()
        };
        let force = Force::of(2_500, &route, &house, &switches);
        assert_eq!(force.hundredths, 0);
        assert_eq!((force.desired(), force.file()), (5_000, 2_500));
        assert!(force.is_capped());
        assert_eq!(
            force.to_string(),
            "0 % ← VASTAI_ENABLED=false ← KILL file by operator ← rollback by operator: all \
             ← rollback of this route by operator: slow ← shift 50 % by operator ← file 25 %"
        );
    }

    #[test]
    fn a_budget_keeps_a_percent_from_rising_and_is_no_kill() {
        let mut route = RouteOverride {
            budget: Some(Capped {
                hundredths: 2_500,
                backend: "vastai".to_owned(),
                stamp: Stamp {
                    actor: "budget".to_owned(),
                    ..stamp("$5.02 of $5.00 in the last hour")
                },
            }),
            ..RouteOverride::default()
        };
        let (house, switches) = (Overrides::default(), Switches::default());
        let force = Force::of(5_000, &route, &house, &switches);
        assert_eq!((force.hundredths, force.desired()), (2_500, 5_000));
        assert!(!force.is_capped() && !force.is_held() && !force.is_killed());
        assert_eq!(
            force.to_string(),
            "25 % ← budget 25 %: $5.02 of $5.00 in the last hour ← file 50 %"
        );
        // What wants less gets it.
        assert_eq!(
            Force::of(1_000, &route, &house, &switches).hundredths,
            1_000
        );
        route.rollback = Some(stamp("slow"));
        assert_eq!(Force::of(5_000, &route, &house, &switches).hundredths, 0);
    }

    #[test]
    fn without_overrides_the_file_decides() {
        let force = Force::of(
            1_025,
            &RouteOverride::default(),
            &Overrides::default(),
            &Switches::default(),
        );
        assert_eq!(force.to_string(), "10.25 % ← file 10.25 %");
        assert!(!force.is_capped());
    }
}
