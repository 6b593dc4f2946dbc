//! The list of instances, page by page: which to ask for, and what a page holds.

use std::collections::HashSet;
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::Instance;
use super::client::Filter;
use super::field::{exact, id};
use super::trouble::{Trouble, TroubleKind as Kind};

/// The most that a page has.
const LIMIT: u32 = 25;
/// A longer filter is left out: everything is asked for then, and sorted here.
const LONGEST_FILTER: usize = 2_000;

/// Five thousand instances, and more than three minutes.
const MOST_PAGES: usize = 200;

/// The pages that have been asked for.
#[derive(Debug, Default)]
pub(super) struct Pages(HashSet<String>);

impl Pages {
    /// The token to go on with.
    ///
    /// # Errors
    ///
    /// It was there before, or there is no end.
    pub(super) fn follow(&mut self, asked: &'static str, next: String) -> Result<String, Trouble> {
        let endless = |why: String| Err(Trouble::new(Kind::Endless, asked, why));
        if !self.0.insert(next.clone()) {
            return endless("the same page comes again".to_owned());
        }
        match self.0.len() < MOST_PAGES {
            true => Ok(next),
            false => endless(format!("no end after {MOST_PAGES} pages")),
        }
    }
}

/// A page.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) instances: Vec<Instance>,
    /// Where the next one begins.
    pub(super) next: Option<String>,
    /// How many there are on all pages, if it says so.
    pub(super) total: Option<u64>,
}

/// The query for the page after this token. By id, so that what comes meanwhile comes at the end.
pub(super) fn query(filter: &Filter, after: Option<&str>) -> String {
    let order = json!([{"col": "id", "dir": "asc"}]).to_string();
    let mut query = format!("?limit={LIMIT}&order_by={}", escaped(&order));
    let filter = match filter {
        Filter::All => None,
        Filter::Labels(labels) => match labels.as_slice() {
            [label] => Some(json!({"label": {"eq": label}})),
            labels => Some(json!({"label": {"in": labels}})),
        },
        Filter::Ids(ids) => Some(json!({"id": {"in": ids}})),
    };
    let filter = filter.map(|filter| escaped(&filter.to_string()));
    if let Some(filter) = filter.filter(|filter| filter.len() <= LONGEST_FILTER) {
        query += "&select_filters=";
        query += &filter;
    }
    if let Some(after) = after {
        query += "&after_token=";
        // Bare, though all else here is JSON: so do Vast.ai's own clients.
        query += &escaped(after);
    }
    query
}

/// Reads a page of an API that is on this machine itself, or not.
///
/// # Errors
///
/// It is not in the shape of one. A row without an id counts as that: to leave it out would be to lose an instance.
pub(super) fn read(asked: &'static str, body: &Value, api_is_here: bool) -> Result<Page, Trouble> {
    let odd = |what: &str| Trouble::new(Kind::Odd, asked, what);
    let rows = body.get("instances").and_then(Value::as_array);
    let rows = rows.ok_or_else(|| odd("no list of instances in it"))?;
    let instances = rows.iter().map(|row| Instance::read_from(row, api_is_here));
    let instances = instances.collect::<Option<_>>();
    let next = match body.get("next_token") {
        None | Some(Value::Null) => None,
        Some(Value::String(_)) => exact(body, "next_token"),
        Some(Value::Number(number)) => Some(number.to_string()),
        Some(_) => return Err(odd("its next_token is no token")),
    };
    Ok(Page {
        instances: instances.ok_or_else(|| odd("an instance without an id"))?,
        next,
        total: id(body, "total_instances"),
    })
}

/// All but what stands for itself in a query, as `%XX`.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() * 2);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(byte.into());
        } else if write!(escaped, "%{byte:02X}").is_err() {
            break;
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_filter_is_escaped_json() {
        let order = "?limit=25&order_by=%5B%7B%22col%22%3A%22id%22%2C%22dir%22%3A%22asc%22%7D%5D";
        assert_eq!(query(&Filter::All, None), order);
        let label = Filter::Labels(vec!["a&b ü".to_owned()]);
        let filter = "%7B%22label%22%3A%7B%22eq%22%3A%22a%26b%20%C3%BC%22%7D%7D";
        assert_eq!(
            query(&label, None),
            format!("{order}&select_filters={filter}")
        );
        let labels = Filter::Labels(vec!["a".to_owned(), "b".to_owned()]);
        assert!(
            query(&labels, None)
                .ends_with("%7B%22label%22%3A%7B%22in%22%3A%5B%22a%22%2C%22b%22%5D%7D%7D")
        );
        let ids = query(&Filter::Ids(vec![7]), Some("t+1/\"="));
        assert!(
            ids.ends_with("%7B%22id%22%3A%7B%22in%22%3A%5B7%5D%7D%7D&after_token=t%2B1%2F%22%3D"),
            "{ids}"
        );
        let many = Filter::Ids((0..10_000).collect());
        assert_eq!(query(&many, None), order);
    }

    #[test]
    fn pages_have_an_end() {
        let mut pages = Pages::default();
        let mut follow = |n: usize| pages.follow("/", n.to_string());
        assert!((1..MOST_PAGES).all(|n| follow(n).is_ok()));
        let endless = follow(MOST_PAGES).unwrap_err();
        assert_eq!(endless.to_string(), "/: no end after 200 pages");
        assert_eq!(
            follow(7).unwrap_err().to_string(),
            "/: the same page comes again"
        );
    }

    #[test]
    fn a_page_is_read_or_refused() {
        let page = read(
            "/",
            &json!({"instances": [{"id": 1}], "next_token": "x"}),
            false,
        )
        .unwrap();
        assert_eq!((page.instances.len(), page.next.as_deref()), (1, Some("x")));
        for next in [json!(null), json!("")] {
            let page = read("/", &json!({"instances": [], "next_token": next}), false).unwrap();
            assert_eq!((page.instances.len(), page.next), (0, None));
        }
        for body in [
            json!({}),
            json!({"instances": null}),
            json!({"instances": {"id": 1}}),
            json!({"instances": [{"id": null}]}),
            json!({"instances": [null]}),
            json!({"instances": [], "next_token": {}}),
        ] {
            assert_eq!(
                read("/", &body, false).unwrap_err().kind(),
                Kind::Odd,
                "{body}"
            );
        }
    }
}
