//! `POST /api/v1/rollback`: the candidate gets nothing from now on, whatever the file says.

use axum::extract::{Request, State};
use axum::response::Response;

use crate::admin::view::View;
use crate::admin::{body, refusal};
use crate::api::Rollback;
use crate::control::What;

pub(in crate::admin) async fn rollback(State(view): State<View>, request: Request) -> Response {
    let asked = body::json::<Rollback>(&view, request).await;
    let asked =
        asked.and_then(|asked| Ok((body::reason(asked.reason)?, asked.route, asked.if_epoch)));
    match asked {
        Ok((reason, route, if_epoch)) => {
            refusal::answer(&view, What::Rollback { route }, reason, if_epoch).await
        }
        Err(answer) => *answer,
    }
}
