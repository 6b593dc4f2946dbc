//! Prices and budgets of a running house: what it tells, and that a used up budget keeps a percent from
//! rising and does nothing else.

use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use figshift::api::{HouseStatus, RampWord};
use figshift::stats::Class;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::desk::Desk;
use super::guard::HASTY;
use crate::support::house::{Plan, backend_table};
use crate::support::load::Load;
use crate::support::origin::{Origin, ok};

/// A dollar each second, and that is too much at once.
const DEAR: &str = "dollars_per_hour = 3600\nbudget = { per_hour = 10 }";
/// Costs nothing, so that only what was kept counts.
const FREE: &str = "dollars_per_hour = 0\nbudget = { per_hour = 1 }";

fn rest(old: &Origin, new: &Origin, lines: &str, percent: f64, route: &str) -> String {
    let old = backend_table("old", &[old], "dollars_per_hour = 3.6");
    let new = backend_table("new", &[new], lines);
    format!(
        "{old}{new}[[routes]]\nname = \"all\"\nprimary = \"old\"\ncandidate = \"new\"\npercent = {percent}\n{route}\n"
    )
}

/// A house whose candidate has these further lines, in a folder that may hold something.
async fn open_in(folder: TempDir, lines: &str, percent: f64, route: &str) -> Desk {
    let (old, new) = (Origin::saying("old"), Origin::saying("new"));
    let plan = Plan::new(rest(&old, &new, lines, percent, route));
    let house = plan.start_in(folder).await.unwrap();
    Desk { old, new, house }
}

async fn open(lines: &str, percent: f64, route: &str) -> Desk {
    open_in(tempfile::tempdir().unwrap(), lines, percent, route).await
}

async fn save(desk: &Desk, lines: &str, percent: f64) {
    let rest = rest(&desk.old, &desk.new, lines, percent, "");
    desk.house.save(&rest).await;
}

/// A folder in which this much was spent in the minute of an hour ago: it leaves the window evenly within the
/// next one. The clock of the books begins with a whole minute, since it does not go back behind what is
/// kept.
fn spent(dollars: f64, shares: &Value) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let minute = now.as_secs() / 60 + 2;
    let kept = json!({
        "at": minute * 60,
        "backends": { "new": { "first": minute - 60, "dollars": [dollars] } },
        "shares": shares,
    });
    write_kept(&folder, &kept.to_string());
    folder
}

fn write_kept(folder: &TempDir, text: &str) {
    let state = folder.path().join("state");
    fs::create_dir_all(&state).unwrap();
    fs::write(state.join("spend.json"), text).unwrap();
}

async fn capped(desk: &Desk, hundredths: u16) {
    let route = desk.route_is("the budget caps", |route| route.over_budget);
    assert_eq!(route.await.percent_in_force, f64::from(hundredths) / 100.0);
}

/// The sum of all series whose lines begin so.
async fn metric(desk: &Desk, series: &str) -> f64 {
    let host = format!("host: {}", desk.port());
    let text = desk.raw("GET /metrics", &[&host], "").await.text();
    let lines = text.lines().filter(|line| line.starts_with(series));
    let values = lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok());
    values.reduce(|sum, value| sum + value).unwrap_or(f64::NAN)
}

