//! `POST /api/v1/rollback`: the candidate gets nothing from now on, whatever the file says,
//! and what still runs there is cut if asked.

use axum::extract::{Request, State};
use axum::response::Response;

use crate::admin::view::View;
use crate::admin::{body, refusal};
use crate::api::Rollback;
use crate::control::What;

pub(in crate::admin) async fn rollback(State(view): State<View>, request: Request) -> Response {
    let asked = body::json::<Rollback>(&view, request)
        .await
        .and_then(|asked| {
            let (route, hard) = (asked.route, asked.hard);
            let reason = body::reason(asked.reason)?;
            Ok((What::Rollback { route, hard }, reason, asked.if_epoch))
        });
    match asked {
        Ok((what, reason, if_epoch)) => refusal::answer(&view, what, reason, if_epoch).await,
        Err(answer) => *answer,
    }
}
