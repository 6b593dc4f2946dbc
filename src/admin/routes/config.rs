//! `GET /api/v1/config`: the text that is in force, without its secrets.

use axum::Json;
use axum::extract::State;

use crate::admin::report::{Report, of_config};
use crate::admin::view::View;
use crate::api::ConfigText;
use crate::config::redacted;

pub(in crate::admin) async fn config(State(view): State<View>) -> Json<ConfigText> {
    let stands = of_config(&Report::of(&view).standing);
    Json(ConfigText {
        file: view.file.display().to_string(),
        status: stands.status,
        text: redacted(&view.text.load()),
        needs_restart: stands.needs_restart,
    })
}