#[tokio::test]
async fn nothing_raises_a_percent_over_a_used_up_budget_but_force() {
    let desk = open(DEAR, 25.0, "").await;
    let load = Load::start(desk.house.app.http, 2, 3);
    capped(&desk, 2_500).await;
    let why = "budget 25 %: $3600.00 of $10.00 in an hour at the present price";
    assert_eq!(desk.why(), format!("25 % ← {why} ← file 25 %"));
    save(&desk, DEAR, 50.0).await;
    assert_eq!(desk.why(), format!("25 % ← {why} ← file 50 %"));
    let refused = desk.shift(60.0).await.unwrap_err();
    assert_eq!((refused.status, &*refused.reason), (409, "over_budget"));
    assert!(refused.detail.contains("shift by force"));
    // Down is free, and up again to where it was.
    desk.shift(5.0).await.unwrap();
    desk.shift(25.0).await.unwrap();
    let by_force = json!({ "route": "all", "percent": 40, "force": true });
    desk.post("shift", &by_force).await.unwrap();
    assert_eq!(desk.in_force(), 4_000);
    save(&desk, DEAR, 60.0).await;
    assert_eq!(desk.in_force(), 4_000);
    let state = desk.state().await;
    // It is as it is meant.
    assert_eq!(state.status, HouseStatus::Ok);
    let route = &state.routes[0];
    assert!(route.over_budget && !route.held && !route.killed);
    let now = route.budget_now.clone().unwrap();
    assert!(now.ends_with(", ends below $9.50"), "{now}");
    let why = format!("{}; the budget now: {now}", desk.why());
    assert_eq!(route.why, why);
    let budget = state.backends["new"].cost.as_ref().unwrap().budget.clone();
    assert!(budget.unwrap().exhausted.is_some());
    assert_eq!(
        metric(&desk, "figshift_backend_budget_exhausted").await,
        1.0
    );
    assert_eq!(
        metric(&desk, "figshift_route_over_budget{route=\"all\"}").await,
        1.0
    );
    // A kill switch takes everything, and gives back what was there.
    desk.rollback().await;
    assert_eq!(desk.in_force(), 0);
    desk.post("resume", &json!({})).await.unwrap();
    assert_eq!(desk.in_force(), 4_000);

    save(
        &desk,
        "dollars_per_hour = 3600\nbudget = { per_day = 90000 }",
        60.0,
    )
    .await;
    desk.comes_to(6_000).await;
    assert_eq!(desk.why(), "60 % ← file 60 %");
    assert_eq!(
        metric(&desk, "figshift_route_over_budget{route=\"all\"}").await,
        0.0
    );
    let tally = load.stop().await;
    assert_eq!(tally.cut, Vec::<String>::new());
    assert_eq!(tally.of("GET 200") + tally.of("POST 200"), tally.all());
    assert!(tally.of("GET 200 new") > 0 && tally.of("GET 200 old") > 0);
    let journal = desk.journal().await;
    let by_budget = journal
        .entries
        .iter()
        .filter(|entry| entry.actor == "budget");
    let by_budget: Vec<_> = by_budget
        .map(|entry| (&*entry.what, entry.moves.len()))
        .collect();
    assert_eq!(by_budget, [("budget_cap", 0), ("budget_free", 1)]);
}

#[tokio::test]
async fn a_ramp_waits_for_its_budget_and_goes_on() {
    let ramp = format!(
        "{HASTY}guard.min_requests = 1\nguard.errors = {{ worse_by = \"1pp\", at_most = \"50pp\" }}\n\
         ramp = {{ steps = [10, 50], min_step = \"1s\", hold_back = 20 }}\n"
    );
    // For nine seconds there is more than 95 % of it.
    let desk = open_in(spent(1.12, &json!({})), FREE, 0.0, &ramp).await;
    let load = Load::start(desk.house.app.http, 2, 0);
    capped(&desk, 0).await;
    desk.ramp("start").await.unwrap();
    let waits = desk.route_is("the ramp waits", |route| {
        let ramp = route.ramp.as_ref().unwrap();
        ramp.state == RampWord::Climbing && ramp.waits_for.is_some()
    });
    let waits = waits.await.ramp.unwrap();
    let why = waits.waits_for.unwrap();
    assert!(why.starts_with("its budget: $1.1"), "{why}");
    assert_eq!((waits.percent, waits.next_percent), (0.0, Some(10.0)));
    let refused = desk.ramp("promote").await.unwrap_err();
    assert_eq!(refused.reason, "over_budget");
    assert_eq!(desk.in_force(), 0);

    desk.route_is("the cap is off", |route| !route.over_budget)
        .await;
    desk.comes_to(5_000).await;
    let tally = load.stop().await;
    assert_eq!(tally.of("GET 200"), tally.all());
    let journal = desk.journal().await;
    let words: Vec<&str> = journal.entries.iter().map(|entry| &*entry.what).collect();
    let steps = [
        "start",
        "ramp_start",
        "budget_free",
        "ramp_step",
        "ramp_step",
    ];
    assert_eq!(words[..5], steps, "{words:?}");
    let told = journal.entries[2].reason.as_deref().unwrap();
    assert!(told.starts_with("$0.9"), "{told}");
}

