//! `POST /api/v1/shift`: another share for a candidate, without the file.

use axum::extract::{Request, State};
use axum::response::Response;

use crate::admin::view::View;
use crate::admin::{body, refusal};
use crate::api::Shift;
use crate::config::scalar::{Given, Percent, Scalar as _};
use crate::control::What;

pub(in crate::admin) async fn shift(State(view): State<View>, request: Request) -> Response {
    match read(&view, request).await {
        Ok((what, reason, if_epoch)) => refusal::answer(&view, what, reason, if_epoch).await,
        Err(answer) => *answer,
    }
}

async fn read(view: &View, request: Request) -> Result<(What, String, Option<u64>), Box<Response>> {
    let asked = body::json::<Shift>(view, request).await?;
    let reason = body::reason(asked.reason)?;
    let percent = Percent::read(Given::Float(asked.percent))
        .map_err(|refusal| body::bad(&format!("`percent`: {refusal}")))?;
    let what = What::Shift {
        route: asked.route,
        hundredths: percent.hundredths(),
        force: asked.force,
    };
    Ok((what, reason, asked.if_epoch))
}
