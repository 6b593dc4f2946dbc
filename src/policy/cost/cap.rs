//! When a budget is used up, and when it is not any more.

/// A cap goes off when less than this part of the budget is used.
const BACK: f64 = 0.95;
/// Sums of many small parts are this exact.
const EXACT: f64 = 1e-9;

/// What may be spent, in dollars.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Budget {
    /// In any 60 minutes.
    pub per_hour: Option<f64>,
    /// In any 24 hours.
    pub per_day: Option<f64>,
}

/// What is spent, in dollars.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Spent {
    /// In the last 60 minutes.
    pub hour: f64,
    /// In the last 24 hours.
    pub day: f64,
    /// What it costs in an hour, as far as that is known; `None` if nobody knows.
    pub rate: Option<f64>,
}

/// How a budget is used up.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Over {
    /// The last hour.
    Hour {
        /// Dollars.
        spent: f64,
        /// Of these.
        of: f64,
    },
    /// The last day.
    Day {
        /// Dollars.
        spent: f64,
        /// Of these.
        of: f64,
    },
    /// What it costs now would be too much in an hour.
    Rate {
        /// Dollars.
        rate: f64,
        /// Of these.
        of: f64,
    },
}

/// What keeps a cap on, or would.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Still {
    /// The last hour, of the bound in dollars.
    Hour {
        /// Dollars.
        spent: f64,
        /// Of these.
        of: f64,
    },
    /// The last day.
    Day {
        /// Dollars.
        spent: f64,
        /// Of these.
        of: f64,
    },
    /// What it costs in an hour.
    Rate {
        /// Dollars.
        rate: f64,
        /// Of these.
        of: f64,
    },
    /// What it costs in an hour is low, and has not been for long enough.
    Young {
        /// Dollars.
        rate: f64,
        /// Of these; `None` without a bound for an hour.
        of: Option<f64>,
    },
    /// Nobody knows what it costs.
    Unknown,
}

impl Still {
    /// Below this many dollars it ends.
    pub(super) fn end(of: f64) -> f64 {
        of * BACK
    }
}

impl Budget {
    /// Whether it is used up, and by what.
    pub fn over(&self, spent: &Spent) -> Option<Over> {
        let reached = |spent: f64, of: f64| spent >= of * (1.0 - EXACT);
        let hour = self.per_hour.filter(|of| reached(spent.hour, *of));
        let day = self.per_day.filter(|of| reached(spent.day, *of));
        let rate = self.per_hour.zip(spent.rate);
        let rate = rate.filter(|(of, rate)| *rate > of * (1.0 + EXACT));
        match (hour, day, rate) {
            (Some(of), ..) => Some(Over::Hour {
                spent: spent.hour,
                of,
            }),
            (None, Some(of), _) => Some(Over::Day {
                spent: spent.day,
                of,
            }),
            (None, None, Some((of, rate))) => Some(Over::Rate { rate, of }),
            (None, None, None) => None,
        }
    }

    /// What keeps a cap on: it goes when less than 95 % of each bound is used. `rate` is what it costs in an hour
    /// now, `most` the most that it did while that has to be low; while nobody knows these, a cap stays.
    pub fn still(&self, spent: &Spent, rate: Option<f64>, most: Option<f64>) -> Option<Still> {
        let high = |spent: f64, of: Option<f64>| of.filter(|of| spent >= Still::end(*of));
        if let Some(of) = high(spent.hour, self.per_hour) {
            let spent = spent.hour;
            return Some(Still::Hour { spent, of });
        }
        if let Some(of) = high(spent.day, self.per_day) {
            let spent = spent.day;
            return Some(Still::Day { spent, of });
        }
        let Some(rate) = rate else {
            return Some(Still::Unknown);
        };
        if let Some(of) = high(rate, self.per_hour) {
            return Some(Still::Rate { rate, of });
        }
        let is_calm = most.is_some_and(|most| high(most, self.per_hour).is_none());
        let of = self.per_hour;
        (!is_calm).then_some(Still::Young { rate, of })
    }

    /// How much of each is used, 1 is all: of the hour, of the day.
    pub fn used(&self, spent: &Spent) -> [Option<f64>; 2] {
        [
            self.per_hour.map(|of| spent.hour / of),
            self.per_day.map(|of| spent.day / of),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUDGET: Budget = Budget {
        per_hour: Some(5.0),
        per_day: Some(80.0),
    };

    fn spent(hour: f64, day: f64, rate: f64) -> Spent {
        Spent {
            hour,
            day,
            rate: Some(rate),
        }
    }

    #[test]
    fn used_up_at_the_last_cent_and_back_below_its_part() {
        for (spent, over, back) in [
            (spent(4.74, 75.99, 4.74), None, true),
            (spent(4.75, 0.0, 0.0), None, false),
            (spent(0.0, 76.0, 0.0), None, false),
            (spent(0.0, 0.0, 4.75), None, false),
            (spent(4.99, 79.99, 5.0), None, false),
            (
                spent(5.0, 90.0, 9.0),
                Some(Over::Hour {
                    spent: 5.0,
                    of: 5.0,
                }),
                false,
            ),
            (
                spent(4.0, 80.0, 9.0),
                Some(Over::Day {
                    spent: 80.0,
                    of: 80.0,
                }),
                false,
            ),
            (
                spent(4.0, 8.0, 5.01),
                Some(Over::Rate {
                    rate: 5.01,
                    of: 5.0,
                }),
                false,
            ),
        ] {
            assert_eq!(BUDGET.over(&spent), over, "{spent:?}");
            let still = BUDGET.still(&spent, spent.rate, spent.rate);
            assert_eq!(still.is_none(), back, "{spent:?}");
        }
        assert_eq!(BUDGET.used(&spent(2.5, 20.0, 0.0)), [Some(0.5), Some(0.25)]);
    }

    #[test]
    fn what_has_no_bound_is_never_used_up() {
        let none = Budget::default();
        assert_eq!(none.over(&spent(1e9, 1e9, 1e9)), None);
        let all = Some(1e9);
        assert_eq!(none.still(&spent(1e9, 1e9, 1e9), all, all), None);
        let day = Budget {
            per_day: Some(1.0),
            ..none
        };
        assert_eq!(day.over(&spent(9.0, 0.5, 9.0)), None);
        // An unknown price stops nobody, what was spent does.
        let unknown = Spent {
            hour: 5.0,
            day: 5.0,
            rate: None,
        };
        assert!(BUDGET.over(&unknown).is_some());
        // Nor does it free anybody.
        let unknown = Spent {
            rate: None,
            ..Spent::default()
        };
        for budget in [BUDGET, day] {
            assert_eq!(budget.still(&unknown, None, None), Some(Still::Unknown));
            let young = budget.still(&unknown, Some(0.0), None);
            assert!(matches!(young, Some(Still::Young { .. })), "{young:?}");
        }
        let of = BUDGET.per_hour;
        let young = BUDGET.still(&unknown, Some(4.0), Some(4.75));
        assert_eq!(young, Some(Still::Young { rate: 4.0, of }));
        assert_eq!(day.still(&unknown, Some(4.0), Some(9e9)), None);
        assert_eq!(BUDGET.over(&unknown), None);
    }
}
