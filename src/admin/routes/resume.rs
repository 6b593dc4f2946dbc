//! `POST /api/v1/resume`: rollbacks are over, and so is the file KILL.

use axum::extract::{Request, State};
use axum::response::Response;

use crate::admin::view::View;
use crate::admin::{body, refusal};
use crate::api::Resume;
use crate::control::What;

pub(in crate::admin) async fn resume(State(view): State<View>, request: Request) -> Response {
    let asked = body::json::<Resume>(&view, request).await;
    let asked =
        asked.and_then(|asked| Ok((body::reason(asked.reason)?, asked.route, asked.if_epoch)));
    match asked {
        Ok((reason, route, if_epoch)) => {
            refusal::answer(&view, What::Resume { route }, reason, if_epoch).await
        }
        Err(answer) => *answer,
    }
}
