//! An operator's desk: a house with one route `all` from `old` to `new`, and its admin port.

use std::net::SocketAddr;

use figshift::api::{Applied, Journal, Problem, RouteState, State};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::client::{Answer, Client};
use crate::support::house::{House, Plan};
use crate::support::origin::Origin;
use crate::support::{DEADLINE, eventually, soon};

pub(crate) const TOKEN: &str = "correct-horse-battery-staple";

pub(crate) struct Desk {
    pub(crate) old: Origin,
    pub(crate) new: Origin,
    pub(crate) house: House,
}

impl Desk {
    /// 25 % in the file, no token.
    pub(crate) async fn open() -> Self {
        Self::with("").await
    }

    /// With further tables.
    pub(crate) async fn with(tables: &str) -> Self {
        Self::in_folder(tempfile::tempdir().unwrap(), "25", tables).await
    }

    /// With this percent and further lines of the route.
    pub(crate) async fn with_route(percent: f64, lines: &str) -> Self {
        let (old, new) = (Origin::saying("old"), Origin::saying("new"));
        let plan = Plan::sides(&old, &new, percent, lines);
        let house = plan.start().await;
        Self { old, new, house }
    }

    /// In a folder that may hold the state of an earlier house.
    pub(crate) async fn in_folder(folder: TempDir, percent: &str, tables: &str) -> Self {
        let (old, new) = (Origin::saying("old"), Origin::saying("new"));
        let plan = plan(&old, &new, percent, tables);
        let house = plan.start_in(folder).await.unwrap();
        Self { old, new, house }
    }

    /// Ends the house and starts another one on the same folder, with this percent in its file.
    pub(crate) async fn again(self, percent: &str) -> Self {
        Self::in_folder(self.house.stop().await, percent, "").await
    }

    /// Saves the file with another percent.
    pub(crate) async fn save(&self, percent: &str) {
        let rest = plan(&self.old, &self.new, percent, "").rest;
        self.house.save(&rest).await;
    }

    pub(crate) fn port(&self) -> SocketAddr {
        self.house.app.admin
    }

    /// Sends a head as it is, with this body, to the admin port.
    pub(crate) async fn raw(&self, first: &str, lines: &[&str], body: &str) -> Answer {
        let mut text = format!("{first} HTTP/1.1\r\n");
        for line in lines {
            text.push_str(line);
            text.push_str("\r\n");
        }
        if !body.is_empty() {
            text.push_str(&format!("content-length: {}\r\n", body.len()));
        }
        let mut client = Client::new(self.port()).await;
        client.send(format!("{text}\r\n{body}")).await;
        client.read().await.unwrap()
    }

    /// Posts JSON as a friend would.
    pub(crate) async fn post(&self, what: &str, body: &Value) -> Result<Applied, Problem> {
        let host = format!("host: {}", self.port());
        let lines = [&*host, "content-type: application/json"];
        let first = format!("POST /api/v1/{what}");
        let answer = self.raw(&first, &lines, &body.to_string()).await;
        if answer.status == 200 {
            return Ok(serde_json::from_slice(&answer.body).unwrap());
        }
        let problem: Problem = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(problem.status, answer.status);
        assert_eq!(answer.get("content-type"), Some("application/problem+json"));
        Err(problem)
    }

    /// An order to the ramp of the route.
    pub(crate) async fn ramp(&self, order: &str) -> Result<Applied, Problem> {
        let body = json!({ "route": "all", "order": order });
        self.post("ramp", &body).await
    }

    pub(crate) async fn route(&self) -> RouteState {
        self.get("/api/v1/routes/all").await
    }

    /// Waits until the route is so.
    pub(crate) async fn route_is(
        &self,
        what: &str,
        is: impl Fn(&RouteState) -> bool,
    ) -> RouteState {
        let wait = async {
            loop {
                let route = self.route().await;
                if is(&route) {
                    return route;
                }
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        };
        soon(what, wait).await
    }

    pub(crate) async fn rollback(&self) -> Applied {
        self.post("rollback", &json!({})).await.unwrap()
    }

    pub(crate) async fn shift(&self, percent: f64) -> Result<Applied, Problem> {
        let body = json!({ "route": "all", "percent": percent });
        self.post("shift", &body).await
    }

    pub(crate) async fn get<T: serde::de::DeserializeOwned>(&self, path: &str) -> T {
        let host = format!("host: {}", self.port());
        let answer = self.raw(&format!("GET {path}"), &[&host], "").await;
        serde_json::from_slice(&answer.body)
            .unwrap_or_else(|error| panic!("{error}: {}", answer.text()))
    }

    pub(crate) async fn state(&self) -> State {
        self.get("/api/v1/state").await
    }

    pub(crate) async fn journal(&self) -> Journal {
        self.get("/api/v1/journal").await
    }

    /// Hundredths of a percent that workers act on.
    pub(crate) fn in_force(&self) -> u16 {
        self.house.app.publisher.current().routes[0]
            .split
            .hundredths()
    }

    pub(crate) fn why(&self) -> String {
        self.house.standing().forces["all"].to_string()
    }

    /// Waits until this is in force; gives the time that it took.
    pub(crate) async fn comes_to(&self, hundredths: u16) -> std::time::Duration {
        let begun = std::time::Instant::now();
        let what = format!("{hundredths} in force");
        eventually(&what, || self.in_force() == hundredths).await;
        assert!(begun.elapsed() < DEADLINE);
        begun.elapsed()
    }
}

fn plan(old: &Origin, new: &Origin, percent: &str, tables: &str) -> Plan {
    let percent = percent.parse().unwrap();
    let mut plan = Plan::sides(old, new, percent, "");
    plan.rest = format!("{tables}{}", plan.rest);
    plan
}
