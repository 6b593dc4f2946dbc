//! The live table as text: 80 columns, with colour or without.

use std::time::Duration;

use super::traffic::Counts;
use crate::policy::Phase;

/// No line is longer.
const COLUMNS: usize = 80;
/// Cells of the bar that shows the split.
const BAR: usize = 64;
const HEADER: &str =
    "SIDE      BACKEND  REQUESTS  REQ/S ERRORS     P50     P95 FALLBACKS  NOW BREAKER";

/// All that the table shows.
#[derive(Debug, Clone, PartialEq)]
pub struct View {
    /// Time since the start.
    pub elapsed: Duration,
    /// The route and its split.
    pub route: RouteView,
    /// Primary and candidate.
    pub sides: [SideView; 2],
    /// What the clients saw.
    pub clients: Counts,
    /// The file.
    pub config: ConfigView,
}

/// The route and its split.
#[derive(Debug, Clone, PartialEq)]
pub struct RouteView {
    /// Its name.
    pub name: String,
    /// The candidate's percent in the file.
    pub percent_configured: f64,
    /// The candidate's percent that is in force.
    pub percent_effective: f64,
    /// Why the two differ.
    pub why: Option<String>,
    /// What decides, and what it overrides.
    pub chain: String,
}

/// One side; rates and percentiles are those of the last seconds.
#[derive(Debug, Clone, PartialEq)]
pub struct SideView {
    /// Its backend.
    pub backend: String,
    /// Tries sent there since the start.
    pub requests: u64,
    /// Tries per second.
    pub rate: f64,
    /// Share of them that the backend failed, 0 to 100; `None` without any.
    pub error_percent: Option<f64>,
    /// Median time to the end of the body.
    pub p50: Option<Duration>,
    /// 95th percentile of the same.
    pub p95: Option<Duration>,
    /// Requests that left this side since the start.
    pub fallbacks: u64,
    /// Tries on their way.
    pub in_flight: u64,
    /// State of the breaker.
    pub breaker: Phase,
}

/// The file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigView {
    /// Number of the version in force.
    pub epoch: u64,
    /// How the last reload ended, in a few words; `None` before the first one.
    pub last_reload: Option<Result<String, String>>,
}

/// The table, each line ended by a newline.
pub fn table(view: &View, colour: bool) -> String {
    let ink = Ink { colour };
    let [primary, candidate] = &view.sides;
    let lines = [
        route_line(view),
        bar(view, ink),
        String::new(),
        ink.paint(Style::Dim, HEADER),
        row("primary", primary, ink),
        row("candidate", candidate, ink),
        String::new(),
        clients_line(&view.clients, ink),
        error_line(&view.clients),
        file_line(&view.config, ink),
        clip(&format!("in force  {}", view.route.chain), COLUMNS),
    ];
    lines.map(|line| line.trim_end().to_owned() + "\n").concat()
}

fn route_line(view: &View) -> String {
    let route = &view.route;
    let mut left = format!(
        "route {}: {} % to {} in the file",
        route.name, route.percent_configured, view.sides[1].backend
    );
    if route.percent_configured != route.percent_effective {
        left += &format!(", {} % in force", route.percent_effective);
    }
    if let Some(why) = &route.why {
        left += &format!(" ({why})");
    }
    let seconds = view.elapsed.as_secs();
    let right = format!(
        "epoch {}  {}:{:02}",
        view.config.epoch,
        seconds / 60,
        seconds % 60
    );
    let room = COLUMNS - right.len() - 1;
    format!("{:<room$} {right}", clip(&left, room))
}

/// The share of each side, legacy at the left.
fn bar(view: &View, ink: Ink) -> String {
    let share = (view.route.percent_effective / 100.0).clamp(0.0, 1.0);
    let mut moved = (share * BAR as f64).round() as usize;
    // A share that is there must be seen, and so must one that is not yet all.
    if share > 0.0 && share < 1.0 {
        moved = moved.clamp(1, BAR - 1);
    }
    let [primary, candidate] = &view.sides;
    format!(
        "{} {}{} {}",
        clip(&primary.backend, 7),
        ink.paint(Style::Cold, &"=".repeat(BAR - moved)),
        ink.paint(Style::Good, &"#".repeat(moved)),
        clip(&candidate.backend, 7),
    )
}

fn row(side: &str, view: &SideView, ink: Ink) -> String {
    let errors = view
        .error_percent
        .map_or_else(|| "-".to_owned(), |share| format!("{share:.1}%"));
    let errors = format!("{errors:>6}");
    let errors = match view.error_percent {
        Some(share) if share > 0.0 => ink.paint(Style::Bad, &errors),
        _ => errors,
    };
    let breaker = match view.breaker {
        Phase::Closed => Style::Good,
        Phase::Open => Style::Bad,
        Phase::Probing | Phase::Warming => Style::Warn,
    };
    format!(
        "{side:<9} {:<8} {:>8} {:>6.1} {errors} {:>7} {:>7} {:>9} {:>4} {}",
        clip(&view.backend, 8),
        view.requests,
        view.rate,
        time(view.p50),
        time(view.p95),
        view.fallbacks,
        view.in_flight,
        ink.paint(breaker, view.breaker.as_str()),
    )
}

fn clients_line(clients: &Counts, ink: Ink) -> String {
    let failed = format!("{} failed", clients.failed);
    let style = if clients.failed == 0 {
        Style::Good
    } else {
        Style::Bad
    };
    format!(
        "clients   {} sent, {} answered, {}",
        clients.sent,
        clients.ok,
        ink.paint(style, &failed)
    )
}

fn error_line(clients: &Counts) -> String {
    match &clients.last_error {
        Some(error) => clip(&format!("          the newest failure: {error}"), COLUMNS),
        None => String::new(),
    }
}

fn file_line(config: &ConfigView, ink: Ink) -> String {
    let room = COLUMNS - 10;
    let news = match &config.last_reload {
        None => "as at the start".to_owned(),
        Some(Ok(what)) => ink.paint(Style::Good, &clip(&format!("in force: {what}"), room)),
        Some(Err(why)) => ink.paint(Style::Bad, &clip(&format!("refused: {why}"), room)),
    };
    format!("file      {news}")
}

/// At most seven characters.
fn time(time: Option<Duration>) -> String {
    match time {
        None => "-".to_owned(),
        Some(time) if time.as_millis() < 10_000 => format!("{} ms", time.as_millis()),
        Some(time) => format!("{} s", time.as_secs()),
    }
}

/// The first line, cut to a width, without characters that would move the cursor.
fn clip(text: &str, width: usize) -> String {
    let line = text.lines().next().unwrap_or_default();
    let clean = line.chars().filter(|c| !c.is_control());
    if clean.clone().count() <= width {
        return clean.collect();
    }
    clean.take(width - 1).chain(['…']).collect()
}

#[derive(Clone, Copy)]
enum Style {
    Dim,
    Cold,
    Good,
    Warn,
    Bad,
}

/// Colours, or none.
#[derive(Clone, Copy)]
struct Ink {
    colour: bool,
}

impl Ink {
    fn paint(self, style: Style, text: &str) -> String {
        if !self.colour {
            return text.to_owned();
        }
        let code = match style {
            Style::Dim => "2",
            Style::Cold => "34",
            Style::Good => "32",
            Style::Warn => "33",
            Style::Bad => "31",
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }
}

#[cfg(test)]
#[path = "table_tests.rs"]
pub(super) mod tests;