#[tokio::test]
async fn a_flag_that_wants_more_gets_it_when_there_is_money() {
    let flags = Origin::new(|_| vec![ok(br#"{"key": "k", "value": 80}"#)]);
    let route = format!(
        "[routes.flag]\nurl = {:?}\nkey = \"k\"\nevery = \"1s\"\ntimeout = \"1s\"",
        flags.url()
    );
    // The percent before was 10 %, and so it is until there is money again.
    let folder = spent(
        1.12,
        &json!({ "all": { "candidate": "new", "hundredths": 1_000 } }),
    );
    let desk = open_in(folder, FREE, 25.0, &route).await;
    let load = Load::start(desk.house.app.http, 2, 0);
    assert_eq!(desk.in_force(), 1_000);
    let flagged = desk.route_is("the flag is read", |route| {
        route.chain.iter().any(|link| link.what == "flag")
    });
    assert_eq!(flagged.await.percent_in_force, 10.0);
    assert!(desk.why().starts_with("10 % ← budget 10 %: $1.12 of $1.00"));
    desk.comes_to(8_000).await;
    let tally = load.stop().await;
    assert_eq!(tally.of("GET 200"), tally.all());
}

#[tokio::test]
async fn a_restart_raises_nothing() {
    let desk = open(DEAR, 25.0, "").await;
    capped(&desk, 2_500).await;
    let folder = desk.house.stop().await;
    let kept = fs::read_to_string(folder.path().join("state/spend.json")).unwrap();
    let kept: Value = serde_json::from_str(&kept).unwrap();
    let share = json!({ "candidate": "new", "hundredths": 2_500 });
    assert_eq!(kept["shares"], json!({ "all": share }));
    // The journal has the cap.
    let desk = open_in(folder, DEAR, 75.0, "").await;
    assert_eq!(desk.in_force(), 2_500);
    let folder = desk.house.stop().await;
    // Without it there is the percent of the last move, or of the books; whatever is newer.
    fs::remove_file(folder.path().join("state/journal.ndjson")).unwrap();
    let desk = open_in(folder, DEAR, 75.0, "").await;
    assert_eq!(desk.in_force(), 2_500);
    assert!(
        desk.why().starts_with("25 % ← budget 25 %: "),
        "{}",
        desk.why()
    );
    // What the start has found is written down.
    let journal = desk.journal().await;
    assert_eq!(journal.entries[0].what, "start");
    let folder = desk.house.stop().await;

    // Torn: nothing is known of before, and the house starts.
    fs::remove_file(folder.path().join("state/journal.ndjson")).unwrap();
    write_kept(&folder, r#"{"at": 1780000000, "backends": {"new": {"fir"#);
    let desk = open_in(folder, FREE, 75.0, "").await;
    assert_eq!(desk.in_force(), 7_500);
    desk.route_is("the books are open", |_| true).await;
    assert_eq!(desk.house.get("/").await.status, 200);
}

#[tokio::test]
async fn what_requests_cost_is_told() {
    let desk = open("dollars_per_hour = 7.2", 50.0, "").await;
    let load = Load::start(desk.house.app.http, 2, 0);
    let route = desk.route_is("both sides have figures", |route| {
        let side = |cost: Option<f64>| cost.is_some_and(|cost| cost > 0.0);
        let candidate = route.candidate.as_ref().unwrap().cost.as_ref();
        let primary = route.primary.cost.as_ref();
        side(candidate.and_then(|cost| cost.per_1000))
            && side(primary.and_then(|cost| cost.per_1000))
            && route.cost_ratio.is_some()
    });
    route.await;
    // A few seconds of them.
    desk.route_is("some of it is spent", |route| {
        let cost = route.candidate.as_ref().unwrap().cost.as_ref();
        cost.is_some_and(|cost| cost.requests >= 0.005 && cost.retries == 0.0)
    })
    .await;
    load.stop().await;
    let good = desk.house.candidate().attempts(Class::Ok) as f64;
    let spent = metric(&desk, "figshift_backend_dollars_total{backend=\"new\"}").await;
    assert!((0.005..1.0).contains(&spent), "{spent}");
    // All that it has cost was for these, but for the second of the last look.
    let cost = desk.route().await.candidate.unwrap().cost.unwrap();
    let by_hand = spent / good * 1_000.0;
    let is = cost.per_1000.unwrap();
    assert!((is / by_hand - 1.0).abs() < 0.5, "{is} is not {by_hand}");
    let sides = metric(
        &desk,
        "figshift_dollars_total{route=\"all\",side=\"candidate\"",
    )
    .await;
    assert!(sides > 0.0 && sides <= spent + 0.004, "{sides} of {spent}");
    assert_eq!(
        metric(&desk, "figshift_backend_dollars_per_hour{backend=\"new\"}").await,
        7.2
    );
}
