//! `POST /api/v1/ramp`: an operator's word on the ramp of a route.

use axum::extract::{Request, State};
use axum::response::Response;

use crate::admin::view::View;
use crate::admin::{body, refusal};
use crate::api::{Ramp, RampOrder};
use crate::control::{Order, What};

pub(in crate::admin) async fn ramp(State(view): State<View>, request: Request) -> Response {
    match read(&view, request).await {
        Ok((what, reason, if_epoch)) => refusal::answer(&view, what, reason, if_epoch).await,
        Err(answer) => *answer,
    }
}

async fn read(view: &View, request: Request) -> Result<(What, String, Option<u64>), Box<Response>> {
    let asked = body::json::<Ramp>(view, request).await?;
    let reason = body::reason(asked.reason)?;
    let order = match asked.order {
        RampOrder::Start => Order::Start,
        RampOrder::Pause => Order::Pause,
        RampOrder::Resume => Order::Resume,
        RampOrder::Promote => Order::Promote,
        RampOrder::Abort => Order::Abort,
    };
    let what = What::Ramp {
        route: asked.route,
        order,
    };
    Ok((what, reason, asked.if_epoch))
}
