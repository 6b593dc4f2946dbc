//! The account, and the endpoints of its Serverless.

use serde_json::Value;

use super::Key;
use super::field::{exact, id, number, text};
use super::trouble::{Trouble, TroubleKind};

/// Who pays.
#[derive(Debug, Clone, PartialEq)]
pub struct Account {
    /// The user, if it is told.
    pub id: Option<u64>,
    /// Dollars that are left; at 0 all instances are stopped.
    pub credit: Option<f64>,
    /// Dollars, as the account counts them.
    pub balance: Option<f64>,
}

/// An endpoint of Serverless.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerlessEndpoint {
    /// Its number.
    pub id: u64,
    /// Its name, by which a worker is asked for.
    pub endpoint_name: String,
    /// Its own key, which ends after some days. Not the account's.
    pub api_key: Option<Key>,
    /// `active`, `suspended` or `stopped`.
    pub endpoint_state: Option<String>,
}

impl Account {
    pub(super) fn read(body: &Value) -> Self {
        Self {
            id: id(body, "id"),
            credit: number(body, "credit"),
            balance: number(body, "balance"),
        }
    }
}

impl ServerlessEndpoint {
    /// All that have a name and a number; the others cannot be asked for.
    ///
    /// # Errors
    ///
    /// There is no list.
    pub(super) fn read(asked: &'static str, body: &Value) -> Result<Vec<Self>, Trouble> {
        let Some(rows) = body.get("results").and_then(Value::as_array) else {
            return Err(Trouble::new(
                TroubleKind::Odd,
                asked,
                "no list of endpoints in it",
            ));
        };
        let read = |row: &Value| {
            Some(Self {
                id: id(row, "id")?,
                endpoint_name: exact(row, "endpoint_name")?,
                api_key: row
                    .get("api_key")
                    .and_then(Value::as_str)
                    .and_then(Key::new),
                endpoint_state: text(row, "endpoint_state").map(|state| state.to_ascii_lowercase()),
            })
        };
        Ok(rows.iter().filter_map(read).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn endpoints_are_read_and_their_keys_not_shown() {
        let body = json!({"success": true, "results": [
            {"id": 5, "endpoint_name": "shop-llm", "api_key": "correct-horse", "endpoint_state": "Active", "min_load": 1},
            {"id": 6.0, "endpoint_name": "other", "api_key": null},
            {"id": null, "endpoint_name": "x"}, {"id": 7}, 8,
        ]});
        let read = ServerlessEndpoint::read("/", &body).unwrap();
        assert_eq!(read.len(), 2);
        assert_eq!((read[0].id, &*read[0].endpoint_name), (5, "shop-llm"));
        assert_eq!(read[0].endpoint_state.as_deref(), Some("active"));
        assert_eq!(read[0].api_key, Key::new("correct-horse"));
        assert_eq!(read[1].api_key, None);
        assert!(!format!("{read:?}").contains("correct-horse"));
        assert!(ServerlessEndpoint::read("/", &json!({"result": {}})).is_err());
        let account =
            Account::read(&json!({"id": 9, "credit": "12.5", "balance": 0, "api_key": "x"}));
        assert_eq!(
            (account.id, account.credit, account.balance),
            (Some(9), Some(12.5), Some(0.0))
        );
    }
}
